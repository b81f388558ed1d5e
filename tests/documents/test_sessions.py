"""Sessions at the prompt: the values that they show are outputs like any other, checked and put right where the document has them."""

import pytest

from snipfix.born import changes
from snipfix.documents import writeback
from snipfix.documents.collect import parse
from snipfix.documents.sessions import echoed
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


def test_what_a_doctest_passes_over_and_what_ipython_shows_is_not_judged():
    for text in (">>> f()  # doctest: +SKIP\n3\n", "In [1]: f()\nOut[1]: 3\n"):
        (snippet,) = read(f"```pycon\n{text}```\n").snippets
        assert (snippet.documented_output, snippet.session) == (None, ())


def test_the_file_of_a_session_shows_no_values(tmp_path):
    document = read(SESSION, str(tmp_path / "a.md"))
    extract(document, tmp_path / "snippets")
    assert '"documented_output": null' in (tmp_path / "snippets/manifest.json").read_text()


@pytest.mark.torch
@pytest.mark.parametrize(
    ("text", "path", "format", "wrong"),
    [
        (SESSION, "a.md", "markdown", {"tensor([2., 2.])": "tensor([3., 3.])"}),
        (MODULE, "a.py", "python", {"    torch.Size([3, 2])": "    torch.Size([2, 3])", "    c\n": "    b\n"}),
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
