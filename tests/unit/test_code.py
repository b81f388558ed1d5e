"""The views of a text: one walk, and what is looked up in it instead of walking again."""

from __future__ import annotations

import ast
import gc
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from snipfix.code import Code, parse
from snipfix.rules.observed import called

SNIPPETS = sorted((Path(__file__).parents[2] / "snippets").glob("*.py"))
LEFT_OUT = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)

ODD = """
match point:
    case {"x": x, **rest} if (n := len(rest)) > 1: pass
    case Point(x=0) | [1, *others] as whole: pass
async def run(*, a: int = f"{b!r:>{w}}", **kw) -> "X":
    async with lock as held, other: await held(lambda y=1, /: -y)
    return [i async for i in a if not i], {**kw}, {i: j for i, j in kw}, x[1:2, ...]
try: del a.b[0]
except* (OSError, ValueError) as error: raise error from None
while x.y().z(): global g
"""


def codes() -> list[Code]:
    found = [Code(ODD), *(Code(path.read_text("utf-8")) for path in SNIPPETS)]
    return [code for code in found if code.syntax_error is None]


def test_the_walk_sees_what_ast_walk_sees() -> None:
    assert len(codes()) > 25
    for code in codes():
        assert code.nodes == [node for node in ast.walk(code.tree) if not isinstance(node, LEFT_OUT)]


@pytest.mark.parametrize("kind", [ast.Call, ast.Name, ast.Assign, ast.For, ast.Attribute])
def test_what_a_node_contains_is_found_without_walking_it(kind: type[ast.AST]) -> None:
    for code in codes():
        for node in code.nodes:
            assert code.all(kind, inside=node) == [one for one in ast.walk(node) if type(one) is kind]


def test_calls_are_found_by_the_last_name_of_their_function() -> None:
    for code in codes():
        for name in ("zero_grad", "backward", "Linear", "z"):
            for inside in (code.tree, *code.all(ast.For), *code.all(ast.FunctionDef)):
                assert set(code.calls(name, inside=inside)) == {one for one in ast.walk(inside) if called(one) == name}
    code = Code("b(a())\na()\nc.b()")
    assert [code.slice(call) for call in code.calls("a", "b")] == ["b(a())", "a()", "a()", "c.b()"]


def test_mentions_are_names_and_attributes_as_written() -> None:
    code = Code("self.opt = opt\nself.opt.step()\nother.opt\nopt.opt = 1")
    assert [code.place(code.range(code.span(node))[0]) for node in code.mentions("opt")] == [(1, 12), (4, 1)]
    assert [code.slice(node) for node in code.mentions("self.opt")] == ["self.opt", "self.opt"]


class Lingering:
    """Garbage whose end lets another thread go on, in the midst of whatever collects it."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        time.sleep(0.0005)


def test_many_threads_may_parse_at_once():
    text = "x = [" + "(1, (2, (3, [4, {5: 6}])))," * 200 + "]\n"

    def work(_: int) -> ast.Module:
        for _ in range(3):
            Lingering()
        return parse(text)

    thresholds = gc.get_threshold()
    gc.set_threshold(20)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert len(list(threads.map(work, range(150)))) == 150
    finally:
        gc.set_threshold(*thresholds)


@pytest.mark.parametrize(
    ("text", "comments"),
    [
        ("x = 1  # one\n## two\n# # three\n", {1: "one", 2: "two", 3: "# three"}),
        ("x = '#'  # one\n", {1: "one"}),
        ('x = """\n# none\n"""  # one\n', {3: "one"}),
        ("x = 'a\\\n# none'\n", {}),
        ("f(  # 中文\n    1)\n", {1: "中文"}),
    ],
)
def test_comments_are_what_python_takes_for_comments(text: str, comments: dict[int, str]) -> None:
    assert Code(text).comments == comments
