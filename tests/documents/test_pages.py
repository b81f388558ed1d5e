"""Whole pages, English and Chinese, in every format: cases/pages/ holds each as it was and as it is when its snippets are mended."""

from pathlib import Path

import pytest

from snipfix import documents
from snipfix.documents import writeback

PAGES = Path(__file__).parent / "cases" / "pages"
BEFORE = sorted(PAGES.glob("*.before.*"))


def after(path):
    return path.with_name(path.name.replace(".before.", ".after."))


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.name.partition(".")[0])
def test_putting_the_mended_code_in_its_place_makes_the_mended_page(path):
    """The mended codes come from the mended page; everything else of it must come from the page as it was."""
    document, wanted = documents.read(path), documents.read(after(path))
    pairs = list(zip(document.snippets, wanted.snippets, strict=True))
    if document.format == "python":  # the examples lie inside the file
        pairs = pairs[1:] if "docstrings" in path.name else pairs[:1]
    codes = {old.id: new.code for old, new in pairs if old.code != new.code}
    outputs = {old.id: new.documented_output for old, new in pairs if old.documented_output != new.documented_output}
    assert writeback.rewrite(document, codes, outputs) == wanted.raw
    assert bool(codes or outputs) == ("sound" not in path.name)


FOUND = {
    "01-questions-zh": ("zh", [[], [], []], ["not Python (bash)"]),
    "02-tutorial-en": ("en", [[], [0], [0, 1]], ["marked skip: needs eight GPUs"]),
    "03-myst": ("en", [[], [0]], ["left out, not Python: %matplotlib inline"]),
    "04-quarto": ("en", [[]], ["marked skip", "not Python (r)"]),
    "05-mdx": ("en", [["setup"]], []),
    "06-sphinx": ("en", [[], [0], [0, 1], [0]], ["not Python (console)"]),
    "07-notebook": ("zh", [[], [0]], ["left out, not Python: !pip install -q torch", "a %%bash cell, not Python"]),
    "08-blog": ("en", [[], [0]], []),
    "09-module": ("zh", [[], [0], [0]], []),
    "10-session": ("en", [[]], []),
    "11-book-chapter": ("zh", [[], []], []),
    "13-born-earlier": ("zh", [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]], []),
    "14-csdn-gbk": ("zh", [[], [0], [0, 1]], ["not Python (c)", "not Python (bash)"]),
    "15-magics": (
        "en",
        [[], [0], [], [0, 1], [0, 1, 3], [], [0, 1, 3]],
        [
            "shell lines, not Python",
            "left out, not Python: %matplotlib inline",
            "left out, not Python: %%time",
            "a %%bash cell, not Python",
            "left out, not Python: files = !ls",
            "shell lines, not Python",
            "left out, not Python: %timeit model(x)",
        ],
    ),
    "16-sound-zhihu": (
        "zh",
        [["setup"], ["setup"]],
        [
            "shown as how not to do it",
            "a part of a class: a method, indented as it stands there",
            "no language, and not plainly Python",
            "no language, and not plainly Python",
            "no language, and not plainly Python",
        ],
    ),
    "17-docstrings-google": ("en", [[], [0], [0], [0], [0]], []),
    "18-ipython": ("en", [[], [0]], []),
    "12-sound": ("en", [[], []], ["no language, and not plainly Python"]),
}


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.name.partition(".")[0])
def test_what_is_found_on_a_page(path):
    document = documents.read(path)
    numbers = {one.id: number for number, one in enumerate(document.snippets)}
    before = [[numbers.get(other.id, "setup") for other in one.before] for one in document.snippets]
    assert (document.language, before, [one.reason for one in document.skipped]) == FOUND[path.name.partition(".")[0]]
