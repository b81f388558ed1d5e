"""Mended code goes back into its document and no other byte changes: `x=1` becomes `x = 1` in every document of cases/writeback/."""

import stat
from pathlib import Path

import pytest

from snipfix import documents
from snipfix.documents import writeback
from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.errors import DocumentError, UsageError
from snipfix.evidence import Span

CASES = Path(__file__).parent / "cases" / "writeback"
BEFORE = sorted(CASES.glob("*.before.*"))


def mended(document):
    """The codes with the change; the innermost snippet's, where one encloses the other."""
    codes = {one.id: one.code.replace("x=1", "x = 1") for one in document.snippets if "x=1" in one.code}
    return dict(list(codes.items())[-1:]) if document.format == "python" else codes


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.name.partition(".")[0])
def test_only_the_changed_bytes_change(path, tmp_path):
    copy = tmp_path / path.name.replace(".before", "")
    copy.write_bytes(path.read_bytes())
    document = documents.read(copy)
    assert writeback.mend(document, mended(document))
    assert copy.read_bytes() == path.with_name(path.name.replace(".before.", ".after.")).read_bytes()


def test_there_are_at_least_12_cases():
    assert len(BEFORE) >= 12


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.name.partition(".")[0])
def test_nothing_changed_is_nothing_written(path):
    document = documents.read(path)
    assert writeback.rewrite(document, {one.id: one.code for one in document.snippets}) == document.raw


def read(text, path="a.md", format="markdown"):  # noqa: A002
    return parse(Source.decode(path, text.encode()), format)


GROWN = [
    ("- a\n\n  ```python\n  x=1\n  ```\n", "x = 1\n\nif x:\n    y = 2\n", "- a\n\n  ```python\n  x = 1\n\n  if x:\n      y = 2\n  ```\n"),
    ("> ```py\n> x=1\n> ```\n", "import a\n\nx=1\n", "> ```py\n> import a\n>\n> x=1\n> ```\n"),
    ("```py\r\nx=1\r\n```\r\n", "x=1\ny=2\n", "```py\r\nx=1\r\ny=2\r\n```\r\n"),
    ("> ```py\n> a\n>\n> b\n> ```\n", "a\n", "> ```py\n> a\n> ```\n"),
    (
        "> 1. a\n>\n>         import a\n>         x=1\n>\n>         x\n",
        "import a\nimport b\nx = 1\n\nif x:\n    x\n",
        "> 1. a\n>\n>         import a\n>         import b\n>         x = 1\n>\n>         if x:\n>             x\n",
    ),
    ("-     import a\n      x\n", "import a\nimport b\nx\n", "-     import a\n      import b\n      x\n"),
    ("- a\n\n\t\timport a\n\n\t\tx\n", "import b\nimport a\n\nx\n", "- a\n\n\t\timport b\n\t\timport a\n\n\t\tx\n"),
    (
        "```pycon\n>>> x=1\n>>> x\n1\n```\n",
        "x=1\nfor a in b:\n    c\nx\n",
        "```pycon\n>>> x=1\n>>> for a in b:\n...     c\n>>> x\n1\n```\n",
    ),
]


@pytest.mark.parametrize(("before", "code", "after"), GROWN)
def test_new_lines_look_like_their_neighbours(before, code, after):
    document = read(before)
    assert writeback.rewrite(document, {"a:1": code}).decode() == after


OUTPUT = "```python\nprint(1 + 1)\n```\n\nOutput:\n\n```\n3\n```\n"


def test_a_false_output_is_replaced_by_the_true_one():
    assert writeback.rewrite(read(OUTPUT), {}, {"a:1": "2\n"}).decode() == OUTPUT.replace("3", "2")


@pytest.mark.parametrize(
    ("documented", "true"),
    [("tensor([ 3.,  8.])\n", "tensor([3., 8.])\n"), ("loss ...\nend\n", "loss 0.1\nloss 0.2\nend\n"), ("3\n", "")],
)
def test_an_output_that_says_the_same_stays_as_it_is(documented, true):
    document = read(OUTPUT.replace("3\n", documented))
    assert writeback.rewrite(document, {}, {"a:1": true}) == document.raw


def test_code_that_would_close_its_own_fence_is_refused():
    document = read("```python\nx=1\n```\n")
    with pytest.raises(DocumentError, match="cannot be written back"):
        writeback.rewrite(document, {"a:1": 's = """\n```\n"""\n'})


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        ("<!-- coding: latin-1 -->\n```python\nx=1\n```\né\n".encode("latin-1"), "s = '中'\n", "a.md:3: iso8859-1 has no '中'"),
        (b"<!-- coding: cp932 -->\n```python\nx=1\n```\n" + b"\xfaT\n", "x = 1\n", "cp932 writes its text in other bytes"),
    ],
)
def test_what_the_encoding_of_the_document_cannot_write_is_refused(raw, code, message):
    document = parse(Source.decode("a.md", raw), "markdown")
    with pytest.raises(DocumentError) as caught:
        writeback.rewrite(document, {"a:1": code})
    assert message in str(caught.value)
    assert caught.value.hint


