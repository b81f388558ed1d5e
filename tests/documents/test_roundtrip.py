"""Random documents: reading agrees with CommonMark, writing back touches nothing outside the snippets, and a kill leaves a whole file."""

import os
import signal
import subprocess
import sys
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from snipfix.documents import writeback
from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.errors import DocumentError, SnipfixError

NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
PREFIXES = st.sampled_from(["", "", "", "> ", ">", "- ", "  ", "   ", "\t", "    ", "1. ", "> > "])
WORDS = st.sampled_from(
    ["", "", "x=1", "if x:", "    y = 2", "# 注释 🙂", "s = '```'", "```", "```python", "~~~py", "~~~", "````", "```text", "# Heading", "Output:",
     "**输出：**", "text", "\u2028", "a\x0cb", "<!-- comment", "-->", "<div>", "</div>", "***", "---", "x = '''", "'''", "`code`"]
)  # fmt: skip
LINES = st.tuples(PREFIXES, WORDS, st.sampled_from(["", "", " ", "  "]), NEWLINES).map("".join)
CODE = st.sampled_from(
    ["x=1", "", "", "if x:", "    y = 2", "\tz = 3", "# 注释 🙂", "s = '```'", "~~~", "s = 'a\u2028b'", ">>> x", "1 ", "% t"]
)


@st.composite
def blocks(draw):
    """A fence in a container, with lines that are indented as they should be, more and less, and that now and then lack what they need."""
    opening, going_on = draw(
        st.sampled_from(
            [("", ""), ("  ", "  "), ("   ", ""), ("> ", "> "), ("> ", ">"), ("- ", "  "), ("- a\n\n\t", "\t"), ("1. > ", "   > ")]
        )
    )
    marker = draw(st.sampled_from(["```", "````", "~~~"]))
    info = draw(st.sampled_from(["python", "py", "python", "{.python}", "text", "", "pycon"]))
    newline = draw(NEWLINES)
    lines = [f"{opening}{marker}{info}", *(going_on + one for one in draw(st.lists(CODE, max_size=6))), f"{going_on}{marker}"]
    return "".join(line + newline for line in lines)


@st.composite
def indented(draw):
    """A block by its indentation alone, in a container, that is Python by its code."""
    opening, going_on = draw(
        st.sampled_from(
            [
                ("    ", "    "),
                ("\t", "\t"),
                ("     ", "     "),
                (">     ", ">     "),
                ("- a\n\n\t\t", "\t\t"),
                ("1. a\n\n        ", "        "),
                ("-     ", "      "),
                ("> 1.     ", ">        "),
            ]
        )
    )
    newline = draw(NEWLINES)
    lines = [f"{opening}import a", *(going_on + one for one in draw(st.lists(CODE, max_size=5)))]
    return newline + "".join(line + newline for line in lines)


DOCUMENTS = st.lists(st.one_of(blocks(), blocks(), indented(), LINES), max_size=6).map("".join)
QUICK = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def read(text):
    try:
        return parse(Source.decode("a.md", text.encode()), "markdown")
    except SnipfixError:
        return None


def content_of(token):
    """What is code to CommonMark; of an indented block, without the blanks that all its lines share."""
    lines = token.content.split("\n")
    shared = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip(" \t")), default=0) if token.type == "code_block" else 0
    return "\n".join(line[shared:] for line in lines)


@QUICK
@given(DOCUMENTS)
def test_reading_agrees_with_commonmark(text):
    document = read(text)
    if document is None:
        return
    tokens = MarkdownIt("commonmark").parse(text)
    fences = [content_of(one) for one in tokens if one.type in {"fence", "code_block"}]
    verbatim = [one.code for one, part in zip(document.snippets, document.parts, strict=True) if part.fence.style == "text"]
    codes = [code if code.endswith("\n") else code + "\n" for code in verbatim]
    remaining = iter(content if content.endswith("\n") else content + "\n" for content in fences)
    assert all(code in remaining for code in codes)


@QUICK
@given(DOCUMENTS)
def test_writing_back_the_same_changes_nothing(text):
    document = read(text)
    if document is not None:
        assert writeback.rewrite(document, {one.id: one.code for one in document.snippets}) == document.raw


CODES = st.lists(st.sampled_from(["x = 1", "", "if x:", "    y = 2", "z = '中'", "\tt = 1", "# c"]), min_size=1, max_size=6)


@QUICK
@given(DOCUMENTS, CODES)
def test_new_code_is_read_back_and_nothing_else_changes(text, lines):
    """Or it is refused: never a third thing."""
    document = read(text)
    if document is None or not document.snippets:
        return
    snippet, part = document.snippets[0], document.parts[0]
    code = "\n".join(lines) + "\n"
    try:
        new = writeback.rewrite(document, {snippet.id: code})
    except DocumentError:
        return
    body = part.fence.lines
    first, last = body[0].number, body[-1].number
    source = document.source
    head, tail = source.text[: source.lines[first - 1].start], source.text[source.lines[last].start :]
    assert new.decode().startswith(head)
    assert new.decode().endswith(tail)
    again = parse(Source.decode("a.md", new), "markdown")
    found = again.snippets[0].code
    if part.fence.pinned or part.fence.style == "prompt":  # outputs and magics stay and read as blank lines; sessions show none
        assert [line for line in found.split("\n") if line.strip()] == [line for line in lines if line.strip()]
    else:
        assert found.rstrip("\n") == code.rstrip("\n")
    assert [one.code for one in again.snippets[1:]] == [one.code for one in document.snippets[1:]]


WRITER = """
import sys
from pathlib import Path
from snipfix.documents import writeback
path = Path(sys.argv[1])
old, new = path.read_bytes(), b"B" * 400_000
print("ready", flush=True)
while True:
    writeback.write(path, old, new)
    old, new = new, old
"""


def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "a.md"
    old, new = b"A" * 400_000, b"B" * 400_000
    for pause in (0.0, 0.003, 0.011, 0.023, 0.05):
        path.write_bytes(old)
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert path.read_bytes() in {old, new}
