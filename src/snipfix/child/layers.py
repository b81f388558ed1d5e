"""Which shapes a layer takes, most plausible first, as (kind, shape) pairs; kind is `float` or the number of ids.

Sizes: 3 samples, sequences of 5, graphs of 6 nodes. Small, and no two of them alike.
"""

from __future__ import annotations

from math import isqrt
from typing import Any, List, Optional, Tuple, Union

BATCH, TIME, NODES, EDGES = 3, 5, 6, 12
Shape = Tuple[int, ...]
Form = Tuple[Union[str, int], Shape]
"""What a tensor holds (`float`, or a number: ids below it) and its shape."""

GREY, COLOUR = (28, 32, 64, 128, 224), (32, 64, 224, 128, 28, 96, 256, 299)
FEATURES = (8, 7, 14, 16, 28, 32, 4, 56, 64)


def image_sizes(channels: int, hints: tuple = ()) -> tuple:
    """Heights (and widths) that a reader would try for images of so many channels."""
    usual = GREY if channels == 1 else COLOUR if channels in (3, 4) else FEATURES
    return tuple(dict.fromkeys([*hints, *usual]))


def forms(torch: Any, layer: Any, position: int, keyword: str, width: Optional[int], hints: tuple = ()) -> List[Form]:
    """The forms that an argument of a layer may have."""
    nn = torch.nn
    if isinstance(layer, torch.Tensor):
        return _features(width or int(layer.shape[-2] if layer.dim() > 1 else layer.shape[0]))
    if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)):
        return [(int(layer.num_embeddings), shape) for shape in ((BATCH, TIME), (BATCH,), (TIME,), (BATCH, TIME, 4))]
    if isinstance(layer, nn.Linear):
        return _features(width or layer.in_features)
    if isinstance(layer, nn.Bilinear):
        return _features(layer.in1_features if position == 0 else layer.in2_features)
    if isinstance(layer, nn.modules.conv._ConvNd):
        return _images(nn, layer, hints)
    if isinstance(layer, nn.RNNBase):
        return _recurrent(nn, layer, position, keyword, width)
    if isinstance(layer, nn.RNNCellBase):
        return [("float", (BATCH, layer.input_size if position == 0 else layer.hidden_size))]
    normal = _normalised(nn, layer)
    if normal:
        return normal
    attention = _attention(nn, layer, position, keyword)
    if attention:
        return attention
    return _foreign(torch, layer, position, keyword, hints)


def _features(width: int) -> List[Form]:
    return [("float", shape) for shape in ((BATCH, width), (BATCH, TIME, width), (width,), (BATCH, 2, TIME, width))]


