"""Which encoding a document's bytes are in: by its byte order mark, by what it declares, else UTF-8, or GBK where that is beyond doubt."""

from __future__ import annotations

import codecs
import re

from snipfix.errors import DocumentError

__all__ = ["decoded"]

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""PEP 263: a comment in one of the first two lines, the first of which holds nothing else."""
BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?\r?$")
MODE_LINE = re.compile(rb"^[ \t]*(?:<!--|\.\.|#).*?coding[:=][ \t]*([-\w.]+)")
"""docutils and editors take the same words for it in the comments of other formats."""
META = re.compile(rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?\s*([-\w.:]+)|^\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([-\w.:]+)", re.IGNORECASE)
HTML_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
PRESCANNED = 1024
"""Bytes in which HTML's declaration must stand."""
OF_THE_WEB = {
    "iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs",
    "shift_jis": "cp932", "euc_kr": "cp949", "tis-620": "cp874",
}  # fmt: skip
"""What browsers take the names for: the Encoding Standard, https://encoding.spec.whatwg.org."""
UTF_8 = "save the document as UTF-8"
ASCII = bytes(range(128))


def decoded(path: str, raw: bytes) -> tuple[str, str, bytes]:
    """The text of a document, its encoding, and its byte order mark.

    Raises:
        DocumentError: for a binary file, a Python file that declares what Python does not know, or bytes that are not text in the encoding.
    """
    bom, encoding = next(((bom, name) for bom, name in BOMS if raw.startswith(bom)), (b"", ""))
    if b"\0" in raw and not encoding.startswith(("utf-16", "utf-32")):
        raise DocumentError(
            f"a binary file, or UTF-16 without a byte order mark (a NUL byte at offset {raw.index(0)})",
            place=path,
            hint="name documents: Markdown, reST, notebooks, HTML or Python; save text as UTF-8",
        )
    if not bom:
        encoding = _declared(path, raw) or "utf-8"
        for name in dict.fromkeys((encoding, "utf-8")):
            if (text := _text(raw, name)) is not None:
                return text, name, b""
        if encoding == "utf-8" and (chinese := _chinese(raw)) is not None:
            return chinese, "gb18030", b""
    return _strictly(path, raw, bom, encoding), encoding, bom


def _strictly(path: str, raw: bytes, bom: bytes, encoding: str) -> str:
    try:
        return raw[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        offset = len(bom) + error.start
        line = raw.count(b"\n", 0, offset) + 1
        raise DocumentError(
            f"not valid {encoding.upper()}: byte 0x{raw[offset]:02x} at offset {offset}, line {line}",
            place=path,
            hint=UTF_8 if bom else _advice(path),
        ) from error


def _advice(path: str) -> str:
    """What to do about bytes that are no UTF-8."""
    comment = {"python": "# {}", "text": ".. {}" if path.endswith(".rst") else "<!-- {} -->"}.get(_kind(path, b""), "")
    if _kind(path, b"") == "html":
        return f'{UTF_8}, or declare what it is in: <meta charset="windows-1252">'
    return f"{UTF_8}, or let its first line say what it is in: {comment.format('-*- coding: latin-1 -*-')}" if comment else UTF_8


def _kind(path: str, raw: bytes) -> str:
    """Whose way of declaring an encoding holds."""
    name = path.lower()
    if name.endswith((".py", ".pyi")):
        return "python"
    if name.endswith(".ipynb"):  # JSON is UTF-8
        return "json"
    return "html" if name.endswith((".html", ".htm")) or raw.lstrip()[:5].lower() in {b"<!doc", b"<html", b"<?xml"} else "text"


def _declared(path: str, raw: bytes) -> str:
    """The encoding that a document names, as Python calls it; empty when it names none that can be had."""
    kind = _kind(path, raw)
    if kind == "html":
        match = META.search(HTML_COMMENT.sub(b"", raw[:PRESCANNED]))
        known = _known(match[1] or match[2]) if match else ""
        return OF_THE_WEB.get(known, known)
    if kind == "json":
        return ""
    lines = re.split(rb"\r\n?|\n", raw[: 4 * PRESCANNED])[:2]
    if kind == "python" and not BLANK.match(lines[0]):
        lines = []
    match = next((found for line in lines if (found := (COOKIE if kind == "python" else MODE_LINE).match(line))), None)
    known = _known(match[1]) if match else ""
    if match and not known and kind == "python":
        raise DocumentError(
            f"unknown encoding: {match[1].decode('ascii', 'replace')}", place=f"{path}:1", hint="name one that Python knows, or none: UTF-8"
        )
    return known


def _known(name: bytes) -> str:
    """The codec of a name, if ASCII is ASCII in it, as in all in which a document can declare its own; empty for any other."""
    try:
        codec = codecs.lookup(name.decode("ascii"))
        return codec.name if ASCII.decode(codec.name) == ASCII.decode("ascii") and "escape" not in codec.name else ""
    except (LookupError, UnicodeError, ValueError):
        return ""


def _text(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _chinese(raw: bytes) -> str | None:
    """The text, where the bytes are beyond doubt those of Chinese in GBK: nearly all of it in common characters, and the same bytes again."""
    text = _text(raw, "gb18030")
    if text is None:
        return None
    foreign = "".join(char for char in text if char > "\x7f")
    common = len(foreign.encode("gb2312", "ignore")) // 2
    return text if len(foreign) >= 4 and common * 10 >= len(foreign) * 9 and text.encode("gb18030") == raw else None
