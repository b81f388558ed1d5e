"""Python files: the file itself, then the examples of its docstrings (prompts, fences, directives), which build on the file."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

from snipfix.code import parse
from snipfix.documents.events import Event, Fence, Line, Prose, code_of
from snipfix.documents.markdown import read_lines
from snipfix.documents.source import Source
from snipfix.errors import DocumentError
from snipfix.model import modules_of

__all__ = ["read"]

PROMPT = re.compile(r"\s*(?:>>>|\.\.\.)(?: |$)")
FENCED = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
SPOKEN = re.compile(r"#.*|\"\"\"[^\"]*|'''[^']*")
"""Comments and docstrings, near enough to tell their language; CODE tells the examples in them."""
CODE = re.compile(r"[=(\[{`]")
ANNOUNCED = re.compile(r"::[ \t]*$|^\s*\.\. (?:code|code-block|sourcecode|testcode)::", re.MULTILINE)
"""A literal block or a directive of reStructuredText."""


def read(source: Source) -> Iterator[Event]:
    """The file as one fence, then one for each docstring example."""
    spoken = "\n".join(SPOKEN.findall(source.text)).split("\n")
    yield Prose("\n".join(line for line in spoken if not CODE.search(line)), 1)
    lines = source.lines if source.lines[-1].code else source.lines[:-1]
    yield Fence("python", 1, lines, 0, final_newline=not source.lines[-1].code, title=source.path, tags=frozenset({"file"}))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    own = "|".join(re.escape(name) for name in modules_of(source.path))
    imports = re.compile(rf"^\s*(?:>>>\s|\.\.\.\s)?\s*(?:from|import)\s+(?:{own})(?:\.|\s|$)", re.MULTILINE) if own else None
    for name, node in _docstrings(tree):
        for fence in _examples(source, node):
            tags = fence.tags | ({"of-its-file"} if imports and imports.search(code_of(fence)) else set())
            yield replace(fence, title=name or source.path, tags=tags, docstring=node.lineno)


def _docstrings(tree: ast.Module) -> Iterator[tuple[str, ast.Constant]]:
    """Each docstring with the qualified name of what it documents, in order."""

    def visit(owner: ast.AST, name: str) -> Iterator[tuple[str, ast.Constant]]:
        body = getattr(owner, "body", [])
        if body and isinstance(body[0], ast.Expr) and isinstance(text := body[0].value, ast.Constant) and isinstance(text.value, str):
            yield name, text
        for child in body if isinstance(body, list) else []:
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield from visit(child, f"{name}.{child.name}".lstrip("."))

    yield from visit(tree, "")


def _examples(source: Source, node: ast.Constant) -> list[Fence]:
    """What a docstring shows, in order: its fences, its directives and literal blocks, and one session of all its other prompts."""
    lines = _inside(source, node)
    text = "\n".join(line.code for line in lines)
    found = _fences(source, lines) if FENCED.search(text) else []
    if ANNOUNCED.search(text):
        taken = _numbers(found)
        found += [fence for fence in _literal(source, lines) if fence.line not in taken]
    taken = _numbers(found)
    if any(PROMPT.match(line.code) for line in lines if line.number not in taken):
        found.append(_session(lines, taken))
    refused = "" if text == _normal(str(node.value)) else "a docstring with escapes: its text is not what stands in the file"
    return [replace(fence, refused=fence.refused or refused) for fence in sorted(found, key=lambda fence: fence.line)]


def _literal(source: Source, lines: Sequence[Line]) -> list[Fence]:
    """What is code to reStructuredText, but for prompts that no directive holds."""
    from snipfix.documents import rst

    fences = [event for event in rst.events(source, lines) if isinstance(event, Fence)]
    return [one for one in fences if one.info not in {"", "pycon"} or one.refused or not (one.lines and PROMPT.match(one.lines[0].code))]


def _numbers(fences: Sequence[Fence]) -> set[int]:
    """The lines that fences take up, with those that open and close them."""
    return {number for one in fences for number in range(one.line, (one.lines[-1].number if one.lines else one.line) + 2)}


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _inside(source: Source, node: ast.Constant) -> list[Line]:
    """The lines between the quotes."""
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
    lines = list(source.lines[node.lineno - 1 : end_line])
    last = lines[-1]
    code = last.code.encode()[:end_column].decode()
    lines[-1] = Line(last.number, last.start, last.start + len(code), code)
    first = lines[0].cut(len(lines[0].code.encode()[: node.col_offset].decode()))
    opening = re.match(r"[a-zA-Z]*(\"\"\"|'''|\"|')", first.code)
    if opening is None:
        return []
    lines[0] = first.cut(opening.end())
    width = len(opening[1])
    last = lines[-1]
    lines[-1] = Line(last.number, last.start, last.end - width, last.code[: len(last.code) - width])
    return lines


def _fences(source: Source, lines: Sequence[Line]) -> list[Fence]:
    """The fences of a docstring in Markdown, its indentation taken off."""
    margin = min((len(line.code) - len(line.code.lstrip()) for line in lines[1:] if line.code.strip()), default=0)
    dedented = [lines[0], *(line.cut(min(margin, len(line.code) - len(line.code.lstrip()))) for line in lines[1:])]
    try:
        return [
            event
            for event in read_lines(source, dedented)
            if isinstance(event, Fence) and not event.refused and "indented" not in event.tags
        ]
    except DocumentError:  # prose that only looks like the start of a fence
        return []


def _session(lines: Sequence[Line], taken: set[int]) -> Fence:
    """All prompts of a docstring as one session: a doctest has one namespace. The prose and the fences between them are blank."""
    numbers = [number for number, line in enumerate(lines) if PROMPT.match(line.code) and line.number not in taken]
    body, output = list[Line](), False
    pinned = set[Line]()
    for line in lines[numbers[0] :]:
        output = bool(line.code.strip()) and line.number not in taken and (output or bool(PROMPT.match(line.code)))
        if not output and line.code.strip():
            line = Line(line.number, line.start, line.end, "")
            pinned.add(line)
        body.append(line)
    while body and not body[-1].code.strip():
        pinned.discard(body.pop())
    return Fence("pycon", lines[numbers[0]].number, tuple(body), body[0].start, pinned=frozenset(pinned))
