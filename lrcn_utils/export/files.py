"""A part becomes a file, and the file is compared with the part: what is written was checked."""

import itertools
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lrcn_utils.export.parts import SIZES, Part
from lrcn_utils.export.recurrent import Layer, as_loop, as_operator, at_any_length, translations
from lrcn_utils.inference.exported import Session

FORMATS: dict[str, Layer] = {"onnx": as_operator, "pt2": as_loop}
MOST = 2**31 - 1  # of any free size; PyTorch 2.6 wants to hear of a bound
EXAMPLE = dict(zip(SIZES, range(3, 3 + len(SIZES)), strict=True))  # no two alike, so that none is taken for another
TRIED = (SIZES, EXAMPLE, dict(zip(SIZES, (2, 5, 4, 16, 8), strict=True)))  # the sizes at which a file is compared


def write(part: Part, file: Path) -> None:
    """Write ``part`` to ``file``, whose suffix names the format. Raises ImportError where a library is missing."""
    names = sorted({size for one in part.inputs.values() for size in one.shape if isinstance(size, str)})
    free = {name: torch.export.Dim(name, min=SIZES[name], max=MOST) for name in names}
    dynamic = tuple(
        {axis: free[size] for axis, size in enumerate(one.shape) if isinstance(size, str)}
        for one in part.inputs.values()
    )
    layer = FORMATS[file.suffix.removeprefix(".")]
    with warnings.catch_warnings(), torch.no_grad(), at_any_length(part, layer):
        warnings.simplefilter("ignore")  # PyTorch and ONNX Script on their own insides
        program = torch.export.export(part.eval(), part.example(EXAMPLE), dynamic_shapes=(dynamic,), strict=False)
        if file.suffix == ".pt2":
            torch.export.save(program, file)
            return
        onnx = torch.onnx.export(
            program,
            dynamo=True,
            dynamic_shapes=(dynamic,),
            input_names=list(part.inputs),
            output_names=part.outputs,
            custom_translation_table=translations(),
            verbose=False,
        )
        onnx.save(file, external_data=False)


def opset(folder: Path) -> int:
    """The version of ONNX's operators that the files of ``folder`` need."""
    import onnx

    found = (onnx.load(file, load_external_data=False) for file in sorted(folder.glob("*.onnx")))
    return max(one.version for model in found for one in model.opset_import if one.domain in ("", "ai.onnx"))


def difference(part: Part, file: Path) -> float:
    """The largest difference between what ``file`` gives and what ``part`` gives, at three sets of sizes.

    Of an output whose largest number exceeds 1, it is the share of that number.
    """
    run = _opened(file)
    return max(
        _largest(run(inputs), part(*inputs))
        for seed, sizes in enumerate(TRIED)
        for inputs in [part.example(sizes, seed)]
    )


def _opened(file: Path) -> Callable[[Sequence[Tensor]], list[np.ndarray]]:
    if file.suffix == ".pt2":
        program = torch.export.load(file).module()
        return lambda inputs: [found.detach().numpy() for found in program(*inputs)]
    session = Session(file)
    return lambda inputs: session(*(one.numpy() for one in inputs))


@torch.no_grad()
def _largest(found: Sequence[np.ndarray], expected: Sequence[Tensor]) -> float:
    return max(itertools.starmap(_apart, zip(found, (one.numpy() for one in expected), strict=True)))


def _apart(found: np.ndarray, expected: np.ndarray) -> float:
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return np.inf
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.where(found == expected, 0, np.abs(found - expected))  # the same infinity is no difference
    scale = max(1.0, np.abs(expected, where=np.isfinite(expected), out=np.zeros_like(expected)).max(initial=0))
    return float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0) / scale)
