"""A graphics card that is none: tensors stay where they are and remember on which device they would be, so that mixing devices shows without a GPU.

A tensor is on the pretended card when its storage is: views, parameters and `.data` follow by themselves. An error is raised only by functions that are
known to need one device, with the words of torch. Whatever else meets tensors of both devices ends the pretence: nothing more is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MIXED = "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"
NO_NUMPY = "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
ONE_DEVICE = (
    "add sub mul div true_divide floor_divide remainder pow maximum minimum fmod atan2 eq ne lt le gt ge equal allclose isclose logical_and logical_or"
    " matmul mm bmm mv dot addmm baddbmm einsum outer linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"
    " cat stack concat where masked_fill gather scatter index_select take_along_dim lerp addcmul addcdiv"
    " index_add scatter_add tensordot kron cross hypot logaddexp prelu"
    " embedding embedding_bag layer_norm batch_norm group_norm instance_norm scaled_dot_product_attention multi_head_attention_forward"
    " cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div"
    " cosine_similarity cosine_embedding_loss triplet_margin_loss margin_ranking_loss pairwise_distance cdist"
    " gaussian_nll_loss poisson_nll_loss hinge_embedding_loss soft_margin_loss multi_margin_loss multilabel_soft_margin_loss"
).split()
"""Functions that a GPU refuses to compute from tensors of two devices (single numbers aside)."""
RECURRENT = {"hidden": "lstm gru rnn_tanh rnn_relu".split(), "cell": "lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell".split()}
"""Functions of recurrent layers: those of whole layers say in words of their own which of their tensors lie apart."""
APART = "Input and {} tensors are not at the same device, found input tensor at {} and {} tensor at {}"
NEUTRAL = "copy_ __setitem__ __getitem__ set_ backward detach requires_grad_ size dim __len__ __hash__ __repr__ __format__ numel".split()
"""Functions that may meet both; what they give lies where the first of their tensors does."""
PACKING = ("_pack_padded_sequence", "_pad_packed_sequence")
"""Functions whose second result, lengths, lies on the CPU."""
KEPT = 4096
"""Storages remembered before those that are gone are forgotten."""


class Pretended:
    """Holds which storages are on the card; `mode` is entered around the snippet, outside of every observer."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.blind = torch, False
        self._on: dict[int, Any] = {}
        self._limit = KEPT
        tensor, functional = torch.Tensor, torch.nn.functional
        owners = (torch, tensor, functional)
        names = [form for name in ONE_DEVICE for form in (name, f"{name}_", f"__{name}__", f"__r{name}__", f"__i{name}__")]
        self._strict = {
            getattr(owner, name) for name in (*names, "rsub", "__truediv__", "__rtruediv__") for owner in owners if hasattr(owner, name)
        }
        self._strict |= {getattr(torch, name) for name in RECURRENT["cell"] if hasattr(torch, name)}
        self._layers = {getattr(torch, name) for name in RECURRENT["hidden"] if hasattr(torch, name)}
        self._neutral = {getattr(tensor, name) for name in NEUTRAL if hasattr(tensor, name)}
        self._neutral |= {tensor.data.__set__, tensor.grad.__set__, getattr(torch, "_has_compatible_shallow_copy_type", None)}  # Module.to
        self._special = {
            tensor.to: self._to, tensor.cuda: self._cuda, tensor.cpu: self._cpu, tensor.numpy: self._numpy, tensor.__array__: self._numpy,
            tensor.device.__get__: self._device, tensor.is_cuda.__get__: self._is_cuda, tensor.is_cpu.__get__: self._is_cpu,
            tensor.get_device: self._get_device, tensor.grad.__get__: self._grad, tensor.pin_memory: self._pin_memory,
        }  # fmt: skip

    def install(self) -> Any:
        """Let torch.cuda say that there is one card, and descriptions what lies on it; gives the mode to enter."""
        import describe

        describe.on_card = self.holds
        cuda = self.torch.cuda
        said = {
            "is_available": True,
            "device_count": 1,
            "current_device": 0,
            "get_device_name": "a card that is none",
            "is_initialized": True,
        }
        silent = ("synchronize", "empty_cache", "set_device", "reset_peak_memory_stats", "init", "_lazy_init")
        numbers = ("memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved")
        for name, value in {**said, **dict.fromkeys(silent), **dict.fromkeys(numbers, 0)}.items():
            setattr(cuda, name, lambda *_, _value=value, **__: _value)
        self._remember_in_files()
        return self._mode()

    def _remember_in_files(self) -> None:
        """Files say on which device each storage was, and what is loaded without another word goes back there."""
        kept = self.torch.serialization
        tag, restore = kept.location_tag, kept.default_restore_location

        def location_tag(storage: Any) -> Any:
            return "cuda:0" if getattr(storage, "_untyped_storage", storage)._cdata in self._on else tag(storage)

        def default_restore_location(storage: Any, location: Any) -> Any:
            if not str(location).startswith("cuda"):
                return restore(storage, location)
            self._hold(getattr(storage, "_untyped_storage", storage))
            return storage

        kept.location_tag, kept.default_restore_location = location_tag, default_restore_location

    def _mode(self) -> Any:
        card = self

        class Mode(self.torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
            def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
                return card.call(function, args, kwargs or {})

        return Mode()

    def call(self, function: Any, args: tuple, kwargs: dict) -> Any:
        """What the function gives, had there been a card. Raises torch's own RuntimeError where devices are mixed."""
        special = self._special.get(function)
        if special is not None:
            return special(function, args, kwargs)
        asked = kwargs.get("device")
        if asked is not None:
            result = function(*args, **{**kwargs, "device": "cpu"})
            self._place(result, self._is_card(asked))
            return result
        if function in self._neutral:
            first = next(tensors(self.torch, args), None)
            result = function(*args, **kwargs)
            if first is not None and self.holds(first):
                self._place(result, card=True)
            return result
        return self._computed(function, args, kwargs)

    def _computed(self, function: Any, args: tuple, kwargs: dict) -> Any:
        given = list(tensors(self.torch, (args, list(kwargs.values()))))
        if function in self._layers:
            given = [tensor for tensor in given if tensor.is_floating_point()]  # the lengths of packed sequences stay on the CPU
        there = [tensor for tensor in given if self.holds(tensor)]
        if function in self._layers and len(there) not in (0, len(given)) and not self.blind:
            raise RuntimeError(self._apart(given))
        if there and not self.blind and any(tensor.dim() for tensor in given if not self.holds(tensor)):
            if function in self._strict:
                raise RuntimeError(MIXED)
            self.blind = True
        result = function(*args, **kwargs)
        if there:
            self._place(result[0] if getattr(function, "__name__", "") in PACKING else result, card=True)
        return result

    def _apart(self, given: list) -> str:
        """What torch says of a recurrent layer's tensors, which are the input, the states and the parameters."""
        places = ["cuda:0" if self.holds(tensor) else "cpu" for tensor in given]
        first = next(at for at, place in enumerate(places) if place != places[0])
        name = "parameter" if isinstance(given[first], self.torch.nn.Parameter) else "hidden"
        return APART.format(name, places[0], name, places[first])

    # Where a tensor is ------------------------------------------------------------------------------------------------

    def holds(self, tensor: Any) -> bool:
        """Whether a tensor is on the card."""
        try:
            return tensor.untyped_storage()._cdata in self._on
        except (RuntimeError, NotImplementedError):  # sparse ones have no storage
            return False

    def _place(self, value: Any, card: bool) -> None:
        for tensor in tensors(self.torch, value):
            try:
                storage = tensor.untyped_storage()
            except (RuntimeError, NotImplementedError):
                self.blind = True
                continue
            if not card:
                self._on.pop(storage._cdata, None)
            else:
                self._hold(storage)
        if len(self._on) > self._limit:
            self._on = {number: storage for number, storage in self._on.items() if not storage.expired()}
            self._limit = max(KEPT, 2 * len(self._on))

    def _hold(self, storage: Any) -> None:
        if storage._cdata not in self._on:
            from torch.multiprocessing.reductions import StorageWeakRef

            self._on[storage._cdata] = StorageWeakRef(storage)  # keeps its number from being given to another

    def _is_card(self, device: Any) -> bool:
        if isinstance(device, self.torch.Tensor):
            return self.holds(device)
        return isinstance(device, int) or str(device).startswith("cuda")

    # The functions that speak of devices ------------------------------------------------------------------------------

    def _moved(self, tensor: Any, result: Any, card: bool) -> Any:
        if self.holds(tensor) == card:
            self._place(result, card)
            return result
        if result.untyped_storage()._cdata == tensor.untyped_storage()._cdata:
            result = result.clone()
        self._place(result, card)
        return result

    def _to(self, function: Any, args: tuple, kwargs: dict) -> Any:
        tensor, *rest = args
        asked = kwargs.get("device", kwargs.get("other"))
        for at, one in enumerate(rest):
            if isinstance(one, self.torch.Tensor):
                asked, rest[at] = one, one.dtype
            elif isinstance(one, (str, self.torch.device)) or (isinstance(one, int) and not isinstance(one, bool) and at == 0):
                asked, rest[at] = one, "cpu"
        if isinstance(kwargs.get("other"), self.torch.Tensor):
            kwargs = {**{name: value for name, value in kwargs.items() if name != "other"}, "dtype": kwargs["other"].dtype}
        elif kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": "cpu"}
        card = self.holds(tensor) if asked is None else self._is_card(asked)
        return self._moved(tensor, function(tensor, *rest, **kwargs), card)

    def _cuda(self, function: Any, args: tuple, kwargs: dict) -> Any:
        return self._moved(args[0], args[0], card=True)

    def _cpu(self, function: Any, args: tuple, kwargs: dict) -> Any:
        return self._moved(args[0], args[0], card=False)

    def _numpy(self, function: Any, args: tuple, kwargs: dict) -> Any:
        if self.holds(args[0]) and not self.blind:
            raise TypeError(NO_NUMPY)
        return function(*args, **kwargs)

    def _device(self, function: Any, args: tuple, kwargs: dict) -> Any:
        return self.torch.device("cuda:0") if self.holds(args[0]) else function(*args, **kwargs)

    def _is_cuda(self, function: Any, args: tuple, kwargs: dict) -> bool:
        return self.holds(args[0])

    def _is_cpu(self, function: Any, args: tuple, kwargs: dict) -> bool:
        return not self.holds(args[0])

    def _get_device(self, function: Any, args: tuple, kwargs: dict) -> int:
        return 0 if self.holds(args[0]) else -1

    def _pin_memory(self, function: Any, args: tuple, kwargs: dict) -> Any:
        return args[0]

    def _grad(self, function: Any, args: tuple, kwargs: dict) -> Any:
        gradient = function(*args, **kwargs)
        if gradient is not None and self.holds(args[0]):
            self._place(gradient, card=True)
        return gradient


def tensors(torch: Any, value: Any) -> Iterator[Any]:
    """The tensors in a value, and in the lists, tuples and dicts that it holds."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from tensors(torch, one)
    elif isinstance(value, dict):
        yield from tensors(torch, list(value.values()))
