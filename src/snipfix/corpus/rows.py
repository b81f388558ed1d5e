"""The rows of a corpus, read as a stream: JSONL, as it is or through gzip, or Parquet with pyarrow. A row that cannot be read is a row with its reason."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import msgspec

from snipfix.errors import UsageError

__all__ = ["Row", "arrow", "read"]

LINES = (".jsonl", ".ndjson")
LINE_LIMIT = 64 << 20
"""Bytes of one JSONL line; a longer one is a bad row."""
TEXT_LIMIT = 4 << 20
"""Characters of one text."""
BATCH = 256


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number from 0 and its text, or why there is none. `sha256` tells it from another text at the same place."""

    number: int
    text: str = ""
    error: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(f"{self.error}\0{self.text}".encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path, column: str) -> Iterator[Row]:
    """The rows of a file, in order.

    Raises:
        UsageError: no such file, a format that is not known, no such column in a Parquet file, or no pyarrow to read it.
    """
    if not path.is_file():
        raise UsageError(f"no such file: {path}")
    if path.suffix == ".parquet":
        values: Iterator[Any] = _parquet(path, column)
    elif path.suffix in LINES or (path.suffix == ".gz" and path.with_suffix("").suffix in LINES):
        values = _jsonl(path, column)
    else:
        raise UsageError(f"{path} is neither .jsonl, .jsonl.gz nor .parquet")
    for number, value in enumerate(values):
        yield _row(number, value)


def _row(number: int, value: Any) -> Row:
    if isinstance(value, _Bad):
        return Row(number, error=value.reason)
    if not isinstance(value, str):
        return Row(number, error=f"not a text but {'nothing' if value is None else type(value).__name__}")
    if len(value) > TEXT_LIMIT:
        return Row(number, error=f"longer than {TEXT_LIMIT} characters")
    return Row(number, value)


@dataclass(frozen=True, slots=True)
class _Bad:
    reason: str


def _jsonl(path: Path, column: str) -> Iterator[Any]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line in _lines(file):
            if isinstance(line, _Bad):
                yield line
                continue
            try:
                yield decoder.decode(line).get(column, _Bad(f"no column {column!r}"))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                yield _Bad(f"not a JSON object: {error}")


def _lines(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes | _Bad]:
    """The lines of a file; one that is too long, or that a broken compression ends, is a bad one."""
    try:
        while line := file.readline(LINE_LIMIT):
            if not line.endswith(b"\n") and len(line) == LINE_LIMIT:
                while (rest := file.readline(LINE_LIMIT)) and not rest.endswith(b"\n"):
                    pass
                yield _Bad(f"a line of more than {LINE_LIMIT} bytes")
            else:
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield _Bad(f"the rest cannot be decompressed: {error}")


def _parquet(path: Path, column: str) -> Iterator[Any]:
    pyarrow = arrow()
    try:
        file = import_module("pyarrow.parquet").ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{path} is no Parquet file: {error}") from error
    if column not in file.schema_arrow.names:
        raise UsageError(f"{path} has no column {column!r}", hint=f"it has {', '.join(file.schema_arrow.names)}")
    for batch in file.iter_batches(batch_size=BATCH, columns=[column]):
        for value in batch.column(0):
            try:
                yield value.as_py()
            except UnicodeDecodeError as error:
                yield _Bad(f"not UTF-8: {error}")


def arrow() -> Any:
    """The pyarrow module. Raises UsageError where it is not installed."""
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow", hint="pip install 'snipfix[corpus]'") from error
