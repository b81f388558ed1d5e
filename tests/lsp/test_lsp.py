"""`snipfix lsp` as an editor meets it: a real process, spoken to over its standard input and output."""

import re
import subprocess
import sys
import time

import pytest
from editor import Editor

PAGE = """# 损失 😀

> 说明：下面的代码 🎉 有错。
>
> ```python
> s = "中文 😀"; print(s, undefined_😀name)
> ```
""".replace("undefined_😀name", "undefined_name")

WIDTHS = """# Layers

```python
import torch
import torch.nn as nn

layer = nn.Linear(4, 2)  # 层
print(layer(torch.zeros(3, 5)).shape)
```

```python
print(1 / 0)
```
"""


@pytest.fixture
def editor(tmp_path):
    with Editor(tmp_path) as one:
        yield one


def names(found):
    return [one["code"].split(" ")[1] for one in found]


@pytest.mark.parametrize("encodings", [("utf-8", "utf-16"), ("utf-32", "utf-16")], ids=lambda one: one[0])
def test_places_are_counted_as_agreed(tmp_path, encodings):
    with Editor(tmp_path, encodings=encodings) as editor:
        assert editor.capabilities["positionEncoding"] == encodings[0]
        uri = editor.open("页.md", PAGE)
        (found,) = editor.findings(uri)
        assert editor.shown(uri, found["range"]) == "undefined_name"
        assert (found["severity"], found["source"], found["code"]) == (1, "snipfix", "SNF100 undefined-name")
        assert found["range"]["start"]["line"] == 5


def test_columns_are_utf_16_when_nothing_is_agreed(editor):
    """An emoji is one character of Python's, two of the protocol's."""
    uri = editor.open("page.md", '```python\nx = "😀😀中"; y = missing\n```\n')
    (found,) = editor.findings(uri)
    assert found["range"] == {"start": {"line": 1, "character": 17}, "end": {"line": 1, "character": 24}}


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_as_one_types_findings_come_and_go(editor, newline):
    def page(code):
        return f"# A\u2028\n\n```python\n{code}\n```\n".replace("\n", newline)

    uri = editor.open("page.md", page("x = 1"))
    assert editor.findings(uri) == []
    editor.type(uri, page("print(y"))
    assert names(editor.findings(uri)) == ["unbalanced-bracket"]
    editor.type(uri, page("print(y)"))
    (found,) = editor.findings(uri)
    assert editor.shown(uri, found["range"]) == "y"
    editor.type(uri, page("y = 2\nprint(y)"))
    assert editor.findings(uri) == []


def test_quick_typing_is_answered_once(editor):
    uri = editor.open("page.md", "```python\nx = 1\n```\n")
    editor.findings(uri)
    for number in range(20):
        editor.type(uri, f"```python\nprint(a{number})\n```\n")
    (found,) = editor.findings(uri)
    assert "`a19`" in found["message"]
    assert not [one for one in editor._waiting if one.get("method") == "textDocument/publishDiagnostics"]


def test_python_files_and_their_docstrings_are_documents_too(editor):
    uri = editor.open("mod.py", 'def f():\n    """Doc.\n\n    >>> f(unknown)\n    """\n    return absent\n', language="python")
    assert sorted(editor.shown(uri, one["range"]) for one in editor.findings(uri)) == ["absent", "unknown"]


def test_a_document_that_cannot_be_read_yet_says_so_quietly(editor):
    uri = editor.open("page.md", "# A\n\n```python\nx = 1\n")
    (found,) = editor.findings(uri)
    assert (found["severity"], found["range"]["start"]["line"]) == (2, 2)
    assert "never closed" in found["message"]


def test_other_documents_are_left_alone(editor):
    editor.open("notes.txt", "print(x)", language="plaintext")
    uri = editor.open("page.md", "```python\nx\n```\n")
    editor.findings(uri)
    assert not [one for one in editor._waiting if "notes.txt" in str(one)]


def test_a_closed_document_has_no_findings(editor):
    uri = editor.open("page.md", "```python\nprint(y)\n```\n")
    assert editor.findings(uri)
    editor.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert editor.until(lambda one: one.get("params", {}).get("uri") == uri)["params"]["diagnostics"] == []


