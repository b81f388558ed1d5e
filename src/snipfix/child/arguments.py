"""Constructor arguments made from a signature: by what the snippet calls the same thing, by name, by annotation."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

SCALARS = (int, float, bool, str)
# The first pattern that fits the name decides. Widths are all alike, so that layers that must agree do.
BY_NAME: tuple[tuple[str, str], ...] = (
    (r"(vocab|num_embeddings|num_tokens|n_tokens|ntoken|num_words|num_users|num_items|n_users|n_items|input_vocab|output_vocab)", "50"),
    (r"^(in_channels?|in_c|channels_in|img_channels|image_channels|num_channels|in_chans|n_channels|c_in|nc)$", "3"),
    (r"(embd?|dim|hidden|hid|channels?|features?|width)$", "32"),
    (r"(num_class|n_class|classes|num_labels|n_labels|label_size|tagset|num_tags|tag_size|n_tags)", "4"),
    (r"(num_?heads?|n_?heads?|nhead|heads|^h$)", "4"),
    (r"(num_.*layers|n_?layers?|num_layer|num_blocks|n_blocks|depth|num_stages|^N$|num_repeat)", "2"),
    (r"(max_.*len|seq_?len|max_position|context_length|block_size|max_seq|sequence_length|maxlen|max_length|length|lookback|window)", "10"),
    (r"(dropout|drop|drop_prob|drop_rate|^p$)", "0.1"),
    (r"(kernel|filter_size$)", "3"),
    (r"(filter_sizes|kernel_sizes)", "[2, 3, 4]"),
    (r"^(stride|dilation|groups|expansion|padding_size)$", "1"),
    (r"^(padding|pad)$", "1"),
    (r"(pad_.*idx|pad_id|pad_token|padding_idx|pad_index|sos|bos|eos)", "0"),
    (r"(img_?size|image_?size|input_resolution|img_dim|resolution)", "32"),
    (r"patch_?size", "8"),
    (r"(bidirectional|batch_first|bias|causal|is_|use_|with_)", "True"),
    (r"^device$", "'cpu'"),
    (r"(lr|learning_rate|eps|epsilon)$", "0.001"),
    (r"(alpha|beta|gamma|temperature|tau|scale|lambda_?|sigma|margin|ratio|momentum)$", "0.5"),
    (r"^(layers|blocks|num_blocks|block_config)$", "[1, 1, 1, 1]"),
    (r"(layer_sizes|hidden_sizes|hidden_dims|dims|sizes|hidden_layers|channels_list)", "[32, 32]"),
    (
        r"(dim|size|width|hidden|embed|features|channels|units|d_.*|dff|latent|emb|hid|^out|^in|_out|_in$|units|nz|ngf|ndf|nc_.*|rank|ff|planes|filters|input|output|state|action)",
        "32",
    ),
    (r"^(k|n|m|num_.*|n_.*)$", "4"),
)
ANNOTATED = {"int": "32", "float": "0.1", "bool": "True"}


def constructor_arguments(kind: type, namespace: dict[str, Any]) -> Iterator[list[tuple[str, str]]]:
    """(parameter, expression) lists to try; none when some required argument cannot be guessed."""
    try:
        parameters = list(inspect.signature(kind).parameters.values())
    except (TypeError, ValueError):
        return
    required = [item for item in parameters if item.default is item.empty and item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)]
    known = [(item.name, argument(item, kind, namespace)) for item in required]
    plain = [(item.name, by_name(item)) for item in required]
    # Blocks are built for as many channels as they divide by, images have three.
    wide = [(name, "32" if value == "3" and "chan" in name else value) for name, value in plain]
    tried: list[list] = []
    for made in (known, plain, wide):
        if all(expression for _, expression in made) and made not in tried:
            tried.append(made)
            yield [(name, str(expression)) for name, expression in made]


def construction(kind: type, made: list[tuple[str, str]]) -> str:
    """The call that builds a class with these arguments: by keyword what can be given no other way."""
    parameters = inspect.signature(kind).parameters
    by_keyword = {name for name, item in parameters.items() if item.kind is item.KEYWORD_ONLY}
    written = (f"{name}={expression}" if name in by_keyword else expression for name, expression in made)
    return f"{kind.__name__}({', '.join(written)})"


def takes_anything(kind: type) -> bool:
    """Whether a constructor hands on whatever it is given, so that its signature does not say what it needs."""
    return any(item.kind is item.VAR_POSITIONAL for item in inspect.signature(kind).parameters.values())


def argument(item: inspect.Parameter, kind: type, namespace: dict[str, Any]) -> str | None:
    """The expression for one constructor argument."""
    value = namespace.get(item.name)
    if type(value) in SCALARS or (isinstance(value, (list, tuple)) and all(type(part) in SCALARS for part in value)):
        return item.name
    torch = sys.modules["torch"]
    if isinstance(value, torch.nn.Module):
        return item.name
    return part(item.name, kind, namespace) or by_name(item)


def part(name: str, kind: type, namespace: dict[str, Any]) -> str | None:
    """Another module of the snippet that the name means: an instance, a class to build, or a class to hand over."""
    torch = sys.modules["torch"]
    plain = name.lower().replace("_", "").rstrip("0123456789")
    if len(plain) < 4:
        return None
    for other, value in list(namespace.items()):
        if value is kind or plain not in other.lower().replace("_", ""):
            continue
        if isinstance(value, torch.nn.Module):
            return other
        if isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ == "__main__":
            if plain.endswith("block") or plain == "layer":
                return other
            inner = next(constructor_arguments(value, namespace), None)
            if inner is not None:
                return construction(value, inner)
    return None


def by_name(item: inspect.Parameter) -> str | None:
    """A usual value for a name, else for an annotation."""
    for pattern, expression in BY_NAME:
        if re.search(pattern, item.name.lower()):
            return expression
    text = item.annotation if isinstance(item.annotation, str) else getattr(item.annotation, "__name__", "")
    return ANNOTATED.get(text)