def test_a_document_that_changed_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("```python\nx=1\n```\n")
    document = documents.read(path)
    path.write_text("```python\nx=1\n```\nMore.\n")
    with pytest.raises(DocumentError, match="changed since it was read"):
        writeback.mend(document, {"a:1": "x = 1\n"})
    assert path.read_text().endswith("More.\n")
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_known_before_it_is_mended(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("```python\nx=1\n```\n")
    document = documents.read(path)
    writeback.check(document)
    path.chmod(0o444)
    with pytest.raises(DocumentError, match="read-only"):
        writeback.check(document)
    with pytest.raises(UsageError, match="cannot be mended in place"):
        writeback.check(read("```python\nx=1\n```\n", "-"))


def test_a_read_only_document_is_left_alone(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("```python\nx=1\n```\n")
    path.chmod(0o444)
    with pytest.raises(DocumentError, match="read-only"):
        writeback.mend(documents.read(path), {"a:1": "x = 1\n"})
    assert path.read_text() == "```python\nx=1\n```\n"


SESSION = "> ```pycon\n> >>> for i in range(2):\n> ...     print(i)\n> 0\n> 1\n> >>> print(1 + 1)\n> 3\n> ```\n"


def test_a_false_output_between_prompts_is_replaced_in_its_place():
    document = read(SESSION)
    assert document.snippets[0].documented_output == "0\n1\n3\n"
    assert writeback.rewrite(document, {}, {"a:1": "0\n1\n2\n"}).decode() == SESSION.replace("> 3", "> 2")
    page = '<pre class="pycon">&gt;&gt;&gt; print("<b>a</b>&lt;")\n<span>b&lt;</span>\n</pre>\n'
    new = writeback.rewrite(read(page, "a.html", "html"), {}, {"a:1": "a<\n"}).decode()
    assert new == page.replace("<span>b&lt;</span>", "a&lt;")


def test_an_output_of_another_length_is_not_spread_over_prompts():
    with pytest.raises(DocumentError, match="another number of lines"):
        writeback.rewrite(read(SESSION), {}, {"a:1": "0\n1\n2\n3\n"})


IPYTHON = "In [9]: import a\n\nIn [10]: x=1\n\nIn [11]: for y in x:\n    ...:     print(y)\n    ...:\nOut[11]: 1\n"
NUMBERED = [
    (("x=1", "x = 1"), ("x=1", "x = 1")),
    (("import a", "import a\nimport b"), ("import a", "import a\n   ...: import b")),
    (("import a", "import b\n\nimport a"), ("In [9]: import a", "In [9]: import b\n   ...: import a")),
    (("x=1", "z = 2\nx=1"), ("In [10]: x=1", "In [10]: z = 2\n    ...: x=1")),
    (("    print(y)", "    y += 1\n    print(y)"), ("    ...:     print(y)", "    ...:     y += 1\n    ...:     print(y)")),
]


@pytest.mark.parametrize(("code", "text"), NUMBERED)
@pytest.mark.parametrize("kind", ["markdown", "html", "rst"])
def test_a_numbered_session_grows_within_its_cells(kind, code, text):
    opening, margin, closing, path = {
        "markdown": ("> ```ipython\n", "> ", "> ```\n", "a.md"),
        "html": ('<pre class="ipython">', "", "</pre>\n", "a.html"),
        "rst": (".. ipython::\n\n", "   ", "", "a.rst"),
    }[kind]

    def page(session):
        return opening + "".join((margin + line).rstrip(" ") + "\n" for line in session.splitlines()) + closing

    document = read(page(IPYTHON), path, kind)
    new = writeback.rewrite(document, {"a:1": document.snippets[0].code.replace(*code)})
    assert new.decode() == page(IPYTHON.replace(*text))


@pytest.mark.parametrize(
    ("session", "code", "message"),
    [
        ("In [1]: x\nOut[1]: 1\n", "x\nz = 2\n", "after a value"),
        ("In [1]: y\n   ...: x\nOut[1]: 1\n", "x\n", "bereft of a statement"),
        (">>> y\n>>> x\n1\n", "y\n", "bereft of a statement"),
    ],
)
def test_no_output_of_a_session_comes_under_another_statement(session, code, message):
    document = read(f"```pycon\n{session}```\n")
    with pytest.raises(DocumentError, match=message):
        writeback.rewrite(document, {"a:1": code})


def test_a_line_that_comes_to_stand_within_a_statement_gets_its_prompt():
    document = read("```pycon\n>>> a\n>>> x=1\n...\n```\n")
    assert b">>> if a:\n...     x = 1\n...\n" in writeback.rewrite(document, {"a:1": "if a:\n    x = 1\n"})


def test_places_of_a_numbered_session_in_html_are_those_of_the_escaped_text():
    page = '<pre class="ipython"><b>In [1]:</b> 1 &lt; x\n</pre>\n'
    (snippet,) = read(page, "a.html", "html").snippets
    assert page[snippet.locate(Span(1, 5, 1, 6)).column - 1] == "x"


def test_mode_and_link_are_kept(tmp_path):
    path, link = tmp_path / "a.md", tmp_path / "link.md"
    path.write_text("```python\nx=1\n```\n")
    path.chmod(0o640)
    link.symlink_to(path)
    writeback.mend(documents.read(link), {"link:1": "x = 1\n"})
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == "```python\nx = 1\n```\n"


def test_standard_input_is_not_written_back():
    with pytest.raises(UsageError, match="cannot be mended in place"):
        writeback.mend(read("```python\nx=1\n```\n", "-"), {})
