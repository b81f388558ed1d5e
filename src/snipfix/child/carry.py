"""A snippet that never speaks of a card, carried onto one: its tensors are made there, its numbers and its words stay those of the author.

The card is the default device while the snippet runs. What that alone would break is bridged, so that no error is reported which only the forced
default caused: random numbers and the order of loaders are drawn on the CPU and are the same as there, loaders work in one process, `.numpy()` copies to
the host, and tensors that torch makes on the CPU whatever the default is (legacy constructors, arrays) follow to the card when they meet one of it.
It is a mode of our own rather than torch's: that one knows nothing of generators, and takes the lowest place among the modes.
A snippet that names a card itself is left alone: mixing devices is then its author's doing, and found.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from card import tensors

Note = Callable[[str, str], None]

CARD = "cuda"
DRAWN = frozenset("rand randn randint randperm normal rand_like randn_like randint_like".split())
"""Functions that draw random numbers into a new tensor: drawn on the CPU, so that they are those that the author saw."""
FILLS = frozenset("uniform_ normal_ random_ bernoulli_ exponential_ geometric_ cauchy_ log_normal_ trunc_normal_".split())
"""The same for a tensor that is there."""
EITHER = frozenset("copy_ set_ to cpu cuda __set__ backward _has_compatible_shallow_copy_type __reduce_ex__ __deepcopy__".split())
"""Functions that may meet tensors of both."""
ON_HOST = frozenset("_pack_padded_sequence _pad_packed_sequence tensor_split lstm gru rnn_tanh rnn_relu".split())
"""Functions whose second argument, where it is a row of lengths, torch wants on the CPU."""
FROM_HOST = frozenset({"from_numpy", "frombuffer"})
SHOWN = frozenset({"__repr__", "__str__", "__format__"})
IN_PLACE_OPERATORS = frozenset(
    f"__{name}__" for name in "setitem iadd isub imul itruediv ifloordiv imod ipow iand ior ixor ilshift irshift imatmul".split()
)
WORKERS = 5
"""Position of the number of workers among the arguments of a loader."""
OF_WORKERS = ("num_workers", "persistent_workers", "prefetch_factor", "multiprocessing_context", "timeout")


def carried(job: dict[str, Any]) -> bool:
    """Whether a job is to be carried onto the card: it runs there, and no text of it names one."""
    texts = [job["code"], *(block["code"] for block in job.get("before") or ())]
    return job.get("device") in ("cuda", "pretended") and not any("cuda" in text for text in texts)


@contextlib.contextmanager
def carry(torch: Any, note: Note) -> Iterator[None]:
    """A context in which everything is made on the card. `note(what, how)` is told of what works in another way than on the CPU."""
    bridge, loader = _Bridge(torch, note), torch.utils.data.DataLoader

    class Mode(torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
        def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
            return bridge.call(function, args, kwargs or {})

    original = loader.__init__
    loader.__init__ = _alone(original, note)
    try:
        with Mode():
            yield
    finally:
        loader.__init__ = original


class _Bridge:
    def __init__(self, torch: Any, note: Note) -> None:
        from torch.utils._device import _device_constructors

        self._makers = _device_constructors()
        self.torch, self.note = torch, note
        self._hosts = {torch.Tensor.numpy, torch.Tensor.__array__}
        self._siblings: dict[int, tuple[Any, Any]] = {}

    def call(self, function: Any, args: tuple, kwargs: dict) -> Any:
        """What the function gives with every tensor where it has to be."""
        name = getattr(function, "__name__", "")
        if function in self._hosts and args[0].is_cuda:
            self.note(".numpy()", "copies from the card, on which the snippet was put")
            return function(args[0].cpu(), *args[1:], **kwargs)
        if name == "pin_memory":
            return args[0]
        if name in SHOWN:
            return function(*args, **kwargs).replace(f", device='{CARD}:0'", "")
        if name in FROM_HOST:
            return function(*args, **kwargs).to(CARD)
        if name in ON_HOST and len(args) > 1 and self._is_lengths(args[1]):
            return function(args[0], args[1].cpu(), *args[2:], **kwargs)
        if getattr(function, "__module__", "") == "torch.nn.init":
            return self._initialised(function, args, kwargs)
        if name in DRAWN and kwargs.get("device") is None and kwargs.get("out") is None:
            return self._drawn(function, args, kwargs)
        if name in FILLS and args and args[0].is_cuda:
            return self._filled(function, args, kwargs)
        return self._on_card(function, name, args, kwargs)

    def _is_lengths(self, value: Any) -> bool:
        return isinstance(value, self.torch.Tensor) and value.dim() == 1 and value.dtype == self.torch.int64

    def _on_card(self, function: Any, name: str, args: tuple, kwargs: dict) -> Any:
        if function in self._makers and kwargs.get("device") is None and kwargs.get("out") is None:
            kwargs = {**kwargs, "device": CARD}
        if isinstance(kwargs.get("generator"), self.torch.Generator):
            kwargs = {**kwargs, "generator": self._sibling(kwargs["generator"])}
        if name not in EITHER:
            args, kwargs = self._together(name, args, kwargs)
        return function(*args, **kwargs)

    def _drawn(self, function: Any, args: tuple, kwargs: dict) -> Any:
        """Random numbers from the generator of the CPU, or from the one that is given, on the card."""
        generator, wants = kwargs.get("generator"), bool(kwargs.pop("requires_grad", False))
        device = generator.device if generator is not None else "cpu"
        args, kwargs = self._all_moved((args, kwargs), device)
        if function in self._makers or function.__name__.endswith("_like"):
            kwargs["device"] = device
        made = function(*args, **kwargs).to(CARD)
        return made.requires_grad_() if wants else made

    def _filled(self, function: Any, args: tuple, kwargs: dict) -> Any:
        """As `_drawn`, for a tensor that is there."""
        target, generator = args[0], kwargs.get("generator")
        forbidden = target.requires_grad and target.is_leaf and self.torch.is_grad_enabled()
        if forbidden or (generator is not None and generator.device.type != "cpu"):
            return function(*args, **kwargs)  # torch has something to say to that, or can do it
        with self.torch.no_grad():
            drawn = function(
                self.torch.empty_like(target, device="cpu"), *self._all_moved(args[1:], "cpu"), **self._all_moved(kwargs, "cpu")
            )
        return target.copy_(drawn)

    def _initialised(self, function: Any, args: tuple, kwargs: dict) -> Any:
        """As `_filled`, by one of torch.nn.init, which all change their first argument."""
        target = args[0] if args else kwargs.get("tensor")
        if not isinstance(target, self.torch.Tensor) or not target.is_cuda:
            return function(*args, **kwargs)
        with self.torch.no_grad():
            there = target.detach().cpu()
            rest = self._all_moved((args[1:], {key: value for key, value in kwargs.items() if key != "tensor"}), "cpu")
            function(there, *rest[0], **rest[1])
            target.copy_(there)
        return target

    def _sibling(self, generator: Any) -> Any:
        """A generator of the card that stands for one of the CPU, with the same seed."""
        if generator.device.type != "cpu":
            return generator
        known = self._siblings.get(id(generator))
        if known is None or known[0] is not generator:
            other = self.torch.Generator(device=CARD)
            other.manual_seed(generator.initial_seed())
            known = self._siblings[id(generator)] = (generator, other)
        return known[1]

    def _together(self, name: str, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """The arguments with their tensors on one device: the card, or that of the tensor which is changed in place."""
        there = here = False
        for tensor in tensors(self.torch, (args, kwargs)):
            there, here = there or tensor.is_cuda, here or (not tensor.is_cuda and tensor.dim() > 0)
        if not (there and here):
            return args, kwargs
        in_place = name in IN_PLACE_OPERATORS or (name.endswith("_") and not name.endswith("__"))
        target = kwargs.get("out") if "out" in kwargs else args[0] if in_place and args else None
        device = target.device if isinstance(target, self.torch.Tensor) else CARD
        args, kwargs = self._all_moved((args, kwargs), device)
        return args, kwargs

    def _all_moved(self, value: Any, device: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._all_moved(one, device) for name, one in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self._all_moved(one, device) for one in value)
        return self._moved(value, device)

    def _moved(self, value: Any, device: Any) -> Any:
        if not isinstance(value, self.torch.Tensor) or value.device.type == self.torch.device(device).type:
            return value
        return value.to(device)


def _alone(function: Callable, note: Note) -> Callable:
    """A loader's __init__ that gives it no workers: they are forked, and no fork may touch a card that its parent has used."""

    def alone(loader: Any, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("num_workers", args[WORKERS] if len(args) > WORKERS else 0):
            note("DataLoader workers", "the loader works in the snippet's own process: a forked one cannot use the card")
            kwargs = {name: value for name, value in kwargs.items() if name not in OF_WORKERS}
            args = tuple(0 if at == WORKERS else value for at, value in enumerate(args))
        function(loader, *args, **kwargs)

    return alone
