"""Sessions at the prompt: the values that they show are outputs like any other, checked and put right where the document has them."""

import json

import pytest

from snipfix.born import changes
from snipfix.documents import writeback
from snipfix.documents.collect import parse
from snipfix.documents.sessions import echoed, is_plain_value
from snipfix.documents.source import Source
from snipfix.documents.workspace import extract

SESSION = """```pycon
>>> import torch
>>> x = torch.ones(2, 3)
>>> x.sum(dim=1)
tensor([2., 2.])
>>> x.add_(1)
>>> x.shape
torch.Size([2, 3])
>>> [1,
...  2]
[1, 2]
```
"""
MODULE = '''import torch


def smooth(x):
    r"""Smooth.

    >>> smooth(torch.ones(2, 3)).shape
    torch.Size([3, 2])

    >>> print("a\\n\\nb")
    a
    <BLANKLINE>
    c
    >>> smooth(torch.tensor([1., 2.]))
    tensor([1., 2.])
    """
    return x
'''


RANDOM = """```pycon
>>> y = F.relu(torch.ones(2, 3))
>>> y.shape
torch.Size([3, 2])
>>> torch.rand(2)
tensor([0.1234, 0.5678])
>>> object()
<object object at 0x7f3>
>>> y.mean()  # doctest: +ELLIPSIS
tensor(...)
```
"""


def read(text, path="a.md", format="markdown"):  # noqa: A002
    return parse(Source.decode(path, text.encode()), format)


def test_only_expressions_with_an_output_are_shown():
    (snippet,) = read(SESSION).snippets
    assert snippet.documented_output == "tensor([2., 2.])\ntorch.Size([2, 3])\n[1, 2]\n"
    assert list(echoed(snippet.code, snippet.session)) == [3, 6, 8]


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("import torch\nimport os\nx = 1\nx.sum()\n", [4]),
        ("import torch\nx = 1\ntorch.manual_seed(0)\nx.sum(0)\n", [4]),
        ("x = 1\nx.sum()\nx.add_(1)\n", [2]),
        ("x.sum(", []),
    ],
)
def test_statements_that_a_mend_adds_show_nothing(code, lines):
    session = (("import torch", False), ("x = 1", False), ("x.sum()", True))
    assert list(echoed(code, session)) == lines


def test_what_a_doctest_passes_over_and_what_ipython_writes_in_its_own_way_is_not_judged():
    for text in (">>> f()  # doctest: +SKIP\n3\n", "In [1]: Net\nOut[1]: __main__.Net\n", "In [1]: {2, 1}\nOut[1]: {1, 2}\n"):
        (snippet,) = read(f"```pycon\n{text}```\n").snippets
        assert (snippet.documented_output, snippet.session) == (None, ())


def test_the_file_of_a_session_shows_no_values(tmp_path):
    document = read(SESSION, str(tmp_path / "a.md"))
    extract(document, tmp_path / "snippets")
    assert '"documented_output": null' in (tmp_path / "snippets/manifest.json").read_text()


@pytest.mark.parametrize("text", ["tensor([1.])", "torch.Size([2])", "3", "-0.5", "(1, 2)", "[[1]]", "'a'", "True", "array([1])"])
def test_values_that_ipython_writes_as_python_does(text):
    assert is_plain_value(text)


@pytest.mark.parametrize(
    "text", ["__main__.Net", "{1, 2}", "<function __main__.f(x)>", "[<matplotlib.Line2D>]", "Trueish", "", "   a  b\n0  1  2"]
)
def test_values_that_it_may_write_in_its_own_way(text):
    assert not is_plain_value(text)


IPYTHON = """```ipython
In [1]: import torch

In [2]: x = torch.ones(2, 2)

In [3]: x + 1
Out[3]: tensor([[2., 2.],
        [2., 3.]])

In [4]: x.shape
Out[4]: torch.Size([3, 2])
```
"""


def cell(source, *outputs):
    return {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": list(outputs), "source": source}


def value(text):
    return {"data": {"text/plain": text}, "execution_count": 1, "metadata": {}, "output_type": "execute_result"}


CELLS = [
    cell(
        ["%%time\n", "import torch\n", "x = torch.ones(2, 3)\n", "x.T"],
        value(["tensor([[1., 1.],\n", "        [1., 1.],\n", "        [1., 1.]])"]),
    ),
    cell("x.add_(1)\nx.sum(dim=0)", value(["tensor([4., 3., 4.], device='cuda:0')"])),
    cell("print(x.shape)\ntorch.nn.Linear", value("torch.nn.modules.linear.Linear")),
    cell("display(x.shape)\nx.T.shape", value("torch.Size([2, 3])")),
]
NOTEBOOK = json.dumps({"cells": CELLS, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("text", "path", "format", "wrong"),
    [
        (SESSION, "a.md", "markdown", {"tensor([2., 2.])": "tensor([3., 3.])"}),
        (MODULE, "a.py", "python", {"    torch.Size([3, 2])": "    torch.Size([2, 3])", "    c\n": "    b\n"}),
        (IPYTHON, "a.md", "markdown", {"[2., 3.]])": "[2., 2.]])", "[3, 2]": "[2, 2]"}),
        (NOTEBOOK, "a.ipynb", "notebook", {"tensor([4., 3., 4.], device='cuda:0')": "tensor([4., 4., 4.])"}),
        (
            RANDOM,
            "a.md",
            "markdown",
            {"[3, 2]": "[2, 3]", ">>> y = F": ">>> import torch.nn.functional as F\n>>> import torch\n>>> y = F"},
        ),
    ],
)
def test_a_false_value_is_replaced_by_the_true_one_and_nothing_else(engine, text, path, format, wrong):  # noqa: A002
    document = read(text, path, format)
    codes, outputs = changes(list(engine.results(document.snippets, repair=True)))
    for one, other in wrong.items():
        text = text.replace(one, other)
    assert writeback.rewrite(document, codes, outputs).decode() == text


UNPROMPTED = """```pycon
>>> x = torch.tensor([[1., 2.],
                      [3., 4.]])
>>> for row in x:
        y = row.sum()
        print(y)
tensor(3.)
>>> conv = dict({
    "a": 1,
>>> }, b=2)
>>> x.sum()
tensor(10.)
>>> f(1
1
```
"""


def test_lines_without_prompt_that_a_statement_needs_are_code():
    (snippet,) = parse(Source.decode("a.md", UNPROMPTED.encode()), "markdown").snippets
    whole = "x = torch.tensor([[1., 2.],\n                      [3., 4.]])\nfor row in x:\n        y = row.sum()\n        print(y)\n\n"
    assert snippet.code == whole + 'conv = dict({\n    "a": 1,\n}, b=2)\nx.sum()\n\nf(1\n'


def test_comments_and_sentences_between_two_outputs_are_no_outputs():
    text = (
        "```pycon\n>>> x = torch.ones(2)\n>>> x.sum()\ntensor(2.)\n\n# What is left is the mean.\n>>> x.mean()\ntensor(1.)\n\n"
        "The largest one is found by the same means,\nalong any dim:\n\n>>> x.max()\ntensor(1.)\n```\n"
    )
    (snippet,) = read(text).snippets
    assert snippet.documented_output == "tensor(2.)\ntensor(1.)\ntensor(1.)\n"
