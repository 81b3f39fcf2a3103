"""Voila serves a notebook's explorers as an app, without code; its sliders move and its pictures follow."""

import sys

from lab import free_port, serving

NOTEBOOK = "05_retrieval_and_evaluation.ipynb"  # of the lessons with explorers the quickest


def test_explorers_answer_in_voila(course, page, tmp_path):
    port = free_port()
    options = [f"--port={port}", "--no-browser", "--VoilaExecutor.timeout=600", "--Voila.ip=127.0.0.1"]
    command = [sys.executable, "-m", "voila", str(course / NOTEBOOK), *options]
    # Voila's page asks a public address for its fonts and formulas; the widgets come from the server itself.
    page.route(lambda address: "127.0.0.1" not in address, lambda route: route.fulfill(body=""))
    with serving(command, port, tmp_path / "voila.log", {}) as address:
        page.goto(address, timeout=600_000, wait_until="domcontentloaded")
        handle = page.locator(".widget-slider .noUi-handle:visible, .widget-dropdown select:visible").first
        handle.wait_for(timeout=600_000)
        assert page.locator(".jp-CodeMirrorEditor:visible, .highlight pre:visible").count() == 0, "code is shown"
        before = page.eval_on_selector_all(".widget-image", "all => all.map(image => image.src)")
        if handle.evaluate("node => node.tagName") == "SELECT":
            handle.select_option(index=1)
        else:
            handle.focus()
            page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "before => [...document.querySelectorAll('.widget-image')].some((image, i) => image.src !== before[i])",
            arg=before,
            timeout=120_000,
        )
