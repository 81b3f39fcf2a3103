"""The course as a site: `make site` turns the stored notebooks, as they are, into pages."""

import re
from pathlib import Path

from docutils import nodes
from first_cell import BINDER, COLAB, address, published, tag  # docs/tools is where build_site.py runs
from latex2mathml.converter import convert

project = "Long-term recurrent convolutional networks"
author = "The LRCN course"
html_title = "LRCN course"
extensions = ["myst_nb"]
nb_execution_mode = "off"
nb_merge_streams = True  # what one cell prints stands in one box
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_theme = "sphinx_book_theme"
html_theme_options = {
    "use_download_button": True,
    "show_navbar_depth": 1,
    "navbar_persistent": [],  # the search field stands in the sidebar already
}
if published():
    html_theme_options |= {
        "repository_url": address(),
        "repository_branch": tag(),
        "repository_provider": "github",
        "path_to_docs": "notebooks",
        "use_repository_button": True,
        "launch_buttons": {"colab_url": COLAB, "binderhub_url": BINDER},
    }
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_math_renderer = "mathml"


def mathml(latex: str, display: str) -> str:
    converted = convert(latex.replace("{aligned}", "{split}"), display=display)
    if "\\" in converted:
        raise ValueError(f"latex2mathml left a command as it was; write the formula otherwise: {latex}")
    return converted


def visit_inline(writer, node):
    writer.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_block(writer, node):
    writer.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>')
    raise nodes.SkipNode


ICON = re.compile(r'(?:"([a-z0-9-]+)"|\b([a-z0-9]+)):\[\d+,\d+,\[[^\]]*\],"[0-9a-f]+","[^"]*"\]')


def drop_unused_icons(app, error):
    """Keep of FontAwesome's icons those that the pages name: all of them weigh more than the rest of a page."""
    pages = "".join(page.read_text(encoding="utf-8") for page in Path(app.outdir).glob("*.html"))
    used = set(re.findall(r"fa-([a-z0-9-]+)", pages))
    script = Path(app.outdir, "_static", "scripts", "fontawesome.js")
    text = script.read_text(encoding="utf-8")
    kept = ICON.sub(
        lambda icon: icon[0] if (icon[1] or icon[2]) in used else f'"{icon[1] or icon[2]}":[0,0,[],"",""]', text
    )
    script.write_text(kept, encoding="utf-8", newline="\n")


def setup(app):
    app.connect("build-finished", drop_unused_icons)
    # MathML is drawn by the browser itself: equations need no script and no network.
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
