"""A name that nothing defines or imports."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from itertools import groupby

from snipfix.codemods import insert_statement_before
from snipfix.evidence import Exercise, Failure
from snipfix.model import Applicability, Category, Edit, Finding, Fix, Meaning, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.imports import import_edits
from snipfix.rules.names.conventions import candidates
from snipfix.rules.names.inverse import recovered
from snipfix.rules.names.unpacked import unpacked
from snipfix.rules.scopes import BUILTINS, Scope, Scopes

OTHER_WORDS = {
    "xrange": "range", "raw_input": "input", "unicode": "str", "basestring": "str", "long": "int", "unichr": "chr",
    "true": "True", "false": "False", "none": "None", "null": "None", "NULL": "None", "nil": "None",
}  # fmt: skip
"""Words of Python 2 and of other languages, with what Python 3 calls them."""

NOT_DEFINED = re.compile(r"name '(\w+)' is not defined")
MOVED = {"reduce": "functools:reduce", "reload": "importlib:reload", "izip": "builtins:zip"}


UNPACKED = (
    "import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.lstm, self.fc = nn.LSTM(3, 4), nn.Linear(4, 2)\n\n    def forward(self, x):\n        {} = self.lstm(x)\n"
    "        return self.fc(hidden[-1])\n\nprint(Net()(torch.ones(5, 2, 3)).shape)\n"
)


class UndefinedName(Rule):
    """A name is read that nothing in the text defines or imports.

    ## What it does
    Reports a name at its first use when no scope visible there binds it, by Python's own scoping rules, and it is no builtin. A use inside a
    function counts although the function may never be called: it fails once it is. In texts with a star import, `exec` or `globals()`, only what
    a run has met.

    ## Why is this bad?
    Whoever runs the code gets a `NameError`. In teaching material it is mostly an import that was left out.

    ## Example
    ```python
    import torch

    print(F.relu(torch.zeros(2)))
    ```

    ## Use instead
    ```python
    import torch
    import torch.nn.functional as F

    print(F.relu(torch.zeros(2)))
    ```

    ## Fix safety
    An import of a conventional name is safe. Renaming to a name that is spelled almost alike, adding `self.`, or computing the value
    back from one that a function made of it (`log_s` from `s = exp(log_s / 2)`) is a guess that running has to confirm.

    ## References
    - Python reference, 4.2 "Naming and binding".
    """

    id = "SNF100"
    name = "undefined-name"
    category = Category.UNDEFINED_NAME
    applicability = Applicability.SAFE
    GOOD = (
        Good("total = [a * b for a in range(3) for b in range(a)]\nif (n := len(total)) > 2:\n    print(n)"),
        Good("from math import *\n\nprint(sqrt(2.0))"),
        Good("class Tree:\n    width = 2\n    sizes = [width]\n\n    def grow(self, other: 'Forest') -> 'Tree':\n        return __class__()\n\nTree().grow(1)"),
        Good("try:\n    text = unicode\nexcept NameError:\n    text = str\nprint(text(1))"),
        Good("def count():\n    global seen\n    seen = 1\n\ncount()\nprint(seen)"),
        Good("exec('value = 1')\nprint(value)"),
        Good("match [1, 2]:\n    case [first, *rest]:\n        print(first, rest)"),
    )  # fmt: skip
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\n\n# 激活\nx = torch.zeros(2)\nprint(F.relu(x))\n",
            at=(6, 7),
            fixed="import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n# 激活\nx = torch.zeros(2)\nprint(F.relu(x))\n",
        ),
        Bad(
            "import torch\nfrom torch import nn\n\nmodel = nn.Linear(2, 1)\nopt = optim.SGD(model.parameters(), lr=0.1)\n",
            at=(5, 7),
            fixed="import torch\nfrom torch import nn, optim\n\nmodel = nn.Linear(2, 1)\nopt = optim.SGD(model.parameters(), lr=0.1)\n",
        ),
        Bad("counter = 3\nprint(countr + 1)\n", at=(2, 7), fixed="counter = 3\nprint(counter + 1)\n"),
        Bad("x = 1\n打印结果\nprint(x)\n", at=(2, 1), fixed="x = 1\n# 打印结果\nprint(x)\n"),
        Bad("for i in xrange(3):\n    print(i)  # one a line\n", at=(1, 10), fixed="for i in range(3):\n    print(i)  # one a line\n"),
        Bad(
            "from torch import nn\n\nlayer = Linear(2, 3)\nprint(layer, Linear)\n",
            at=(3, 9),
            fixed="from torch import nn\n\nlayer = nn.Linear(2, 3)\nprint(layer, nn.Linear)\n",
        ),
        Bad(
            "class A:\n    def __init__(self):\n        self.scale = 2\n\n    def half(self):\n        return 1 / scale\n\nA().half()\n",
            at=(6, 20),
            fixed="class A:\n    def __init__(self):\n        self.scale = 2\n\n    def half(self):\n        return 1 / self.scale\n\nA().half()\n",
        ),
        Bad(
            "import math\n\ndef spread(log_s):\n    s = math.exp(log_s / 2)\n    return s\n\ns = spread(0.5)\nentropy = log_s + 1.4  # 熵\n",
            at=(8, 11),
            fixed="import math\n\ndef spread(log_s):\n    s = math.exp(log_s / 2)\n    return s\n\ns = spread(0.5)\nlog_s = 2 * math.log(s)\nentropy = log_s + 1.4  # 熵\n",
        ),
        Bad(
            UNPACKED.format("out"),
            at=(11, 24),
            fixed=UNPACKED.format("out, (hidden, _)"),
        ),
        Bad(
            "import torch\nfrom torch.nn import *\n\nlayer = Linear(2, 3)\nprint(F.relu(layer(torch.ones(1, 2))))\n",
            at=(5, 7),
            fixed="import torch\nfrom torch.nn import *\nfrom torch.nn import functional as F\n\nlayer = Linear(2, 3)\nprint(F.relu(layer(torch.ones(1, 2))))\n",
        ),
        Bad("def f():\n    inner = 1\n    return inner\n\nprint(f() + inner)\n", at=(5, 13)),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        found = [node for node, certain in context.scopes.unresolved() if certain]
        for name, group in groupby(sorted(found, key=lambda node: (node.id, node.lineno, node.col_offset)), key=lambda node: node.id):
            uses = list(group)
            evidence: dict[str, object] = {"symbol": name}
            if len(uses) > 1:
                evidence["also"] = sorted({use.lineno for use in uses[1:]})
            message = f"`{name}` is used but never defined or imported"
            if places := _local_elsewhere(context.scopes, name):
                evidence["defined_in"] = places
                message = f"`{name}` is not defined here: it is a local name of `{places[0]}`"
            yield self.finding(message, context.code.span(uses[0]), evidence=evidence)

    def on_failure(self, context: Context, failure: Failure, exercise: Exercise | None) -> Iterator[Finding]:
        """The name of a text of which the parser alone cannot tell, for a star import say: the run can."""
        missing = NOT_DEFINED.match(failure.message) if failure.type == "NameError" else None
        uncertain = [node for node, certain in context.scopes.unresolved() if not certain and missing and node.id == missing[1]]
        lines = {frame.span.line for frame in failure.frames if frame.snippet}
        here = [node for node in uncertain if node.lineno in lines]
        if missing and here:
            stage = Stage.EXERCISE if exercise else Stage.RUN
            message = f"`{missing[1]}` is used but never defined or imported"
            yield self.finding(message, context.code.span(here[0]), stage=stage, evidence={"symbol": missing[1]})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        name = str(finding.evidence["symbol"])
        uses = [node for node, _ in context.scopes.unresolved() if node.id == name]
        first = next((node for node in uses if context.code.span(node) == finding.span), None)
        if first is None:
            return
        preference = 0
        if isinstance(context.code.parents[first], ast.Expr) and re.fullmatch(r"[\u4e00-\u9fff]+", name):
            at = context.code.range(finding.span)[0]
            yield self.fix("Make it a comment", Edit(at, at, "# "), applicability=Applicability.UNSAFE)
        for target in _targets(context, name, uses):
            if prefix := _imported_as(context, target):
                edits = [Edit(*context.code.range(context.code.span(node)), f"{prefix}.{name}") for node in uses]
                yield self.fix(f"Write `{prefix}.{name}`", *edits, preference=preference)
                preference += 1
            statement, added = import_edits(context.code, target, name)
            yield self.fix(f"Add `{statement}`", *added, preference=preference)
            preference += 1
        for other in _renames(context, first) if not preference else ():
            edits = [Edit(*context.code.range(context.code.span(node)), other) for node in uses]
            yield self.fix(
                f"Replace `{name}` by `{other}`",
                *edits,
                applicability=Applicability.SAFE if OTHER_WORDS.get(name) == other else Applicability.UNSAFE,
                meaning=Meaning.RESTORES,
                preference=preference,
            )
            preference += 1
        for name_, unpacking in unpacked(context.code, first) if not preference else ():
            yield self.fix(f"Unpack {name_}", *unpacking, applicability=Applicability.UNSAFE)
            preference += 1
        for line in recovered(context.scopes, first) if not preference else ():
            yield self.fix(
                f"Compute it back: `{line}`", *insert_statement_before(context.code, first.lineno, line), applicability=Applicability.UNSAFE
            )


def _targets(context: Context, name: str, uses: list[ast.Name]) -> list[str]:
    """What the missing name conventionally stands for, judged by how it is used."""
    parents = [context.code.parents[node] for node in uses]
    attributes = frozenset(up.attr for up in parents if isinstance(up, ast.Attribute))
    called = any(isinstance(up, ast.Call) and up.func in uses for up in parents)
    return [MOVED[name]] if name in MOVED else candidates(name, attributes=attributes, called=called)


def _imported_as(context: Context, target: str) -> str | None:
    """The name that the text has for the module of an object: `nn` for `torch.nn:Linear`; classes of a whole package are imported by name."""
    module, _, attribute = target.partition(":")
    found = [one.name for one in context.scopes.imports if one.target == module and "." not in one.name]
    return found[0] if attribute and found and (found[0] != module.partition(".")[0] or attribute.islower()) else None


def _renames(context: Context, node: ast.Name) -> list[str]:
    """Names that may have been meant: another language's word, an attribute of self, a name spelled almost alike."""
    if node.id in OTHER_WORDS:
        return [OTHER_WORDS[node.id]]
    scope = context.scopes.scope_of(node)
    attributes = _own_attributes(context, node)
    found = [f"self.{node.id}"] if node.id in attributes else []
    visible = context.scopes.visible(scope) | {name for name in BUILTINS if name.islower() and not name.startswith("__")}
    visible = {name for name in visible if context.scopes.resolve(name, scope) or name in BUILTINS}
    if len(node.id) > 2:
        found += sorted(name for name in visible if name.lower().replace("_", "") == node.id.lower().replace("_", ""))
        near = difflib.get_close_matches(node.id, sorted(visible), 2, 0.8)
        near += sorted(name for name in visible if len(name) == len(node.id) and _letters_swapped(node.id, name))
        found += [name for name in near if name not in found]
    return found


