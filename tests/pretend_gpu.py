"""A pretend GPU: tensors that lie on the CPU but carry the tag of a GPU, so that tests see a move that was forgotten.

The tag is an attribute of a tensor's storage: views share it, gradients and results follow it, and it dies with the
storage. Two modes hold to what CUDA does: ``_Places`` sees what is asked of Python (moves, factories, ``.device``,
``.numpy()``), ``_Operations`` every operation that is then carried out, in autograd's backward pass too.
Not seen: what happens in other threads, and ``torch.load``, which gives back tensors on the CPU.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lrcn_utils import environment

DEVICE = torch.device("cuda", 0)
NO_ARRAY = f"can't convert {DEVICE} device type tensor to numpy. Use Tensor.cpu() to copy it to host memory first."
SAME_DEVICE = f"Expected all tensors to be on the same device, but found at least two devices, {DEVICE} and cpu!"
ON_HOST = "'lengths' argument should be a 1D CPU int64 tensor, but got 1D cuda:0 Long tensor"
NO_GRADIENT = "cudnn RNN backward can only be called in training mode"
NO_GENERATOR = f"Expected a '{DEVICE.type}' device type for generator but found 'cpu'"

# Operations and arguments where CUDA takes tensors of the CPU too; "pointwise" ones take 0-dim tensors of the CPU.
ANYWHERE = {"aten::copy_", "aten::_foreach_copy_"}
TAKE_SCALARS = ("aten::_foreach", "aten::masked_fill", "aten::fill", "aten::index_put", "aten::_index_put")
INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_", "aten::_unsafe_index"}
HOST_ONLY = {"lengths", "batch_sizes"}  # the operands of packed sequences that lie on the CPU
PACKING = {"aten::_pack_padded_sequence"}  # its second result, the batch sizes, lies on the CPU too


@contextmanager
def gpu() -> Iterator[torch.device]:
    """The real GPU where there is one, else the pretend one; inside, ``environment.device()`` answers it."""
    device = torch.device(DEVICE.type)
    if torch.cuda.is_available():
        yield device
        return
    with (
        mock.patch.object(environment, "device", return_value=device),
        mock.patch.object(torch.backends.cudnn, "is_acceptable", return_value=False),
        _Operations() as operations,
        _Places(operations),
    ):
        yield device


def on_gpu(tensor: Tensor) -> bool:
    return torch._C._has_storage(tensor) and getattr(tensor.untyped_storage(), "on_gpu", False)


def _put(tensor: Tensor, gpu: bool) -> Tensor:
    tensor.untyped_storage().on_gpu = gpu
    return tensor


class _Move(torch.autograd.Function):
    """A copy on the other device, whose gradient goes back to where the tensor came from."""

    @staticmethod
    def forward(context, tensor, gpu):
        context.back = on_gpu(tensor)
        return _put(tensor.detach().clone(), gpu)

    @staticmethod
    def backward(context, gradient):
        return _moved(gradient, context.back), None


def _moved(tensor: Tensor, gpu: bool) -> Tensor:
    return tensor if on_gpu(tensor) == gpu or tensor.is_meta else _Move.apply(tensor, gpu)


def _tensors(things) -> list[Tensor]:
    found = []
    for thing in things:
        if isinstance(thing, Tensor):
            found.append(thing)
        elif isinstance(thing, list | tuple):
            found += _tensors(thing)
    return found


def _is_gpu(device) -> bool:
    return isinstance(device, int) or torch.device(device).type == DEVICE.type


def _to(tensor: Tensor, *args, **kwargs) -> Tensor:
    """``Tensor.to``: its device, if any, is given by position or by name, or is that of another tensor."""
    asked = args[0] if args else kwargs.get("device", kwargs.get("other"))
    if asked is None or isinstance(asked, torch.dtype):
        return tensor.to(*args, **kwargs)
    if isinstance(asked, Tensor):
        return _moved(tensor, on_gpu(asked)).to(*args, **kwargs)
    if _is_gpu(asked):
        args, kwargs = (("cpu", *args[1:]), kwargs) if args else (args, kwargs | {"device": "cpu"})
    return _moved(tensor, _is_gpu(asked)).to(*args, **kwargs)


def _array(function):
    def array(tensor, *args, **kwargs):
        if on_gpu(tensor) and not kwargs.get("force"):
            raise TypeError(NO_ARRAY)
        return function(tensor, *args, **kwargs)

    return array


def _trains(args) -> bool:
    """Whether a recurrent layer is called in training mode: what follows its dropout, the one float among ``args``."""
    return args[next(i for i, argument in enumerate(args) if isinstance(argument, float)) + 1]


def _refuse(gradient: Tensor) -> None:
    raise RuntimeError(NO_GRADIENT)


def _set_gradient(tensor: Tensor, gradient: Tensor | None) -> None:
    if gradient is not None and on_gpu(gradient) != on_gpu(tensor):
        raise RuntimeError("assigned grad has data located on a different device")
    tensor.grad = gradient


ASKED = {
    Tensor.to: _to,
    Tensor.cuda: lambda tensor, *_, **__: _moved(tensor, True),
    Tensor.cpu: lambda tensor, *_, **__: _moved(tensor, False),
    Tensor.type_as: lambda tensor, other: _to(tensor, other),
    Tensor.numpy: _array(Tensor.numpy),
    Tensor.__array__: _array(Tensor.__array__),
    Tensor.__deepcopy__: lambda tensor, memo: _put(tensor.__deepcopy__(memo), on_gpu(tensor)),
    Tensor.device.__get__: lambda tensor, *_: DEVICE if on_gpu(tensor) else tensor.device,
    Tensor.is_cuda.__get__: lambda tensor, *_: on_gpu(tensor) or tensor.is_cuda,
    Tensor.is_cpu.__get__: lambda tensor, *_: not on_gpu(tensor) and tensor.is_cpu,
    Tensor.grad.__set__: _set_gradient,
    Tensor.get_device: lambda tensor: DEVICE.index if on_gpu(tensor) else tensor.get_device(),
}
OF_DATA = {torch.tensor, Tensor.new_tensor}  # what they make lies where their first argument lies, if it is a tensor
KEEP_THE_DATA = {torch.as_tensor, torch.asarray}  # factories that may give back what they were given
RECURRENT = {torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu}


class _Places(TorchFunctionMode):
    """Where tensors are and go: whatever names a device."""

    def __init__(self, operations: "_Operations"):
        self.operations = operations

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = {name: value for name, value in (kwargs or {}).items() if name != "pin_memory"}  # of the host
        if func in ASKED:
            return ASKED[func](*args, **kwargs)
        if (device := kwargs.get("device")) is not None:
            return self.make(func, args, kwargs, _is_gpu(device))
        found = self.operations.within(func, args, kwargs)
        if func in OF_DATA and isinstance(args[0], Tensor):
            _put(found, on_gpu(args[0]))
        if func is torch._VF._pad_packed_sequence:
            _put(found[1], False)  # the lengths
        if func in RECURRENT and on_gpu(found[0]) and not _trains(args):
            for result in found:
                if result.requires_grad:
                    result.register_hook(_refuse)
        return found

    @staticmethod
    def make(func, args, kwargs, gpu: bool):
        """What a factory makes on the device that it was told."""
        if gpu and kwargs.get("generator") is not None:
            raise RuntimeError(NO_GENERATOR)
        found = func(*args, **kwargs | ({"device": "cpu"} if gpu else {}))
        if not isinstance(found, Tensor) or found.is_meta:
            return found
        return _moved(found, gpu) if func in KEEP_THE_DATA else _put(found, gpu)


class _Operations(TorchDispatchMode):
    """Every operation: tensors of two devices do not mix, and results lie where their operands lie."""

    gpu = False  # whether what PyTorch makes for itself, within a function of tensors on the GPU, is on the GPU

    def within(self, func, args, kwargs):
        before, self.gpu = self.gpu, any(map(on_gpu, _tensors([args, *kwargs.values()])))
        try:
            return func(*args, **kwargs)
        finally:
            self.gpu = before

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func._schema.name
        places = [on_gpu(tensor) for tensor in _tensors([args, *kwargs.values()])]
        if name in ANYWHERE or not (any(places) if places else self.gpu):
            return func(*args, **kwargs)
        if kwargs.get("generator") is not None:
            raise RuntimeError(NO_GENERATOR)
        if not all(places) or name in PACKING:
            _check(func, name, args, kwargs)
        found = func(*args, **kwargs)
        for result in _tensors([found[0] if name in PACKING else found]):
            _put(result, True)
        return found


def _check(func, name: str, args, kwargs) -> None:
    """Raise RuntimeError where CUDA would, for operands of which some are on the GPU and some are not."""
    scalars = torch.Tag.pointwise in func.tags or name.startswith(TAKE_SCALARS)
    for position, argument in enumerate(func._schema.arguments):
        value = args[position] if position < len(args) else kwargs.get(argument.name)
        written = argument.alias_info is not None and argument.alias_info.is_write
        for tensor in _tensors([value]):
            if argument.name in HOST_ONLY and on_gpu(tensor):
                raise RuntimeError(ON_HOST)
            at_home = argument.name in HOST_ONLY or (
                name in INDEXING and argument.name == "indices" and on_gpu(args[0])
            )
            if not (on_gpu(tensor) or at_home or (scalars and tensor.dim() == 0 and not written)):
                raise RuntimeError(f"{SAME_DEVICE} (in {func})")
