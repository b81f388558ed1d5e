"""What was used of the World, and which bytes are its own."""

from __future__ import annotations

import hashlib

_used: dict[str, str] = {}
_digests: set[str] = set()


def note(what: str, how: str) -> None:
    """Remember that `what` was asked for and that `how` stood in for it."""
    _used.setdefault(what, how)


def used() -> list[dict[str, str]]:
    return [{"what": what, "how": how} for what, how in _used.items()]


def own(content: bytes) -> bytes:
    """Remember the content of a stand-in file, so that a checksum of the real one does not refuse it. Returns the content."""
    _digests.add(hashlib.md5(content).hexdigest())  # noqa: S324
    return content


def is_own(digest: str) -> bool:
    """Whether this MD5 is that of a stand-in file."""
    return digest in _digests
