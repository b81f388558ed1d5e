"""`snipfix repair --interactive`: a person at a terminal sees each proven repair with its proof and chooses."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

PAGE = """\
# A page

```python
import torch

torch.manual_seed(0)
a, b = torch.randn(4, 1), torch.randn(4)
values = torch.nn.Linear(1, 1)(a)
loss = torch.nn.functional.mse_loss(values, b)
loss.backward()
print(values.shape, loss.item())
```

And another one:

```python
import torch

print(torch.ones(2).men())
```
"""


def asked(folder: Path, answers: str, *options: str) -> tuple[int, str, str]:
    """Exit code, what was shown on stderr, and the page afterwards."""
    page = folder / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "snipfix", "repair", "page.md", "--interactive", "--write", "--jobs", "1", *options]
    process = subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    os.write(ours, answers.encode())
    shown = process.communicate(timeout=120)[1]
    os.close(ours)
    return process.returncode, shown, page.read_text(encoding="utf-8")


def test_each_candidate_is_shown_with_its_proof_and_the_chosen_one_is_written(tmp_path: Path) -> None:
    code, shown, page = asked(tmp_path, "nonsense\n2\n\n")
    assert code == 0, shown
    assert "[1]" in shown
    assert "[2]" in shown
    assert "proof: passes parse, static, run, exercise, probe; left: nothing" in shown
    assert "every edit in it was needed" in shown
    assert "apart from [1]: it " in shown or "apart from [1]: nothing that was run" in shown
    assert shown.count("Which one?") == 3, "nonsense is asked again"
    first = shown.split("[1]", 1)[1].split("[2]", 1)[0]
    taken = next(line[1:] for line in shown.split("[2]", 1)[1].split("\n") if line.startswith("+") and not line.startswith("+++"))
    assert taken in page
    assert f"+{taken}" not in first
    assert "torch.ones(2).mean()" in page


def test_a_snippet_may_be_left_and_the_rest_too_and_the_choice_is_offered_in_chinese(tmp_path: Path) -> None:
    code, shown, page = asked(tmp_path, "s\nq\n", "--lang", "zh")
    assert code == 1
    assert page == PAGE
    assert shown.count("选哪一个？") == 2
    assert "证明: 通过解析" in shown


def test_nobody_to_ask_is_said_before_anything_is_run(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    command = [sys.executable, "-m", "snipfix", "repair", "page.md", "--interactive"]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--interactive needs a terminal" in done.stderr
    assert "hint:" in done.stderr
    assert done.stdout == ""
