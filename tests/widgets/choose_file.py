"""A file is chosen on the page: the message that an upload button then sends, in ipywidgets 7 and 8."""

from lrcn_utils.widgets.upload import Upload


def choose(upload: Upload, name: str, content: bytes) -> None:
    button, file = upload.button, {"name": name, "type": "", "size": len(content)}
    if hasattr(button, "_counter"):  # ipywidgets 7
        button.set_state({"metadata": [file], "data": [memoryview(content)], "_counter": button._counter + 1})
    else:
        button.set_state({"value": [{**file, "last_modified": 1000, "content": memoryview(content)}]})
