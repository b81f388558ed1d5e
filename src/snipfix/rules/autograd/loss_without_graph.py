"""backward() is called on a loss that no parameter has a part in."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import (
    add_keyword,
    insert_statement_after,
    insert_statement_before,
    joined,
    rename_attribute,
    replace_expression,
    replace_statement,
    wrap_expression,
)
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Edit, Finding, Fix, Meaning, Stage
from snipfix.rules.autograd.classes_for_scores import from_scores
from snipfix.rules.autograd.rewrapping import joined_again
from snipfix.rules.base import Bad, Context, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called, each, flag, number
from snipfix.rules.training_loop.loops import OPTIMIZERS
from snipfix.rules.widths import argument_of
from snipfix.rules.written import value_of

__all__ = ["LossWithoutGraph"]

LOOP = (
    "import torch, torch.nn as nn\nnet, x, y = nn.Linear(3, 1), torch.ones(4, 3), torch.zeros(4, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    "for _ in range(3):\n    opt.zero_grad()\n{}    loss.backward()\n    opt.step()\n"
)

CLASSES = (
    "import torch\nimport torch.nn as nn\nnet, x, y = nn.Linear(3, 2), torch.randn(4, 3), torch.tensor([0, 1, 1, 0])\n"
    "opt = torch.optim.SGD(net.parameters(), lr=0.1)\nfor _ in range(3):\n    loss = {}\n    loss.backward()\n    opt.step()\n    opt.zero_grad()\n"
)

FROZEN = (
    "import torch\nimport torch.nn as nn\nnet = nn.Transformer(4, 1, 1, 1, 4, batch_first=True).encoder\nnet.head = nn.Linear(4, 2)\n"
    "for one in net.parameters():\n    one.requires_grad = False  # 冻结\n{}net.head(net(torch.ones(2, 3, 4))).sum().backward()\n"
)


class LossWithoutGraph(CrashRule):
    """backward() is called on a loss that no parameter has a part in.

    ## What it does
    Explains a `backward` on a tensor without a history: cut by `detach`, `no_grad`, `argmax`, by building a new tensor from old ones, or never connected.
    Where such a tensor was made to require a gradient, `backward` runs and reaches nothing: reported while an optimizer steps.

    ## Why is this bad?
    Nothing can be learned from such a loss.

    ## Example
    ```python
    loss = torch.tensor([one, two]).mean()
    loss.backward()
    ```

    ## Use instead
    ```python
    loss = torch.stack([one, two]).mean()
    loss.backward()
    ```

    ## Fix safety
    The cut is undone where it stands; where it was on purpose the loss is another matter. A loss of classes that were chosen by their scores, an error
    rate among them, becomes the cross-entropy of the scores.

    ## References
    - torch.no_grad
    - torch.stack
    """

    id = "SNF284"
    name = "loss-without-graph"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"element 0 of (?:tensors|variables) does not require grad",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\ntorch.stack([net(torch.ones(3)).sum()]).mean().backward()\n"),
        Good("import torch\nimport torch.nn as nn\nx = torch.ones(1, requires_grad=True)\n(x ** 2).backward()\n"),
        Good("import torch\nx = torch.tensor(2.0, requires_grad=True)\nx.backward()\nprint(x.grad)\n"),
        Good(
            "import torch\nw = torch.nn.Parameter(torch.tensor(2.0))\no = torch.optim.SGD([w], lr=0.1)\nw.backward()\no.step()\nprint(w)\n"
        ),
        Good(LOOP.format("    loss = ((net(x) - y) ** 2).mean()\n    shown = torch.tensor(loss.item(), requires_grad=True)\n")),
    )
    BAD = (
        Bad(FROZEN.format(""), at=(7, 1), fixed=FROZEN.format("net.head.requires_grad_(True)\n")),
        Bad(
            CLASSES.format("1 - (net(x).argmax(1) == y).float().mean()"),
            at=(7, 5),
            fixed=CLASSES.format("nn.functional.cross_entropy(net(x), y)"),
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\nlosses = [net(torch.ones(3)).sum() for _ in range(2)]\nloss = torch.tensor(losses).mean()\nloss.backward()\n",
            at=(6, 1),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\nlosses = [net(torch.ones(3)).sum() for _ in range(2)]\nloss = torch.stack(losses).mean()\nloss.backward()\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\nwith torch.no_grad():\n    out = net(torch.ones(2, 3))\nloss = out.mean()\nloss.backward()\n",
            at=(7, 1),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(3, 1)\nout = net(torch.ones(2, 3))\nloss = out.mean()\nloss.backward()\n",
        ),
        Bad(
            LOOP.format("    loss = torch.tensor(nn.functional.mse_loss(net(x), y).item(), requires_grad=True)\n"),
            at=(7, 5),
            fixed=LOOP.format("    loss = nn.functional.mse_loss(net(x), y)\n"),
        ),
        Bad(
            LOOP.format("    loss = ((net(x) - y) ** 2).mean()\n    loss = loss.detach()  # 断开\n    loss.requires_grad = True\n"),
            at=(9, 5),
            fixed=LOOP.format("    loss = ((net(x) - y) ** 2).mean()\n"),
        ),
        Bad(
            LOOP.format("    out = ((net(x) - y) ** 2).mean()\n    loss = torch.autograd.Variable(out.data, requires_grad=True)\n"),
            at=(8, 5),
            fixed=LOOP.format("    out = ((net(x) - y) ** 2).mean()\n    loss = out\n"),
        ),
        Bad(
            LOOP.format(
                "    out = ((net(x) - y) ** 2).mean()\n    value = out.item()\n    loss = torch.tensor([value]).requires_grad_(True)\n"
            ),
            at=(9, 5),
            fixed=LOOP.format("    out = ((net(x) - y) ** 2).mean()\n    value = out.item()\n    loss = out\n"),
        ),
        Bad(
            "import numpy as np\nimport torch\nnet = torch.nn.Linear(2, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\nx, y = torch.ones(4, 2), torch.ones(4, 1)\n"
            "for _ in range(2):\n    pred = net(x)\n    loss = torch.tensor(np.mean((pred.detach().numpy() - y.numpy()) ** 2), requires_grad=True)\n"
            "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n",
            at=(10, 5),
            fixed="import numpy as np\nimport torch\nnet = torch.nn.Linear(2, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\nx, y = torch.ones(4, 2), torch.ones(4, 1)\n"
            "for _ in range(2):\n    pred = net(x)\n    loss = torch.mean((pred - y) ** 2)\n"
            "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterable[Finding]:
        for observation, span in each(outcome, context.code, "backward-of-leaf"):
            if number(observation.facts, "unreached") and not flag(observation.facts, "held"):
                message = "backward() starts at a new tensor without a history: no parameter gets a gradient from it, and the optimizer steps nothing"
                yield self.finding(message, span, stage=Stage.PROBE, evidence=observation.facts)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if finding.stage is not Stage.PROBE:
            yield from super().fixes(context, finding)
        elif edits := joined_again(context, finding.span):
            yield self.fix("leave out the re-wrapping", *edits)

    def says(self, crash: Crash) -> str:
        history = self._history(crash)
        loss = crash.call.func.value if crash.call is not None and isinstance(crash.call.func, ast.Attribute) else None
        chosen = loss is not None and any(True for _ in from_scores(crash.code, loss, history))
        if chosen or any(called(node) in ("argmax", "round", "sign") for node in history):
            return "backward() is called on a loss computed from classes or rounded numbers, which no gradient goes through"
        return "backward() is called on a loss that does not depend on anything that requires a gradient"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        for node in self._history(crash):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            values = node.args[0].elts if node.args and isinstance(node.args[0], ast.List) else []
            if node.func.attr == "tensor" and any(isinstance(one, ast.Constant | ast.List | ast.UnaryOp) for one in values):
                continue
            if node.func.attr == "tensor" and node.args and isinstance(node.args[0], ast.Name | ast.List | ast.ListComp):
                yield Offer("Stack the tensors, which keeps their history", rename_attribute(code, node.func, "stack"))
            elif node.func.attr in ("detach", "item") and not node.args:
                yield Offer("Keep the history", replace_expression(code, node, crash.text(node.func.value)))
            elif node.func.attr == "tensor" and node.args:
                yield Offer("Keep the history", replace_expression(code, node, crash.text(node.args[0])))
        if crash.call is not None and isinstance(crash.call.func, ast.Attribute):
            for found in from_scores(code, crash.call.func.value, self._history(crash)):
                yield Offer("Compute the loss from the scores", found)
        for forward in (one for one in code.all(ast.FunctionDef) if one.name == "forward"):
            for call in code.calls("detach", inside=forward):
                if isinstance(call.func, ast.Attribute) and not call.args:
                    yield Offer("Keep the history", replace_expression(code, call, crash.text(call.func.value)))
        yield from self._without_no_grad(crash)
        if edits := _asked_for(crash):
            yield Offer("Ask for the gradients of what is updated", joined(*edits))
            return
        has_model = bool(crash.context.outcome and crash.context.outcome.calls)
        for node in [] if has_model else self._history(crash):
            made = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MAKERS
            if (
                made
                and isinstance(node, ast.Call)
                and crash.text(node.func).startswith("torch.")
                and keyword(node, "requires_grad") is None
            ):
                whole = [one for one in ast.walk(node) if isinstance(one, ast.Constant) and type(one.value) is int]
                if node.func.attr == "tensor" and any(whole):  # type: ignore[attr-defined]
                    continue
                yield Offer("Ask for a gradient", add_keyword(code, node, "requires_grad", "True"))
        yield from _thawed(crash)
        for node in code.nodes:
            frozen = (
                isinstance(node, ast.Assign)
                and ast.unparse(node.targets[0]).endswith(".requires_grad")
                and ast.unparse(node.value) == "False"
            )
            if frozen and isinstance(node, ast.Assign):
                yield Offer("Let the parameters learn", replace_expression(code, node.value, "True"), Meaning.CHANGES)

    @staticmethod
    def _history(crash: Crash) -> list[ast.AST]:
        """The expressions that the loss was computed from, the nearest first."""
        found: list[ast.AST] = []
        todo: list[ast.AST] = [crash.call.func.value] if crash.call is not None and isinstance(crash.call.func, ast.Attribute) else []
        while todo and len(found) < 200:
            for node in ast.walk(todo.pop(0)):
                if node not in found:
                    found.append(node)
                    birth = crash.born(node) if isinstance(node, ast.Name) else None
                    if birth is not None:
                        todo.append(birth.value)
        return found

    @staticmethod
    def _without_no_grad(crash: Crash) -> Iterator[Offer]:
        code = crash.code
        for function in code.all(ast.FunctionDef):
            for mark in function.decorator_list:
                if ast.unparse(mark) in ("torch.no_grad()", "torch.inference_mode()"):
                    gone = Edit(code.offset(mark.lineno, 1), code.offset((mark.end_lineno or mark.lineno) + 1, 1), "")
                    yield Offer("Compute with gradients", (gone,))
        for node in code.nodes:
            if (
                isinstance(node, ast.With)
                and len(node.items) == 1
                and ast.unparse(node.items[0].context_expr) in ("torch.no_grad()", "torch.inference_mode()")
            ):
                body = textwrap.dedent("\n".join(code.lines[node.body[0].lineno - 1 : node.end_lineno]))
                yield Offer("Compute with gradients", replace_statement(code, node.lineno, body))


def _asked_for(crash: Crash) -> list[tuple[Edit, ...]]:
    """Edits that make every tensor of the text require a gradient whose `.grad` the text reads, or that an optimizer is given."""
    code = crash.code
    read = [node.value for node in code.all(ast.Attribute) if node.attr == "grad" and isinstance(node.value, ast.Name)]
    given = [call.args[0] for call in code.all(ast.Call) if called(call) in {*OPTIMIZERS, "LBFGS"} and call.args]
    names = [name for one in read for name in _held(crash, one)]
    names += [one for group in given if isinstance(group, ast.List | ast.Tuple) for one in group.elts if isinstance(one, ast.Name)]
    edits: dict[ast.expr, tuple[Edit, ...]] = {}
    for made in (value for name in names if (value := _made(code, name)) is not None):
        if "requires_grad" in crash.text(made):
            continue
        if isinstance(made, ast.Call) and crash.text(made.func).startswith("torch.") and called(made) in MAKERS:
            edits[made] = add_keyword(code, made, "requires_grad", "True")
        elif any(called(one) in MAKERS for one in code.all(ast.Call, made)):
            edits[made] = wrap_expression(code, made, "{}.requires_grad_()")
    return list(edits.values())


def _held(crash: Crash, name: ast.Name) -> Iterator[ast.Name]:
    """The names that a name stands for: itself, or what a loop over `(w, b)` or over such a parameter goes through."""
    code, home = crash.code, crash.function_of(name)
    loop = next((up for up in code.ancestors(name) if isinstance(up, ast.For) and crash.text(up.target) == name.id), None)
    if loop is None:
        yield name
        return
    groups: list[ast.expr] = [loop.iter]
    arguments = [arg.arg for arg in home.args.args] if isinstance(home, ast.FunctionDef) else []
    if isinstance(home, ast.FunctionDef) and isinstance(loop.iter, ast.Name) and loop.iter.id in arguments:
        found = (argument_of(call, arguments.index(loop.iter.id), loop.iter.id) for call in code.calls(home.name))
        groups = [one for one in found if one is not None]
    for group in groups:
        birth = crash.born(group) if isinstance(group, ast.Name) else None
        whole = birth.value if birth is not None else group
        yield from (one for one in (whole.elts if isinstance(whole, ast.List | ast.Tuple) else ()) if isinstance(one, ast.Name))


def _made(code: Code, name: ast.Name) -> ast.expr | None:
    """What a name is bound to, where it may be one of several that a function of the text makes: `w, b = init_params()`."""
    found = value_of(code, name)
    if found is None:
        return None
    value, part = found
    if part is not None and isinstance(value, ast.Call):
        makers = [one for one in code.all(ast.FunctionDef) if one.name == called(value)]
        returns = [one.value for one in code.all(ast.Return, makers[0])] if len(makers) == 1 else []
        value = returns[0] if len(returns) == 1 and returns[0] is not None else value
    if part is not None:
        one = value.elts[part] if isinstance(value, ast.Tuple | ast.List) and part < len(value.elts) else None
        inner = value_of(code, one) if isinstance(one, ast.Name) else None
        return inner[0] if inner is not None and inner[1] is None else None if isinstance(one, ast.Name) else one
    return value


MAKERS = ("tensor", "randn", "rand", "ones", "zeros", "linspace", "full", "normal")


def _thawed(crash: Crash) -> Iterator[Offer]:
    """Everything was frozen, the part that the optimizer is given among it: that part is to learn."""
    code = crash.code
    yield from _new_part_thawed(code)
    frozen = any(node.attr == "requires_grad" and isinstance(node.ctx, ast.Store) for node in code.all(ast.Attribute))
    if not frozen and not any(called(node) == "requires_grad_" or "requires_grad" in code.slice(node) for node in code.all(ast.Call)):
        return
    for call in code.all(ast.Call):
        given = call.args[0] if called(call) in {*OPTIMIZERS, "LBFGS"} and call.args else None
        part = (
            given.func.value
            if isinstance(given, ast.Call) and called(given) == "parameters" and isinstance(given.func, ast.Attribute)
            else None
        )
        if isinstance(part, ast.Subscript | ast.Attribute):
            line = f"{crash.text(part)}.requires_grad_(True)"
            yield Offer("Let the part learn that the optimizer is given", insert_statement_before(code, call.lineno, line))


def _new_part_thawed(code: Code) -> Iterator[Offer]:
    """A part put in for the task, `model.fc = nn.Linear(512, 2)`, that a loop behind froze with the rest."""
    for loop in code.all(ast.For):
        frozen = any(
            isinstance(one.value, ast.Constant) and one.value.value is False and written(one.targets[0]).endswith(".requires_grad")
            for one in code.all(ast.Assign, loop)
        )
        whole = loop.iter.func.value if isinstance(loop.iter, ast.Call) and isinstance(loop.iter.func, ast.Attribute) else None
        if not frozen or called(loop.iter) != "parameters" or not isinstance(whole, ast.Name | ast.Attribute):
            continue
        for node in code.all(ast.Assign):
            target = node.targets[0]
            inside = isinstance(target, ast.Attribute | ast.Subscript) and ast.unparse(target).startswith(f"{ast.unparse(whole)}.")
            if inside and node.lineno < loop.lineno and called(node.value) in ("Linear", "Sequential", "Conv2d"):
                line = f"{ast.unparse(target)}.requires_grad_(True)"
                yield Offer("Let the new part learn", insert_statement_after(code, loop.lineno, line))
