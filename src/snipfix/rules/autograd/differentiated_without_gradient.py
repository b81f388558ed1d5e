"""A gradient with respect to a tensor that asks for none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import insert_statement_before, joined, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword

__all__ = ["DifferentiatedWithoutGradient"]

CODE = (
    "import torch\n\nnet = torch.nn.Linear(2, 1)\nreal, fake = torch.ones(3, 2), torch.zeros(3, 2)\n\ndef slope({}):\n    {}"
    "out = net(x).sum()\n    return torch.autograd.grad(out, x, create_graph=True)[0]\n\nprint(slope({}).shape)\n"
)


class DifferentiatedWithoutGradient(CrashRule):
    """`torch.autograd.grad` is asked for the gradient of a tensor that does not record one.

    ## What it does
    Explains "One of the differentiated Tensors does not require grad".

    ## Why is this bad?
    Autograd records what is computed from tensors that require a gradient. Data, and mixtures of data, do not: they must ask for it before
    the model sees them.

    ## Example
    ```python
    mixed = eps * real + (1 - eps) * fake
    grad = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
    ```

    ## Use instead
    ```python
    mixed = (eps * real + (1 - eps) * fake).requires_grad_(True)
    grad = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
    ```

    ## Fix safety
    The values stay the same.

    ## References
    - torch.autograd.grad; torch.Tensor.requires_grad_.
    """

    id = "SNF191"
    name = "differentiated-without-gradient"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"One of the differentiated (?:Tensors|Variables) does not require grad",)
    GOOD = (
        Good(CODE.format("x", "x = x.requires_grad_(True)\n    ", "real")),
        Good(CODE.format("a, b", "x = (0.5 * a + 0.5 * b).requires_grad_(True)\n    ", "real, fake")),
    )
    BAD = (
        Bad(
            CODE.format("a, b", "x = 0.5 * a + 0.5 * b  # 插值\n    ", "real, fake"),
            at=(9, 12),
            fixed=CODE.format("a, b", "x = (0.5 * a + 0.5 * b).requires_grad_(True)  # 插值\n    ", "real, fake"),
        ),
        Bad(
            CODE.format("x", "", "real"),
            at=(8, 12),
            fixed=CODE.format("x", "x.requires_grad_(True)\n    ", "real"),
        ),
    )

    def says(self, crash: Crash) -> str:
        return "the gradient is asked with respect to a tensor that does not record one"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call = crash.call
        asked = keyword(call, "inputs") or (call.args[1] if call is not None and len(call.args) > 1 else None)
        names = [one for one in (asked.elts if isinstance(asked, ast.List | ast.Tuple) else [asked]) if isinstance(one, ast.Name)]
        edits: tuple[Edit, ...] = ()
        for name in names:
            edits = joined(edits, self._asking(crash, name)) if edits else self._asking(crash, name)
        if edits:
            yield Offer("Let the tensor record its gradient before the model sees it", edits)

    def _asking(self, crash: Crash, name: ast.Name) -> tuple[Edit, ...]:
        """Where the tensor was computed, else before the first statement that computes with it in its function."""
        code, born = crash.code, crash.born(name)
        if born is not None and isinstance(born.value, ast.BinOp | ast.Call):
            return wrap_expression(code, born.value, "{}.requires_grad_(True)")
        function = crash.function_of(name)
        body = getattr(function, "body", [])
        uses = (
            one
            for one in body
            if isinstance(one, ast.stmt) and (born is None or one.lineno > born.lineno)
            and any(isinstance(inner, ast.Name) and inner.id == name.id for inner in ast.walk(one))
        )  # fmt: skip
        first = next(uses, None)
        return () if first is None else insert_statement_before(code, first.lineno, f"{name.id}.requires_grad_(True)")
