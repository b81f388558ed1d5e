"""`snipfix audit --diff`: a pull request answers for what it changed, and for nothing else."""

import json
import os
import subprocess

import pytest

from snipfix.cli.app import run

PAGE = "# One\n\n```python\nprint(old)\n```\n\n## Two\n\n```python\nx = 1\n```\n\n## Three\n\n```python\nprint(x, other)\n```\n"
GIT = {
    **os.environ, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GITHUB_BASE_REF": "",
}  # fmt: skip


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, env=GIT, check=True, capture_output=True)


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/页 one.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "docs/broken.md").write_text("```python\nprint(x)\n")
    commit(tmp_path)
    return tmp_path


@pytest.fixture
def audit(monkeypatch, capsys):
    """Runs a command in a folder; gives the exit code, (document, line) of each finding, and what was said."""
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)

    def command(folder, *arguments):
        monkeypatch.chdir(folder)
        code = run(["audit", "--stage", "static", "--format", "json", *arguments])
        shown, said = capsys.readouterr()
        snippets = json.loads(shown)["snippets"] if shown else []
        return code, [(one["document"], finding["line"]) for one in snippets for finding in one["findings"]], said

    return command


def edit(folder, *pair, name="docs/页 one.md"):
    file = folder / name
    file.write_text(file.read_text(encoding="utf-8").replace(*pair), encoding="utf-8")


def test_nothing_changed_nothing_to_say(audit, repository):
    code, found, said = audit(repository, "--diff")
    assert (code, found) == (0, [])
    assert "0 changed snippets in 0 changed documents" in said


EDITS = {
    "a snippet": (("print(old)", "print(new)"), [("docs/页 one.md", 4)]),
    "only prose: lines move, code does not": (("# One", "# One\n\nMore words.\n"), []),
    "a snippet that others build on": (("x = 1", "x = 2"), [("docs/页 one.md", 16)]),
    "a new snippet": (("## Two", "```python\nprint(more)\n```\n\n## Two"), [("docs/页 one.md", 8)]),
}


@pytest.mark.parametrize(("change", "found"), EDITS.values(), ids=EDITS)
def test_only_snippets_that_changed_count(audit, repository, change, found):
    edit(repository, *change)
    assert audit(repository, "--diff")[:2] == (int(bool(found)), found)


def test_a_new_document_counts_whole_before_git_knows_it(audit, repository):
    (repository / "docs/new.md").write_text(PAGE)
    assert audit(repository, "--diff")[1] == [("docs/new.md", 4), ("docs/new.md", 16)]


def test_a_renamed_document_is_the_same_one(audit, repository):
    git(repository, "mv", "docs/页 one.md", "docs/two.md")
    edit(repository, "other", "another", name="docs/two.md")
    assert audit(repository, "--diff")[1] == [("docs/two.md", 16)]


def test_a_removed_document_has_nothing_to_say(audit, repository):
    (repository / "docs/页 one.md").unlink()
    assert audit(repository, "--diff")[:2] == (0, [])


def test_a_branch_answers_for_all_its_commits_and_not_for_those_of_the_default_branch(audit, repository):
    git(repository, "checkout", "-q", "-b", "topic")
    edit(repository, "print(old)", "print(new)")
    commit(repository)
    git(repository, "checkout", "-q", "main")
    edit(repository, "other", "another")
    commit(repository)
    git(repository, "checkout", "-q", "topic")
    assert audit(repository, "--diff")[1] == [("docs/页 one.md", 4)]
    assert audit(repository, "--diff", "HEAD")[1] == []
    assert audit(repository, "--diff=main")[1] == [("docs/页 one.md", 4), ("docs/页 one.md", 16)]


def test_paths_narrow_it_further_from_any_folder(audit, repository):
    (repository / "notes").mkdir()
    (repository / "notes/n.md").write_text(PAGE)
    edit(repository, "print(old)", "print(new)")
    assert audit(repository, "--diff", "notes")[1] == [("notes/n.md", 4), ("notes/n.md", 16)]
    assert audit(repository / "docs", "--diff", ".")[1] == [("页 one.md", 4)]


def test_a_repository_without_a_commit_is_all_new(audit, tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "page.md").write_text(PAGE)
    assert audit(tmp_path, "--diff")[1] == [("page.md", 4), ("page.md", 16)]


def test_outside_a_repository_it_says_so(audit, tmp_path):
    (tmp_path / "page.md").write_text(PAGE)
    code, _, said = audit(tmp_path, "--diff")
    assert code == 2
    assert "--diff needs a git repository" in said


def test_an_unknown_revision_is_named(audit, repository):
    code, _, said = audit(repository, "--diff", "no-such-branch")
    assert (code, "git knows no revision 'no-such-branch'" in said) == (2, True)


def test_a_changed_document_that_cannot_be_read_is_an_error(audit, repository):
    edit(repository, "print(x)", "print(y)", name="docs/broken.md")
    code, _, said = audit(repository, "--diff")
    assert (code, "is never closed" in said) == (2, True)
