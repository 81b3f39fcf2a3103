"""Caption files in every common form, read to one form; the contents tell which form it is.

* COCO: JSON of "images" and "annotations"; Karpathy's ``dataset_<name>.json``: JSON of "images" with "sentences"
* Flickr8k, Flickr30k: ``name.jpg#number``, a tab, the caption
* Kaggle's Flickr30k: ``name.jpg| number| caption``
* a table of one's own: CSV with a heading, such as Kaggle's ``image,caption`` for Flickr8k, or JSON of records
  with the same fields, or of {image: caption or captions}. A column ``split`` may say train, val or test.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from lrcn_utils.data import text
from lrcn_utils.data.report import Report

IMAGE = ("image", "image_name", "file", "file_name", "filename", "path")
CAPTION = ("caption", "captions", "comment", "sentence", "text")
SPLITS = {"training": "train", "validation": "val", "valid": "val", "dev": "val", "testing": "test"}
# The official Flickr8k has one name with an addition, x.jpg.1#0, whose captions 1 to 4 are those of x.jpg.
TOKEN = re.compile(r"([^\t]+?\.[a-z]+)(?:\.\d+)?#(\d+)\t(.*)", re.IGNORECASE)
# The Flickr30k of Kaggle has one line without the second bar.
BARS = re.compile(r"([^|]+\.[a-z]+)\s*\|\s*(\d+)\s*\|?\s*(.*)", re.IGNORECASE)


class CaptionFile:
    """What a caption file says: the images' ``names`` {id: name}, their ``splits`` {id: split} where they are told,
    and the ``captions`` (where in the file, id, text). Where a form has no ids, the name is the id.
    """

    def __init__(self, path: Path, report: Report):
        self.path, self.report = path, report
        self.names: dict[str, str] = {}
        self.splits: dict[str, str] = {}
        self.captions: list[tuple[str, str, object]] = []
        self._seen: dict[tuple[str, str, str], int] = {}

    def image(self, where: str, key: str, name: str, split: object = None) -> None:
        """An image; of two names or two splits of one id the first is used."""
        self._first(where, self.names, key, plain(name))
        if split:
            split = str(split).strip().lower()
            self._first(where, self.splits, key, SPLITS.get(split, split))

    def _first(self, where: str, values: dict[str, str], key: str, value: str) -> None:
        if values.setdefault(key, value) != value:
            problem = f"{self.path.name}, {where}: image {key} is {value} here, and {values[key]} before"
            self.report.add(problem, "image told twice", "the first is used")

    def caption(self, where: str, key: str, words: object, number: object = "") -> None:
        """A caption; one that stands twice is used once. Two people may write the same, under two numbers."""
        entry = key, str(number), " ".join(str(words).split())
        self._seen[entry] = self._seen.get(entry, 0) + 1
        if self._seen[entry] == 1:
            self.captions.append((where, key, words))

    def fault(self, where: str, problem: str, kind: str) -> None:
        self.report.add(f"{self.path.name}, {where}: {problem}", kind, "left out")

    def done(self) -> "CaptionFile":
        if doubled := sum(count > 1 for count in self._seen.values()):
            self.report.note(f"{self.path.name}: captions that stand twice, and are used once: {doubled}")
        return self


def read_captions(path: Path | str, report: Report) -> CaptionFile:
    """All that a caption file of any form says; what cannot be used is left out, one line each in ``report``.

    Raises FileNotFoundError when it is missing; a file of no known form is one problem, and empty.
    """
    found = CaptionFile(Path(path), report)
    try:
        if found.path.suffix.lower() == ".json":
            _read_json(found, text.read_json(path))
        else:
            _read_lines(found, text.read_lines(path))
        if not found.names and not len(report):
            raise ValueError(f"{found.path.name}: there is no image in it; the first line of a table names its columns")
    except ValueError as error:
        report.add(str(error), "broken file", "the rest of it is not used")
    return found.done()


def plain(name: object) -> str:
    """A file's name as it is compared: without blanks around it, with "/" between folders, the suffix in lower case."""
    stem, dot, suffix = str(name).strip().replace("\\", "/").removeprefix("./").rpartition(".")
    return f"{stem}.{suffix.lower()}" if dot else suffix


