"""Is dim 0 the batch? What the author's own text says about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from snipfix.code import Code
from snipfix.evidence import Outcome
from snipfix.rules.observed import called, flag, items, shape, text

__all__ = ["batch_first_evidence", "built_batch_first", "class_named", "pooled_steps", "steps_first_said", "takes_step"]

BATCH = re.compile(r"^(batch(_?size)?|bs|bsz|n_?batch(es)?|num_samples|B)$", re.IGNORECASE)
LAYOUT = re.compile(
    r"[(\[（]\s*(batch(_?size)?|bs|bsz|b|n)\s*[,，x×*]\s*(seq\w*|sequence\w*|time\w*|len\w*|max_len|t|l|s|src\w*|tgt\w*|num_tokens|n_tokens|tokens)\b",
    re.IGNORECASE,
)
STEPS_FIRST = re.compile(
    r"[(\[（]\s*(seq\w*|sequence\w*|sent\w*|src\w*|trg\w*|tgt\w*|time\w*|steps?|len\w*|max_len|t|l|s)([ _-]len\w*)?\s*[,，x×*]\s*(batch([ _]?size)?|bs|bsz|b|n)\b",
    re.IGNORECASE,
)
MAKERS = frozenset({"rand", "randn", "randint", "zeros", "ones", "full", "empty", "normal"})
NAMESPACES = frozenset({"torch", "F"})
POOLS = frozenset({"mean", "sum", "max", "amax", "logsumexp", "adaptive_avg_pool1d"})
COUNTED = (
    r"(?<![\w.]){size}\s*(个|条|段|句|张)?\s*(?:[a-z]+\s+){{0,3}}"
    r"(\w{{0,4}}(序列|样本|文本|句子|句|批)|sequences?|samples?|sentences?|texts?|documents?|examples?|batch(es)?|time series)"
)
BATCH_OF = r"batch(_?size)?\s*(of|=|:|为|是)?\s*{size}(?!\w)"


def class_named(code: Code, name: str) -> ast.ClassDef | None:
    """The class of this name in the text."""
    return next((node for node in code.all(ast.ClassDef) if node.name == name), None)


def batch_first_evidence(code: Code, kind: str, size: int, given: bool) -> str:
    """Why dim 0 of the input of class `kind` is the batch, in words; empty when the text does not say so.

    `given`: the input is the author's own, so that comments and names about it count; `size`: its dim 0.
    """
    node = class_named(code, kind)
    reasons = [] if node is None else list(_from_class(code, node))
    if given and not reasons:
        reasons = list(_from_inputs(code, size))
    return reasons[0] if reasons else ""


def built_batch_first(outcome: Outcome, facts: Mapping[str, Any]) -> str:
    """Why dim 0 is the batch, in words: a layer built with `batch_first=True` is handed the input's first two dims; empty where none is."""
    first = (shape(facts, "input") or ())[:2]
    layers = {text(one, "path"): text(one, "type") for one in items(facts, "layers") if flag(one, "first")}
    for call in outcome.calls:
        given = call.inputs[0].shape if call.inputs else None
        if call.module.path in layers and len(set(first)) == 2 and given is not None and given[:2] == first:
            return f"its {layers[call.module.path]} is built with batch_first=True"
    return ""


def _from_class(code: Code, node: ast.ClassDef) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Assign) and (why := _names_batch(one)):
            yield why
        elif pooled_steps(one) is not None:
            how = "pools over dim 1 as the steps" if isinstance(one, ast.Call) else "takes one step along dim 1"
            yield f"`{ast.unparse(one)[:60]}` {how}"
    for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        if (comment := code.comments.get(line)) and LAYOUT.search(comment):
            yield f"a comment says `{comment[:60]}`"
    if (docstring := ast.get_docstring(node)) and LAYOUT.search(docstring):
        yield "the docstring says that the batch comes first"


def steps_first_said(code: Code, node: ast.AST | None) -> bool:
    """Whether a class says that its inputs have the steps in dim 0 and the batch in dim 1: in a comment, or by the names of the sizes."""
    if not isinstance(node, ast.ClassDef):
        return False
    comments = (code.comments.get(line, "") for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))
    if any(STEPS_FIRST.search(one) for one in (*comments, ast.get_docstring(node) or "")):
        return True
    return any(_names_batch(one, 1) for one in ast.walk(node) if isinstance(one, ast.Assign))


def pooled_steps(node: ast.AST) -> ast.expr | None:
    """The expression over whose dim 1 a node pools, or of which it takes one step along dim 1; None for any other node."""
    if isinstance(node, ast.Call) and called(node) in POOLS and _dim(node) == 1:
        function = isinstance(node.func, ast.Name) or (isinstance(node.func.value, ast.Name) and node.func.value.id in NAMESPACES)  # type: ignore[attr-defined]
        if function:
            return node.args[0] if node.args else None
        return node.func.value  # type: ignore[attr-defined, no-any-return]
    return node.value if isinstance(node, ast.Subscript) and takes_step(node) else None


def _names_batch(node: ast.Assign, dim: int = 0) -> str:
    """`batch_size = x.size(0)`, `batch_size, seq_len, _ = x.shape`; for dim 1 `steps, batch = x.shape`."""
    target, value = node.targets[0], ast.unparse(node.value)
    if isinstance(target, ast.Tuple) and len(target.elts) > 1 and isinstance(target.elts[dim], ast.Name):
        named = BATCH.match(ast.unparse(target.elts[dim])) and (value.endswith((".shape", ".size()")) or ".shape[:" in value)
    else:
        named = isinstance(target, ast.Name) and BATCH.match(target.id) and value.endswith((f".size({dim})", f".shape[{dim}]"))
    return f"`{ast.unparse(node)[:60]}` calls dim {dim} the batch" if named else ""


def _dim(call: ast.Call) -> int | None:
    for one in call.keywords:
        if one.arg in {"dim", "axis"} and isinstance(one.value, ast.Constant) and isinstance(one.value.value, int):
            return one.value.value
    method = isinstance(call.func, ast.Attribute) and not (isinstance(call.func.value, ast.Name) and call.func.value.id in NAMESPACES)
    at = 0 if method else 1
    if len(call.args) > at and isinstance(call.args[at], ast.Constant):
        value = call.args[at].value  # type: ignore[attr-defined]
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def takes_step(node: ast.Subscript) -> bool:
    """`out[:, -1]`, `out[:, 0, :]`: everything of dim 0, one of dim 1."""
    if not isinstance(node.slice, ast.Tuple) or len(node.slice.elts) < 2:
        return False
    first, second = node.slice.elts[:2]
    everything = isinstance(first, ast.Slice) and first.lower is None and first.upper is None
    return everything and ast.unparse(second) in {"-1", "0"}


def _from_inputs(code: Code, size: int) -> Iterator[str]:
    for comment in code.comments.values():
        counted = re.search(COUNTED.format(size=size), comment, re.IGNORECASE) or re.search(
            BATCH_OF.format(size=size), comment, re.IGNORECASE
        )
        if counted or LAYOUT.search(comment):
            yield f"a comment says `{comment[:60]}`"
    for node in code.nodes:
        if isinstance(node, ast.Call) and called(node) in MAKERS:
            sizes = next((one.elts for one in node.args if isinstance(one, ast.Tuple)), node.args)
            if len(sizes) > 1 and isinstance(sizes[0], ast.Name) and BATCH.match(sizes[0].id):
                yield f"`{ast.unparse(node)[:60]}` puts the batch first"
