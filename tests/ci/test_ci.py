"""What docs/ci.md and .pre-commit-hooks.yaml tell people to run does what they say."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from snipfix.documents import FORMATS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
GIT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GITHUB_BASE_REF": ""}
BROKEN = "# Page\n\n```python\nprint(missing)\n```\n"


def fences(language):
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def commands():
    """Every command of the guide, in order: those of its shell blocks and those that the workflow runs."""
    for block in fences("bash"):
        yield from block.splitlines()
    for block in fences("yaml"):
        steps = yaml.safe_load(block).get("jobs", {}).get("snippets", {}).get("steps", [])
        yield from (step["run"] for step in steps if "run" in step)


COMMANDS = [command for command in commands() if not command.startswith("pip ")]


def run(folder, command):
    program, *arguments = command if isinstance(command, list) else shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments], cwd=folder, env=GIT, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def project(tmp_path):
    """A repository with a sound page and a broken one, the broken one not yet committed."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/sound.md").write_text("# Sound\n\n```python\nprint(1)\n```\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, env=GIT, check=True)
    (tmp_path / "docs/page.md").write_text(BROKEN)
    return tmp_path


def test_the_guide_has_commands():
    assert len(COMMANDS) >= 9


@pytest.mark.torch
@pytest.mark.parametrize("command", [one for one in COMMANDS if "--watch" not in one])
def test_every_command_of_the_guide_is_understood(project, command):
    code, out, err = run(project, command)
    assert code in {0, 1}, out + err
    if output := re.search(r"--output (\S+)", command):
        assert (project / output[1]).stat().st_size


def test_a_pull_request_is_annotated_at_the_lines_it_changed(project):
    code, out, _ = run(project, "snipfix audit docs --diff --format github --stage static")
    assert code == 1
    assert re.search(r"^::error file=docs/page\.md,line=4,endLine=4,col=7,endColumn=14,title=", out, re.MULTILINE)
    assert "sound.md" not in out


def test_the_uploaded_file_is_sarif(project):
    run(project, "snipfix audit docs --format sarif --output snipfix.sarif --exit-zero --stage static")
    (sarif,) = json.loads((project / "snipfix.sarif").read_text())["runs"]
    (found,) = sarif["results"]
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "docs/page.md"
    assert found["partialFingerprints"]


def test_the_documented_hooks_exist():
    (block,) = [block for block in fences("yaml") if "repos:" in block]
    (repository,) = yaml.safe_load(block)["repos"]
    assert [hook["id"] for hook in repository["hooks"]] == [hook["id"] for hook in HOOKS]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
class TestHook:
    def test_has_what_pre_commit_asks_for(self, hook):
        assert {"id", "name", "entry", "language", "files"} <= set(hook)

    def test_matches_every_format_but_python(self, hook):
        """Python files are linted by other hooks; their docstrings are audited when they are named."""
        assert {suffix for suffix in FORMATS if re.search(hook["files"], f"docs/page{suffix}")} == set(FORMATS) - {".py"}

    @pytest.mark.torch
    def test_passes_prose_and_sound_code_and_fails_broken_code(self, hook, project):
        (project / "prose.md").write_text("# Nothing but words\n")
        entry = shlex.split(hook["entry"])
        assert run(project, [*entry, "prose.md"])[0] == 0
        assert run(project, [*entry, "prose.md", "docs/sound.md"])[0] == 0
        assert run(project, [*entry, "prose.md", "docs/page.md"])[0] == 1
