"""A block runs after the earlier blocks whose names it uses; marks have the last word."""

import pytest

from snipfix.documents.collect import parse
from snipfix.documents.names import names_of
from snipfix.documents.namespaces import Block, link
from snipfix.documents.source import Source
from snipfix.errors import ConfigError, DocumentError

NEEDS = [
    ("x = 1\nprint(x)", set()),
    ("print(x)", {"x"}),
    ("x = x + 1", {"x"}),
    ("total += 1", {"total"}),
    ("model.train()\nmodel = make()", {"model", "make"}),
    ("def f(a):\n    return a + b", {"b"}),
    ("def f():\n    return g()\n\ndef g(): return 1", set()),
    ("[i for i in items if i]", {"items"}),
    ("class A(Base):\n    x: int = y\n    def f(self): return self.x", {"Base", "y"}),
    ("for i in range(3):\n    print(i)", set()),
    ("with open('f') as f:\n    f.read()", set()),
    ("try:\n    pass\nexcept ValueError as e:\n    print(e)", set()),
    ("if (n := 3) > 2:\n    print(n)", set()),
    ("from a import *\nx = y", set()),
    ("f = lambda a: a + later\nlater = 1", set()),
    ("model = Net(\nloss = model(", {"Net"}),
]


@pytest.mark.parametrize(("code", "needs"), NEEDS)
def test_names_that_come_from_outside(code, needs):
    assert names_of(code).needs == needs


def before(*codes, **options):
    return link([Block(code, **options) for code in codes])


def test_a_tutorial_builds_up():
    assert before("import torch", "class Net: pass", "model = Net()\nx = torch.ones(1)", "print(model)", "y = 1") == [
        [],
        [],
        [0, 1],
        [0, 1, 2],
        [],
    ]


def test_the_nearest_definition_counts():
    assert before("x = 1", "x = 2", "print(x)") == [[], [], [1]]


def test_a_collection_of_answers_stands_alone():
    """Every answer imports torch; the last forgot F. That another answer imports it does not help its reader."""
    answers = ("import torch\nimport F\nmodel = F(torch)", "import torch\nmodel = 1", "import torch\nmodel = F(torch)")
    blocks = [Block(code, section=number) for number, code in enumerate(answers)]
    assert link(blocks) == [[], [], []]


def test_within_one_answer_blocks_build_on_each_other():
    answers = [(1, "import torch\nx = 1"), (2, "import torch\ny = 1"), (2, "print(y)"), (3, "import torch\nprint(x)")]
    assert link([Block(code, section=section) for section, code in answers]) == [[], [], [1], []]


def test_marks_override():
    blocks = [
        Block("x = 1"),
        Block("import math", tags=frozenset({"setup"})),
        Block("print(x)", tags=frozenset({"reset"})),
        Block("y = 1"),
        Block("print(2)", tags=frozenset({"continue"})),
    ]
    assert link(blocks) == [[], [], [], [], [3]]


def read(text, path="a.md"):
    return parse(Source.decode(path, text.encode()), "markdown")


def test_hidden_setup_runs_before_everything_after_it():
    document = read("<!-- snipfix: setup\nimport torch\nx = 1\n-->\n\n```python\nprint(x)\n```\n")
    (snippet,) = document.snippets
    (setup,) = snippet.before
    assert (setup.code, setup.line) == ("import torch\nx = 1\n", 2)


@pytest.mark.parametrize(
    "mark",
    [
        "<!-- snipfix: skip -->",
        "Text. <!-- snipfix: skip -->",
        "{/* snipfix: skip */}",
        "> <!-- snipfix: skip -->",
        "- a\n\n  <!-- snipfix: skip -->",
    ],
)
def test_a_mark_may_stand_anywhere_above_its_block(mark):
    assert read(f"{mark}\n\n```python\nx = 1\n```\n").snippets == ()


def test_hidden_setup_in_rest():
    document = parse(Source.decode("a.rst", b".. snipfix: setup\n   x = 1\n\n>>> print(x)\n1\n"), "rst")
    assert [[one.code for one in snippet.before] for snippet in document.snippets] == [["x = 1\n"]]


def test_a_mark_for_an_error_shown_on_purpose():
    (snippet,) = read("<!-- snipfix: expect-error -->\n```python\n1 / 0\n```\n").snippets
    assert snippet.expect_error


@pytest.mark.parametrize(
    "output",
    ["```\nTraceback (most recent call last):\n  ...\nZeroDivisionError: division by zero\n```", "```pytb\nZeroDivisionError\n```"],
)
def test_a_documented_traceback_says_that_the_error_is_meant(output):
    (snippet,) = read(f"```python\n1 / 0\n```\n\n{output}\n").snippets
    assert snippet.expect_error
    assert snippet.documented_output is None


@pytest.mark.parametrize("mark", ["skipp", "skip because I say so", "expect-error\nx = 1", ""])
def test_a_mark_that_says_nothing_known_is_an_error(mark):
    with pytest.raises(ConfigError) as caught:
        read(f"Text\n\n<!-- snipfix: {mark} -->\n\n```python\nx = 1\n```\n")
    assert caught.value.place == "a.md:3"


def test_a_mark_with_no_block_after_it_is_an_error():
    with pytest.raises(DocumentError, match="no block after it"):
        read("```python\nx = 1\n```\n\n<!-- snipfix: skip -->\n")
