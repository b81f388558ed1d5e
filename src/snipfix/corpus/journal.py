"""What is done of a corpus: records in the order of the rows, each with its row and the digest of its text.

The journal lies beside the output and becomes the output when the last row is through; a run that was killed goes on from it.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from snipfix.corpus.rows import arrow
from snipfix.errors import UsageError

__all__ = ["Journal", "Record"]

BATCH = 256


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one row. `snippets` are those of the JSON report."""

    row: int
    sha256: str
    verdict: str
    """The worst of its snippets; `bad row` where it could not be read, `no snippet` where there is no Python in it."""
    error: str = ""
    snippets: list[msgspec.Raw] = []
    skipped: list[dict[str, Any]] = []


_DECODER = msgspec.json.Decoder(Record)


class Journal:
    """A context manager: `before` gives the records of an earlier run, `add` appends, `finish` makes the output of it.

    `run` names everything that decides a record: another run has another journal.
    """

    def __init__(self, out: Path, run: str) -> None:
        self.out, self.file = out, out.with_name(f".{out.name}.{run[:16]}.partial")

    def __enter__(self) -> Self:
        """Raises UsageError when the output's folder cannot be written, or another run writes the same output."""
        try:
            self._file = self.file.open("a+b")
        except OSError as error:
            raise UsageError(f"cannot write {self.file}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise UsageError(f"another run is writing {self.out}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def before(self) -> Iterator[Record]:
        """The whole records that are there; half a record at the end, left by a kill, is cut off."""
        self._file.seek(0)
        good = 0
        for line in self._file:
            try:
                record = _DECODER.decode(line) if line.endswith(b"\n") else None
            except msgspec.MsgspecError:
                record = None
            if record is None:
                break
            good += len(line)
            yield record
        self._file.truncate(good)

    def add(self, record: Record) -> None:
        """Append a record: in the system's hands, whatever becomes of this process."""
        self._file.write(msgspec.json.encode(record) + b"\n")
        self._file.flush()

    def finish(self) -> None:
        """Put the whole output in its place, at once. Raises UsageError for Parquet without pyarrow."""
        os.fsync(self._file.fileno())
        if self.out.suffix != ".parquet":
            os.replace(self.file, self.out)
            return
        with tempfile.NamedTemporaryFile(dir=self.out.parent, prefix=f".{self.out.name}.", delete=False) as made:
            try:
                self._to_parquet(made)
                os.replace(made.name, self.out)
            except BaseException:
                Path(made.name).unlink()
                raise
        self.file.unlink()

    def _to_parquet(self, made: Any) -> None:
        pa = arrow()
        text = pa.string()
        columns = {"row": pa.int64(), "sha256": text, "verdict": text, "error": text, "snippets": text, "skipped": text}
        schema = pa.schema(list(columns.items()))
        with import_module("pyarrow.parquet").ParquetWriter(made, schema) as writer:
            batch = list[dict[str, Any]]()
            for record in self.before():
                batch.append(_flat(record))
                if len(batch) == BATCH:
                    writer.write_table(pa.Table.from_pylist(batch, schema))
                    batch.clear()
            writer.write_table(pa.Table.from_pylist(batch, schema))


def _flat(record: Record) -> dict[str, Any]:
    """A record for Parquet: what is nested there is JSON."""
    plain = {name: getattr(record, name) for name in ("row", "sha256", "verdict", "error")}
    return {**plain, "snippets": msgspec.json.encode(record.snippets).decode(), "skipped": msgspec.json.encode(record.skipped).decode()}
