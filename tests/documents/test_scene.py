"""What a document takes for granted: the shell of a notebook, and the import of the file that an example stands in."""

import json

import pytest

from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.model import RunReport, modules_of
from snipfix.report import render

pytestmark = pytest.mark.torch

SHELL = "display('a', [1])\nget_ipython().run_line_magic('pwd', '')\nprint(get_ipython().user_ns['x'], x, In, Out)\n"


def audited(engine, text, path, format):  # noqa: A002
    document = parse(Source.decode(path, text.encode()), format)
    return [engine.auditor.audit(snippet) for snippet in document.snippets]


def test_a_notebook_has_its_shell(engine):
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in ("x = 3", SHELL)]
    (_, result) = audited(engine, json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "a.ipynb", "notebook")
    assert (result.verdict, result.outcome.stdout) == ("clean", "a\n[1]\n3 3 [''] {}\n")


@pytest.mark.parametrize(("info", "kind"), [("{code-cell} ipython3", "ok"), ("ipython", "ok"), ("python", "raised")])
def test_a_block_for_the_shell_has_it_too(engine, info, kind):
    (result,) = audited(engine, f"```{info}\nx = 3\n{SHELL}```\n", "a.md", "markdown")
    assert result.outcome.kind == kind


MODULE = '''"""Losses.

>>> from {name} import double
>>> import {name} as own
>>> print(double(2), own.WIDTH, __name__)
4 3 __main__
"""
import json

WIDTH = 3


def double(x):
    """Twice.

    >>> double(json.loads("1"))
    2
    """
    return 2 * x
'''


@pytest.mark.parametrize("name", ["losses", "pkg.losses", "tools.pkg.losses"])
def test_an_example_may_import_the_file_it_stands_in(engine, name):
    results = audited(engine, MODULE.format(name=name), "tools/pkg/losses.py", "python")
    assert [result.verdict for result in results] == ["clean"] * 3
    assert results[1].outcome.stdout == "4 3 __main__\n"


def test_what_is_installed_goes_before(engine):
    text = '"""Doc.\n\n>>> import json\n>>> print(json.loads("1"))\n1\n"""\nx = 1\n'
    assert [result.verdict for result in audited(engine, text, "json.py", "python")] == ["clean"] * 2


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a.py", ("a",)), ("src/pkg/a.py", ("a", "pkg.a", "src.pkg.a")), ("pkg/__init__.py", ("pkg",)), ("my-docs/a.py", ("a",)),
        ("01_a.py", ()), ("a.md", ()), ("/a/b/c/d/e.py", ("e", "d.e", "c.d.e", "b.c.d.e")),
    ],
)  # fmt: skip
def test_names_that_a_file_is_imported_by(path, names):
    assert modules_of(path) == names


AS_MEANT = "raises, as the document means it to"
ON_PURPOSE = [
    ("1 / 0", "clean", AS_MEANT),
    ("if True print(1)", "clean", AS_MEANT),
    ("raise SystemExit('no')", "clean", AS_MEANT),
    ("from torch import nn\nclass M(nn.Module):\n    def forward(self, x):\n        return x + self.a", "clean", AS_MEANT),
    ("import torch\nx = torch.ones(2)\nx + torch.ones(2).to('cuda:0')", "clean", AS_MEANT),
    ("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    print(error)", "clean", ""),
    ("1 / 1", "suspect", ""),
]


@pytest.mark.parametrize(("code", "verdict", "reason"), ON_PURPOSE)
def test_an_error_on_purpose_must_be_raised(engine, code, verdict, reason):
    (result,) = audited(
        engine, f"> <!-- snipfix: expect-error -->\n>\n> ```python\n> {code.replace(chr(10), chr(10) + '> ')}\n> ```\n", "a.md", "markdown"
    )
    assert (result.verdict, result.reason) == (verdict, reason)
    places = [result.snippet.locate(one.span) for one in result.findings if one.rule == "SNF493"]
    assert [(place.line, place.column) for place in places] == ([(4, 3)] if verdict == "suspect" else [])
    assert not any(one.is_error for one in result.findings)


@pytest.mark.parametrize("format", ["table", "json", "sarif", "github", "junit", "markdown", "html"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_error_that_does_not_come_is_told_in_every_report(engine, format, language):  # noqa: A002
    results = audited(engine, "<!-- snipfix: expect-error -->\n```python\n1 / 1\n```\n", "a.md", "markdown")
    text = render(RunReport(tuple(results)), format, **({} if format in {"json", "sarif"} else {"language": language}))
    chinese = language == "zh" and format not in {"json", "sarif"}
    assert ("文档说它会抛出异常" if chinese else "it does not raise, though the document says that it does") in text
    assert "SNF493" in text
    assert "suppressions" not in text
