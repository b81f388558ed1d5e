"""A tensor that the gradient needs was changed in place."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import (
    insert_statement_after,
    insert_statement_before,
    joined,
    remove_statement,
    rename_attribute,
    replace_expression,
    wrap_expression,
)
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.observed import called


class InPlaceOnSavedTensor(CrashRule):
    """A tensor that the gradient needs was changed in place.

    ## What it does
    Explains a `backward` that finds a saved tensor overwritten: by `+=`, by an in-place activation, or by an optimizer that stepped between forward and backward.

    ## Why is this bad?
    The gradient would be wrong, so PyTorch refuses it. The change is often far from the call that fails.

    ## Example
    ```python
    y = torch.sigmoid(x)
    y += 1
    y.sum().backward()
    ```

    ## Use instead
    ```python
    y = torch.sigmoid(x)
    y = y + 1
    y.sum().backward()
    ```

    ## Fix safety
    The same values are computed, in a new tensor. Moving an optimizer step changes which weights a gradient is of, so that has to be confirmed.

    ## References
    - PyTorch, In-place correctness checks
    """

    id = "SNF282"
    name = "in-place-on-saved-tensor"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"one of the variables needed for gradient computation has been modified by an inplace operation: \[?(?:[\w.]+ \[([\d, ]*)\])?",
        r"one of the variables needed for gradient computation has been modified",
    )
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\ny = torch.sigmoid(x)\ny = y + 1\ny.sum().backward()\n"
        ),
        Good("import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\ny = x * 2\ny += 1\ny.sum().backward()\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\ny = torch.sigmoid(x)\ny += 1\ny.sum().backward()\n",
            at=(6, 1),
            fixed="import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\ny = torch.sigmoid(x)\ny = y + 1\ny.sum().backward()\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\ny = torch.exp(x)\nz = torch.relu_(y)\nz.sum().backward()\n",
            at=(6, 1),
            fixed="import torch\nimport torch.nn as nn\nx = torch.ones(3, requires_grad=True)\ny = torch.exp(x)\nz = torch.relu(y)\nz.sum().backward()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"a tensor{f' {crash.found[0]}' if crash.found and crash.found[0] else ''} that backward() needs has been changed in place"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        all_edits = []
        for title, edits in _in_place(crash):
            all_edits.append(edits)
            yield Offer(title, edits)
        if len(all_edits) > 1:
            yield Offer("Compute all of it out of place", joined(*all_edits))
        yield from self._early_steps(crash)

    @staticmethod
    def _early_steps(crash: Crash) -> Iterator[Offer]:
        """An optimizer stepped after the loss was computed: compute the failing loss's forward afterwards."""
        code, call = crash.code, crash.call
        loss = call.func.value if call is not None and isinstance(call.func, ast.Attribute) else None
        birth = crash.born(loss) if isinstance(loss, ast.Name) else None
        steps = [
            node
            for node in code.nodes
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func).endswith(".step")
            and birth is not None
            and birth.lineno < node.lineno < crash.span.line
        ]
        if birth is None or not steps:
            return
        needed = [birth]
        for name in [node for node in ast.walk(birth.value) if isinstance(node, ast.Name)]:
            made = crash.born(name)
            built = made is not None and called(made.value).endswith("Loss")  # a criterion, which no step changes
            if made is not None and made.lineno < birth.lineno and isinstance(made.value, ast.Call) and made not in needed and not built:
                needed.insert(0, made)
        for count in range(1, len(needed) + 1):
            moved = sorted(needed[-count:], key=lambda node: node.lineno)
            text = "\n".join(code.slice(node) for node in moved)
            edits = [insert_statement_after(code, steps[-1].lineno, text), *(remove_statement(code, node.lineno) for node in moved)]
            yield Offer("Compute this loss after the other optimizer has stepped", joined(*edits))
        text = "\n".join(code.slice(node) for node in sorted(needed, key=lambda node: node.lineno))
        yield Offer("Compute this loss again after the other optimizer has stepped", insert_statement_after(code, steps[-1].lineno, text))


SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@"}


def _in_place(crash: Crash) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """The in-place changes in the text, each with the edits that make it one out of place; the nearest above the failure first."""
    code = crash.code
    nodes = sorted((node for node in code.nodes if hasattr(node, "lineno")), key=lambda node: node.lineno, reverse=True)
    for node in nodes:
        if isinstance(node, ast.AugAssign) and type(node.op) in SIGNS and isinstance(node.target, ast.Name) and not _counts(node):
            start, end = code.range(code.span(node))
            value = code.slice(node.value)
            value = (
                f"({value})" if isinstance(node.value, ast.BinOp | ast.IfExp | ast.UnaryOp) and not isinstance(node.op, ast.Add) else value
            )
            yield "Compute a new tensor", (Edit(start, end, f"{node.target.id} = {node.target.id} {SIGNS[type(node.op)]} {value}"),)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) and isinstance(node.targets[0].value, ast.Name):
            held = node.targets[0].value.id
            reads = [one for one in ast.walk(node.value) if isinstance(one, ast.Subscript) and ast.unparse(one.value) == held]
            if reads:  # what step t is made of is kept for the backward pass, and written into at step t + 1
                yield "Compute with a copy of what is read", joined(*(wrap_expression(code, one, "{}.clone()") for one in reads))
            birth = crash.born(node.targets[0].value)
            if birth is not None and birth.lineno < node.lineno and isinstance(birth.value, ast.Call):
                yield "Write into a copy", wrap_expression(code, birth.value, "{}.clone()")
            elif not crash.births(node.targets[0].value) and _is_parameter(crash, node.targets[0].value):
                name = node.targets[0].value.id
                yield "Write into a copy", insert_statement_before(code, node.lineno, f"{name} = {name}.clone()")
        elif isinstance(node, ast.keyword) and node.arg == "inplace" and ast.unparse(node.value) == "True":
            yield "Leave the input of the activation alone", replace_expression(code, node.value, "False")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _ends_in_place(node.func.attr):
            target, parent = node.func.value, code.parents.get(node)
            if isinstance(parent, ast.Expr) and isinstance(target, ast.Name):
                renamed = rename_attribute(code, node.func, node.func.attr[:-1])
                at = code.range(code.span(node))[0]
                yield "Compute a new tensor", joined((Edit(at, at, f"{target.id} = "),), renamed)
            elif isinstance(parent, ast.Assign):
                yield "Compute a new tensor", rename_attribute(code, node.func, node.func.attr[:-1])


def _ends_in_place(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__") and name not in ("requires_grad_", "zero_", "detach_", "clip_grad_norm_", "copy_")


def _counts(node: ast.AugAssign) -> bool:
    """Whether `total += loss.item()` adds up plain numbers."""
    return isinstance(node.value, ast.Call) and ast.unparse(node.value.func).endswith((".item", "len", "float"))


def _is_parameter(crash: Crash, name: ast.Name) -> bool:
    home = crash.function_of(name)
    return isinstance(home, ast.FunctionDef) and name.id in [arg.arg for arg in home.args.args]