def _read_json(found: CaptionFile, content: object) -> None:
    if isinstance(content, dict) and "annotations" in content:
        read_coco_content(found, content)
    elif isinstance(content, dict) and isinstance(content.get("images"), list):
        _read_karpathy(found, content["images"])
    elif isinstance(content, dict):
        _read_records(found, ((f"image {name}", {"file": name, "caption": some}) for name, some in content.items()))
    elif isinstance(content, list):
        _read_records(found, ((f"record [{i}]", record) for i, record in enumerate(content)))
    else:
        raise ValueError(f"{found.path.name}: has neither COCO's form nor records of image and caption")


def read_coco_content(found: CaptionFile, content: object) -> None:
    """The images and annotations of COCO's form. Raises ValueError where there are no such lists."""
    for field in ("images", "annotations"):
        if not isinstance(content, dict) or not isinstance(content.get(field), list):
            raise ValueError(f"{found.path.name}: has no list '{field}'; is it a COCO captions file?")
    for i, image in enumerate(content["images"]):
        if isinstance(image, dict) and {"id", "file_name"} <= image.keys():
            found.image(f"images[{i}]", str(image["id"]), image["file_name"], image.get("split"))
        else:
            found.fault(f"images[{i}]", "needs 'id' and 'file_name'", "malformed image")
    for i, annotation in enumerate(content["annotations"]):
        if isinstance(annotation, dict) and "image_id" in annotation:
            words, number = annotation.get("caption"), annotation.get("id", "")
            found.caption(f"annotations[{i}]", str(annotation["image_id"]), words, number)
        else:
            found.fault(f"annotations[{i}]", "needs 'image_id'", "malformed caption")


def _read_karpathy(found: CaptionFile, images: list) -> None:
    for i, image in enumerate(images):
        if not isinstance(image, dict) or not {"filename", "split"} <= image.keys():
            found.fault(f"images[{i}]", "needs 'filename' and 'split', as Karpathy's files have", "malformed image")
            continue
        name = "/".join(str(part) for part in (image.get("filepath"), image["filename"]) if part)
        found.image(f"images[{i}]", plain(name), name, image["split"])
        sentences = image.get("sentences")
        for number, sentence in enumerate(sentences if isinstance(sentences, list) else []):
            words = sentence.get("raw") if isinstance(sentence, dict) else sentence
            found.caption(f"images[{i}].sentences[{number}]", plain(name), words, number)


def _read_lines(found: CaptionFile, lines: list[str]) -> None:
    form = next((form for form in (TOKEN, BARS) if any(form.fullmatch(line) for line in lines[:20])), None)
    if form is None:
        _read_records(found, ((f"line {number}", row) for number, row in text.read_csv(found.path)))
        return
    heading = form is BARS and not BARS.fullmatch(lines[0])
    for number, line in enumerate(lines[heading:], 1 + heading):
        if parts := form.fullmatch(line):
            found.image(f"line {number}", plain(parts[1]), parts[1])
            found.caption(f"line {number}", plain(parts[1]), parts[3], parts[2])
        elif line.strip():
            start, wanted = (
                re.split(r"[\t|]", line)[0][:60],
                "name.jpg#number" if form is TOKEN else "name.jpg| number|",
            )
            found.fault(f"line {number}", f"{start!r} is not {wanted}", "malformed id")


def _read_records(found: CaptionFile, records: Iterable[tuple[str, object]]) -> None:
    for where, record in records:
        fields = {str(key).strip().lower(): value for key, value in record.items()} if isinstance(record, dict) else {}
        name, words = (next((fields[n] for n in names if n in fields), None) for names in (IMAGE, CAPTION))
        if name is None or words is None:
            raise ValueError(
                f"{found.path.name}, {where}: needs the image and the caption; name the fields (or the columns, in the"
                f" first line) {IMAGE[0]} and {CAPTION[0]}"
            )
        if not str(name).strip():
            found.fault(where, "the image's name is empty", "malformed image")
        elif None in record:  # where csv puts the cells that are too many
            found.fault(where, "has more fields than the heading; put the caption between quotes", "malformed row")
        else:
            found.image(where, plain(name), name, fields.get("split"))
            for one in words if isinstance(words, list) else [words]:
                found.caption(where, plain(name), one, fields.get("comment_number", ""))
