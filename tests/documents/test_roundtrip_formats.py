"""Random documents of every format: what was put in is read, new code is read back, and repairing changes nothing outside the snippets."""

from __future__ import annotations

import codecs
import html
import json
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snipfix.born import changes
from snipfix.config import Options
from snipfix.documents import Document, writeback
from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.engines.local import LocalEngine
from snipfix.errors import DocumentError
from snipfix.model import RepairVerdict, Stage

STATEMENTS = (
    "x = 1", "print(F.relu(torch.ones(2)))", "if x:\n    y = 2", "s = '<b>&amp;</b>'", "# 注释 🙂", "z = 1 < 2 and 3 > 2", 's = "\\t\\\\"',
    "import numpy as np", "def f(a):\n\n    return np.ones(a)", "w = [\n    1,\n]", "print('中文')", "t = torch.ones(3)", "class A:\n\tb = 1",
)  # fmt: skip
CODES = st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=4)
PROSE = st.sampled_from(["Some words.", "一段说明文字，没有代码。", "Wörter – and “quotes” 🙂", "Trailing blanks  "])
NEWLINES = st.sampled_from(["\n", "\r\n"])
ENCODINGS = st.sampled_from(
    [("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE)]
)
QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

Blocks = Sequence[tuple[str, list[str], int]]
"""Words, the statements of the code block below them, and which of its format's ways it is written in."""


def indented(text: str, margin: str) -> str:
    return "\n".join((margin + line).rstrip(" ") if not line.strip() else margin + line for line in text.split("\n"))


def joined(code: list[str]) -> str:
    return "\n".join(code)


def prompted(statements: list[str]) -> str:
    lines = []
    for statement in statements:
        first, *rest = statement.split("\n")
        lines += [f">>> {first}", *(f"... {line}".rstrip() for line in rest)]
        if statement.startswith("print"):
            lines.append("shown")
    return "\n".join(lines)


def numbered(statements: list[str]) -> str:
    cells = []
    for number, statement in enumerate(statements, start=8):
        first, *rest = statement.split("\n")
        on = "...:".rjust(len(f"In [{number}]:"))
        cells.append("\n".join([f"In [{number}]: {first}", *(f"{on} {line}".rstrip() for line in rest)]))
        if statement.startswith("print"):
            cells[-1] += "\nshown"
    return "\n\n".join(cells)


def markdown(blocks: Blocks) -> str:
    ways = (
        lambda code: f"```python\n{joined(code)}\n```",
        lambda code: indented(f"~~~ {{.python}}\n{joined(code)}\n~~~", "> "),
        lambda code: "- item\n\n" + indented(f"```py\n{joined(code)}\n```", "  "),
        lambda code: f"```pycon\n{prompted(code)}\n```",
        lambda code: indented(f"```ipython\n{numbered(code)}\n```", "> "),
        lambda code: f":::{{note}}\n```{{code-cell}} python\n{joined(code)}\n```\n:::",
    )
    return "".join(f"{words}\n\n{ways[way % len(ways)](code)}\n\n" for words, code, way in blocks)


def rst(blocks: Blocks) -> str:
    ways = (
        lambda code: f".. code-block:: python\n   :linenos:\n\n{indented(joined(code), '   ')}",
        lambda code: f".. testcode::\n\n{indented(joined(code), '    ')}",
        lambda code: f".. note::\n\n   .. code:: python\n\n{indented(joined(code), '      ')}",
        lambda code: f".. ipython::\n\n{indented(numbered(code), '   ')}",
        lambda code: f".. code-block:: pycon\n\n{indented(prompted(code), '   ')}",
    )
    return "".join(f"{words}\n\n{ways[way % len(ways)](code)}\n\n" for words, code, way in blocks)


def page(blocks: Blocks) -> str:
    def highlighted(code: str) -> str:
        return re.sub(r"\b(import|def|print|if)\b", r'<span class="k">\1</span>', html.escape(code, quote=False))

    ways = (
        lambda code: f'<pre><code class="language-python">{html.escape(joined(code))}\n</code></pre>',
        lambda code: f'<div class="highlight-python"><pre>\n<span></span>{highlighted(joined(code))}\n</pre></div>',
        lambda code: f'<pre class="pycon">{highlighted(prompted(code))}\n</pre>',
        lambda code: f'<pre class="ipython">{highlighted(numbered(code))}\n</pre>',
    )
    body = "".join(f"<p>{words}</p>\n{ways[way % len(ways)](code)}\n" for words, code, way in blocks)
    return f"<!DOCTYPE html>\n<html><body>\n{body}</body></html>\n"


def notebook(blocks: Blocks) -> str:
    cells = []
    for words, code, way in blocks:
        text = joined(code)
        cells.append({"cell_type": "markdown", "id": f"m{len(cells)}", "metadata": {}, "source": [words]})
        source = text if way % 2 else text.splitlines(keepends=True)
        cells.append({"cell_type": "code", "source": source, "outputs": [], "metadata": {"b": 1, "a": 2}, "execution_count": way})
    whole = {"nbformat": 4, "cells": cells, "nbformat_minor": 5, "metadata": {"language_info": {"name": "python"}}}
    return json.dumps(whole, ensure_ascii=blocks[0][2] > 2, indent=blocks[0][2] or None)


def module(blocks: Blocks) -> str:
    functions = []
    for number, (words, code, way) in enumerate(blocks):
        code = [statement for statement in code if "\\" not in statement]
        ways = (
            lambda code: f"Examples\n--------\n{prompted(code)}",
            lambda code: f"Example:\n    {indented(prompted(code), '    ').lstrip()}",
            lambda code: f"Example:\n\n.. code-block:: python\n\n{indented(joined(code), '    ')}",
            lambda code: f"```python\n{joined(code)}\n```",
        )
        text = f"{words}\n\n{ways[way % len(ways)](code or ['x = 1'])}\n"
        functions.append(f'def g{number}(x):\n    """{indented(text, "    ").lstrip()}    """\n    return x\n')
    return "import torch\n\n\n" + "\n\n".join(functions)


FORMATS: dict[str, tuple[Callable[[Blocks], str], str]] = {
    "markdown": (markdown, "a.md"), "rst": (rst, "a.rst"), "html": (page, "a.html"), "notebook": (notebook, "a.ipynb"),
    "python": (module, "a.py"),
}  # fmt: skip
BLOCKS = st.lists(st.tuples(PROSE, CODES, st.integers(0, 11)), min_size=1, max_size=4)


def made(format: str, blocks: Blocks, newline: str, encoding: tuple[str, bytes]) -> Document:  # noqa: A002
    """The document as it is read. Python's own files are UTF-8."""
    render, path = FORMATS[format]
    codec, bom = ("utf-8", encoding[1] if encoding[0] == "utf-8" else b"") if format in ("python", "notebook") else encoding
    return parse(Source.decode(path, bom + render(blocks).replace("\n", newline).encode(codec)), format)


def skeleton(document: Document) -> list[str]:
    """The document's text between its snippets, and the outputs within them."""
    source, at, found = document.source, 0, []
    inner = [part.fence for part in document.parts if "file" not in part.fence.tags]  # of a Python file: what is no example
    for fence in inner:
        first, last = fence.lines[0], fence.lines[-1]
        start = max(at, first.start if first.places or fence.style == "json" else source.lines[first.number - 1].start)
        found += [source.text[at:start], *(line.code for line in fence.shown)]
        at = max(line.end for line in (last, *fence.shown))
    return [*found, source.text[at:]]


def told(code: str) -> list[str]:
    return [line.rstrip() for line in code.split("\n") if line.strip()]


@pytest.mark.parametrize("format", FORMATS)
@QUICK
@given(BLOCKS, NEWLINES, ENCODINGS)
def test_what_was_put_in_is_read_and_stays_as_it_is(format, blocks, newline, encoding):  # noqa: A002
    document = made(format, blocks, newline, encoding)
    found = [told(one.code) for one in document.snippets if not (format == "python" and one.code.startswith("import torch\n\n\ndef"))]
    wanted = [[line for statement in code for line in told(statement)] for _, code, _ in blocks]
    if format == "python":
        wanted = [[line for line in lines if "\\" not in line] or ["x = 1"] for lines in wanted]
    assert found == wanted
    assert writeback.rewrite(document, {one.id: one.code for one in document.snippets}) == document.raw


@pytest.mark.parametrize("format", FORMATS)
@QUICK
@given(BLOCKS, NEWLINES, ENCODINGS, CODES, st.integers(0, 3))
def test_new_code_is_read_back_and_nothing_else_changes(format, blocks, newline, encoding, code, which):  # noqa: A002
    """Or it is refused: never a third thing."""
    document = made(format, blocks, newline, encoding)
    number = which % len(document.snippets)
    snippet, part = document.snippets[number], document.parts[number]
    if "file" in part.fence.tags:
        return
    new = "\n".join(one for one in code if "\\" not in one) + "\n"
    try:
        raw = writeback.rewrite(document, {snippet.id: new})
    except DocumentError:
        return
    again = parse(Source.decode(document.path, raw), format)
    assert told(again.snippets[number].code) == told(new)
    assert skeleton(again) == skeleton(document)
    assert b"\r\n" in document.raw or b"\r\n" not in raw


@pytest.fixture(scope="module")
def engine():
    with LocalEngine(Options(stage=Stage.STATIC, cache=False, patches=False)) as entered:
        yield entered


@pytest.mark.parametrize("format", FORMATS)
@settings(QUICK, max_examples=25)
@given(BLOCKS, NEWLINES, ENCODINGS)
def test_repairing_changes_nothing_outside_the_snippets(engine, format, blocks, newline, encoding):  # noqa: A002
    document = made(format, blocks, newline, encoding)
    results = list(engine.results(document.snippets, repair=True))
    codes, outputs = changes(results)
    assert codes or all(one.repair.verdict is not RepairVerdict.REPAIRED for one in results)
    if format == "python":
        codes = {name: code for name, code in codes.items() if "file" not in document.part(name).fence.tags}
    raw = writeback.rewrite(document, codes, outputs)
    again = parse(Source.decode(document.path, raw), format)
    assert skeleton(again) == skeleton(document)
    for before, after in zip(document.snippets, again.snippets, strict=True):
        if format != "python":
            assert told(after.code) == told(codes.get(before.id, before.code))
