"""A model or its state kept under another name, without a copy."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import add_import, wrap_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import receiver

__all__ = ["KeptByReference"]

APART = frozenset("best target old teacher ema shadow frozen backup snapshot init initial saved ref reference copy momentum last".split())
"""Words in a name that say that the thing is to differ from the model in training."""
MODULE_METHODS = frozenset({"parameters", "state_dict", "load_state_dict", "eval", "named_parameters", "zero_grad", "train"})
LOOPS = (ast.For, ast.While)

HEAD = "import copy\nimport torch, torch.nn as nn\nmodel = nn.Linear(2, 1)\nopt = torch.optim.SGD(model.parameters(), lr=0.1)\n"
LOOP = (
    "for epoch in range(3):\n    loss = model(torch.ones(4, 2)).pow(2).mean()\n    opt.zero_grad()\n    loss.backward()\n    opt.step()\n"
)
STOPPER = (
    "class EarlyStopping:\n    def __init__(self):\n        self.lowest, self.best_state = None, None\n        self.count = 0\n\n"
    "    def step(self, loss, model):\n        self.count += 1\n        if self.lowest is None or loss < self.lowest:\n            self.lowest = loss\n"
    "            self.best_state = {}\n\n    def restore(self, model):\n        model.load_state_dict(self.best_state)\n"
)
TWINS = (
    "import copy\nimport torch, torch.nn as nn\nclass Pair(nn.Module):\n    def __init__(self, encoder):\n        super().__init__()\n"
    "        self.online = encoder\n        self.target = {}\n    def forward(self, a, b):\n        with torch.no_grad():\n"
    "            goal = self.target(b)\n        return (self.online(a) - goal).pow(2).mean()\nPair(nn.Linear(2, 3))(torch.ones(4, 2), torch.ones(4, 2))\n"
)
AVERAGE = "    for kept, new in zip(teacher.parameters(), model.parameters()):\n        kept.data.mul_(0.9).add_(new.data, alpha=0.1)\n"


def best(kept: str, use: str) -> str:
    """A loop that keeps its best model."""
    body = f"    if loss.item() < lowest:\n        lowest = loss.item()\n        {kept}\n"
    return f"{HEAD}lowest = float('inf')\n{LOOP}{body}{use}\n"


class KeptByReference(Rule):
    """The best model, its state or a target network is "kept" by a second name for the same object: it goes on changing with the training.

    ## What it does
    Reports `best_model = model` and `best_state = model.state_dict()` in a training loop when the name is read after the loop, the same before a
    loop when the state is loaded again after it, and `target_net = net` or `teacher = student` when the two are then to be synchronised, or when
    a module keeps one and the same module as both and calls both.

    ## Why is this bad?
    An assignment copies nothing, and `state_dict()` holds the parameters themselves. After the loop the "best" weights are the last ones, the
    target network is the network, and no error says so.

    ## Example
    ```python
    if accuracy > best:
        best_state = model.state_dict()
    ```

    ## Use instead
    ```python
    if accuracy > best:
        best_state = copy.deepcopy(model.state_dict())
    ```

    ## Fix safety
    Unsafe: the results change to what the names say.

    ## References
    - PyTorch tutorial "Saving and Loading Models": `best_model_state = deepcopy(model.state_dict())`.
    """

    id = "SNF458"
    name = "kept-by-reference"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(best("best_state = copy.deepcopy(model.state_dict())", "model.load_state_dict(best_state)")),
        Good(best("best_state = {k: v.clone() for k, v in model.state_dict().items()}", "model.load_state_dict(best_state)")),
        Good(best("best_state = model.state_dict(); print(len(best_state))", "print(lowest)")),
        Good(HEAD + LOOP + "best_model = model\nprint(best_model(torch.ones(1, 2)))\n"),
        Good(HEAD + "target = copy.deepcopy(model)\n" + LOOP + "    target.load_state_dict(model.state_dict())\n"),
        Good(TWINS.format("copy.deepcopy(encoder)")),
        Good(TWINS.format("encoder").replace("self.target(b)", "b @ self.target.weight.T")),
        Good(HEAD + "net = model\n" + LOOP + "print(net(torch.ones(1, 2)))\n"),
    )
    BAD = (
        Bad(TWINS.format("encoder"), at=(7, 23), fixed=TWINS.format("copy.deepcopy(encoder)"), runs=False),
        Bad(
            HEAD + "teacher = model  # 教师\n" + LOOP + AVERAGE,
            at=(5, 11),
            fixed=HEAD + "teacher = copy.deepcopy(model)  # 教师\n" + LOOP + AVERAGE,
            runs=False,
        ),
        Bad(
            best("best_state = model.state_dict()  # 保存最佳权重", "model.load_state_dict(best_state)"),
            at=(13, 22),
            fixed=best("best_state = copy.deepcopy(model.state_dict())  # 保存最佳权重", "model.load_state_dict(best_state)"),
            runs=False,
        ),
        Bad(
            best("best_model = model", "print(best_model(torch.ones(1, 2)))"),
            at=(13, 22),
            fixed=best("best_model = copy.deepcopy(model)", "print(best_model(torch.ones(1, 2)))"),
            runs=False,
        ),
        Bad(
            HEAD[12:] + "initial = model.state_dict()\n" + LOOP + "model.load_state_dict(initial)\n",
            at=(4, 11),
            fixed="import torch, torch.nn as nn\nimport copy\n" + HEAD[41:] + "initial = copy.deepcopy(model.state_dict())\n" + LOOP + "model.load_state_dict(initial)\n",
            runs=False,
        ),
        Bad(
            HEAD + "target_net = model\n" + LOOP + "    if epoch % 2 == 0:\n        target_net.load_state_dict(model.state_dict())\n",
            at=(5, 14),
            fixed=HEAD + "target_net = copy.deepcopy(model)\n" + LOOP + "    if epoch % 2 == 0:\n        target_net.load_state_dict(model.state_dict())\n",
            runs=False,
        ),
        Bad(
            STOPPER.format("model.state_dict()"),
            at=(10, 31),
            fixed="import copy\n\n" + STOPPER.format("copy.deepcopy(model.state_dict())"),
            runs=False,
        ),
        Bad(
            best("lowest, best_state = loss.item(), model.state_dict()", "model.load_state_dict(best_state)"),
            at=(13, 43),
            fixed=best("lowest, best_state = loss.item(), copy.deepcopy(model.state_dict())", "model.load_state_dict(best_state)"),
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for node in code.all(ast.Assign):
            if called(node.value) not in MAY_KEEP:
                continue
            for value, (name, model, is_state) in _kept_in(node):
                if not _shares(code, node, name, model, is_state):
                    continue
                what = f"`{model}.state_dict()` holds the parameters themselves" if is_state else f"this is another name for `{model}`"
                yield self.finding(f"{what}: `{name}` goes on changing with the training", code.span(value))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        plain = any(isinstance(one, ast.ImportFrom) and one.module == "copy" for one in code.nodes)
        edits = wrap_expression(code, finding.span, "deepcopy({})" if plain else "copy.deepcopy({})")
        yield self.fix("keep a copy", *edits, *(add_import(code, "copy", "deepcopy") if plain else add_import(code, "copy")))


MAY_KEEP = frozenset({"", "copy", "state_dict"})
"""What is called where a model may be kept; nothing, for a name or a tuple."""


def _kept_in(node: ast.Assign) -> Iterator[tuple[ast.expr, tuple[str, str, bool]]]:
    """What an assignment keeps of a model, also as one of several: `best, best_state = loss, model.state_dict()`."""
    target, value = node.targets[0], node.value
    pairs = [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=False))
    for one, given in pairs if len(node.targets) == 1 else ():
        if (kept := _kept(one, given)) is not None:
            yield given, kept


def _kept(target: ast.expr, value: ast.expr) -> tuple[str, str, bool] | None:
    """The name, the model and whether its state was taken, for `name = model` and `name = model.state_dict()`."""
    if not isinstance(target, ast.Name | ast.Attribute):
        return None
    whole = value
    if isinstance(value, ast.Call) and called(value) == "copy" and isinstance(value.func, ast.Attribute) and not value.args:
        value = value.func.value  # a dict's copy holds the same tensors
    if isinstance(value, ast.Call) and called(value) == "state_dict" and not value.args:
        return ast.unparse(target), receiver(value), True
    if isinstance(whole, ast.Name | ast.Attribute) and APART & set(words(target.id if isinstance(target, ast.Name) else target.attr)):
        return ast.unparse(target), ast.unparse(whole), False
    return None


def _shares(code: Code, node: ast.Assign, name: str, model: str, is_state: bool) -> bool:
    """Whether the model is trained on after the assignment, and the name is then used as if it had not been."""
    if not is_state and not _is_module(code, model) and not _is_twin(code, node, name, model):
        return False
    own = name.startswith("self.")
    later = [one for one in _calls(code) if own or (one.lineno > node.lineno and _home(code, one) is _home(code, node))]
    if any(receiver(one) == name and called(one) == "load_state_dict" and _state_of(one) == model for one in later):
        return not is_state
    if not is_state and (_follows(code, node, name, model) or _is_twin(code, node, name, model)):
        return True
    if own and is_state:
        return bool(APART & set(words(name))) and any(
            called(one) == "load_state_dict" and _loads(one, name) and _home(code, one) is not _home(code, node) for one in _calls(code)
        )
    loop = next((up for up in code.ancestors(node) if isinstance(up, (*LOOPS, ast.FunctionDef))), None)
    if isinstance(loop, LOOPS):
        outer = [up for up in code.ancestors(node) if isinstance(up, LOOPS) and _home(code, up) is _home(code, node)][-1]
        return _trains(outer, model) and _read_after(code, outer, node, name)
    loaded = [
        one
        for one in later
        if called(one) == "load_state_dict" and receiver(one) == model and one.args and ast.unparse(one.args[0]) == name
    ]
    between = [one for one in later if called(one) == "step" and loaded and one.lineno < loaded[-1].lineno]
    return is_state and bool(loaded) and bool(between)


def _follows(code: Code, node: ast.Assign, name: str, model: str) -> bool:
    """Whether the parameters of the two are later walked side by side, as a moving average does."""
    for one in code.calls("zip"):
        walked = {receiver(inner) for inner in one.args if isinstance(inner, ast.Call) and called(inner) in ("parameters", "buffers")}
        if walked == {name, model} and (name.startswith("self.") or one.lineno > node.lineno):
            return True
    return False


def _is_twin(code: Code, node: ast.Assign, name: str, model: str) -> bool:
    """Whether the same module stands under another attribute of `self` too, given in the same function, and both are called."""
    given = [one for one in code.all(ast.Assign, inside=_home(code, node)) if ast.unparse(one.value) == model]
    names = {ast.unparse(one.targets[0]) for one in given}
    own = [one for one in names if one.startswith("self.")]
    called_names = {ast.unparse(one.func) for one in _calls(code)}
    return name in own and len(own) > 1 and all(one in called_names for one in own)


def _calls(code: Code) -> Iterator[ast.Call]:
    return iter(code.all(ast.Call))


def _loads(call: ast.Call, name: str) -> bool:
    """Whether a state is loaded that an attribute of this name holds, whoever has it: `model.load_state_dict(stopper.best_state)`."""
    attribute = name.rpartition(".")[2]
    return bool(call.args) and isinstance(call.args[0], ast.Attribute) and call.args[0].attr == attribute


def _home(code: Code, node: ast.AST) -> ast.AST:
    return code.around(node, ast.FunctionDef) or code.tree


def _is_module(code: Code, model: str) -> bool:
    return any(called(one) in MODULE_METHODS and receiver(one) == model for one in _calls(code))


def _state_of(call: ast.Call) -> str:
    inner = call.args[0] if call.args else None
    return receiver(inner) if isinstance(inner, ast.Call) and called(inner) == "state_dict" else ""


def _trains(loop: ast.AST, model: str) -> bool:
    """Whether optimizer steps are taken inside, there or in a function of training that is given the model; and the model is not made there."""
    for one in ast.walk(loop):
        if isinstance(one, ast.Assign) and any(ast.unparse(target) == model for target in one.targets):
            return False
    calls = [one for one in ast.walk(loop) if isinstance(one, ast.Call)]
    given = (called(one).startswith("train") and any(ast.unparse(argument) == model for argument in one.args) for one in calls)
    return any(called(one) == "step" and isinstance(one.func, ast.Attribute) for one in calls) or any(given)


def _read_after(code: Code, loop: ast.AST, node: ast.Assign, name: str) -> bool:
    """Whether the name, as the loop left it, is read behind the loop in the same function."""
    end = loop.end_lineno or 0  # type: ignore[attr-defined]
    after = [one for one in code.mentions(name) if one.lineno > end and _home(code, one) is _home(code, node)]
    first = min(after, key=lambda one: (one.lineno, isinstance(one.ctx, ast.Load)), default=None)
    return first is not None and isinstance(first.ctx, ast.Load)
