"""A small editor: speaks the Language Server Protocol to `snipfix lsp` over its standard input and output, as JSON-RPC by hand."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

PATIENCE = 120
"""Seconds to wait for an answer: a machine may be busy, but a server that hangs must not hang the tests."""


class Editor:
    """One server and the documents that are open in it. Use it as a context manager."""

    def __init__(self, folder: Path, *options: str, encodings: tuple[str, ...] = ("utf-16",)) -> None:
        self.folder, self.encodings = folder, list(encodings)
        command = [sys.executable, "-m", "snipfix", "lsp", "--stdio", *options]
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.messages: list[str] = []
        self.applied: list[dict[str, Any]] = []
        self.accepts_edits = True
        self._inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._waiting: list[dict[str, Any]] = []
        self._id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        capabilities = {"general": {"positionEncodings": self.encodings}, "workspace": {"workspaceEdit": {"documentChanges": True}}}
        answer = self.ask("initialize", {"processId": None, "rootUri": self.folder.as_uri(), "capabilities": capabilities})
        self.capabilities = answer["capabilities"]
        self.tell("initialized", {})
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self.process.poll() is None:
                self.ask("shutdown", None)
                self.tell("exit", None)
            self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                stream.close()

    # Talking ----------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        stream = self.process.stdout
        while True:
            size = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
            if not size:
                self._inbox.put(None)
                return
            self._inbox.put(json.loads(stream.read(size)))

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def start(self, method: str, params: Any) -> int:
        """Ask without waiting; `answer` gets what is said."""
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        return self._id

    def ask(self, method: str, params: Any) -> Any:
        return self.answer(self.start(method, params))

    def answer(self, number: int) -> Any:
        message = self.until(lambda one: one.get("id") == number and "method" not in one)
        assert "error" not in message, message
        return message["result"]

    def until(self, wanted: Any) -> dict[str, Any]:
        """The next message that is wanted; those before it are kept for later."""
        for one in self._waiting:
            if wanted(one):
                self._waiting.remove(one)
                return one
        while True:
            message = self._inbox.get(timeout=PATIENCE)
            assert message is not None, self.process.stderr.read().decode()
            if message.get("method") == "workspace/applyEdit":
                self._apply(message)
            elif message.get("method") == "window/showMessage":
                self.messages.append(message["params"]["message"])
            elif wanted(message):
                return message
            else:
                self._waiting.append(message)

    # Editing ----------------------------------------------------------------------------------------------------------

    def open(self, name: str, text: str, language: str = "markdown") -> str:
        uri = (self.folder / name).as_uri()
        self.texts[uri], self.versions[uri] = text, 1
        self.tell("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": language, "version": 1, "text": text}})
        return uri

    def type(self, uri: str, text: str) -> None:
        self.texts[uri] = text
        self.versions[uri] += 1
        identifier = {"uri": uri, "version": self.versions[uri]}
        self.tell("textDocument/didChange", {"textDocument": identifier, "contentChanges": [{"text": text}]})

    def save(self, uri: str) -> None:
        self.tell("textDocument/didSave", {"textDocument": {"uri": uri}})

    def findings(self, uri: str, wanted: Any = lambda found: True) -> list[dict[str, Any]]:
        """The next diagnostics of the present version that are wanted."""

        def fits(message: dict[str, Any]) -> bool:
            if message.get("method") != "textDocument/publishDiagnostics" or message["params"]["uri"] != uri:
                return False
            return message["params"].get("version") == self.versions[uri] and wanted(message["params"]["diagnostics"])

        return self.until(fits)["params"]["diagnostics"]

    def actions(self, uri: str, where: dict[str, Any]) -> list[dict[str, Any]]:
        return self.ask("textDocument/codeAction", {"textDocument": {"uri": uri}, "range": where, "context": {"diagnostics": []}})

    def take(self, action: dict[str, Any]) -> Any:
        """Choose an action: its edit is applied, or its command run."""
        if "edit" in action:
            self._change(action["edit"])
            return None
        return self.ask("workspace/executeCommand", {key: action["command"][key] for key in ("command", "arguments")})

    def _apply(self, message: dict[str, Any]) -> None:
        if self.accepts_edits:
            self.applied.append(message["params"])
            self._change(message["params"]["edit"])
        self._send(
            {"id": message["id"], "result": {"applied": self.accepts_edits, "failureReason": None if self.accepts_edits else "read-only"}}
        )

    def _change(self, edit: dict[str, Any]) -> None:
        for change in edit["documentChanges"]:
            uri = change["textDocument"]["uri"]
            assert change["textDocument"]["version"] == self.versions[uri], "an edit of another version"
            text = self.texts[uri]
            spans = [
                (self.offset(text, one["range"]["start"]), self.offset(text, one["range"]["end"]), one["newText"])
                for one in change["edits"]
            ]
            for start, end, new in sorted(spans, reverse=True):
                text = text[:start] + new + text[end:]
            self.type(uri, text)

    def offset(self, text: str, position: dict[str, int]) -> int:
        """The offset of a position, counted as was agreed."""
        codec = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[self.capabilities["positionEncoding"]]
        width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[self.capabilities["positionEncoding"]]
        start = 0
        for _ in range(position["line"]):
            breaks = [at for mark in ("\r\n", "\n", "\r") if (at := text.find(mark, start)) >= 0]
            first = min(breaks)
            start = first + (2 if text[first : first + 2] == "\r\n" else 1)
        rest = text[start:].encode(codec)[: position["character"] * width]
        return start + len(rest.decode(codec))

    def shown(self, uri: str, where: dict[str, Any]) -> str:
        """The text at a range."""
        text = self.texts[uri]
        return text[self.offset(text, where["start"]) : self.offset(text, where["end"])]
