"""Codemods change what they say and leave every other byte alone."""

import ast

import pytest

from snipfix import codemods
from snipfix.code import Code
from snipfix.codemods import CodemodError
from snipfix.model import Fix

NET = """import torch.nn as nn

# 模型
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, 1)  # 输出

    def forward(self, x):
        return self.fc(x)


net = Net(3)
"""


def applied(text, edits):
    return Fix("", tuple(edits)).apply(text)


def call_in(code):
    return next(node for node in code.nodes if isinstance(node, ast.Call))


@pytest.mark.parametrize(
    ("before", "codemod", "arguments", "after"),
    [
        ("f(a, b)", "remove_argument", (0,), "f(b)"),
        ("f(a, b)", "remove_argument", (1,), "f(a)"),
        ("f(a,)", "remove_argument", (0,), "f()"),
        ("f(a, (b), k=1)", "remove_argument", (1,), "f(a, k=1)"),
        ("f(a, k=(1), z=2)", "remove_argument", ("k",), "f(a, z=2)"),
        ("f(a, *b, k=1)", "replace_argument", ("k", "2"), "f(a, *b, k=2)"),
        ("f((a), b)", "replace_argument", (0, "c"), "f(c, b)"),
        ("f(a, lambda x, y: x, b)", "replace_argument", (2, "c"), "f(a, lambda x, y: x, c)"),
        ("f(a, k=1)", "rename_keyword", ("k", "mask"), "f(a, mask=1)"),
        ("f()", "add_keyword", ("k", "1"), "f(k=1)"),
        ("f(a, **o)", "add_keyword", ("k", "1"), "f(a, k=1, **o)"),
        ("f(\n    a,  # first\n)", "add_keyword", ("k", "1"), "f(\n    a, k=1,  # first\n)"),
        ("f(k=1)", "add_keyword", ("k", "2"), "f(k=2)"),
        ("f(a, k=1)", "add_argument", ("b",), "f(a, b, k=1)"),
        ("f(a, k=1)", "add_argument", ("b", 0), "f(b, a, k=1)"),
        ("f(\n    a,\n    c,\n)", "add_argument", ("b", 1), "f(\n    a,\n    b,\n    c,\n)"),
        ('f("中文", b)', "replace_argument", (1, "c"), 'f("中文", c)'),
        ("(f)(x)", "remove_argument", (0,), "(f)()"),
        ("f(g(x), y)", "unwrap_call", (), "g(x)"),
    ],
)
def test_arguments_change_with_their_commas(before, codemod, arguments, after):
    code = Code(before)
    assert after == applied(before, getattr(codemods, codemod)(code, call_in(code), *arguments))


@pytest.mark.parametrize(
    ("before", "template", "after"),
    [
        ("y = x", "{}.float()", "y = x.float()"),
        ("y = a + b", "{}.float()", "y = (a + b).float()"),
        ("y = a + b", "torch.log({})", "y = torch.log(a + b)"),
        ("y = f(x)[0]", "{}.sum()", "y = f(x)[0].sum()"),
        ("y = 1", "{}.real", "y = (1).real"),
        ("y = -x", "{}.sum()", "y = (-x).sum()"),
        ("y = (a + b)", "{}.sum()", "y = (a + b).sum()"),
        ("y = '中'", "{}.upper()", "y = '中'.upper()"),
    ],
)
def test_wrapping_respects_precedence(before, template, after):
    code = Code(before)
    assert after == applied(before, codemods.wrap_expression(code, code.tree.body[0].value, template))


@pytest.mark.parametrize(
    ("before", "arguments", "after"),
    [
        ("import torch\nx = 1\n", ("math",), "import torch\nimport math\nx = 1\n"),
        (
            "import torch\nimport numpy\n\nx\n",
            ("torch.nn.functional", None, "F"),
            "import torch\nimport torch.nn.functional as F\nimport numpy\n\nx\n",
        ),
        ("from torch import nn\n", ("torch", "optim"), "from torch import nn, optim\n"),
        ("from torch import (\n    nn,\n)\n", ("torch", "optim"), "from torch import (\n    nn, optim,\n)\n"),
        ("import torch", ("torch.nn", None, "nn"), "import torch\nimport torch.nn as nn"),
        ('"""Doc."""\nx\n', ("math",), '"""Doc."""\n\nimport math\n\nx\n'),
        ('"""Doc."""\n\nx\n', ("math",), '"""Doc."""\n\nimport math\n\nx\n'),
        ('"""Doc."""\n\n\nclass A: ...\n', ("math",), '"""Doc."""\n\nimport math\n\n\nclass A: ...\n'),
        ("#| echo: false\n#| label: plot\nx\n", ("math",), "#| echo: false\n#| label: plot\nimport math\n\nx\n"),
        ("#!/usr/bin/python\nx\n", ("math",), "#!/usr/bin/python\nimport math\n\nx\n"),
        ("# 说明\nx\n", ("math",), "import math\n\n# 说明\nx\n"),
        ("import math\nx\n", ("math",), "import math\nx\n"),
        ("import torch\nx\n", ("a", "b", "c"), "import torch\nfrom a import b as c\nx\n"),
    ],
)
def test_an_import_goes_where_its_relatives_are(before, arguments, after):
    assert after == applied(before, codemods.add_import(Code(before), *arguments))


