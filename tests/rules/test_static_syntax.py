"""Texts with several syntax errors at once: each is named at its place, and mending them one by one ends in Python."""

import ast

import pytest

from snipfix.code import Code
from snipfix.model import Finding, Fix, Snippet
from snipfix.rules.base import Context
from snipfix.rules.registry import find, rules

CASES = {
    "brackets and colons": (
        "class Net(Module)\n    def __init__(self)\n        self.fc = Linear(10, 5\n        self.act = ReLU()\n    def forward(self, x):\n        return self.fc(x\n",
        {("SNF002", 1), ("SNF002", 2), ("SNF001", 3), ("SNF001", 6)},
        "class Net(Module):\n    def __init__(self):\n        self.fc = Linear(10, 5)\n        self.act = ReLU()\n    def forward(self, x):\n        return self.fc(x)\n",
    ),
    "all indentation lost": (
        "class Net:\ndef __init__(self):\nsuper().__init__()\nself.n = 1\n\ndef forward(self, x):\nreturn x\n\nnet = Net()\nprint(net)\n",
        {("SNF003", 2), ("SNF003", 3), ("SNF003", 7)},
        "class Net:\n    def __init__(self):\n        super().__init__()\n        self.n = 1\n\n    def forward(self, x):\n        return x\n\nnet = Net()\nprint(net)\n",
    ),
    "full-width, then a missing comma": (
        "print（“完成”）\nx = [1, 2 3]\n",
        {("SNF004", 1), ("SNF010", 2)},
        'print("完成")\nx = [1, 2, 3]\n',
    ),
    "two lists left open": ("x = [1, 2, 3\ny = {'a': 1\nprint(x, y)\n", {("SNF001", 1), ("SNF001", 2)}, "x = [1, 2, 3]\ny = {'a': 1}\nprint(x, y)\n"),
    "a quote of the wrong kind": ("print(\"loss: {}'.format(1))\n", {("SNF009", 1)}, 'print("loss: {}".format(1))\n'),
    "nothing that anyone knows": ("x = <your code>\n", {("SNF049", 1)}, None),
}  # fmt: skip


def findings(text: str) -> tuple[Context, list[Finding]]:
    context = Context(Snippet("a", "a", "a.md", text), Code(text))
    error = context.code.syntax_error
    return context, [found for rule in rules() for found in rule.on_syntax(context, error)] if error else []


def first_fix(text: str) -> Fix | None:
    context, found = findings(text)
    return next((fix for one in found for fix in find(one.rule).fixes(context, one)), None)


@pytest.mark.parametrize(("text", "expected", "fixed"), CASES.values(), ids=CASES)
def test_each_fault_is_named(text: str, expected: set[tuple[str, int]], fixed: str | None):
    assert {(one.rule, one.span.line) for one in findings(text)[1]} == expected


@pytest.mark.parametrize(("text", "expected", "fixed"), CASES.values(), ids=CASES)
def test_mending_one_by_one(text: str, expected: set[tuple[str, int]], fixed: str | None):
    rounds = 0
    while (fix := first_fix(text)) is not None and rounds < 10:
        text, rounds = fix.apply(text), rounds + 1
    if fixed is not None:
        assert text == fixed
        assert ast.parse(text)


@pytest.mark.parametrize(
    "text", ["\x00", "(" * 3000, "'" * 999, "x" + "\u3000" * 500 + "(", "`" * 99, ">>> " * 50, "if x:\n" * 300, "\\", "é" * 10 + "'"]
)
def test_hostile_text_ends_in_findings(text: str):
    assert findings(text)[1]
