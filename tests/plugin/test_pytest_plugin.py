"""`pytest --snipfix`: snippets are items at their place in the document, marks are honoured, and starting up costs nothing."""

import os
import subprocess
import sys

import pytest

PAGE = """# Losses

```python
total = 1 + 1
```

```python
print(undefined_thing)
```

<!-- snipfix: skip reason="needs a cluster" -->

```python
train_for_a_week()
```

```bash
rm -rf /
```
"""


def run(folder, *arguments, plugins=("snipfix.pytest_plugin",), installed=False):
    """What pytest prints. `installed`: it finds its plugins by itself, as it does for everyone who has snipfix installed."""
    environment = {**os.environ, "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--snipfix-stage", "static"]
    if not installed:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        for plugin in plugins:
            command += ["-p", plugin]
    done = subprocess.run([*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/page.md").write_text(PAGE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_snippets_pass_fail_and_are_skipped_at_their_places(folder):
    output = run(folder, "--snipfix", "docs", "-v", "-rs")
    assert "docs/page.md::line 4 PASSED" in output
    assert "docs/page.md::line 8 FAILED" in output
    assert "docs/page.md:8:7: error:" in output
    assert "    print(undefined_thing)\n          ^" in output
    assert "marked skip: needs a cluster" in output
    assert "1 failed, 1 passed, 1 skipped" in output


def test_a_chinese_document_is_spoken_of_in_chinese(folder):
    (folder / "docs/page.md").write_text("# 损失\n\n下面的代码计算损失：\n\n```python\nprint(损失)\n```\n")
    assert "docs/page.md:6:7: error: 使用了 `损失`，但从未定义或导入" in run(folder, "--snipfix", "docs")


def test_without_the_option_documents_are_left_alone(folder):
    assert "no tests ran" in run(folder, "docs")


def test_documents_named_in_the_configuration_always_run(folder):
    (folder / "pytest.ini").write_text("[pytest]\nsnipfix_documents = docs/*.md\n")
    assert "1 failed, 1 passed, 1 skipped" in run(folder)


def test_an_item_is_chosen_by_its_line(folder):
    assert "1 passed" in run(folder, "--snipfix", "docs/page.md::line 4")


def test_a_document_that_cannot_be_read_is_a_collection_error(folder):
    (folder / "docs/page.md").write_text("```python\nx = 1\n")
    output = run(folder, "--snipfix", "docs")
    assert "is never closed" in output
    assert "1 error" in output


def test_workers_of_xdist_share_the_items(folder):
    output = run(folder, "--snipfix", "docs", "-n", "2", plugins=["snipfix.pytest_plugin", "xdist"])
    assert "1 failed, 1 passed, 1 skipped" in output


def test_installing_snipfix_installs_the_plugin(folder):
    assert "1 failed, 1 passed, 1 skipped" in run(folder, "--snipfix", "docs", installed=True)


@pytest.mark.parametrize("installed", [False, True], ids=["named", "installed"])
def test_starting_up_loads_nothing_of_snipfix_but_the_plugin(folder, installed):
    (folder / "test_modules.py").write_text(
        "import sys\ndef test_modules():\n"
        "    heavy = {'torch', 'libcst', 'typer', 'markdown_it', 'msgspec'}\n"
        "    own = {name for name in sys.modules if name.startswith('snipfix')}\n"
        "    assert not heavy & set(sys.modules) and own == {'snipfix', 'snipfix.pytest_plugin'}\n"
    )
    assert "1 passed" in run(folder, "test_modules.py", installed=installed)
