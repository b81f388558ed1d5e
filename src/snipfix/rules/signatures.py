"""What callables take: read from the snippet's own definitions, and the usual words for the same thing in torch and elsewhere."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator

from snipfix.codemods import replace_expression
from snipfix.rules.diagnosis import Crash, Offer
from snipfix.rules.names.conventions import candidates

__all__ = ["FORWARDS", "SYNONYMS", "definition", "library_meant", "nearest_parameter", "parameters"]

SYNONYMS: dict[str, tuple[str, ...]] = {
    "attn_mask": ("mask", "src_mask", "attention_mask"),
    "attention_mask": ("mask", "attn_mask"),
    "axis": ("dim",),
    "beta": ("betas", "momentum"),
    "channels": ("in_channels",),
    "dim": ("axis",),
    "dropout_rate": ("dropout", "p"),
    "dropout": ("p",),
    "emb_dim": ("embedding_dim", "embed_dim"),
    "filters": ("out_channels",),
    "heads": ("num_heads", "nhead"),
    "hidden_dim": ("hidden_size",),
    "hidden_size": ("hidden_dim",),
    "input_dim": ("input_size", "in_features"),
    "input_size": ("in_features", "input_dim"),
    "keepdims": ("keepdim",),
    "learning_rate": ("lr",),
    "mask": ("attn_mask", "src_mask"),
    "n_layers": ("num_layers",),
    "num_heads": ("nhead", "heads"),
    "nhead": ("num_heads",),
    "output_dim": ("out_features", "output_size"),
    "kernel": ("kernel_size",),
    "pad": ("padding", "pad_token_id"),
    "rate": ("p",),
    "strides": ("stride",),
    "units": ("out_features", "hidden_size"),
    "vocab_size": ("num_embeddings",),
}
KNOWN = frozenset(
    "affine batch_first batch_size betas bias bidirectional ceil_mode collate_fn d_model device dilation dim dim_feedforward dropout drop_last "
    "dtype embed_dim embedding_dim end_dim eps gamma groups hidden_size ignore_index in_channels in_features input_size keepdim kernel_size "
    "label_smoothing lr momentum nhead norm_first normalized_shape num_embeddings num_features num_heads num_layers num_workers "
    "out_channels out_features output_size p padding padding_idx padding_mode pin_memory reduction requires_grad sampler shuffle start_dim "
    "step_size stride track_running_stats weight weight_decay".split()
)
"""Parameters of torch's layers, losses, optimizers and loaders."""


FORWARDS = {
    "MultiheadAttention.forward": "query key value key_padding_mask need_weights attn_mask average_attn_weights is_causal".split(),
    "Transformer.forward": (
        "src tgt src_mask tgt_mask memory_mask src_key_padding_mask tgt_key_padding_mask memory_key_padding_mask "
        "src_is_causal tgt_is_causal memory_is_causal"
    ).split(),
    "TransformerDecoder.forward": (
        "tgt memory tgt_mask memory_mask tgt_key_padding_mask memory_key_padding_mask tgt_is_causal memory_is_causal"
    ).split(),
    "TransformerDecoderLayer.forward": (
        "tgt memory tgt_mask memory_mask tgt_key_padding_mask memory_key_padding_mask tgt_is_causal memory_is_causal"
    ).split(),
    "TransformerEncoder.forward": "src mask src_key_padding_mask is_causal".split(),
    "TransformerEncoderLayer.forward": "src src_mask src_key_padding_mask is_causal".split(),
}
"""What torch's attention layers take: their masks have many names."""


def definition(crash: Crash, qualified: str) -> ast.FunctionDef | None:
    """The snippet's own function or method that a message names: `Net.forward`, `helper`."""
    owner, _, name = qualified.rpartition(".")
    if owner:
        return crash.method(owner.rpartition(".")[2], name)
    return next((node for node in crash.code.tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def parameters(function: ast.FunctionDef) -> list[str]:
    """The names a caller can give, without self."""
    names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def nearest_parameter(word: str, offered: Iterable[str] | None) -> list[str]:
    """Parameters that a wrong keyword may have meant, likeliest first. None: any of torch's."""
    names = list(KNOWN if offered is None else offered)
    alike = [name for name in SYNONYMS.get(word, ()) if name in names]
    inside = [name for name in names if offered is not None and len(name) > 2 and (name in word.split("_") or word in name.split("_"))]
    close = difflib.get_close_matches(word, names, 2, 0.7)
    if offered is None and alike:
        close = []
    return list(
        dict.fromkeys([*close, *alike, *inside] if close and close[0][:2] == word[:2] and not inside else [*alike, *inside, *close])
    )


def library_meant(crash: Crash, call: ast.Call | None) -> Iterator[Offer]:
    """`RNN(...)` in a class of the author's own that is called RNN as well: the layer of the library is meant, `nn.RNN(...)`."""
    if call is None or not isinstance(call.func, ast.Name):
        return
    name = call.func.id
    owner = crash.class_of(call)
    for target in candidates(name, attributes=frozenset(), called=True) if owner is not None and owner.name == name else ():
        module = target.partition(":")[0]
        known = next((one.name for one in crash.context.scopes.imports if one.target == module and "." not in one.name), module)
        if module.startswith("torch"):
            yield Offer(f"Call `{known}.{name}`", replace_expression(crash.code, call.func, f"{known}.{name}"))
