"""Move every control that a notebook shows, as a hand on mouse and keyboard would, and time the answers."""

import time

SHOWN = "all => JSON.stringify(all.map(view => view.src ?? view.innerHTML))"
VIEWS = ".jupyter-widgets.widget-image, .jupyter-widgets.widget-html-content"
CHANGED = f"""before => JSON.stringify([...document.querySelectorAll('{VIEWS}')]
    .map(view => view.src ?? view.innerHTML)) !== before"""


class Hand:
    """Moves controls of one open notebook; ``answers`` holds the milliseconds until the view had changed."""

    def __init__(self, notebook):
        self.notebook, self.page = notebook, notebook.page
        self.moved, self.answers = 0, []

    def act(self, move) -> None:
        """Do ``move``, time it until a view changes (a move may also change nothing), let the kernel finish."""
        before = self.page.eval_on_selector_all(VIEWS, SHOWN)
        began = time.perf_counter()
        move()
        try:
            self.page.wait_for_function(CHANGED, arg=before, timeout=1500)
            self.answers.append(1000 * (time.perf_counter() - began))
        except Exception as slow:
            if "Timeout" not in type(slow).__name__:
                raise
        self.notebook.wait()

    def move_sliders(self) -> None:
        """One step and back on every slider, with the keyboard."""
        handles = self.page.locator(".widget-slider .noUi-handle:visible")
        for number in range(handles.count()):
            handle = handles.nth(number)
            before = handle.get_attribute("aria-valuenow")
            for key, back in (("ArrowRight", "ArrowLeft"), ("ArrowLeft", "ArrowRight")):
                handle.focus()
                self.act(lambda key=key: self.page.keyboard.press(key))
                if handle.get_attribute("aria-valuenow") != before:
                    self.act(lambda back=back: self.page.keyboard.press(back))
                    break
            else:
                raise AssertionError(f"slider {number} of {self.notebook.name} does not move")
            self.moved += 1

    def walk_lists(self, most: int = 3) -> None:
        """The first ``most`` options and the last of every drop-down list, then back to the first."""
        lists = self.page.locator(".widget-dropdown select:visible, .widget-select select:visible")
        for number in range(lists.count()):
            choices = lists.nth(number).locator("option").count()
            for choice in dict.fromkeys([*range(1, min(choices, most)), choices - 1, 0]):
                self.act(lambda choice=choice, number=number: lists.nth(number).select_option(index=choice))
            self.moved += 1

    def press(self) -> None:
        """Every check box twice, every toggle and radio button once."""
        boxes = self.page.locator(".widget-checkbox input:visible")
        toggles = self.page.locator(".widget-toggle-button:visible, .widget-toggle-buttons button:visible")
        radios = self.page.locator(".widget-radio-box input:visible")
        for group, times in ((boxes, 2), (toggles, 1), (radios, 1)):
            for number in range(group.count()):
                for _ in range(times):
                    self.act(group.nth(number).click)
                self.moved += 1

    def move_everything(self) -> None:
        self.move_sliders()
        self.walk_lists()
        self.press()
