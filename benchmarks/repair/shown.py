"""What a program shows that prints nothing: the values it leaves behind, and what its models make of an input of ours."""

from __future__ import annotations

import ast

from snipfix.code import Code

__all__ = ["show_values"]

SEQUENCE = "torch.randint(0, 10000, (2, 6))"
LABELS = "torch.randint(0, 10, (2, 6))"
PADDED = "torch.tensor([[1] * 6, [1] * 4 + [0] * 2])"
CALLS = {
    "q09_capsule_network": ("model(torch.randn(2, 1, 28, 28))",),
    "q10_resnet": ("model(torch.randn(2, 3, 64, 64))", "model.eval()(torch.randn(1, 3, 64, 64))"),
    "q13_transformer_decoder": ("transformer_decoder.eval()(torch.randn(2, 5, 512), torch.randn(2, 7, 512))",),
    "q14_multi_head_attention": ("multi_head_attention(*torch.randn(3, 2, 5, 512))[0]",),
    "q15_bert": (f"bert_model.eval()({SEQUENCE})", f"bert_model({SEQUENCE}, {PADDED})"),
    "q16_gpt": (f"gpt_model.eval()({SEQUENCE})",),
    "q17_lstm_crf": (
        f"lstm_crf_model({SEQUENCE}, {LABELS})",
        f"torch.tensor(lstm_crf_model({SEQUENCE}))",
        f"lstm_crf_model({SEQUENCE}, {LABELS}, mask={PADDED}.bool())",
    ),
    "q18_bilstm_crf": (f"bilstm_crf_model({SEQUENCE}, {LABELS})", f"torch.tensor(bilstm_crf_model({SEQUENCE}))"),
    "q19_bert_crf": (f"bert_crf_model.eval()({SEQUENCE}, {PADDED}, {LABELS})",),
    "q22_gnn": (
        "gnn_model(__import__('types').SimpleNamespace(x=torch.randn(4, 6), edge_index=torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])))",
    ),
    "q29_resnet": ("model(torch.randn(2, 3, 64, 64))",),
}
"""Calls of what a corrected snippet only defines, by its stem: what it is for, on inputs that the search has not seen."""

SUMMARY = """
import torch
def _shown(name, value):
    weights = isinstance(value, torch.nn.Module)
    value = list(value.state_dict().values()) if weights else [value] if isinstance(value, torch.Tensor) else value
    if isinstance(value, (int, float)):
        print(name, value)
    elif isinstance(value, (list, tuple)) and value and all(isinstance(one, torch.Tensor) for one in value):
        print(name, *(float((one.detach().double().sum() if weights else one.detach().double().mean()).nan_to_num()) for one in value if one.numel()))
"""
"""Sums of weights, which small steps of training move visibly, and means of what is computed: a loss is the same averaged early or late."""


def show_values(name: str, text: str) -> str:
    """Code that prints the numbers, tensors and parameters that a program leaves under the names of its own, and what its calls give."""
    code = Code(text)
    names = dict.fromkeys(
        node.id
        for node in ast.walk(ast.Module([one for one in code.tree.body if not isinstance(one, ast.ClassDef | ast.FunctionDef)], []))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    values = "".join(f"_shown({one!r}, globals().get({one!r}))\n" for one in names)
    calls = "".join(f"torch.manual_seed({number})\n_shown('call', {call})\n" for number, call in enumerate(CALLS.get(name, ())))
    return SUMMARY + values + calls