def _letters_swapped(one: str, other: str) -> bool:
    """Whether two names differ by two neighbours that changed places: `lsos` for `loss`."""
    apart = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    return len(apart) == 2 and apart[1] == apart[0] + 1 and one[apart[0] : apart[1] + 1] == other[apart[0] : apart[1] + 1][::-1]


def _own_attributes(context: Context, node: ast.Name) -> set[str]:
    """What the class around a method sets on self or defines, when the name stands in a method."""
    ups = list(context.code.ancestors(node))
    method = next((up for up in ups if isinstance(up, ast.FunctionDef)), None)
    owner = context.code.parents.get(method) if method else None
    if not isinstance(owner, ast.ClassDef) or not method or not method.args.args or method.args.args[0].arg != "self":
        return set()
    stored = {
        inner.attr
        for inner in ast.walk(owner)
        if isinstance(inner, ast.Attribute)
        and isinstance(inner.ctx, ast.Store)
        and isinstance(inner.value, ast.Name)
        and inner.value.id == "self"
    }
    return stored | {inner.name for inner in owner.body if isinstance(inner, ast.FunctionDef)}


def _local_elsewhere(scopes: Scopes, name: str) -> list[str]:
    """The functions (`VAE.encode`) that have a local variable of this name."""
    return [
        _path(scope)
        for scope in scopes.scopes
        if scope.kind == "function" and name in scope.bindings and not isinstance(scope.node, ast.Lambda)
    ]


def _path(scope: Scope) -> str:
    names = []
    up: Scope | None = scope
    while up is not None:
        names += [name] if (name := getattr(up.node, "name", "")) else []
        up = up.parent
    return ".".join(reversed(names))
