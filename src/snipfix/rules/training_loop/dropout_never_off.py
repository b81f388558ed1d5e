"""Functional dropout that does not know whether the model is training."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import add_keyword, replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.mending import keyword
from snipfix.rules.observed import each

DROPOUTS = frozenset(f"torch.nn.functional.{name}" for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"))
FLAGS = frozenset({"training", "is_training", "train", "is_train", "train_mode"})

ATTENTION = (
    "import torch, torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.p = 0.1\n    def forward(self, x):\n        return F.scaled_dot_product_attention(x, x, x, dropout_p={})\n"
    "Net().eval()(torch.ones(2, 3, 4))\n"
)
MADE = (
    "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.p = 0.1\n"
    "    def forward(self, x):\n        return {}\nNet().eval()(torch.ones(9))\n"
)
PLAIN = (
    "import torch, torch.nn.functional as F\ndef layer(x, w, training=True):\n    return {}\n"
    "print(layer(torch.ones(2, 3), torch.ones(3, 3), training=False))\n"
)


class DropoutNeverOff(Rule):
    """`F.dropout` in a module without `training=self.training` drops in evaluation mode too.

    ## What it does
    Reports a call of `F.dropout` in a method of a module that is not told whether the module is training, or in a function whose `training`
    nothing reads, an `nn.Dropout` that a method makes only to call it, and a `dropout_p` of `scaled_dot_product_attention` that does not ask.

    ## Why is this bad?
    The default is `training=True`, a new module starts in training mode, and the attention function knows no mode at all: `model.eval()`
    reaches none of them, and every prediction stays random.

    ## Example
    ```python
    x = F.dropout(x, 0.5)
    ```

    ## Use instead
    ```python
    x = F.dropout(x, 0.5, training=self.training)
    ```

    ## Fix safety
    Unsafe only where dropout in evaluation mode is meant; then `training=True` says so.

    ## References
    - torch.nn.functional.dropout: "training: apply dropout if True. Default: True".
    """

    id = "SNF437"
    name = "dropout-never-off"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(
            "import torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        return F.dropout(x, 0.5, self.training)\n"
        ),
        Good(
            "import torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        return F.dropout(x, p=0.5, training=True)  # Monte Carlo dropout\n"
        ),
        Good("import torch, torch.nn.functional as F\nprint(F.dropout(torch.ones(3), 0.5))\n"),
        Good(ATTENTION.format("self.p if self.training else 0.0")),
        Good(ATTENTION.format("0.0")),
        Good(  # a rate that asks itself
            ATTENTION.format("self.p").replace("self.p = 0.1", "self.rate = 0.1")
            + "class Net(Net):\n    @property\n    def p(self):\n        return self.rate if self.training else 0.0\nNet().eval()(torch.ones(2, 3, 4))\n",
            runs=False,
        ),
        Good(  # another framework's layer, which is told at the call
            "from flax import linen as nn\nclass Net(nn.Module):\n    p: float\n    @nn.compact\n    def __call__(self, x, training=False):\n"
            "        return nn.Dropout(self.p)(x, deterministic=not training)\n",
            runs=False,
        ),
        Good(PLAIN.format("F.dropout(x @ w, 0.5, training)")),
        Good(PLAIN.format("F.dropout(x @ w, 0.5) if training else x @ w")),
        Good(  # a corruption of the data, which has no evaluation mode
            "import torch, torch.nn.functional as F\nclass Corrupt:\n    def __call__(self, x):\n        return F.dropout(x, 0.3)\n"
            "print(Corrupt()(torch.ones(9)))\n"
        ),
        Good(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.drop = nn.Dropout(0.1)\n    def forward(self, x):\n        return self.drop(x)\nNet().eval()(torch.ones(9))\n"
        ),
    )
    BAD = (
        Bad(ATTENTION.format("self.p"), at=(7, 65), fixed=ATTENTION.format("self.p if self.training else 0.0"), runs=False),
        Bad(
            PLAIN.format("F.dropout(x @ w, 0.5, training=True)"),
            at=(3, 12),
            fixed=PLAIN.format("F.dropout(x @ w, 0.5, training=training)"),
            runs=False,
        ),
        Bad(
            MADE.format("nn.Dropout(self.p)(x)"),
            at=(7, 16),
            fixed=MADE.format("nn.functional.dropout(x, self.p, self.training)"),
            runs=False,
        ),
        Bad(
            "import torch, torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        return F.dropout(x, 0.5)\nNet().eval()(torch.ones(9))\n",
            at=(4, 16),
            fixed="import torch, torch.nn as nn, torch.nn.functional as F\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        return F.dropout(x, 0.5, training=self.training)\nNet().eval()(torch.ones(9))\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for node in code.calls(*(name.rpartition(".")[2] for name in DROPOUTS)):
            told = len(node.args) > 2 or any(one.arg in {"training", None} for one in node.keywords)
            if not told and context.scopes.qualified(node.func) in DROPOUTS and _method(code, node):
                message = "this dropout is never off: its `training` is True by default, whatever `model.eval()` says"
                yield self.finding(message, code.span(node))
            elif (taken := _unread_flag(code, node)) and context.scopes.qualified(node.func) in DROPOUTS:
                yield self.finding(f"this dropout is never off: `{taken}` is taken and never read", code.span(node))
        for node in code.calls("scaled_dot_product_attention"):
            rate = next((one.value for one in node.keywords if one.arg == "dropout_p"), None)
            if rate is not None and _is_fixed(code, rate) and "self.training" not in code.slice(_method(code, node) or node):
                yield self.finding("this dropout is never off: the function does not know whether the module is training", code.span(rate))
        for node in code.calls("Dropout"):
            use = code.parents.get(node)
            if (
                isinstance(use, ast.Call)
                and use.func is node
                and len(use.args) == 1
                and _method(code, use)
                and _is_torch(context, node.func)
            ):
                message = "this dropout is never off: it is made anew for each call, and a new module is in training mode"
                yield self.finding(message, code.span(use))

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for _, span in each(outcome, context.code, "dropout"):
            node = context.code.node_at(span, ast.Call)
            if node is not None and "True" not in ast.unparse(node):
                message = "this dropout worked while its module was in evaluation mode: nothing tells it to stop"
                yield self.finding(message, context.code.span(node), stage=Stage.PROBE)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code, title = context.code, "drop only while the module is training"
        node = code.node_at(finding.span, ast.expr)
        if node is None or code.span(node) != finding.span:
            return
        if not isinstance(node, ast.Call):
            yield self.fix(title, *replace_expression(code, node, f"{code.slice(node)} if self.training else 0.0"))
        elif isinstance(node.func, ast.Call):
            rate = next((one.value for one in node.func.keywords if one.arg == "p"), None) or next(iter(node.func.args), None)
            given = f", {code.slice(rate)}" if rate is not None else ", 0.5"
            module = code.slice(node.func.func).rpartition(".")[0]
            made = f"{module}.functional.dropout({code.slice(node.args[0])}{given}, self.training)"
            if module:
                yield self.fix(title, *replace_expression(code, node, made))
        else:
            flag, said = _unread_flag(code, node) or "self.training", keyword(node, "training")
            edits = replace_expression(code, said, flag) if said is not None else add_keyword(code, node, "training", flag)
            yield self.fix(title, *edits)


def _method(code: Code, node: ast.AST) -> ast.FunctionDef | None:
    """The method with `self` that a node stands in, of a class that may be a module: one that derives from something, data sets left out."""
    method = code.around(node, ast.FunctionDef)
    owner = code.parents.get(method) if method else None
    if method is None or not isinstance(owner, ast.ClassDef) or not any(_may_be_module(base) for base in owner.bases):
        return None
    return method if method.name != "training_step" and method.args.args and method.args.args[0].arg == "self" else None


def _unread_flag(code: Code, node: ast.Call) -> str:
    """The parameter of a plain function that says whether it is training, when nothing reads it and the dropout does not ask either."""
    function = code.around(node, ast.FunctionDef)
    told = keyword(node, "training")
    fixed = told is None or (isinstance(told, ast.Constant) and told.value is True)
    if function is None or len(node.args) > 2 or not fixed or any(one.arg is None for one in node.keywords):
        return ""
    flags = [one.arg for one in (*function.args.args, *function.args.kwonlyargs) if one.arg in FLAGS]
    read = {one.id for one in code.all(ast.Name, inside=function)}
    return flags[0] if len(flags) == 1 and flags[0] not in read else ""


def _may_be_module(base: ast.expr) -> bool:
    name = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else "?"
    return name != "object" and not name.endswith("Dataset")


def _is_torch(context: Context, layer: ast.expr) -> bool:
    """Whether a layer is torch's by its import; a fragment that imports nothing is taken to mean it."""
    root = layer
    while isinstance(root, ast.Attribute):
        root = root.value
    return context.scopes.qualified(layer) == "torch.nn.Dropout" or (isinstance(root, ast.Name) and not context.scopes.bindings(root))


def _is_fixed(code: Code, rate: ast.expr) -> bool:
    """Whether a rate is a number above zero or an attribute of the module: nothing that was worked out for the mode."""
    if isinstance(rate, ast.Constant):
        return bool(rate.value)
    if not isinstance(rate, ast.Attribute) or not code.slice(rate).startswith("self."):
        return False
    return not any(method.name == rate.attr for method in code.all(ast.FunctionDef))
