"""`snipfix baseline`: what is accepted today is not shown tomorrow, what is new is, and what nothing needs any more is named."""

import json
import subprocess

import pytest

from snipfix.cli.app import run

PAGE = """# Losses

```python
print(first)
```

```python
print(second)
print(second + 1)
print(second)
```
"""


@pytest.fixture
def snipfix(tmp_path, monkeypatch, capsys):
    """Runs a command in a folder that holds page.md; gives the exit code and all that it said."""
    (tmp_path / "page.md").write_text(PAGE)
    monkeypatch.setenv("COLUMNS", "160")

    def command(*arguments, cwd=tmp_path):
        monkeypatch.chdir(cwd)
        code = run(list(arguments))
        return code, "".join(capsys.readouterr())

    return command


def findings(tmp_path):
    return json.loads((tmp_path / ".snipfix-baseline.json").read_text())["findings"]


def test_accepted_findings_are_neither_shown_nor_failed_on(snipfix, tmp_path):
    assert snipfix("audit", "page.md", "--stage", "static")[0] == 1
    code, said = snipfix("baseline", "page.md", "--stage", "static", "--reason", "the old pages")
    assert (code, "accepts 2 findings, 2 of them new, 0 dropped" in said) == (0, True)
    assert {entry["reason"] for entry in findings(tmp_path)} == {"the old pages"}
    code, said = snipfix("audit", "page.md", "--stage", "static")
    assert (code, "2 findings accepted in .snipfix-baseline.json" in said, "undefined-name" in said) == (0, True, False)


def test_no_baseline_shows_everything(snipfix):
    snipfix("baseline", "page.md", "--stage", "static")
    assert snipfix("audit", "page.md", "--stage", "static", "--no-baseline")[0] == 1


CHANGES = {
    "lines move": (("# Losses\n", "# Losses\n\nSome words.\n\n"), 0, ""),
    "a snippet comes before": (("# Losses\n", "# Losses\n\n```python\nx = 1\n```\n"), 0, ""),
    "another mistake": (("print(first)", "print(first, third)"), 1, "`third` is used but never defined"),
    "the same mistake elsewhere": (("# Losses\n", "# Losses\n\n```python\ny = first\n```\n"), 1, "y = first"),
    "the line changes": (("print(first)", "print(first, 1)"), 1, "print(first, 1)"),
}


@pytest.mark.parametrize(("change", "code", "shown"), CHANGES.values(), ids=CHANGES)
def test_only_new_findings_count(snipfix, tmp_path, change, code, shown):
    snipfix("baseline", "page.md", "--stage", "static")
    (tmp_path / "page.md").write_text(PAGE.replace(*change))
    ended, said = snipfix("audit", "page.md", "--stage", "static")
    assert ended == code, said
    assert shown in said


def test_a_twin_needs_an_entry_of_its_own(snipfix, tmp_path):
    twin = "```python\nprint(first)\n```\n"
    snipfix("baseline", "page.md", "--stage", "static")
    (tmp_path / "page.md").write_text(PAGE + "\n## More\n\n" + twin)
    assert snipfix("audit", "page.md", "--stage", "static")[0] == 1
    snipfix("baseline", "page.md", "--stage", "static")
    assert len({entry["fingerprint"] for entry in findings(tmp_path)}) == 3
    assert snipfix("audit", "page.md", "--stage", "static")[0] == 0


def test_reasons_that_people_wrote_stay(snipfix, tmp_path):
    snipfix("baseline", "page.md", "--stage", "static")
    file = tmp_path / ".snipfix-baseline.json"
    written = json.loads(file.read_text())
    written["findings"][0]["reason"] = "shown on purpose"
    file.write_text(json.dumps(written))
    snipfix("baseline", "page.md", "--stage", "static", "--reason", "later")
    assert [entry["reason"] for entry in findings(tmp_path)] == ["shown on purpose", "not looked at yet"]


def test_writing_again_changes_no_byte(snipfix, tmp_path):
    snipfix("baseline", "page.md", "--stage", "static")
    before = (tmp_path / ".snipfix-baseline.json").read_bytes()
    snipfix("baseline", "page.md", "--stage", "static")
    assert (tmp_path / ".snipfix-baseline.json").read_bytes() == before


def test_entries_of_documents_that_were_not_looked_at_stay(snipfix, tmp_path):
    (tmp_path / "other.md").write_text(PAGE)
    snipfix("baseline", ".", "--stage", "static")
    snipfix("baseline", "page.md", "--stage", "static")
    assert [entry["document"] for entry in findings(tmp_path)] == ["other.md", "other.md", "page.md", "page.md"]
    (tmp_path / "other.md").unlink()
    snipfix("baseline", "page.md", "--stage", "static")
    assert {entry["document"] for entry in findings(tmp_path)} == {"page.md"}


@pytest.mark.torch
def test_entries_that_nothing_needs_any_more_are_named(snipfix, tmp_path):
    snipfix("baseline", "page.md")
    (tmp_path / "page.md").write_text(PAGE.replace("print(first)", "print(1)"))
    code, said = snipfix("audit", "page.md")
    assert "no longer needed: page.md: SNF100 undefined-name at `print(first)`" in said
    assert "print(second)" not in said
    assert code == 0
    report = json.loads(snipfix("audit", "page.md", "--format", "json")[1].partition("\nsnipfix:")[0])
    assert report["baseline"]["accepted"] == 1
    assert len(report["baseline"]["unneeded"]) == 1
    assert "no longer needed" not in snipfix("audit", "page.md", "--stage", "static")[1], "what was not run may still be needed"


@pytest.mark.torch
def test_a_run_over_changed_snippets_alone_calls_no_entry_stale(snipfix, tmp_path):
    snipfix("baseline", "page.md")
    for command in ("init -q", "add page.md", "-c user.name=a -c user.email=a@b commit -qm one"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    (tmp_path / "page.md").write_text(PAGE + "\n## More\n\n```python\nprint(third)\n```\n")
    code, said = snipfix("audit", "--diff", "HEAD", "page.md")
    assert code == 1
    assert "print(third)" in said
    assert "no longer needed" not in said


def test_a_baseline_of_another_folder_knows_its_documents(snipfix, tmp_path):
    (tmp_path / "docs").mkdir()
    snipfix("baseline", "page.md", "--stage", "static")
    code, _ = snipfix("audit", "../page.md", "--baseline", "../.snipfix-baseline.json", "--stage", "static", cwd=tmp_path / "docs")
    assert code == 0


BROKEN = {
    "no JSON": "{",
    "another shape": "[]",
    "a newer format": '{"format_version": 2}',
    "an odd entry": '{"format_version": 1, "findings": [{}]}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_none_is_refused_in_words(snipfix, tmp_path, text):
    (tmp_path / "odd.json").write_text(text)
    code, said = snipfix("audit", "page.md", "--baseline", "odd.json", "--stage", "static")
    assert (code, "odd.json" in said, "Traceback" in said) == (2, True, False)


def test_a_file_that_is_not_there_is_refused(snipfix):
    code, said = snipfix("audit", "page.md", "--baseline", "none.json", "--stage", "static")
    assert (code, "none.json: cannot be read" in said) == (2, True)
