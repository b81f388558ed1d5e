"""Which forms the arguments of a layer may have, most plausible first: what a tensor holds and its shape."""

from __future__ import annotations

import inspect
from math import isqrt
from typing import Any, NamedTuple

Shape = tuple[int, ...]
Form = tuple[Any, Shape]
"""A tensor of `float`, of ids below a number, of `bool` (all false), of `keep` (all true), of `ones` or of `offsets`; and its shape."""


class Sizes(NamedTuple):
    """Small, and no two of them alike."""

    batch: int = 3
    time: int = 7
    nodes: int = 6
    edges: int = 12
    time_first: bool = False
    """Ids come as (time, batch)."""

    @property
    def ids(self) -> Shape:
        return (self.time, self.batch) if self.time_first else (self.batch, self.time)


GREY, COLOUR = (28, 32, 64, 128, 224), (32, 64, 224, 128, 28, 96, 256, 299)
FEATURES = (8, 7, 14, 16, 28, 32, 4, 56, 64)


def image_sizes(channels: int, hints: tuple = ()) -> tuple:
    """Heights (and widths) that a reader would try for images of so many channels."""
    usual = GREY if channels == 1 else COLOUR if channels in (3, 4) else FEATURES
    return tuple(dict.fromkeys([*hints, *usual]))


def forms(torch: Any, layer: Any, name: str, sizes: Sizes, width: int | None = None, hints: tuple = ()) -> list[Form]:
    """The forms that the argument `name` of a layer may have (`name` is the layer's own word for it)."""
    nn = torch.nn
    if isinstance(layer, torch.Tensor):
        return _features(sizes, width or int(layer.shape[-2] if layer.dim() > 1 else layer.shape[0]))
    if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)):
        return _ids(layer, name, sizes)
    if isinstance(layer, nn.Linear):
        return _features(sizes, width or layer.in_features)
    if isinstance(layer, nn.Bilinear):
        return _features(sizes, layer.in2_features if name == "input2" else layer.in1_features)
    if isinstance(layer, nn.modules.conv._ConvNd):
        return _images(nn, layer, sizes, hints)
    if isinstance(layer, nn.RNNBase):
        return _recurrent(layer, name, sizes, width)
    if isinstance(layer, nn.RNNCellBase):
        return [("float", (sizes.batch, layer.hidden_size if name == "hx" else width or layer.input_size))]
    return _normalised(nn, layer, sizes) or _attention(nn, layer, name, sizes) or _foreign(torch, layer, name, sizes, hints)


def _ids(layer: Any, name: str, sizes: Sizes) -> list[Form]:
    if name == "offsets":
        return [("offsets", (sizes.batch,))]
    shapes = (sizes.ids, (sizes.batch,), (sizes.time,), (*sizes.ids, 4))
    return [(int(layer.num_embeddings), shape) for shape in shapes]


def _features(sizes: Sizes, width: int) -> list[Form]:
    batch, time = sizes.batch, sizes.time
    return [("float", shape) for shape in ((batch, width), (batch, time, width), (width,), (batch, 2, time, width))]