def unflattened(width: int) -> List[Form]:
    """The images that flatten to so many numbers."""
    found: List[Form] = []
    for channels in (3, 1):
        side = isqrt(width // channels)
        if side > 3 and channels * side * side == width:
            found.append(("float", (BATCH, channels, side, side)))
    return found


def _images(nn: Any, layer: Any, hints: tuple) -> List[Form]:
    dims, channels = len(layer.kernel_size), layer.in_channels
    if dims == 1:
        return [("float", (BATCH, channels, size)) for size in (32, 16, 64, 100, 128, 784)]
    if isinstance(layer, (nn.ConvTranspose2d, nn.ConvTranspose3d)):
        return [("float", (BATCH, channels, *[size] * dims)) for size in (1, 7, 4, 8, 16)]
    if dims == 3:
        return [("float", (2, channels, *size)) for size in ((8, 16, 16), (16, 32, 32), (16, 112, 112), (32, 32, 32))]
    return [("float", (BATCH, channels, size, size)) for size in image_sizes(channels, hints)]


def _recurrent(nn: Any, layer: Any, position: int, keyword: str, width: Optional[int]) -> List[Form]:
    directions = layer.num_layers * (2 if layer.bidirectional else 1)
    if position == 0 and keyword in ("", "input"):
        size = width or layer.input_size
        lead = (BATCH, TIME) if layer.batch_first else (TIME, BATCH)
        return [("float", (*lead, size)), ("float", (*lead[::-1], size)), ("float", (TIME, size))]
    return [("float", (directions, BATCH, getattr(layer, "proj_size", 0) or layer.hidden_size))]


def _normalised(nn: Any, layer: Any) -> List[Form]:
    if isinstance(layer, nn.LayerNorm):
        shape = tuple(layer.normalized_shape)
        return [("float", (BATCH, TIME, *shape)), ("float", (BATCH, *shape))]
    size = getattr(layer, "num_features", getattr(layer, "num_channels", None))
    kind = type(layer).__name__
    if not isinstance(size, int) or "Norm" not in kind:
        return []
    if "1d" in kind:
        return [("float", (BATCH, size)), ("float", (BATCH, size, TIME))]
    return [("float", (BATCH, size, *[8] * (3 if "3d" in kind else 2)))]


def _attention(nn: Any, layer: Any, position: int, keyword: str) -> List[Form]:
    inner: Any = layer
    while isinstance(inner, (nn.TransformerEncoder, nn.TransformerDecoder)):
        inner = inner.layers[0]
    if isinstance(inner, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
        inner = inner.self_attn
    size = getattr(inner, "embed_dim", getattr(inner, "d_model", None))
    if not isinstance(inner, (nn.MultiheadAttention, nn.Transformer)) or not isinstance(size, int):
        return []
    if "key_padding" in keyword:
        return [("bool", (BATCH, TIME))]
    if "mask" in keyword or (position >= 2 and not isinstance(inner, nn.MultiheadAttention)):
        return [("bool", (TIME, TIME))]
    if isinstance(layer, nn.MultiheadAttention):
        size = {"key": layer.kdim, "value": layer.vdim}.get(keyword or ("", "key", "value")[min(position, 2)], size)
    lead = (BATCH, TIME) if inner.batch_first else (TIME, BATCH)
    return [("float", (*lead, size)), ("float", (*lead[::-1], size))]


def _foreign(torch: Any, layer: Any, position: int, keyword: str, hints: tuple) -> List[Form]:
    """Layers of other libraries, known by what they show of themselves."""
    config = getattr(layer, "config", None)
    if config is not None and isinstance(getattr(config, "vocab_size", None), int):
        return pretrained(config, keyword or ("input_ids", "attention_mask", "token_type_ids")[min(position, 2)])
    if config is not None and isinstance(getattr(config, "image_size", None), int):
        return [("float", (BATCH, getattr(config, "num_channels", 3), config.image_size, config.image_size))]
    tags = getattr(layer, "num_tags", None)
    if isinstance(tags, int):
        mask: List[Form] = [("bool", (BATCH, TIME))]
        return mask if keyword == "mask" or position == 2 else [("float", (BATCH, TIME, tags))] if position == 0 else [(tags, (BATCH, TIME))]
    if hasattr(layer, "propagate") or hasattr(layer, "in_channels"):
        return _graph(layer, position, keyword)
    for child in layer.modules() if isinstance(layer, torch.nn.Module) else ():
        known = (torch.nn.Embedding, torch.nn.Linear, torch.nn.modules.conv._ConvNd, torch.nn.RNNBase, torch.nn.MultiheadAttention)
        if isinstance(child, known):
            return forms(torch, child, 0, "", None, hints)
    return []


def pretrained(config: Any, name: str) -> List[Form]:
    """The inputs of a Hugging Face model by their usual names."""
    if "mask" in name:
        return [("mask", (BATCH, TIME))]
    if "token_type" in name:
        return [(int(getattr(config, "type_vocab_size", 2) or 1), (BATCH, TIME))]
    if "embeds" in name:
        return [("float", (BATCH, TIME, int(config.hidden_size)))]
    return [(int(config.vocab_size), (BATCH, TIME))]


def _graph(layer: Any, position: int, keyword: str) -> List[Form]:
    channels = layer.in_channels if isinstance(getattr(layer, "in_channels", None), int) else 16
    channels = channels if channels > 0 else 16
    if position == 0 or keyword == "x":
        return [("float", (NODES, channels))]
    if position == 1 or keyword == "edge_index":
        return [(NODES, (2, EDGES))]
    return [("float", (EDGES,)), ("float", (EDGES, int(getattr(layer, "edge_dim", 0) or 1)))]


def before(form: Form, moves: tuple) -> Optional[Form]:
    """The form that becomes `form` after the moves: each one undone, last first. None when that is not known."""
    kind, shape = form
    for name, *numbers in reversed(moves):
        undone = _undo(name, numbers, list(shape))
        if undone is None:
            return None
        shape = tuple(undone)
    return kind, shape


def _undo(name: str, numbers: list, shape: list) -> Optional[list]:
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
        return [part for index, part in enumerate(shape) if index != place]
    if name == "squeeze":
        place = numbers[0] if numbers and numbers[0] is not None else size
        return [*shape[:place], 1, *shape[place:]] if place >= 0 else [*shape, 1]
    if name == "pick":
        for place in sorted(number for number in numbers if number is not None):
            shape.insert(place, TIME if place else 2)
        return shape
    return shape if name in ("part", "item", "attribute") else None
