"""Functions that put ragged samples into a batch, written for the samples that a data set of the text gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import add_import, add_keyword, joined
from snipfix.model import Edit
from snipfix.rules.mending import keyword
from snipfix.rules.written import value_of, whole_value

__all__ = ["collations"]

PAD, TENSOR, STACK = "pad_sequence({}, batch_first=True{})", "torch.tensor({})", "torch.stack({})"
FUNCTIONS = ("CrossEntropyLoss", "NLLLoss", "cross_entropy", "nll_loss")


def collations(code: Code, *, lists: bool) -> Iterator[tuple[Edit, ...]]:
    """Ways to pad the samples that every DataLoader of a text without `collate_fn` goes through. `lists`: the samples hold lists of numbers."""
    loaders = [call for call in code.calls("DataLoader") if keyword(call, "collate_fn") is None]
    if not loaders:
        return
    known = {ast.unparse(given) for call in code.calls("DataLoader") if (given := keyword(call, "collate_fn")) is not None}
    for name in known:  # the other loader's
        yield joined(*(add_keyword(code, call, "collate_fn", name) for call in loaders))
    pad = add_import(code, "torch.nn.utils.rnn", "pad_sequence")
    sample = _sample(code)
    if not isinstance(sample, ast.Tuple | ast.Dict):
        batch = "[torch.tensor(one) for one in batch]" if lists else "batch"
        text = f"lambda batch: {PAD.format(batch, _padding(code))}"
        yield joined(*(add_keyword(code, call, "collate_fn", text) for call in loaders), pad)
    name = "pad_batch" if "collate" in {one.name for one in code.all(ast.FunctionDef)} else "collate"
    for body in _bodies(code, sample, lists):
        function = _before(code, loaders[0], f"def {name}(batch):\n{body}\n")
        yield joined(*(add_keyword(code, call, "collate_fn", name) for call in loaders), pad, function)


def _sample(code: Code) -> ast.expr | None:
    """What the one data set of a text gives as a sample."""
    getters = [one for one in code.all(ast.FunctionDef) if one.name == "__getitem__"]
    returns = [one.value for one in code.all(ast.Return, getters[0])] if len(getters) == 1 else []
    value = returns[0] if len(returns) == 1 else None
    if not getters and len(loaders := code.calls("DataLoader")) == 1 and loaders[0].args:
        listed = whole_value(code, loaders[0].args[0])
        return listed.elts[0] if isinstance(listed, ast.List) and listed.elts else None
    given = value_of(code, value) if isinstance(value, ast.Name) else None
    return given[0] if given is not None and given[1] is None else value


def _bodies(code: Code, sample: ast.expr | None, lists: bool) -> Iterator[str]:
    """Bodies of the function: which parts are padded, and which are put together as they are, is for a run to tell."""
    if isinstance(sample, ast.Dict):
        keys = [repr(one.value) for one in sample.keys if isinstance(one, ast.Constant)]
        parts = [f"[one[{key}] for one in batch]".replace("'", '"') for key in keys]
        for made in _ways(code, [_of_tensors(one, lists) for one in parts], parts):
            lines = "".join(f"        {key}: {text},\n".replace("'", '"') for key, text in zip(keys, made, strict=True))
            yield f"    return {{\n{lines}    }}"
        return
    names = _names(code, sample)
    tensors = [f"[torch.tensor(one) for one in {name}]" if lists else name for name in names]
    for made in _ways(code, tensors, names):
        yield f"    {', '.join(names)} = zip(*batch)\n    return {', '.join(made)}"


def _of_tensors(part: str, lists: bool) -> str:
    return part.replace("[one[", "[torch.tensor(one[", 1).replace("] for", "]) for", 1) if lists else part


def _names(code: Code, sample: ast.expr | None) -> list[str]:
    """Names for the parts of the samples of a batch: `texts, labels` where a sample is `text, label`."""
    parts = sample.elts if isinstance(sample, ast.Tuple) else []
    if len(parts) > 2 and not all(isinstance(one, ast.Name) for one in parts):  # as the loop that reads them calls them
        targets = [loop.target.elts for loop in code.all(ast.For) if isinstance(loop.target, ast.Tuple)]
        parts = next((one for one in targets if len(one) == len(parts)), parts)
    told = [one.id if one.id.endswith("s") else f"{one.id}s" for one in parts if isinstance(one, ast.Name)]
    return told if told and len(set(told)) == len(parts) else ["inputs", "targets", "others"][: max(len(parts), 2)]


def _ways(code: Code, padded: list[str], plain: list[str]) -> Iterator[list[str]]:
    """The parts of a batch: the first one padded, all of them, all but the last, or the first one padded and the others as they are."""
    count = len(plain)
    first = PAD.format(padded[0], _padding(code)) if padded else ""
    more = [PAD.format(one, _padding(code)) for one in padded[1:-1]]
    last = PAD.format(padded[-1], _left_out(code)) if padded else ""
    if count > 1:
        yield [first, *(TENSOR.format(one) for one in plain[1:])]
        yield [first, *(STACK.format(one) for one in plain[1:])]
        yield [first, *more, last]
    if count > 2:
        yield [first, *more, TENSOR.format(plain[-1])]
    if count > 1:  # words stay words
        yield [first, *plain[1:]]


def _padding(code: Code) -> str:
    """The id that the embedding of a text keeps for padding, as an argument; nothing where it is 0."""
    given = next((one for call in code.calls("Embedding") if (one := keyword(call, "padding_idx")) is not None), None)
    told = isinstance(given, ast.Constant) or (isinstance(given, ast.Name) and any(one.id == given.id for one in _globals(code)))
    return f", padding_value={ast.unparse(given)}" if given is not None and told and ast.unparse(given) != "0" else ""


def _globals(code: Code) -> Iterator[ast.Name]:
    """The names that the module binds."""
    for statement in code.tree.body:
        yield from (one for one in getattr(statement, "targets", ()) if isinstance(one, ast.Name))


def _left_out(code: Code) -> str:
    """The target that the loss over classes leaves out, as an argument: padding must not be learned."""
    losses = code.calls(*FUNCTIONS)
    told = next((one for call in losses if (one := keyword(call, "ignore_index")) is not None), None)
    return f", padding_value={'-100' if told is None else ast.unparse(told)}" if losses else ""


def _before(code: Code, call: ast.Call, text: str) -> tuple[Edit, ...]:
    """A function in front of the module's statement that a call stands in, a blank line on each side."""
    home = next(one for one in code.tree.body if one.lineno <= call.lineno <= (one.end_lineno or one.lineno))
    at = code.offset(home.lineno, 1)
    alone = home.lineno == 1 or not code.lines[home.lineno - 2].strip()
    return (Edit(at, at, f"{text}\n" if alone else f"\n{text}\n"),)
