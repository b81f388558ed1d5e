"""Faults of shape, type and layout."""

from __future__ import annotations

import ast

from benchmarks.repair.fault import Places, calls, fault, is_library, mentions, name_of, put, unwrapped, width_of, without_argument
from snipfix.code import Code
from snipfix.model import Edit

WIDTHS = ("shape",)
RECURRENT = ("RNN", "LSTM", "GRU")
BATCH_FIRST = (*RECURRENT, "MultiheadAttention", "TransformerEncoderLayer", "CRF")


def doubled(code: Code, node: ast.expr) -> str:
    """Another width: twice the number, or twice the name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return str(node.value * 2)
    text = code.slice(node)
    return f"{text} * 2" if isinstance(node, ast.Name | ast.Attribute | ast.Constant) else f"({text}) * 2"


@fault(*WIDTHS)
def wrong_in_features(code: Code) -> Places:
    for node in calls(code, "Linear"):
        yield put(code, width_of(node), doubled(code, width_of(node)))


@fault(*WIDTHS)
def wrong_flattened_size(code: Code) -> Places:
    """A forgotten factor in `16 * 5 * 5`."""
    for node in calls(code, "Linear"):
        width = width_of(node)
        if isinstance(width, ast.BinOp) and isinstance(width.op, ast.Mult):
            yield put(code, width, code.slice(width.left))


@fault(*WIDTHS)
def wrong_channels(code: Code) -> Places:
    for node in calls(code, "Conv1d", "Conv2d", "ConvTranspose2d", "BatchNorm1d", "BatchNorm2d"):
        yield put(code, width_of(node), doubled(code, width_of(node)))


@fault(*WIDTHS)
def wrong_recurrent_width(code: Code) -> Places:
    for node in calls(code, *RECURRENT):
        yield put(code, width_of(node), doubled(code, width_of(node)))


@fault("shape", "api-misuse")
def wrong_layer_norm(code: Code) -> Places:
    for node in calls(code, "LayerNorm"):
        yield put(code, width_of(node), doubled(code, width_of(node)))


@fault("shape")
def dropped_flatten(code: Code) -> Places:
    for node in calls(code, "flatten"):
        yield unwrapped(code, node)
    for node in calls(code, "Flatten"):
        parent = code.parents[node]
        if isinstance(parent, ast.Call):
            yield without_argument(code, parent, node)
    for node in calls(code, "view"):
        if len(node.args) == 2 and code.slice(node.args[1]) == "-1":
            yield unwrapped(code, node)


@fault("shape")
def wrong_view(code: Code) -> Places:
    for node in calls(code, "view", "reshape"):
        if is_library(node.func.value):
            continue
        if len(node.args) == 2 and code.slice(node.args[1]) == "-1":
            yield put(code, node.args[1], "100")
        elif len(node.args) > 1:
            yield put(code, node.args[-1], doubled(code, node.args[-1]))


@fault("shape", "batch-layout", "loss")
def dropped_transpose(code: Code) -> Places:
    for node in calls(code, "transpose", "permute", "t"):
        if not is_library(node.func.value) and not any(name_of(getattr(up, "func", up)) == "print" for up in code.ancestors(node)):
            yield unwrapped(code, node)


@fault("shape")
def wrong_dimension_joined(code: Code) -> Places:
    for node in calls(code, "cat"):
        for keyword in node.keywords:
            if keyword.arg == "dim":
                yield put(code, keyword.value, "0")


@fault("shape", "batch-layout", "loss", "api-misuse")
def dropped_unsqueeze(code: Code) -> Places:
    for node in calls(code, "unsqueeze"):
        yield unwrapped(code, node)


@fault("shape", "loss")
def broadcast_loss(code: Code) -> Places:
    """(n, 1) against (n,): the squeeze or keepdim that makes them alike is gone."""
    if not mentions(code, "backward"):
        return
    for node in calls(code, "squeeze"):
        yield unwrapped(code, node)
    for node in calls(code, "mean", "sum"):
        for keyword in node.keywords:
            if keyword.arg == "keepdim":
                yield without_argument(code, node, keyword)


@fault("shape")
def wrong_number_of_classes(code: Code) -> Places:
    """The head has fewer outputs than there are classes."""
    last = max(calls(code, "Linear"), key=lambda node: (node.lineno, node.col_offset), default=None)
    for node in [last] if last else []:
        if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) and mentions(code, "CrossEntropyLoss", "NLLLoss"):
            yield put(code, node.args[1], str(max(1, node.args[1].value // 2)))


@fault("dtype")
def lost_cast(code: Code) -> Places:
    for node in calls(code, "float", "long"):
        if isinstance(node.func, ast.Attribute) and not node.args:
            yield unwrapped(code, node)


@fault("dtype")
def float_target(code: Code) -> Places:
    if mentions(code, "CrossEntropyLoss", "cross_entropy", "NLLLoss"):
        for node in calls(code, "randint"):
            yield put(code, node, code.slice(node) + ".float()")


@fault("dtype")
def double_input(code: Code) -> Places:
    """As numpy gives it: float64 into a float32 layer."""
    for node in calls(code, "randn", "rand"):
        if isinstance(code.parents[node], ast.Assign) and name_of(node.func).startswith("torch."):
            yield put(code, node, code.slice(node) + ".double()")


@fault("dtype", "shape", "loss")
def integer_input(code: Code) -> Places:
    for node in calls(code, "ones", "zeros"):
        if name_of(node.func).startswith("torch.") and not node.keywords:
            yield put(code, node, code.slice(node) + ".long()")


@fault("batch-layout", "shape")
def batch_first_dropped(code: Code) -> Places:
    for node in calls(code, *BATCH_FIRST):
        for keyword in node.keywords:
            if keyword.arg == "batch_first":
                yield without_argument(code, node, keyword)


@fault("batch-layout", "training-loop", "loss", "api-misuse")
def softmax_over_the_batch(code: Code) -> Places:
    for node in calls(code, "softmax", "log_softmax"):
        for keyword in node.keywords:
            if keyword.arg == "dim":
                yield put(code, keyword.value, "0")


@fault("causality")
def causal_mask_dropped(code: Code) -> Places:
    for node in calls(code):
        for keyword in node.keywords if "crf" not in name_of(node.func) else ():
            if keyword.arg in ("attn_mask", "mask", "tgt_mask"):
                yield without_argument(code, node, keyword)


@fault("causality", "batch-layout", "api-misuse")
def padding_mask_dropped(code: Code) -> Places:
    for node in calls(code):
        for keyword in node.keywords:
            if keyword.arg in ("src_key_padding_mask", "key_padding_mask"):
                yield without_argument(code, node, keyword)


@fault("causality", "api-misuse")
def no_positional_information(code: Code) -> Places:
    for node in calls(code, "position"):
        yield put(code, node, code.slice(node.args[0]))
    for node in code.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and "pos" in code.slice(node.right):
            start, end = code.range(code.span(node.left))[1], code.range(code.span(node))[1]
            yield (Edit(start, end, ""),)


@fault("causality")
def unshifted_target(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, ast.Assign) and "[:, :-1]" in code.slice(node.value) and "[:, 1:]" in code.slice(node.value):
            yield put(code, node.value, code.slice(node.value).replace("[:, 1:]", "[:, :-1]"))
