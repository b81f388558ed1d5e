"""Archives of small files in memory; every member is remembered as the World's own."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

from . import record


def tar_gz(members: dict[str, bytes]) -> bytes:
    """A .tar.gz of the members, the same bytes each time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(record.own(content)), 0o644
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), compresslevel=1, mtime=0)


def zipped(members: dict[str, bytes]) -> bytes:
    """A .zip of the members, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), record.own(content))
    return buffer.getvalue()


def gz(content: bytes) -> bytes:
    """A .gz of one file, the same bytes each time."""
    return gzip.compress(record.own(content), compresslevel=1, mtime=0)