def test_a_fix_is_an_action_that_says_what_it_does(editor):
    uri = editor.open("页.md", "> ```python\n> 名 = '😀'; print(F.relu(名))\n> ```\n".replace("\n", "\r\n"))
    (found,) = editor.findings(uri)
    action = next(one for one in editor.actions(uri, found["range"]) if "edit" in one)
    assert re.fullmatch(r".*import.* \(safe, (keeps|restores) the meaning\)", action["title"], re.IGNORECASE)
    assert (action["kind"], action["isPreferred"], len(action["diagnostics"])) == ("quickfix", True, 1)
    editor.take(action)
    assert editor.texts[uri].startswith("> ```python\r\n> import torch.nn.functional as F\r\n")
    assert editor.texts[uri].endswith("> 名 = '😀'; print(F.relu(名))\r\n> ```\r\n")
    assert editor.findings(uri) == []


def test_what_may_not_run_is_not_called_proven(tmp_path):
    with Editor(tmp_path, "--stage", "static") as editor:
        uri = editor.open("page.md", "```python\nprint(F.relu(1))\n```\n")
        (found,) = editor.findings(uri)
        assert {"command" in one for one in editor.actions(uri, found["range"])} == {False}


@pytest.mark.torch
class TestSaved:
    def test_saving_runs_the_snippets(self, editor):
        uri = editor.open("page.md", WIDTHS)
        assert editor.findings(uri) == []
        editor.save(uri)
        found = editor.findings(uri, lambda found: len(found) >= 2)
        assert "linear-width-mismatch" in names(found)
        assert {one["data"]["stage"] for one in found} == {"run"}

    def test_what_is_known_moves_with_its_lines_and_goes_with_its_text(self, editor):
        uri = editor.open("page.md", WIDTHS)
        editor.save(uri)
        editor.findings(uri, lambda found: len(found) >= 2)
        editor.type(uri, "Words.\n\n" + WIDTHS)
        moved = next(one for one in editor.findings(uri) if "linear" in one["code"])
        assert moved["range"]["start"]["line"] == 9
        editor.type(uri, WIDTHS.replace("3, 5", "3, 6"))
        assert "linear-width-mismatch" not in names(editor.findings(uri))

    def test_a_result_whose_snippet_changed_meanwhile_is_dropped(self, editor):
        slow = "```python\nimport time\ntime.sleep(3)\nprint(1 / 0)\n```\n"
        uri = editor.open("page.md", slow)
        editor.findings(uri)
        editor.save(uri)
        editor.type(uri, "```python\nprint(1)\n```\n")
        assert editor.findings(uri) == []
        editor.save(uri)
        editor.type(uri, "```python\nprint(1)\nx = 1\n```\n")
        editor.type(uri, "```python\nprint(2)\n```\n")
        editor.save(uri)
        assert editor.findings(uri) == []
        assert not [one for one in editor._waiting if one.get("params", {}).get("diagnostics")]

    def test_a_repair_is_proven_and_written_into_the_text(self, editor):
        uri = editor.open("page.md", WIDTHS)
        editor.save(uri)
        found = editor.findings(uri, lambda found: len(found) >= 2)
        at = next(one for one in found if "linear" in one["code"])
        action = next(one for one in editor.actions(uri, at["range"]) if "command" in one)
        assert action["title"] == "Repair this snippet (proven by running it)"
        said = editor.take(action)
        assert said.startswith("repaired, proven by running it: ")
        assert editor.applied[0]["label"].startswith("snipfix: ")
        assert "nn.Linear(5, 2)  # 层\n" in editor.texts[uri]
        editor.save(uri)
        assert editor.findings(uri, lambda found: found and all(one["range"]["start"]["line"] > 8 for one in found))

    def test_a_repair_of_what_has_changed_writes_nothing(self, editor):
        uri = editor.open("page.md", WIDTHS)
        editor.save(uri)
        found = editor.findings(uri, lambda found: len(found) >= 2)
        action = next(one for one in editor.actions(uri, found[0]["range"]) if "command" in one)
        editor.type(uri, WIDTHS.replace("3, 5", "3, 4"))
        editor.findings(uri)
        assert "has changed" in editor.take(action)
        assert editor.applied == []

    def test_what_cannot_be_mended_is_said(self, editor):
        uri = editor.open("page.md", "```python\nprint(1 / 0)\n```\n")
        editor.save(uri)
        (found,) = editor.findings(uri, bool)
        said = editor.take(next(one for one in editor.actions(uri, found["range"]) if "command" in one))
        assert said.startswith("unrepaired: ")
        editor.ask("textDocument/codeAction", {"textDocument": {"uri": uri}, "range": found["range"], "context": {"diagnostics": []}})
        assert any("unrepaired" in message for message in editor.messages)

    def test_a_missing_interpreter_is_said_and_typing_goes_on(self, tmp_path):
        with Editor(tmp_path, "--python", "/nowhere/python") as editor:
            uri = editor.open("page.md", "```python\nprint(y)\n```\n")
            assert len(editor.findings(uri)) == 1
            editor.save(uri)
            editor.type(uri, "```python\nprint(z)\n```\n")
            assert "`z`" in editor.findings(uri)[0]["message"]


