"""The folder of an exported model: its parts and ``export.json``, whole or not at all."""

import json
import tempfile
from importlib import metadata
from pathlib import Path

from lrcn_utils.data import atomic
from lrcn_utils.data.cache import digest
from lrcn_utils.environment import versions
from lrcn_utils.export.files import TRIED, difference, opset, write
from lrcn_utils.export.parts import Part, open_model
from lrcn_utils.inference.exported import CARD

TOLERANCE = 1e-4
LIBRARIES = ("onnx", "onnxscript", "onnxruntime")


def export(checkpoint: Path, out: Path, kind: str) -> None:
    """Write the model of ``checkpoint`` to the new folder ``out`` in the format ``kind``; a line for each part.

    Raises FileNotFoundError or ValueError for a checkpoint that cannot be exported, ValueError where ``out`` holds
    something or a part differs from PyTorch by more than ``TOLERANCE``, ImportError where a library is missing.
    """
    if missing := [name for name in LIBRARIES if kind == "onnx" and not _version(name)]:
        raise ImportError(f"export to ONNX needs the packages {', '.join(missing)}: the course's extra export")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out}: there is something in it; choose another --out, or remove it")
    model = open_model(checkpoint)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as beside:
        folder = Path(beside) / "model"
        folder.mkdir()
        parts = {part.name: _written(part, folder, kind) for part in model.parts}
        card = {
            "task": model.task,
            "format": kind,
            "checkpoint": {"file": checkpoint.name, "digest": digest(checkpoint)},
            "versions": versions() | {name: _version(name) for name in LIBRARIES if _version(name)},
            "opset": opset(folder) if kind == "onnx" else None,
            "tolerance": TOLERANCE,
            "largest_difference": max(part["largest_difference"] for part in parts.values()),
            "tried_sizes": [dict(sizes) for sizes in TRIED],
            "parts": parts,
            "config": model.config,
        }
        atomic.write_text(folder / CARD, json.dumps(card, indent=1))
        if out.exists():
            out.rmdir()  # it is empty
        folder.rename(out)
    print(f"wrote {out}: {len(parts)} parts, largest difference to PyTorch {card['largest_difference']:.1e}")


def _written(part: Part, folder: Path, kind: str) -> dict:
    """Write and check one part; what ``export.json`` says of it. Raises ValueError where it is not as PyTorch's."""
    file = folder / f"{part.name}.{kind}"
    write(part, file)
    apart = difference(part, file)
    print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB, largest difference to PyTorch {apart:.1e}", flush=True)
    if not apart <= TOLERANCE:
        raise ValueError(f"{file.name} differs from PyTorch by {apart:.1e}, more than {TOLERANCE:.0e}; nothing is kept")
    inputs = {name: {"shape": list(one.shape), "type": one.kind} for name, one in part.inputs.items()}
    return {"file": file.name, "inputs": inputs, "outputs": part.outputs, "largest_difference": apart}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
