"""Runs a job in a forked process, as the fork server does, and decodes what it sends."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

import msgspec

from snipfix.evidence import Outcome, Span

CHILD = str(Path(__file__).parents[2] / "src" / "snipfix" / "child")
HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def run(code: str, **options: Any) -> Outcome:
    """The Outcome of a snippet; `kind` is crashed when the process said nothing."""
    _load_torch()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(reading)
            status = _work({"code": code, "name": "snippet.py", "stage": "exercise", **options}, writing)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as channel:
        lines = channel.readlines()
    _, status = os.waitpid(pid, 0)
    return _merge([json.loads(line) for line in lines], status)


def text_at(code: str, span: Span) -> str:
    """The text of a one-line span."""
    assert span.line == span.end_line
    return code.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


def _load_torch() -> None:
    """Once, with one thread: a pool of threads made here would not survive the fork."""
    if "torch" not in sys.modules:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torch
            import torch._dynamo
            import torch.optim
        torch.set_num_threads(1)


def _work(job: dict[str, Any], writing: int) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        sys.path.append(CHILD)
        sys.stdin = io.StringIO()
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY), number)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
        _show_warnings()
        import execute

        with open(writing, "w", encoding="utf-8") as channel:

            def send(message: dict[str, Any]) -> None:
                channel.write(json.dumps(message) + "\n")
                channel.flush()

            execute.run(job, send)
            sys.stdout.flush()
            sys.stderr.flush()
            send({"set": {"stdout": Path(scratch, "stdout").read_text(), "stderr": Path(scratch, "stderr").read_text()}})
    return 0


def _show_warnings() -> None:
    """As a fresh interpreter does, whatever pytest has set up."""
    warnings.resetwarnings()
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.filterwarnings("ignore", category=category, append=True)


def _merge(messages: list[dict[str, Any]], status: int) -> Outcome:
    fields: dict[str, Any] = {"kind": "crashed", "exit_code": status}
    for message in messages:
        fields.update(message.get("set", {}))
        for name, items in message.get("add", {}).items():
            fields[name] = [*fields.get(name, []), *items]
    return msgspec.convert(fields, Outcome, strict=True)
