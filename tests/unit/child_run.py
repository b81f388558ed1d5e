"""Runs a job in a forked process, as the fork server does, and decodes what it sends."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import msgspec

from snipfix.evidence import Outcome

CHILD = str(Path(__file__).parents[2] / "src" / "snipfix" / "child")


def run(code: str, **options: Any) -> Outcome:
    """The Outcome of a snippet; `kind` is crashed when the process said nothing."""
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


def _work(job: dict[str, Any], writing: int) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        sys.path.append(CHILD)
        output = os.open("output", os.O_CREAT | os.O_WRONLY)
        if not os.environ.get("CHILD_OUTPUT"):
            os.dup2(output, 1)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        import warnings

        warnings.resetwarnings()
        import execute

        with open(writing, "w", encoding="utf-8") as channel:

            def send(message: dict[str, Any]) -> None:
                channel.write(json.dumps(message) + "\n")
                channel.flush()

            execute.run(job, send)
    return 0


def _merge(messages: list[dict[str, Any]], status: int) -> Outcome:
    fields: dict[str, Any] = {"kind": "crashed", "exit_code": status}
    for message in messages:
        fields.update(message.get("set", {}))
        for name, items in message.get("add", {}).items():
            fields[name] = [*fields.get(name, []), *items]
    return msgspec.convert(fields, Outcome, strict=True)
