"""Move every control that a notebook shows, as a hand on mouse and keyboard would."""


def move_sliders(notebook) -> int:
    """One step right and one left on every slider, with the keyboard; returns how many were moved."""
    handles = notebook.page.locator(".widget-slider .noUi-handle:visible")
    for number in range(handles.count()):
        before = handles.nth(number).get_attribute("aria-valuenow")
        for key, back in (("ArrowRight", "ArrowLeft"), ("ArrowLeft", "ArrowRight")):
            handles.nth(number).focus()
            notebook.page.keyboard.press(key)
            notebook.wait()
            if handles.nth(number).get_attribute("aria-valuenow") != before:
                notebook.page.keyboard.press(back)
                notebook.wait()
                break
        else:
            raise AssertionError(f"slider {number} of {notebook.name} does not move")
    return handles.count()


def walk_dropdowns(notebook, most: int = 4) -> int:
    """The first ``most`` options and the last of every drop-down list, then back to the first."""
    lists = notebook.page.locator(".widget-dropdown select:visible, .widget-select select:visible")
    for number in range(lists.count()):
        choices = lists.nth(number).locator("option").count()
        for choice in [*range(min(choices, most)), choices - 1, 0]:
            lists.nth(number).select_option(index=choice)
            notebook.wait()
    return lists.count()


def press_toggles(notebook) -> int:
    """Every check box twice, every radio and toggle button once, then back to the first of its group."""
    boxes = notebook.page.locator(".widget-checkbox input:visible")
    for number in range(boxes.count()):
        for _ in range(2):
            boxes.nth(number).click()
            notebook.wait()
    buttons = notebook.page.locator(".widget-toggle-button:visible, .widget-toggle-buttons button:visible")
    for number in range(buttons.count()):
        buttons.nth(number).click()
        notebook.wait()
    radios = notebook.page.locator(".widget-radio-box input:visible")
    for number in range(radios.count()):
        radios.nth(number).click()
        notebook.wait()
    return boxes.count() + buttons.count() + radios.count()


def move_everything(notebook) -> int:
    """All of the above on whatever the open notebook shows; returns the number of controls."""
    return move_sliders(notebook) + walk_dropdowns(notebook) + press_toggles(notebook)
