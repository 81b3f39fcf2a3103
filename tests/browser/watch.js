// In the page: when a control was moved, and when the last of its views had changed (times in milliseconds).
() => {
  const views = '.jupyter-widgets.widget-image, .widget-html-content';
  const kinds = {
    slider: '.widget-slider', list: '.widget-dropdown, .widget-select', box: '.widget-checkbox',
    toggles: '.widget-toggle-buttons', text: '.widget-text', upload: '.widget-upload', play: '.widget-play',
    button: '.widget-button',
  };
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  let began = 0, ended = 0, worked = 0, changes = 0, started = 0, marked = 0;

  const change = () => { if (began) { ended = performance.now(); changes += 1; } };
  const inView = node => (node.nodeType === 1 ? node : node.parentElement)?.closest(views);
  const holdsView = node => node.nodeType === 1 && (node.matches(views) || node.querySelector(views));
  new MutationObserver(records => {
    if (records.some(record => inView(record.target) || [...record.addedNodes].some(holdsView))) change();
  }).observe(document.body, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['src'],
  });
  // A picture counts as changed when it is decoded, not when its address is set.
  document.addEventListener('load', event => { if (event.target.matches?.(views)) change(); }, true);
  for (const kind of ['keydown', 'mousedown', 'input', 'change'])
    document.addEventListener(kind, event => { if (started) began ||= event.timeStamp; }, true);
  kernel.statusChanged.connect(() => { worked = performance.now(); });

  const outputs = () => [...document.querySelectorAll('.jp-OutputArea-output')]
    .filter(output => output.querySelector('.jupyter-widgets'));
  // Some labels are kept open by an invisible space; a button for uploads counts its files.
  const label = node => [...node.querySelectorAll('.widget-label, .widget-label-basic'), node]
    .map(part => part.textContent.replace('\u200b', '').replace(/ \(\d+\)$/, '').trim()).find(text => text);

  window.watch = {
    controls() {
      const found = outputs().flatMap((output, view) => Object.entries(kinds).flatMap(([kind, selector]) =>
        [...output.querySelectorAll(selector)].map(node => ({node, view, kind}))));
      const usable = found.filter(({node, kind}) => node.offsetParent && !node.disabled
        && !node.querySelector('[disabled]:not(option)') && !(kind === 'button' && node.closest('.widget-toggle-buttons')));
      usable.sort((a, b) => a.node.compareDocumentPosition(b.node) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
      return usable.map(({node, view, kind}) => {
        node.dataset.hand ||= ++marked;
        return {view, kind, label: kind === 'play' ? 'play' : label(node), mark: node.dataset.hand};
      });
    },
    start() { began = ended = worked = changes = 0; started = performance.now(); },
    // The kernel answers in turn: what it was sent before has been worked on, however busy the machine is. Twice, as a
    // widget keeps a second message back until the first is answered.
    async answered() {
      for (const _ of [1, 2]) await kernel.requestExecute({code: '', silent: true}).done;
    },
    // Nothing moves any more, in the kernel or in the page.
    quiet() {
      const rest = performance.now() - Math.max(began, ended, worked, started);
      return kernel.status === 'idle' && rest > 150;
    },
    answer: () => ended ? ended - began : null,
    changes: () => changes,
    text: view => outputs()[view].innerText,
  };
}
