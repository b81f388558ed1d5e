"""A block runs after the earlier blocks whose names it uses; marks have the last word."""

import pytest

from snipfix.documents.collect import parse
from snipfix.documents.effects import effects_of
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


def linked(blocks):
    return [one.blocks for one in link(blocks)]


def before(*codes, **options):
    return linked([Block(code, **options) for code in codes])


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


CHANGES = [
    ("x.add_(1)", {"x"}),
    ("x[0] = 1", {"x"}),
    ("net.fc.weight.data = w", {"net"}),
    ("x += 1", {"x"}),
    ("train(model, data)", {"model", "data"}),
    ("print(x, x.mean(), x.size(0))", set()),
    ("import torch\ntorch.cat([x, y]).add_(1)", set()),
    ("import torch\ntorch.nn.init.zeros_(net.weight)", {"net"}),
    ("import torch\ntorch.save(net.state_dict(), PATH)", {"PATH"}),
    ("def f(x):\n    x.add_(1)", set()),
    ("x = broken(", set()),
]


@pytest.mark.parametrize(("code", "changes"), CHANGES)
def test_names_that_a_block_may_change(code, changes):
    assert effects_of(code).changes == changes


def test_what_a_name_holds_may_change_on_the_way():
    assert before("import torch\nx = torch.zeros(3)", "x.add_(1)", "y = 2", "print(x)") == [[], [0], [], [0, 1]]
    assert before("x = [1]", "x.append(2)", "x = [3]", "print(x)") == [[], [0], [], [2]]


def test_a_training_loop_counts_where_an_output_tells_of_it():
    codes = ("import torch\nnet = torch.nn.Linear(1, 1)", "net(torch.ones(1, 1)).sum().backward()", "print(net.weight.grad)")
    assert before(*codes) == [[], [0], [0]]
    assert linked([*map(Block, codes[:2]), Block(codes[2], documented=True)]) == [[], [0], [0, 1]]


def test_a_file_comes_from_the_block_that_writes_it():
    codes = ("import torch\nnet = 1", "net.fit()\ntorch.save(net, 'net.pth')", "torch.load('net.pth')")
    assert before(*codes) == [[], [0], [0, 1]]


def test_a_block_that_only_changes_something_may_fail():
    document = read("```python\nx = [1]\n```\n\n```python\nx.append(2)\nx.push(3)\n```\n\n```python\nprint(x)\n```\n")
    assert [one.expect_error for one in document.snippets[2].before] == [False, True]


def test_a_collection_of_answers_stands_alone():
    """Every answer imports torch; the last forgot F. That another answer imports it does not help its reader."""
    answers = ("import torch\nimport F\nmodel = F(torch)", "import torch\nmodel = 1", "import torch\nmodel = F(torch)")
    blocks = [Block(code, section=number) for number, code in enumerate(answers)]
    assert linked(blocks) == [[], [], []]


def test_within_one_answer_blocks_build_on_each_other():
    answers = [(1, "import torch\nx = 1"), (2, "import torch\ny = 1"), (2, "print(y)"), (3, "import torch\nprint(x)")]
    assert linked([Block(code, section=section) for section, code in answers]) == [[], [], [1], []]


def test_marks_override():
    blocks = [
        Block("x = 1"),
        Block("import math", tags=frozenset({"setup"})),
        Block("print(x)", tags=frozenset({"reset"})),
        Block("y = 1"),
        Block("print(2)", tags=frozenset({"continue"})),
    ]
    assert linked(blocks) == [[], [], [], [], [3]]


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
