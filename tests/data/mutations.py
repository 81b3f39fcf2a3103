"""Damaged files for tests: a whole one of every form, and seeded mutations of it."""

import io
import json
from collections.abc import Iterator

import numpy as np
from PIL import Image

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
EXIF = Image.Exif()
EXIF[0x0112] = 6


def image(form: str, **options) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(PIXELS)
    (picture.quantize(32) if form == "gif" else picture).save(file, form, **options)
    return file.getvalue()


IMAGES = {
    "a.png": image("png", exif=EXIF),
    "a.jpg": image("jpeg", exif=EXIF),
    "a.gif": image("gif", save_all=True, append_images=[Image.fromarray(PIXELS[::-1])]),
    "a.bmp": image("bmp"),
    "a.tif": image("tiff", compression="tiff_lzw"),
    "a.webp": image("webp", exif=EXIF),
}
COCO = {
    "images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(4)],
    "annotations": [{"id": i, "image_id": i // 2, "caption": f"A dog, number {i} ."} for i in range(8)],
}
KARPATHY = {
    "images": [
        {"filename": f"{i}.jpg", "filepath": "x", "split": "train", "sentences": [{"raw": "A dog ."}]} for i in range(4)
    ]
}
CAPTIONS = {
    "coco.json": json.dumps(COCO).encode(),
    "karpathy.json": json.dumps(KARPATHY).encode(),
    "records.json": json.dumps([{"file": f"{i}.jpg", "caption": "A dog ."} for i in range(4)]).encode(),
    "mapping.json": json.dumps({f"{i}.jpg": ["A dog .", "A cat ."] for i in range(4)}).encode(),
    "captions.txt": b"image,caption\n" + b"".join(b'%d.jpg,"A dog, again ."\n' % i for i in range(4)),
    "results.csv": b"image_name| comment_number| comment\n" + b"".join(b"%d.jpg| 0| A dog .\n" % i for i in range(4)),
    "tokens.txt": b"".join(b"%d.jpg#%d\tA dog .\n" % (i, k) for i in range(4) for k in range(2)),
}
SLOTS = ("activity", "tool", "object", "source", "target")
CRF = "video,slot,state,probability,map\n" + "".join(
    f"v{v},{slot},{state},{p},{int(p > 0.5)}\n"
    for v in range(2)
    for slot in SLOTS
    for state, p in (("a", 0.9), ("b", 0.1))
)
TABLES = {
    "crf.csv": CRF.encode(),
    "tuples.csv": b"video,activity,tool,object,source,target\nv0,cut,knife,carrot,none,board\nv1,a,b,c,d,e\n",
}
PIECES = [
    b"",
    b"\0",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\t",
    b"|",
    b"#",
    b"[",
    b"{",
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b"\xff\xfe",
]


def mutations(whole: bytes, count: int, seed: int) -> Iterator[bytes]:
    """``count`` damaged copies: cut short, bytes changed, pieces put in, taken out or doubled."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        content, kind = bytearray(whole), number % 5
        for _ in range(rng.integers(1, 8) if kind else 1):
            start = int(rng.integers(len(content) + 1))
            stop = start + int(rng.integers(1, 9))
            if kind == 0:
                del content[start:]
            elif kind == 1:
                content[start:stop] = rng.bytes(len(content[start:stop]))
            elif kind == 2:
                content[start:start] = PIECES[rng.integers(len(PIECES))]
            elif kind == 3:
                del content[start:stop]
            else:
                content[start:start] = content[: rng.integers(1, 40)]
        yield bytes(content)
