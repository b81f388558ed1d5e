"""The main job straight from its document: mended in place, nothing else touched, and what stands there afterwards is what was proven."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snipfix import documents
from snipfix.documents import Document

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "pytorch_qa.md"
FIRST = 6
"""So many of its snippets are enough: all thirty are repaired beside it, as files."""
UNTOUCHED = {2, 3, 4}
FALSE_OUTPUT = 1

pytestmark = pytest.mark.torch


def assembled() -> str:
    """A document with the snippets of this repository's workspace, for a checkout that has no other."""
    manifest = json.loads((ROOT / "snippets/manifest.json").read_text(encoding="utf-8"))
    parts = ["# 三十个问题\n"]
    for number, one in enumerate(manifest["snippets"], start=1):
        code = (ROOT / "snippets" / one["file"]).read_text(encoding="utf-8")
        parts.append(f"## {number}. {one['title']}\n\n**代码实例：**\n\n```python\n{code}```\n")
        if one["documented_output"]:
            parts.append(f"**输出：**\n\n```\n{one['documented_output']}```\n")
    return "\n".join(parts)


def between(document: Document) -> list[str]:
    """The text between the blocks, which nothing may touch."""
    text, at, found = document.source.text, 0, []
    for part in document.parts:
        for fence in (part.fence, *([part.output] if part.output else [])):
            found.append(text[at : fence.lines[0].start])
            at = fence.lines[-1].end
    return [*found, text[at:]]


def test_only_broken_snippets_and_the_false_output_change(tmp_path):
    page = tmp_path / "page.md"
    page.write_bytes(SHARED.read_bytes() if SHARED.is_file() else assembled().encode())
    whole = documents.read(page)
    text = whole.source.text
    end = text.rindex("\n```", 0, whole.parts[FIRST].fence.lines[0].start)
    page.write_text(text[: end + 1], encoding="utf-8", newline="")
    shutil.copytree(ROOT / "fixes", tmp_path / "fixes", ignore=shutil.ignore_patterns("__pycache__"))
    before = documents.read(page)
    assert len(before.snippets) == FIRST
    command = [sys.executable, "-m", "snipfix", "repair", "page.md", "--write", "--quick", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=900)
    told = {one["id"]: one["repair"] for one in json.loads(done.stdout)["snippets"]}
    assert {name: repair["reason"] for name, repair in told.items() if repair["verdict"] not in {"repaired", "unchanged"}} == {}
    assert done.returncode == 0, done.stderr
    after = documents.read(page)
    assert between(after) == between(before)
    pairs = list(enumerate(zip(before.snippets, after.snippets, strict=True), start=1))
    assert {number for number, (old, new) in pairs if old.code == new.code} == UNTOUCHED
    assert {number for number, (old, new) in pairs if old.documented_output != new.documented_output} == {FALSE_OUTPUT}
    assert {new.id: new.code for new in after.snippets} == {name: repair["corrected"] for name, repair in told.items()}
