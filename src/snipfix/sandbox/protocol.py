"""Messages between parent and child: framing on the control socket, and the strict merge of what a job says into an Outcome.

Everything a job says is untrusted: each value is checked against the field it is meant for, what does not fit is dropped and counted,
and the total is bounded. Nothing is ever unpickled.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from typing import Any, get_type_hints

import msgspec

from snipfix import evidence
from snipfix.evidence import Outcome

__all__ = ["LINE_LIMIT", "TOTAL_LIMIT", "Merge", "pack", "receive", "send"]

LINE_LIMIT = 4 << 20
"""Bytes of one message of a job."""
TOTAL_LIMIT = 8 << 20
"""Bytes of all messages of a job that are kept."""
CONTROL_LIMIT = 1 << 20
"""Bytes of one message of the fork server."""

_MOST_DESCRIPTORS = 8

WORDS = frozenset({"ok", "raised", "exited"})
"""Kinds of outcome that a job may claim."""
_OUTSIDE = {"kind", "signal", "stdout", "stderr", "truncated", "usage", "stdout_again"}
_FIELDS = {name: kind for name, kind in get_type_hints(Outcome, vars(evidence)).items() if name in Outcome.__struct_fields__}
_SINGLE = {name: kind for name, kind in _FIELDS.items() if name not in _OUTSIDE and not str(kind).startswith("tuple")}
_MANY = {name: kind.__args__[0] for name, kind in _FIELDS.items() if name not in _OUTSIDE and str(kind).startswith("tuple")}


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    set: dict[str, Any] = {}
    add: dict[str, list[Any]] = {}


_DECODER = msgspec.json.Decoder(_Message, strict=True)


class Merge:
    """Collects one job's messages, one JSON object a line, in the order they come."""

    def __init__(self) -> None:
        self.kind = ""
        """The job's own last word: ok, raised, exited, or nothing."""
        self._single: dict[str, Any] = {}
        self._many: dict[str, list[Any]] = {}
        self.dropped = 0
        self.size = 0
        self._tail = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> None:
        """Take bytes as they come from the pipe; never raises, whatever they are."""
        self.size += len(data)
        if self.size > TOTAL_LIMIT:
            self.dropped += 1
            self._tail.clear()
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._tail += line
            if not self._skipping:
                self._line(bytes(self._tail))
            self._tail.clear()
            self._skipping = False
        self._tail += rest
        if len(self._tail) > LINE_LIMIT:
            self._tail.clear()
            self._skipping = True
            self.dropped += 1

    def close(self) -> None:
        """The pipe has ended: half a message is no message."""
        if self._tail:
            self.dropped += 1
            self._tail.clear()

    @property
    def fields(self) -> dict[str, Any]:
        """What the job said, as fields of an Outcome."""
        return {**self._single, **{name: tuple(items) for name, items in self._many.items()}}

    def _line(self, line: bytes) -> None:
        if not line:
            return
        try:
            message = _DECODER.decode(line)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            self.dropped += 1
            return
        for name, value in message.set.items():
            self._set(name, value)
        for name, items in message.add.items():
            self._add(name, items)

    def _set(self, name: str, value: Any) -> None:
        if name == "kind" and isinstance(value, str) and value in WORDS:
            self.kind = value
        elif name in _MANY and isinstance(value, list):
            self._many[name] = []
            self._add(name, value)
        elif name in _SINGLE:
            ok, fit = _fitted(value, _SINGLE[name])
            if ok:
                self._single[name] = fit
            else:
                self.dropped += 1
        else:
            self.dropped += 1

    def _add(self, name: str, items: Sequence[Any]) -> None:
        if name not in _MANY:
            self.dropped += 1
            return
        results = [_fitted(item, _MANY[name]) for item in items]
        self.dropped += sum(not ok for ok, _ in results)
        self._many.setdefault(name, []).extend(fit for ok, fit in results if ok)


def _fitted(value: Any, kind: Any) -> tuple[bool, Any]:
    try:
        return True, msgspec.convert(value, kind, strict=True)
    except (msgspec.MsgspecError, RecursionError, OverflowError):
        return False, None


def pack(message: dict[str, Any]) -> bytes:
    """One control message: four bytes of length, then JSON."""
    body = msgspec.json.encode(message)
    return struct.pack(">I", len(body)) + body


def send(control: socket.socket, *messages: dict[str, Any]) -> None:
    """Send control messages, all at once. Raises OSError when the fork server is gone."""
    control.sendall(b"".join(map(pack, messages)))


def receive(control: socket.socket, descriptors: list[int] | None = None) -> dict[str, Any]:
    """The next control message; descriptors that come with it are added to the list, where one is given.

    Raises:
        EOFError: the fork server is gone, or spoke out of turn.
        TimeoutError: it said nothing in the socket's time limit.
    """
    size = struct.unpack(">I", _exactly(control, 4, descriptors))[0]
    if size > CONTROL_LIMIT:
        raise EOFError("oversized control message")
    try:
        message = msgspec.json.decode(_exactly(control, size), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise EOFError("broken control message") from error
    return message


def _exactly(control: socket.socket, size: int, descriptors: list[int] | None = None) -> bytes:
    data = bytearray()
    while len(data) < size:
        try:
            if descriptors is None:
                part = control.recv(size - len(data))
            else:
                part, came, _, _ = socket.recv_fds(control, size - len(data), _MOST_DESCRIPTORS)
                for descriptor in came:
                    os.set_inheritable(descriptor, False)
                descriptors += came
        except ConnectionError as error:
            raise EOFError("the fork server is gone") from error
        if not part:
            raise EOFError("the fork server is gone")
        data += part
    return bytes(data)
