"""Bad input gets a clear message with the place and the next step, exit code 2, and nothing is written."""

import subprocess
import sys
from pathlib import Path

import pytest

from snipfix.model import Snippet

GOOD = "# Title\n\n```python\nx = 1\n```\n"


def snipfix(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snipfix", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def workspace(folder: Path) -> None:
    (folder / "doc.md").write_text(GOOD)
    done = snipfix("extract", "doc.md", "--into", "snippets", cwd=folder)
    assert done.returncode == 0, done.stderr


def stale_patch(folder: Path) -> None:
    workspace(folder)
    stem = next(path.stem for path in (folder / "snippets").glob("*.py"))
    (folder / "fixes").mkdir()
    (folder / "fixes" / f"{stem}.py").write_text(
        f"from snipfix.patches import Patch\nPATCH = Patch(snippet={stem!r}, sha256={'0' * 64!r}, answers='', why='')\nTRANSFORM = ()\n"
    )


def manifest_that_does_not_fit(folder: Path) -> None:
    workspace(folder)
    next((folder / "snippets").glob("*.py")).write_text("x = 2\n")


def manifest_that_cannot_be_read(folder: Path) -> None:
    workspace(folder)
    (folder / "snippets" / "manifest.json").write_text('{"snippets": [')


CASES = [
    pytest.param(lambda folder: None, ["audit", "nowhere.md"], "nowhere.md", id="no such file"),
    pytest.param(lambda folder: (folder / "empty").mkdir(), ["audit", "empty"], "empty", id="a folder without snippets"),
    pytest.param(lambda folder: None, ["audit"], "workspace", id="no workspace here"),
    pytest.param(lambda folder: (folder / "a.md").write_bytes(b"\x00\x01\x02PNG\x00" * 50), ["audit", "a.md"], "a.md", id="a binary file"),
    pytest.param(lambda folder: (folder / "a.md").write_bytes(b"# T\n\xff\xfe\xfa broken\n"), ["audit", "a.md"], "a.md", id="broken UTF-8"),
    pytest.param(lambda folder: (folder / "a.md").write_text("# T\n\n```python\nx = 1\n"), ["audit", "a.md"], "3", id="an unclosed fence"),
    pytest.param(manifest_that_does_not_fit, ["audit"], "manifest", id="a manifest that does not fit its files"),
    pytest.param(manifest_that_cannot_be_read, ["audit"], "manifest.json: cannot be read", id="a manifest that cannot be read"),
    pytest.param(
        lambda folder: (folder / "a.py").write_bytes(b"x = 1\n\x00\x07"), ["audit", "a.py"], "a binary file", id="a binary script"
    ),
    pytest.param(lambda folder: (folder / "a.md").write_text(GOOD), ["audit", "a.md", "--device", "tpu"], "tpu", id="an unknown device"),
    pytest.param(lambda folder: (folder / "a.md").write_text(GOOD), ["audit", "a.md", "--format", "pdf"], "pdf", id="an unknown format"),
    pytest.param(
        lambda folder: (folder / "a.md").write_text(GOOD), ["audit", "a.md", "--jobs", "some"], "--jobs", id="a count that is none"
    ),
    pytest.param(stale_patch, ["repair"], "stale", id="a stale patch"),
    pytest.param(lambda folder: (folder / "a.md").write_text(GOOD), ["audit", "a.md", "--stage", "deep"], "deep", id="an unknown value"),
    pytest.param(lambda folder: (folder / "a.md").write_text(GOOD), ["audit", "a.md", "--select", "SNFX"], "SNFX", id="an unknown rule"),
    pytest.param(
        lambda folder: (folder / "a.md").write_text(GOOD), ["audit", "a.md", "--python", "/no/python"], "/no/python", id="no interpreter"
    ),
    pytest.param(
        lambda folder: (folder / "pyproject.toml").write_text("[tool.snipfix]\nspeed = 1\n"),
        ["audit", "x.md"],
        "speed",
        id="an unknown key",
    ),
    pytest.param(
        lambda folder: (folder / "a.md").write_text(GOOD),
        ["audit", "a.md", "--stage", "static", "--output", "a.md/x"],
        "a.md/x: cannot be written",
        id="no place for the report",
    ),
    pytest.param(
        lambda folder: ((folder / "a.md").write_text(GOOD), (folder / "a.md").chmod(0o444)),
        ["repair", "a.md", "--write"],
        "a.md: is read-only",
        id="a read-only document",
    ),
    pytest.param(lambda folder: None, ["explain", "no-such-rule"], "no-such-rule", id="an unknown rule to explain"),
]


@pytest.mark.parametrize(("prepare", "arguments", "said"), CASES)
def test_bad_input(tmp_path: Path, prepare, arguments: list[str], said: str) -> None:
    prepare(tmp_path)
    before = tree(tmp_path)
    done = snipfix(*arguments, cwd=tmp_path)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert tree(tmp_path) == before


@pytest.mark.torch
def test_an_interpreter_without_torch(tmp_path: Path) -> None:
    """Plain Python is audited by any interpreter; a snippet that imports torch needs one that has it."""
    bare = Path(sys.base_prefix) / "bin" / "python3"
    if subprocess.run([bare, "-c", "import torch"], capture_output=True, check=False).returncode == 0:
        pytest.skip("the base interpreter has torch")
    (tmp_path / "a.md").write_text("```python\nimport torch\nprint(torch.ones(1))\n```\n")
    before = tree(tmp_path)
    done = snipfix("audit", "a.md", "--python", str(bare), cwd=tmp_path)
    assert done.returncode == 2
    assert "no torch" in done.stderr
    assert tree(tmp_path) == before
    (tmp_path / "a.md").write_text(GOOD)
    assert snipfix("audit", "a.md", "--python", str(bare), cwd=tmp_path).returncode == 0


def test_identity_is_the_text() -> None:
    assert Snippet("a", "", "a.md", "x = 1\n").sha256 == Snippet("b", "", "b.md", "x = 1\n").sha256
