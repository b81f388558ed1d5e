"""`snipfix repair --write` over many documents: what cannot be read or written hides nothing else, and a kill leaves each whole."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BROKEN = "# 页 😀\n\n```python\nprint(F.relu(1))\n```\n"
MENDED = BROKEN.replace("print", "import torch.nn.functional as F\n\nprint")
COMMAND = [sys.executable, "-m", "snipfix", "repair", ".", "--write", "--stage", "static", "--no-cache", "--lang", "en"]


def repair(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(COMMAND, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_one_document_in_the_way_stops_no_other(tmp_path):
    unread = "```python\nx = 1\n"
    numbered = "```ipython\nIn [1]: print(F.relu(1))\n```\n"
    grown = numbered.replace("print", "import torch.nn.functional as F\n   ...: print")
    for name, text in (("a", BROKEN), ("b", BROKEN), ("c", unread), ("d", numbered), ("e", BROKEN)):
        (tmp_path / f"{name}.md").write_text(text)
    (tmp_path / "b.md").chmod(0o444)
    (tmp_path / "z.md").symlink_to("a.md")
    done = repair(tmp_path)
    assert done.returncode == 2
    assert [(tmp_path / f"{name}.md").read_text() for name in "abcde"] == [MENDED, BROKEN, unread, grown, MENDED]
    assert (tmp_path / "z.md").is_symlink()
    for said in ("b.md: is read-only", "c.md:1: the fence that opens here (```python) is never closed", "1 snippet mended in e.md"):
        assert said in done.stderr
    assert done.stderr.index("b.md: is read-only") < done.stderr.index("mended in a.md")


@pytest.mark.long
def test_killed_at_any_moment_each_document_is_the_old_one_or_the_new_one(tmp_path):
    names = [f"{number}.md" for number in range(30)]
    seen = set[bool]()
    for pause in (None, 0.0, 0.002, 0.005, 0.5):
        for name in names:
            (tmp_path / name).write_text(BROKEN)
        process = subprocess.Popen(COMMAND, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if pause is None:
            time.sleep(0.3)
        else:  # in the midst of the writing
            next(line for line in process.stderr if "mended in" in line)
            time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        texts = [(tmp_path / name).read_text() for name in names]
        assert set(texts) <= {BROKEN, MENDED}
        seen |= {text == MENDED for text in texts}
    assert seen == {True, False}
