"""A document that was read before comes back as it was read, and only for the same bytes, place and reader."""

from dataclasses import replace
from pathlib import Path

import pytest

from snipfix.cache import Cache
from snipfix.documents import collect
from snipfix.documents.collect import read
from snipfix.documents.memory import Memory

CASES = sorted(file for file in Path(__file__).with_name("cases").rglob("*") if file.suffix in (".md", ".rst", ".ipynb", ".html"))


@pytest.fixture
def memory(tmp_path: Path):
    cache = Cache(tmp_path / "cache")
    yield Memory(cache, "reader")
    cache.close()


def bare(document):
    return replace(document, parts=())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_recalled_is_what_was_read(case: Path, memory: Memory):
    try:
        plain = read(case)
    except Exception:
        pytest.skip("a case of input that is refused")
    first, again = read(case, memory=memory), read(case, memory=memory)
    assert first == plain
    assert again == bare(plain)
    assert memory.store.held().entries == 1


PAGE = "<!-- snipfix: setup\nstep = 1\n-->\n```python\nx = step\n```\n```python\nprint(x)\n```\n```text\n1\n```\n```bash\nls\n```\n"


def test_another_text_another_place_and_another_reader_are_read_anew(tmp_path: Path, memory: Memory):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    (document,) = collect([page], memory=memory)
    assert [len(snippet.before) for snippet in document.snippets] == [1, 2]
    (again,) = collect([page], memory=memory)
    assert again.snippets == document.snippets
    assert again.skipped == document.skipped
    assert again.snippets[1].before[1] is again.snippets[0]
    page.write_text(PAGE.replace("x = step", "x = step + 1"))
    (changed,) = collect([page], memory=memory)
    assert "step + 1" in changed.snippets[0].code
    (tmp_path / "other.md").write_text(PAGE)
    (other,) = collect([tmp_path / "other.md"], memory=memory)
    assert other.snippets[0].document == str(tmp_path / "other.md")
    assert replace(memory, version="newer").recall(document.source, "markdown") is None


def test_what_is_no_page_is_forgotten(tmp_path: Path, memory: Memory):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    document = read(page)
    memory.store.put(memory._key(document.source, "markdown"), b'["en", 3]')
    assert bare(read(page, memory=memory)) == bare(document)
