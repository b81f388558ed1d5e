"""What earlier runs found, on disk: one SQLite file in the user's cache folder.

SQLite of the standard library rather than a caching package: nothing to install, nothing unpickled, one file that survives kills and parallel
runs (write-ahead log), and eviction is one statement. Values are JSON, checked against the types of `model` when they are read.
The cache never stands in a run's way: where it cannot be read or written, there is none.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from snipfix.model import Result, Snippet

__all__ = ["Cache", "Held", "folder", "pack", "unpack"]

LIMIT_MB = 1024
"""The file grows no further; then what was not used for longest goes."""
DAY = 86_400
FILE = "results.sqlite3"
BUSY_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS held (key BLOB PRIMARY KEY, used INTEGER NOT NULL, value BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS held_used ON held (used);
"""
_NOBODY = Snippet("", "", "", "")
_DECODER = msgspec.json.Decoder(Result)


@dataclass(frozen=True, slots=True)
class Held:
    """What a cache holds."""

    file: Path
    entries: int
    size_mb: float
    limit_mb: int


def folder() -> Path:
    """Where the cache lies: $SNIPFIX_CACHE_DIR, else `snipfix` in the user's cache folder."""
    if own := os.environ.get("SNIPFIX_CACHE_DIR"):
        return Path(own)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 — never raises
    return Path(home, "snipfix")


class Cache:
    """A bounded map from keys to bytes that outlives the process. Everything may be called from any thread; nothing raises."""

    def __init__(self, place: Path | None = None, limit_mb: int = LIMIT_MB) -> None:
        self.file = (place or folder()) / FILE
        self.limit_mb = limit_mb
        self._lock = threading.Lock()
        self._touched: set[bytes] = set()
        self._puts = 0
        self._store = self._opened()

    def _opened(self) -> sqlite3.Connection | None:
        for attempt in (1, 2):
            try:
                self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                return self._connected()
            except sqlite3.OperationalError:  # locked, read-only, no room: another run may still be happy with it
                return None
            except sqlite3.DatabaseError:  # no database, or a torn one: nothing in it is worth keeping
                if attempt == 1:
                    self._remove()
            except OSError:
                return None
        return None

    def _connected(self) -> sqlite3.Connection:
        store = sqlite3.connect(self.file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            store.execute("PRAGMA journal_mode = WAL")
            store.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last entries, never the file
            store.executescript(_SCHEMA)
        except BaseException:
            store.close()
            raise
        return store

    def _remove(self) -> None:
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                Path(f"{self.file}{end}").unlink()

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection | None]:
        """The connection, by one thread at a time; an error of it ends its use, not the run."""
        with self._lock:
            try:
                yield self._store
            except sqlite3.Error:
                with contextlib.suppress(sqlite3.Error):
                    if self._store is not None:
                        self._store.close()
                self._store = None

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        row = None
        with self._using() as store:
            if store is not None:
                row = store.execute("SELECT value, used FROM held WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        if row[1] < time.time() - DAY:
            self._touched.add(key)
        try:
            return zlib.decompress(row[0])
        except zlib.error:
            return None

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value."""
        data = zlib.compress(value, 1)
        with self._using() as store:
            if store is not None:
                store.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", (key, int(time.time()), data))
                self._puts += 1
                if self._puts % 64 == 0:
                    self._evict(store)

    def _evict(self, store: sqlite3.Connection) -> None:
        """Drop what was not used for longest, a tenth at a time, until the rest fits."""
        while self._size(store) > self.limit_mb << 20:
            gone = store.execute(
                "DELETE FROM held WHERE rowid IN (SELECT rowid FROM held ORDER BY used LIMIT (SELECT COUNT(*) / 10 + 1 FROM held))"
            )
            if not gone.rowcount:
                return

    @staticmethod
    def _size(store: sqlite3.Connection) -> int:
        """Bytes in use, without the pages that wait to be filled again."""
        pages, free, width = (store.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
        return int((pages - free) * width)

    def held(self) -> Held:
        """How much there is."""
        entries = size = 0
        with self._using() as store:
            if store is not None:
                entries, size = store.execute("SELECT COUNT(*) FROM held").fetchone()[0], self._size(store)
        return Held(self.file, entries, size / (1 << 20), self.limit_mb)

    def clear(self) -> None:
        """Forget everything and give the space back."""
        with self._using() as store:
            if store is not None:
                store.execute("DELETE FROM held")
                store.execute("VACUUM")

    def close(self) -> None:
        """Remember what was used, and leave the file."""
        with self._using() as store:
            if store is not None:
                now = int(time.time())
                store.executemany("UPDATE held SET used = ? WHERE key = ?", [(now, key) for key in self._touched])
                self._evict(store)
                store.close()
        self._store = None


def pack(result: Result) -> bytes | None:
    """A Result without its snippet as JSON; None when JSON would not give the same back."""
    bare = replace(result, snippet=_NOBODY)
    try:
        data = msgspec.json.encode(bare)
        same = _plain(_DECODER.decode(data)) == _plain(bare)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return None
    return data if same else None


def unpack(data: bytes, snippet: Snippet) -> Result | None:
    """The Result for the snippet, or None for what is no Result of this version."""
    try:
        return replace(_DECODER.decode(data), snippet=snippet)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None


def _plain(value: Any) -> bytes:
    """Only what JSON knows, a pair like a list; a number that is none is not null, so it is never kept."""
    return msgspec.msgpack.encode(msgspec.to_builtins(value, str_keys=True))