def test_a_chinese_document_is_spoken_of_in_chinese(editor):
    uri = editor.open("页.md", "# 损失函数\n\n下面的代码计算损失：\n\n```python\nprint(F.relu(1))\n```\n")
    (found,) = editor.findings(uri)
    assert found["message"] == "使用了 `F`，但从未定义或导入"
    titles = [one["title"] for one in editor.actions(uri, found["range"])]
    assert titles == ["加上 `import torch.nn.functional as F` (安全, 恢复原意)", "修复此代码片段（以运行为证）"]


def test_the_language_asked_for_goes_before_that_of_the_document(tmp_path):
    with Editor(tmp_path, "--lang", "en") as editor:
        uri = editor.open("页.md", "# 损失函数\n\n下面的代码计算损失：\n\n```python\nprint(F.relu(1))\n```\n")
        assert editor.findings(uri)[0]["message"].startswith("`F` is used")


@pytest.mark.torch
def test_a_later_save_breaks_off_what_runs_and_starts_anew(tmp_path):
    endless = "```python\nprint(1 / 0)\n```\n\n```python\nwhile True:\n    pass\n```\n"
    with Editor(tmp_path, "--timeout", "600") as editor:
        uri = editor.open("page.md", endless)
        editor.save(uri)
        assert editor.findings(uri, bool)  # the first has run: the second does, for ten minutes
        for name in ("ValueError", "KeyError"):
            editor.type(uri, endless + f"\n```python\nraise {name}\n```\n")
            editor.save(uri)
        editor.type(uri, "```python\nprint([][1])\n```\n")
        editor.save(uri)
        (found,) = editor.findings(uri, bool)
        assert "IndexError" in found["message"]
        assert not editor.messages


@pytest.mark.torch
def test_the_server_does_not_wait_for_a_snippet_that_never_ends(tmp_path):
    with Editor(tmp_path, "--timeout", "600") as editor:
        uri = editor.open("page.md", "```python\nprint(1 / 0)\n```\n\n```python\nwhile True:\n    pass\n```\n")
        editor.save(uri)
        assert editor.findings(uri, bool)  # the first has run: the second does
        started = time.monotonic()
    assert editor.process.returncode == 0
    assert time.monotonic() - started < 25


def test_the_server_ends_when_it_is_asked_to(tmp_path):
    with Editor(tmp_path) as editor:
        process = editor.process
    assert process.returncode == 0


def test_the_server_ends_with_its_editor(tmp_path):
    editor = Editor(tmp_path).__enter__()
    editor.process.stdin.close()
    assert editor.process.wait(30) is not None
    for stream in (editor.process.stdout, editor.process.stderr):
        stream.close()


def test_without_its_package_the_command_says_what_to_install():
    code = "import sys; sys.modules['pygls'] = None\nfrom snipfix.cli.app import run\nsys.exit(run(['lsp']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "`snipfix lsp` needs pygls" in done.stderr
    assert "pip install 'snipfix[lsp]'" in done.stderr
