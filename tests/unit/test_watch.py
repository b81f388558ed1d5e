"""`snipfix audit --watch`: what is written is audited again, nothing else, and Ctrl-C ends it."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading

import pytest

PATIENCE = 60


class Watching:
    """A watching process, its two streams as one list of lines."""

    def __init__(self, folder, *arguments):
        command = [sys.executable, "-m", "snipfix", "audit", *arguments, "--watch", "--format", "github"]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a shell's background job has it ignored
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def round(self):
        """What is said until it watches again."""
        said = []
        while (line := self.lines.get(timeout=PATIENCE)) is not None and "watching, Ctrl-C ends it" not in line:
            said.append(line)
        assert line is not None, said
        return re.findall(r"::error file=(\S+?),line=(\d+)", "".join(said)) or "".join(said)

    def interrupt(self):
        """The exit code after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("one", "two"):
        (tmp_path / f"docs/{name}.md").write_text("# A\n\n```python\nprint(a)\n```\n")
    return tmp_path


@pytest.fixture
def watch(folder):
    started = []

    def start(*arguments):
        started.append(Watching(folder, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_a_document_that_is_written_is_audited_again_and_no_other(folder, watch):
    watching = watch("docs", "--stage", "static")
    assert watching.round() == [("docs/one.md", "4"), ("docs/two.md", "4")]
    (folder / "docs/notes.txt").write_text("print(x)")
    (folder / "docs/two.md").write_text("```python\nx = 1\nprint(b)\n```\n")
    assert watching.round() == [("docs/two.md", "3")]
    (folder / "docs/new.md").write_text("```python\nprint(c)\n```\n")
    assert watching.round() == [("docs/new.md", "2")]


def test_a_file_put_in_the_place_of_the_old_one_is_seen(folder, watch):
    watching = watch("docs/one.md", "--stage", "static")
    watching.round()
    for line in (2, 3):
        (folder / "docs/draft").write_text("```python\n" + "\n" * (line - 2) + "print(b)\n```\n")
        os.replace(folder / "docs/draft", folder / "docs/one.md")
        assert watching.round() == [("docs/one.md", str(line))]


def test_a_document_that_cannot_be_read_is_said_and_watched_on(folder, watch):
    watching = watch("docs", "--stage", "static")
    watching.round()
    (folder / "docs/one.md").write_text("```python\nprint(b)\n")
    assert "is never closed" in watching.round()
    (folder / "docs/one.md").write_text("```python\nprint(b)\n```\n")
    assert watching.round() == [("docs/one.md", "2")]


@pytest.mark.torch
def test_ctrl_c_ends_it_and_leaves_no_process(folder, watch):
    (folder / "docs/one.md").write_text("```python\nprint(1 / 0)\n```\n")
    watching = watch("docs")
    assert ("docs/one.md", "2") in watching.round()
    assert watching.interrupt() == 130
    with pytest.raises(ProcessLookupError):
        os.killpg(watching.process.pid, 0)


def test_without_its_package_it_says_what_to_install(folder):
    code = "import sys; sys.modules['watchfiles'] = None\nfrom snipfix.cli.app import run\nsys.exit(run(['audit', 'docs', '--watch']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, "pip install 'snipfix[watch]'" in done.stderr) == (2, True)


def test_watching_what_is_not_there_is_refused(folder):
    command = [sys.executable, "-m", "snipfix", "audit", "nowhere", "--watch"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, "nowhere: no such file" in done.stderr) == (2, True)
