"""Parameters remembered without a copy."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression, wrap_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, number, shape, words

__all__ = ["SnapshotByReference"]

EARLIER = frozenset("before old init initial prev previous orig original start first snapshot saved begin pre frozen w0 p0".split())
"""Words in a name that say that it keeps an earlier state."""

HEAD = "import torch, torch.nn as nn\nnet = nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
STEP = "net(torch.ones(2, 3)).sum().backward()\nopt.step()\n"


class SnapshotByReference(Rule):
    """Parameters from before a step are kept without a copy and compared with those after it: they are the same numbers in memory.

    ## What it does
    Reports a comparison or difference, after optimizer steps, of a parameter with a tensor that lies at the same place in memory and whose name
    says that it is from before.

    ## Why is this bad?
    `before = layer.weight` is the parameter itself, and `.data` and `detach()` share its memory. The difference is 0 whatever the training did.

    ## Example
    ```python
    before = net.weight.data
    optimizer.step()
    print((net.weight - before).abs().max())
    ```

    ## Use instead
    ```python
    before = net.weight.detach().clone()
    optimizer.step()
    print((net.weight - before).abs().max())
    ```

    ## Fix safety
    Unsafe: the comparison gives what its names say; the printed results change.

    ## References
    - torch.Tensor.detach: "Returned Tensor shares the same storage with the original one".
    """

    id = "SNF294"
    name = "snapshot-by-reference"
    category = Category.AUTOGRAD
    GOOD = (
        Good(HEAD + "before = net.weight.detach().clone()\n" + STEP + "print((net.weight - before).abs().max())\n"),
        Good(HEAD + STEP + "weight = net.weight\nprint(torch.equal(weight, net.weight))\n"),
        Good(HEAD + "tied = net.weight\n" + STEP + "print('still tied:', torch.equal(tied, net.weight))\n"),
        Good(HEAD + "before = net.weight\nprint(torch.equal(before, net.weight))\n" + STEP),
        Good(HEAD + STEP + "print((net.weight != net.weight).any())\n"),
    )
    BAD = (
        Bad(
            HEAD + "before = net.weight.data  # 更新前\n" + STEP + "print(torch.equal(before, net.weight))\n",
            at=(4, 10),
            fixed=HEAD + "before = net.weight.data.clone()  # 更新前\n" + STEP + "print(torch.equal(before, net.weight))\n",
        ),
        Bad(
            HEAD + "old_params = list(net.parameters())\n" + STEP + "for old, new in zip(old_params, net.parameters()):\n    print((new - old).abs().sum())\n",
            at=(4, 14),
            fixed=HEAD + "old_params = [one.detach().clone() for one in net.parameters()]\n" + STEP + "for old, new in zip(old_params, net.parameters()):\n    print((new - old).abs().sum())\n",
        ),
        Bad(
            HEAD + "w_before = {n: p.data for n, p in net.named_parameters()}\n" + STEP + "for n, p in net.named_parameters():\n    print(n, (w_before[n] == p).all())\n",
            at=(4, 12),
            fixed=HEAD + "w_before = {n: p.data.clone() for n, p in net.named_parameters()}\n" + STEP + "for n, p in net.named_parameters():\n    print(n, (w_before[n] == p).all())\n",
        ),
    )  # fmt: skip

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told: set[Span] = set()
        for observation, span in each(outcome, context.code, "compared-with-itself"):
            made = _snapshot(context.code, span)
            if made is None or context.code.span(made) in told:
                continue
            told.add(context.code.span(made))
            size, steps = list(shape(observation.facts, "shape") or ()), number(observation.facts, "steps") or 0
            message = (
                f"this keeps the parameters themselves, not what they were: line {span.line} compares a parameter {size} with itself "
                f"after {steps:.0f} step{'s' if steps > 1 else ''}"
            )
            yield self.finding(message, context.code.span(made), stage=Stage.PROBE, evidence=observation.facts)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        value = context.code.node_at(finding.span, ast.expr)
        if isinstance(value, ast.expr) and context.code.span(value) == finding.span:
            yield self.fix("keep a copy", *_copied(context.code, value))


def _snapshot(code: Code, span: Span) -> ast.expr | None:
    """What the name of an earlier state in the comparison was set to, once, before it: through a `zip` in a loop too."""
    node = code.node_at(span, (ast.Compare, ast.BinOp, ast.Call))
    if node is None or code.span(node) != span:
        return None
    for name in [one for one in ast.walk(node) if isinstance(one, ast.Name) and EARLIER & set(_parts(one.id))]:
        made = _set_once(code, name.id, span)
        for loop in (
            [up for up in code.ancestors(name) if isinstance(up, ast.For | ast.ListComp | ast.GeneratorExp)] if made is None else ()
        ):
            walked = loop.iter if isinstance(loop, ast.For) else loop.generators[0].iter
            names = [one for one in ast.walk(walked) if isinstance(one, ast.Name) and EARLIER & set(_parts(one.id))]
            made = _set_once(code, names[0].id, span) if names else None
        if made is not None:
            return made
    return None


def _parts(name: str) -> list[str]:
    return [*words(name), name.lower()]


def _set_once(code: Code, name: str, span: Span) -> ast.expr | None:
    found = [one.value for one in code.all(ast.Assign) if any(isinstance(target, ast.Name) and target.id == name for target in one.targets)]
    return found[0] if len(found) == 1 and found[0].lineno < span.line else None


def _copied(code: Code, value: ast.expr) -> tuple[Edit, ...]:
    """The value as a copy: of a tensor, or of each one in a comprehension or list."""
    if isinstance(value, ast.ListComp | ast.GeneratorExp):
        return wrap_expression(code, value.elt, _template(value.elt))
    if isinstance(value, ast.DictComp):
        return wrap_expression(code, value.value, _template(value.value))
    if isinstance(value, ast.Call) and called(value) in ("list", "tuple") and len(value.args) == 1:
        return replace_expression(code, value, f"[one.detach().clone() for one in {code.slice(value.args[0])}]")
    if isinstance(value, ast.Call) and called(value) in ("state_dict", "dict"):
        return replace_expression(code, value, f"{{name: one.clone() for name, one in {code.slice(value)}.items()}}")
    return wrap_expression(code, value, _template(value))


def _template(value: ast.expr) -> str:
    """How a tensor is copied: without its history, where the text does not leave that out already."""
    detached = (isinstance(value, ast.Attribute) and value.attr == "data") or called(value) == "detach"
    return "{}.clone()" if detached else "{}.detach().clone()"
