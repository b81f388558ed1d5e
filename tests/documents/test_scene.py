"""What a document takes for granted: the shell of a notebook, and the import of the file that an example stands in."""

import json

import pytest

from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.model import modules_of

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


@pytest.mark.parametrize(("code", "verdict"), [("1 / 0", "clean"), ("1 / 1", "suspect")])
def test_an_error_on_purpose_must_be_raised(engine, code, verdict):
    (result,) = audited(engine, f"<!-- snipfix: expect-error -->\n```python\n{code}\n```\n", "a.md", "markdown")
    assert (result.verdict, result.findings) == (verdict, ())
    assert ("it does not raise, though" in result.reason) == (verdict == "suspect")
