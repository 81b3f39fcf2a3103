"""A page of pictures with their captions, to look at what a captioner gets right and what it gets wrong."""

import base64
import io
from html import escape
from pathlib import Path

from PIL import Image

from lrcn_utils.data import atomic
from lrcn_utils.data.image import read_image
from lrcn_utils.training.captioning.evaluation import Captioned

SIDE = 240  # pixels of the longer side of a picture
EACH = 12  # pictures in a part
STYLE = """
body { font: 16px/1.4 sans-serif; margin: 1.5rem auto; max-width: 72rem; padding: 0 1rem; color-scheme: light dark; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; } img { max-width: 100%; } figcaption b { display: block; } li { color: #6e6e6e; }
"""


def write_page(file: Path, found: Captioned) -> None:
    """Write one HTML file, pictures included: the best, the middle and the worst captions by CIDEr-D of the beam."""
    order = sorted(range(len(found.images)), key=lambda k: -found.cider_d[k])
    middle = max(0, len(order) // 2 - EACH // 2)
    parts = {"best": order[:EACH], "middle": order[middle : middle + EACH], "worst": order[::-1][:EACH]}
    shown = "".join(
        f"<h2>The {name} by CIDEr-D</h2><main>{''.join(_figure(found, k) for k in rows)}</main>"
        for name, rows in parts.items()
    )
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Captions</title><style>{STYLE}</style>'
    atomic.write_text(file, f"{head}<h1>Captions of {len(order)} images</h1>{shown}</html>\n")


def _figure(found: Captioned, k: int) -> str:
    written = "".join(f"<b>{escape(name)}: {escape(some[k])}</b>" for name, some in found.written.items())
    wanted = "".join(f"<li>{escape(one)}</li>" for one in found.images.captions[k])
    file = found.images.images[k]
    name = escape(file.name, quote=True)
    told = f"{written}CIDEr-D {found.cider_d[k]:.2f}<ul>{wanted}</ul>"
    picture = f'<img alt="{name}" src="{_picture(file)}">'
    return f"<figure>{picture}<figcaption>{told}</figcaption></figure>"


def _picture(file: Path) -> str:
    """The picture, made small, as an address that holds it."""
    small, bytes_ = Image.fromarray(read_image(file)), io.BytesIO()
    small.thumbnail((SIDE, SIDE))
    small.save(bytes_, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(bytes_.getvalue()).decode()
