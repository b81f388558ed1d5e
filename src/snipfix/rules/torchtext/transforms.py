"""torchtext.transforms and torchtext.functional of 0.12 and later: those that are plain Python, as functions that take what the classes took."""

from __future__ import annotations

import ast

from snipfix.rules.torchtext.model import NotMigratable

__all__ = ["TRANSFORMS", "transform"]

EACH = """def each(function, tokens):
    \"\"\"The function of a list of tokens, or of each of a list of lists.\"\"\"
    return [function(one) for one in tokens] if tokens and isinstance(tokens[0], list) else function(tokens)
"""
SEQUENTIAL = """def sequential(*steps):
    def run(value):
        for step in steps:
            value = step(value)
        return value

    return run
"""
TENSOR = """def to_tensor(ids, padding_value=None, dtype=torch.long):
    if padding_value is None or not isinstance(ids[0], list):
        return torch.tensor(ids, dtype=dtype)
    return pad_sequence([torch.tensor(one, dtype=dtype) for one in ids], batch_first=True, padding_value=padding_value)
"""
PAD = """def pad_transform(max_length, pad_value):
    return lambda ids: pad(ids, (0, max(0, max_length - ids.size(-1))), value=pad_value)
"""
LABELS = """def label_to_index(label_names, sort_names=False):
    numbers = {label: number for number, label in enumerate(sorted(label_names) if sort_names else label_names)}
    return lambda labels: numbers[labels] if isinstance(labels, str) else [numbers[label] for label in labels]
"""
ADD = "lambda row: [token, *row] if begin else [*row, token]"

TRANSFORMS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "transforms.Sequential": ("sequential", (), (SEQUENTIAL,), ()),
    "transforms.VocabTransform": ("vocab_transform", ("vocab",), (EACH, "def vocab_transform(vocab):\n    return lambda tokens: each(vocab, tokens)\n"), ()),
    "transforms.ToTensor": (
        "tensor_transform",
        ("padding_value", "dtype"),
        (TENSOR, "def tensor_transform(padding_value=None, dtype=torch.long):\n    return lambda ids: to_tensor(ids, padding_value, dtype)\n"),
        ("import torch", "from torch.nn.utils.rnn import pad_sequence"),
    ),
    "transforms.Truncate": (
        "truncate_transform",
        ("max_seq_len",),
        (EACH, "def truncate_transform(max_seq_len):\n    return lambda tokens: each(lambda row: row[:max_seq_len], tokens)\n"),
        (),
    ),
    "transforms.AddToken": (
        "add_token_transform",
        ("token", "begin"),
        (EACH, f"def add_token_transform(token, begin=True):\n    return lambda tokens: each({ADD}, tokens)\n"),
        (),
    ),
    "transforms.PadTransform": ("pad_transform", ("max_length", "pad_value"), (PAD,), ("import torch", "from torch.nn.functional import pad")),
    "transforms.StrToIntTransform": ("str_to_int", (), (EACH, "def str_to_int():\n    return lambda tokens: each(lambda row: [int(one) for one in row], tokens)\n"), ()),
    "transforms.LabelToIndex": ("label_to_index", ("label_names", "sort_names"), (LABELS,), ()),
    "functional.to_tensor": ("to_tensor", ("input", "padding_value", "dtype"), (TENSOR,), ("import torch", "from torch.nn.utils.rnn import pad_sequence")),
    "functional.truncate": ("truncate", ("input", "max_seq_len"), (EACH, "def truncate(tokens, max_seq_len):\n    return each(lambda row: row[:max_seq_len], tokens)\n"), ()),
    "functional.add_token": ("add_token", ("input", "token_id", "begin"), (EACH, f"def add_token(tokens, token, begin=True):\n    return each({ADD}, tokens)\n"), ()),
    "functional.str_to_int": ("str_to_int_rows", ("input",), (EACH, "def str_to_int_rows(tokens):\n    return each(lambda row: [int(one) for one in row], tokens)\n"), ()),
}  # fmt: skip
"""By torchtext's name: the function in its place, the parameters that it has of it, definitions, imports."""

RENAMED = {"functional.add_token": {"token_id": "token"}}


def transform(call: ast.Call, name: str) -> tuple[str, list[tuple[ast.keyword, str]]]:
    """The name of the function in the place of a transform, and keywords that are called something else.

    Raises:
        NotMigratable: when the call gives an option that the function does not have.
    """
    function, parameters, _, _ = TRANSFORMS[name]
    given = [keyword.arg for keyword in call.keywords]
    if not set(given) <= set(parameters):
        raise NotMigratable(f"{name} with options of its own")
    new = RENAMED.get(name, {}) | {"input": {"functional.to_tensor": "ids"}.get(name, "tokens")}
    return function, [(keyword, new[keyword.arg]) for keyword in call.keywords if keyword.arg in new]