@pytest.mark.parametrize(
    ("codemod", "line", "text", "after"),
    [
        ("insert_statement_before", 2, "y = 1", "for x in z:\n    y = 1\n    f(x,\n      1)  # c\n    g()"),
        ("insert_statement_after", 3, "if y:\n    z()", "for x in z:\n    f(x,\n      1)  # c\n    if y:\n        z()\n    g()"),
        ("insert_statement_after", 4, "h()", "for x in z:\n    f(x,\n      1)  # c\n    g()\n    h()"),
        ("insert_statement_before", 1, "a", "a\nfor x in z:\n    f(x,\n      1)  # c\n    g()"),
        ("replace_statement", 2, "f(x)", "for x in z:\n    f(x)  # c\n    g()"),
        ("replace_statement", 4, "a\nb", "for x in z:\n    f(x,\n      1)  # c\n    a\n    b"),
    ],
)
def test_statements_take_the_indentation_of_their_place(codemod, line, text, after):
    before = "for x in z:\n    f(x,\n      1)  # c\n    g()"
    assert after == applied(before, getattr(codemods, codemod)(Code(before), line, text))


def test_removing_a_statement_never_empties_a_body():
    assert applied("a\nb\nc\n", codemods.remove_statement(Code("a\nb\nc\n"), 2)) == "a\nc\n"
    assert applied("if a:\n    b\n", codemods.remove_statement(Code("if a:\n    b\n"), 2)) == "if a:\n    pass\n"
    with pytest.raises(CodemodError, match="shares its line"):
        codemods.remove_statement(Code("a; b"), 1)


@pytest.mark.parametrize(
    ("edits", "old", "new"),
    [
        (
            lambda code: codemods.replace_method(code, "Net.forward", "def forward(self, x):\n    return self.fc(x).sum()"),
            "return self.fc(x)\n",
            "return self.fc(x).sum()\n",
        ),
        (lambda code: codemods.add_parameter(code, "Net.__init__", "bias=True"), "width):", "width, bias=True):"),
        (
            lambda code: codemods.add_statement_to_init(code, "Net", "self.width = width"),
            "# 输出\n",
            "# 输出\n        self.width = width\n",
        ),
        (
            lambda code: codemods.add_statement_to_init(code, "Net", "self.width = width", first=True),
            "super().__init__()\n",
            "super().__init__()\n        self.width = width\n",
        ),
        (
            lambda code: codemods.add_method(code, "Net", "def extra(self):\n    return 1", after="__init__"),
            "# 输出\n",
            "# 输出\n\n    def extra(self):\n        return 1\n",
        ),
        (
            lambda code: codemods.replace_class(code, "Net", "Net = nn.Identity"),
            NET[NET.index("class") : NET.index("\n\nnet")],
            "Net = nn.Identity\n",
        ),
        (lambda code: codemods.rename(code, "Net", "Model"), None, NET.replace("Net", "Model")),
        (
            lambda code: codemods.rename(code, "x", "y", inside=next(n for n in code.nodes if getattr(n, "name", "") == "forward")),
            None,
            NET.replace("x)", "y)"),
        ),
        (lambda code: codemods.substitute(code, "Net(3)", "Net(4)"), "Net(3)", "Net(4)"),
        (lambda code: codemods.substitute(code, "", "a = 1\n", line=13), "net = ", "a = 1\nnet = "),
    ],
)
def test_classes_keep_their_comments_and_layout(edits, old, new):
    assert (NET.replace(old, new) if old else new) == applied(NET, edits(Code(NET)))


@pytest.mark.parametrize(
    "edits",
    [
        lambda code: codemods.replace_method(code, "Net.backward", "def backward(self): ..."),
        lambda code: codemods.add_method(code, "Net", "def x(self): ...", after="nowhere"),
        lambda code: codemods.add_parameter(code, "Net.__init__", "width"),
        lambda code: codemods.replace_class(code, "Net", "class ("),
        lambda code: codemods.substitute(code, "self", "this"),
        lambda code: codemods.substitute(code, "nowhere", "x", line=1),
        lambda code: codemods.rename(code, "nothing", "something"),
        lambda code: codemods.remove_import(code, "numpy"),
        lambda code: codemods.insert_statement_after(code, 99, "x"),
    ],
)
def test_what_is_not_there_is_refused(edits):
    with pytest.raises(CodemodError):
        edits(Code(NET))


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [("a\nb\nc\n", "a\nx\nc\n", 1), ("f(a, b)\n", "f(a, c)\n", 1), ("x\n", "x\n", 0), ("", "a\n", 1), ("a\n甲乙\n", "a\n甲丙\n", 1)],
)
def test_edits_between_two_texts_are_few_and_exact(old, new, count):
    edits = codemods.edits_between(old, new)
    assert (new, count) == (applied(old, edits), len(edits))


def test_an_attribute_is_renamed_behind_its_last_dot():
    code = Code("y = a.next().next()")
    assert applied(code.text, codemods.rename_attribute(code, code.tree.body[0].value.func, "last")) == "y = a.next().last()"


def test_joined_edits_are_kept_once():
    code = Code("import torch\nx\n")
    once = codemods.add_import(code, "math")
    assert once == codemods.joined(once, once)
