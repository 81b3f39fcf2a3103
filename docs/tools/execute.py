"""Execute notebooks in place, as `make notebooks` does: fresh kernel, top to bottom, clean outputs, measured minutes.

python docs/tools/execute.py        all notebooks
python docs/tools/execute.py 03     the one whose name starts with 03
"""

import base64
import io
import math
import os
import re
import sys
import time
from pathlib import Path

import course_map
import lesson_minutes
import nbformat
from first_cell import NOTEBOOKS, put_first_cell, put_link
from nbclient import NotebookClient
from PIL import Image

from lrcn_utils.checks.exercise import PROGRESS

MEASURED = re.compile(r"<!-- measured -->.*?<!-- /measured -->", re.DOTALL)
PATHS = re.compile(r"(/(home|root|work|tmp|Users)/|[A-Z]:\\Users)")
PEAK_MEMORY = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
LARGE = 80_000  # characters of a figure, some 60 kB: below that all its colours are kept
KEPT = ("tags", "mystnb")  # of a cell's metadata; "mystnb" holds the alternative text of its figure
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET = "widget"  # the tag of a cell that shows one: the browser tests run these cells and what they need


def execute(path: Path) -> None:
    """Run ``path`` and write it back with its outputs; it is left untouched when a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    put_first_cell(notebook)
    put_link(notebook, path.name)
    probe = nbformat.v4.new_code_cell(PEAK_MEMORY)
    notebook.cells.append(probe)
    os.environ["COLUMNS"] = "100"
    (path.parent / PROGRESS).unlink(missing_ok=True)  # what the solutions have passed is nobody's progress
    began = time.perf_counter()
    NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        coalesce_streams=True,  # what is printed in one cell is one output, however it arrived
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    seconds = time.perf_counter() - began
    gigabytes = int(probe.outputs[0].text) / 1024**2
    notebook.cells.pop()
    clean(notebook)
    write_measured(notebook, seconds, gigabytes)
    notebook.cells[0].source = lesson_minutes.header(notebook)
    complaints = faults(notebook)
    if complaints:
        raise SystemExit(f"{path.name} is not fit to be stored:\n  " + "\n  ".join(complaints))
    nbformat.write(notebook, path)
    print(f"{path.name}: {seconds:.0f} s, {gigabytes:.2f} GB", flush=True)


def clean(notebook) -> None:
    """Drop what changes from run to run and what no reader sees."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    count = 0
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
        if cell.cell_type != "code":
            continue
        # The view of a live widget is nothing on paper; its static twin stands in the next cell.
        kept = [output for output in cell.outputs if WIDGET_VIEW not in output.get("data", {})]
        tags = [tag for tag in cell.metadata.pop("tags", []) if tag != WIDGET]
        if tags := tags + [WIDGET] * (len(kept) < len(cell.outputs)):
            cell.metadata["tags"] = tags
        cell.outputs = kept
        for output in cell.outputs:
            shrink(output)
            output.pop("metadata", None) if output.output_type == "stream" else output.update(metadata={})
        if cell.source.strip():
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count


def shrink(output) -> None:
    """Keep a large figure in 256 colours where that is smaller: a page of the site may load 3 MB at most."""
    figure = output.get("data", {}).get("image/png", "")
    if len(figure) < LARGE:
        return
    picture, small = Image.open(io.BytesIO(base64.b64decode(figure))), io.BytesIO()
    # One round of k-means: the colours of the median cut alone turn a red pot's highlight orange.
    picture.convert("RGB").quantize(256, kmeans=1).save(small, format="png", optimize=True)
    encoded = base64.b64encode(small.getvalue()).decode()
    output.data["image/png"] = min(figure, encoded, key=len)


def write_measured(notebook, seconds: float, gigabytes: float) -> None:
    """Put the measured minutes and memory between the two marks of the header."""
    minutes = max(0.5, math.ceil(2 * seconds / 60) / 2)
    words = f"{minutes:g} minute{'s' if minutes != 1 else ''} on two cores, {gigabytes:.1f} GB of memory"
    header = notebook.cells[0]
    header.source = MEASURED.sub(f"<!-- measured -->Computing: {words}.<!-- /measured -->", header.source)


def faults(notebook) -> list[str]:
    found = []
    if not MEASURED.search(notebook.cells[0].source):
        found.append("the header lacks <!-- measured --><!-- /measured -->")
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            text = str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            if output.get("name") == "stderr":
                found.append(f"cell {number} writes to stderr: {text[:200]!r}")
            if "<Figure" in text and "image/png" not in output.get("data", {}):
                found.append(f"cell {number} shows a figure as words: {text[:60]!r}")
            if PATHS.search(text):
                found.append(f"cell {number} shows a path of this machine: {text[:200]!r}")
    size = len(nbformat.writes(notebook))
    if size > 2_000_000:
        found.append(f"{size / 1e6:.1f} MB stored; 2 MB are allowed")
    return found


def main(prefix: str = "") -> None:
    chosen = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.name.startswith(prefix)]
    if not chosen:
        raise SystemExit(f"no notebook starts with '{prefix}'")
    for path in chosen:
        execute(path)
    course_map.update()


if __name__ == "__main__":
    main(*sys.argv[1:])