def unflattened(sizes: Sizes, width: int) -> list[Form]:
    """The images that flatten to so many numbers."""
    found: list[Form] = []
    for channels in (3, 1):
        side = isqrt(width // channels)
        if side > 3 and channels * side * side == width:
            found.append(("float", (sizes.batch, channels, side, side)))
    return found


def _images(nn: Any, layer: Any, sizes: Sizes, hints: tuple) -> list[Form]:
    dims, channels, batch = len(layer.kernel_size), layer.in_channels, sizes.batch
    if dims == 1:
        return [("float", (batch, channels, size)) for size in (32, 16, 64, 100, 128, 784)]
    if isinstance(layer, (nn.ConvTranspose2d, nn.ConvTranspose3d)):
        return [("float", (batch, channels, *[size] * dims)) for size in (1, 7, 4, 8, 16)]
    if dims == 3:
        return [("float", (2, channels, *size)) for size in ((8, 16, 16), (16, 32, 32), (16, 112, 112), (32, 32, 32))]
    return [("float", (batch, channels, size, size)) for size in image_sizes(channels, hints)]


def _recurrent(layer: Any, name: str, sizes: Sizes, width: int | None) -> list[Form]:
    directions = layer.num_layers * (2 if layer.bidirectional else 1)
    if name == "hx":
        return [("float", (directions, sizes.batch, getattr(layer, "proj_size", 0) or layer.hidden_size))]
    size = width or layer.input_size
    lead = (sizes.batch, sizes.time) if layer.batch_first else (sizes.time, sizes.batch)
    return [("float", (*lead, size)), ("float", (*lead[::-1], size)), ("float", (sizes.time, size))]


def _normalised(nn: Any, layer: Any, sizes: Sizes) -> list[Form]:
    batch, time = sizes.batch, sizes.time
    if isinstance(layer, nn.LayerNorm):
        shape = tuple(layer.normalized_shape)
        return [("float", (batch, time, *shape)), ("float", (batch, *shape))]
    size, kind = getattr(layer, "num_features", getattr(layer, "num_channels", None)), type(layer).__name__
    if not isinstance(size, int) or "Norm" not in kind:
        return []
    if "1d" in kind:
        return [("float", (batch, size)), ("float", (batch, size, time))]
    return [("float", (batch, size, *[8] * (3 if "3d" in kind else 2)))]


def _attention(nn: Any, layer: Any, name: str, sizes: Sizes) -> list[Form]:
    inner: Any = layer
    while isinstance(inner, (nn.TransformerEncoder, nn.TransformerDecoder)):
        inner = inner.layers[0]
    if isinstance(inner, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
        inner = inner.self_attn
    size = getattr(inner, "embed_dim", getattr(inner, "d_model", None))
    if not isinstance(inner, (nn.MultiheadAttention, nn.Transformer)) or not isinstance(size, int):
        return []
    lead = (sizes.batch, sizes.time) if inner.batch_first else (sizes.time, sizes.batch)
    if "key_padding" in name:
        return [("bool", (sizes.batch, sizes.time)), ("bool", (sizes.time, sizes.batch))]
    if "mask" in name:
        # Square in the length; in the batch where a batch-first caller meets a sequence-first layer.
        return [("bool", (sizes.time, sizes.time)), ("bool", (sizes.batch, sizes.batch))]
    if isinstance(layer, nn.MultiheadAttention):
        size = {"key": layer.kdim, "value": layer.vdim}.get(name, size)
    return [("float", (*lead, size)), ("float", (*lead[::-1], size))]


def _foreign(torch: Any, layer: Any, name: str, sizes: Sizes, hints: tuple) -> list[Form]:
    """Layers of other libraries, known by what they show of themselves."""
    batch, time = sizes.batch, sizes.time
    config = getattr(layer, "config", None)
    if isinstance(getattr(config, "vocab_size", None), int):
        return _pretrained(config, name, sizes)
    if isinstance(getattr(config, "image_size", None), int):
        return [("float", (batch, getattr(config, "num_channels", 3), config.image_size, config.image_size))]
    tags = getattr(layer, "num_tags", None)
    if isinstance(tags, int):
        return (
            [("keep", (batch, time))] if name == "mask" else [(tags, (batch, time))] if name == "tags" else [("float", (batch, time, tags))]
        )
    if hasattr(layer, "propagate"):
        return _graph(layer, name, sizes)
    known = (torch.nn.Embedding, torch.nn.Linear, torch.nn.modules.conv._ConvNd, torch.nn.RNNBase, torch.nn.MultiheadAttention)
    for child in layer.modules() if isinstance(layer, torch.nn.Module) else ():
        if isinstance(child, known):
            return forms(torch, child, "input", sizes, None, hints)
    return []


def _pretrained(config: Any, name: str, sizes: Sizes) -> list[Form]:
    """The inputs of a Hugging Face model by their usual names."""
    shape = (sizes.batch, sizes.time)
    if "mask" in name:
        return [("ones", shape)]
    if "token_type" in name:
        return [(int(getattr(config, "type_vocab_size", 2) or 1), shape)]
    if "embeds" in name:
        return [("float", (*shape, int(config.hidden_size)))]
    return [(int(config.vocab_size), shape)]


def _graph(layer: Any, name: str, sizes: Sizes) -> list[Form]:
    channels = layer.in_channels if isinstance(getattr(layer, "in_channels", None), int) else 16
    if name == "edge_index":
        return [(sizes.nodes, (2, sizes.edges))]
    if name.startswith("edge"):
        return [("float", (sizes.edges,)), ("float", (sizes.edges, int(getattr(layer, "edge_dim", 0) or 1)))]
    return [("float", (sizes.nodes, channels if channels > 0 else 16))]


def before(form: Form, moves: tuple, sizes: Sizes) -> Form | None:
    """The form that becomes `form` after the moves: each one undone, last first. None when that is not known."""
    kind, shape = form
    for name, *numbers in reversed(moves):
        undone = _undo(name, numbers, list(shape), sizes)
        if undone is None:
            return None
        shape = tuple(undone)
    return kind, shape


def _undo(name: str, numbers: list, shape: list, sizes: Sizes) -> list | None:
    size = len(shape)
    if name in ("transpose", "swapaxes", "t"):
        first, second = numbers if len(numbers) == 2 and None not in numbers else (0, 1)
        if not (-size <= first < size and -size <= second < size):
            return None
        shape[first], shape[second] = shape[second], shape[first]
        return shape
    if name == "permute":
        if sorted(number for number in numbers if number is not None) != list(range(size)):
            return None
        return [shape[numbers.index(place)] for place in range(size)]
    if name == "unsqueeze":
        place = numbers[0] if numbers and numbers[0] is not None else 0
        place += size if place < 0 else 0
        left = [part for index, part in enumerate(shape) if index != place]
        # A dimension added in front is one of length: what is left begins with the batch.
        return [sizes.batch, *left[1:]] if place == 0 and left[:1] == [sizes.time] else left
    if name == "squeeze":
        place = numbers[0] if numbers and numbers[0] is not None else size
        return [*shape[:place], 1, *shape[place:]] if place >= 0 else [*shape, 1]
    if name == "pick":
        for place in sorted(number for number in numbers if number is not None):
            shape.insert(place, sizes.time if place else 2)
        return shape
    return shape if name in ("part", "item", "attribute") else None


# How a layer passes on ---------------------------------------------------------------------------------------------


def argument_names(layer: Any) -> list[str]:
    """The layer's own words for its positional arguments."""
    try:
        return [name for name, item in inspect.signature(layer.forward).parameters.items() if item.kind is not item.VAR_POSITIONAL]
    except (TypeError, ValueError, AttributeError):
        return []


def shaping(torch: Any, module: Any) -> tuple[Any, tuple]:
    """The first layer inside that asks for a certain shape, and the reshaping before it; None when every shape will do."""
    nn = torch.nn
    if isinstance(module, nn.Sequential):
        moves: tuple = ()
        for child in module:
            layer, inner = shaping(torch, child)
            moves += inner
            if layer is not None:
                return layer, moves
        return None, moves
    if isinstance(module, nn.Flatten):
        return None, (("flatten", 1),)
    quiet = isinstance(module, (nn.Identity, nn.modules.dropout._DropoutNd)) or type(module).__module__.endswith("modules.activation")
    if quiet and not isinstance(module, nn.MultiheadAttention):
        return None, ()
    return module, ()


def width_of(torch: Any, module: Any) -> int | None:
    """The size of the last dimension that a layer gives."""
    if isinstance(module, torch.nn.Sequential):
        found = [width_of(torch, child) for child in module]
        return next((width for width in reversed(found) if width is not None), None)
    for name in ("embedding_dim", "out_features"):
        size = getattr(module, name, None)
        if isinstance(size, int):
            return size
    return None
