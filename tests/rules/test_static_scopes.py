"""Names and what they mean: Python's scoping rules, as a table."""

import ast

import pytest

from snipfix.audit import Auditor
from snipfix.code import Code
from snipfix.config import Options
from snipfix.model import Snippet, Stage
from snipfix.rules.registry import rules
from snipfix.rules.scopes import Scopes

UNRESOLVED = {
    "a load inside a function that is never called": ("def f():\n    return missing", ["missing"]),
    "a class scope is not seen from its methods": ("class A:\n    x = 1\n    def f(self):\n        return x", ["x"]),
    "nor from a comprehension in it": ("class A:\n    x = 1\n    y = [x for _ in range(2)]", ["x"]),
    "but its first iterable is": ("class A:\n    x = [1]\n    y = [i for i in x]", []),
    "a comprehension's variable stays inside": ("[i for i in range(3)]\nprint(i)", ["i"]),
    "a walrus leaves it": ("[j := i for i in range(3)]\nprint(j)", []),
    "defined later in the module": ("def f():\n    return later\nlater = 1", []),
    "global in a function": ("def f():\n    global g\n    g = 1\ndef h():\n    return g", []),
    "global behind a tab": ("def f():\n    global\tg\n    g = 1\ndef h():\n    return g", []),
    "another function's local": ("def f():\n    a = 1\ndef g():\n    return a", ["a"]),
    "except ... as": ("try:\n    pass\nexcept ValueError as e:\n    print(e)", []),
    "match captures": ("match 1:\n    case {'a': b, **rest}:\n        print(b, rest)\n    case [c, *d]:\n        print(c, d)", []),
    "lambda parameters": ("f = lambda x, *a, y=1, **k: (x, a, y, k)", []),
    "__class__ in a method": ("class A:\n    def f(self):\n        return __class__", []),
    "string annotations": ("def f(x: 'Later') -> 'Tree':\n    y: Nowhere = 1", []),
    "annotations that are not evaluated": ("from __future__ import annotations\ndef f(x: Later): ...", []),
    "annotations that are": ("def f(x: Later): ...", ["Later"]),
    "augmented assignment to nothing": ("def f():\n    pass\nx += 1", []),
    "decorator and default": ("@wrap\ndef f(a=dflt): ...", ["wrap", "dflt"]),
    "with, for, import, tuple": ("import a.b, c as d\nwith a as (x, y):\n    for p, (q, *r) in x:\n        print(p, q, r, y, d)", []),
    "builtins": ("print(len(__name__), __file__, ExceptionGroup)", []),
}


@pytest.mark.parametrize(("text", "names"), UNRESOLVED.values(), ids=UNRESOLVED)
def test_unresolved(text: str, names: list[str]):
    assert [node.id for node, certain in Scopes(Code(text)).unresolved() if certain] == names


@pytest.mark.parametrize(
    "text",
    [
        "from m import *\nprint(x)",
        "exec('x = 1')\nprint(x)",
        "globals()['x'] = 1\nprint(x)",
        "try:\n    x\nexcept NameError:\n    x = 1",
        "display(1)",
    ],
)
def test_uncertain(text: str):
    assert not any(certain for _, certain in Scopes(Code(text)).unresolved())


QUALIFIED = {
    "import torch.nn.functional as F\nF.softmax": "torch.nn.functional.softmax",
    "from torch.nn import functional as F\nF.softmax": "torch.nn.functional.softmax",
    "import torch.nn\ntorch.nn.functional.softmax": "torch.nn.functional.softmax",
    "from torch.nn.functional import softmax\nsoftmax": "torch.nn.functional.softmax",
    "import torch\nnn = torch.nn\nnn.Linear": "torch.nn.Linear",
    "from torch.nn import *\nLinear": "torch.nn.Linear",
    "import torch\ntorch = 1\ntorch.x": None,
    "try:\n    import a as b\nexcept ImportError:\n    import c as b\nb.d": "a.d",
    "print": None,
    "x = 1\nx.real": None,
    "from . import util\nutil.go": ".util.go",
}


@pytest.mark.parametrize(("text", "expected"), QUALIFIED.items())
def test_qualified(text: str, expected: str | None):
    code = Code(text)
    statement = code.tree.body[-1]
    assert isinstance(statement, ast.Expr)
    assert Scopes(code).qualified(statement.value) == expected


def test_a_parameter_hides_an_import():
    code = Code("import torch.nn.functional as F\ndef f(F):\n    return F.relu")
    found = [node for node in code.nodes if isinstance(node, ast.Attribute)]
    assert Scopes(code).qualified(found[0]) is None


def test_earlier_blocks_of_the_document_count():
    scopes = Scopes(Code("y = F.relu(x)"), ["import torch.nn.functional as F", "x = 1"])
    assert scopes.unresolved() == []
    call = scopes.code.tree.body[0].value
    assert scopes.qualified(call.func) == "torch.nn.functional.relu"
    assert scopes.defined_before("x", 1)


def test_what_python_names_for_itself_is_nobodys_misspelling():
    """`loader` is no `__loader__`."""
    auditor = Auditor(None, rules(), Options(stage=Stage.STATIC))
    result = auditor.audit(Snippet("a:1", "", "a.md", "for batch in loader:\n    print(batch)\n"))
    assert [(finding.name, finding.fixes) for finding in result.findings] == [("undefined-name", ())]
