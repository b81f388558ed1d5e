"""Code frames: the lines of a finding with carets under its place, for the terminal and the pytest plugin."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.text import Text

from snipfix.model import Finding, Severity, Snippet
from snipfix.report.summary import document_of
from snipfix.report.text import clean, one_line
from snipfix.report.texts import texts

__all__ = ["STYLES", "frame"]

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
SHORTEST = 10
LONGEST = 160
"""Code points of a line that are shown; a place beyond them gets a window of its own."""


def frame(
    snippet: Snippet, finding: Finding, code: str | None = None, *, words: Mapping[str, str] | None = None, room: int | None = None
) -> Text:
    """The finding as text: rule, message, place, the code line with carets, and that a fix exists.

    `code`: the text it was made on. `words`: those of the reader's language (default: English). `room`: the terminal's width.
    """
    words = words or texts("en")
    style = STYLES[finding.severity]
    span = snippet.locate(finding.span)
    out = Text()
    out.append(f"{words[finding.severity.value]}[{finding.rule}] {finding.name}", style)
    out.append(f"{words['colon']}{one_line(finding.message)}\n", "bold")
    gutter = len(str(span.line))
    out.append(" " * gutter + "--> ", "blue")
    out.append(f"{one_line(document_of(snippet))}:{span.line}:{span.column}\n")
    lines = (snippet.code if code is None else code).split("\n")
    shown = lines[finding.span.line - 1] if 0 < finding.span.line <= len(lines) and not finding.behind else None
    if shown is not None:
        end = finding.span.end_column if finding.span.end_line == finding.span.line else len(shown) + 1
        before, marked, after = _window(shown, finding.span.column - 1, end - 1, None if room is None else max(room - gutter - 5, 20))
        out.append(" " * gutter + " |\n", "blue")
        out.append(f"{span.line} | ", "blue")
        out.append(f"{before}{marked}{after}\n")
        out.append(" " * gutter + " | ", "blue")
        out.append(" " * cell_len(before) + "^" * max(cell_len(marked), 1) + "\n", style)
    for word, text in _notes(finding, words):
        out.append(" " * gutter + f" = {word}{words['colon']}", "blue")
        out.append(one_line(text) + "\n")
    return out


def _window(line: str, start: int, end: int, room: int | None = None) -> tuple[str, str, str]:
    """What stands before the place, in it and after it: cleaned, tabs as blanks, long lines cut on both sides, to the cells there are."""
    longest = min(LONGEST, room or LONGEST)
    while True:
        parts = _cut(line, start, end, longest)
        over = cell_len("".join(parts)) - (room or LONGEST) if room else 0
        if over <= 0 or longest <= SHORTEST:
            return parts
        longest = max(longest - max(over // 2, 1), SHORTEST)


def _cut(line: str, start: int, end: int, longest: int) -> tuple[str, str, str]:
    """The three parts with at most so many characters together."""
    start = min(max(start, 0), len(line))
    end = min(max(end, start), len(line), start + longest)
    left = max(0, min(start - longest // 3, end - longest // 2)) if end > longest else 0
    end = min(end, left + longest)
    right = min(len(line), max(left + longest, end))
    before, marked, after = (_shown(part) for part in (line[left:start], line[start:end], line[end:right]))
    return ("…" if left else "") + before, marked, after.rstrip() + ("…" if right < len(line) else "")


def _shown(text: str) -> str:
    return clean(text.replace("\t", "    "))


def _notes(finding: Finding, words: Mapping[str, str]) -> list[tuple[str, str]]:
    notes = []
    if finding.behind:
        notes.append((words["behind word"], f"{words['behind note']}{words['colon']}{finding.behind}"))
    if finding.fixes:
        fix = finding.fixes[0]
        others = words["more"].format(len(finding.fixes) - 1) if len(finding.fixes) > 1 else ""
        graded = words["graded"].format(words["comma"].join((words[fix.applicability.value], words[fix.meaning.value])))
        notes.append((words["fix word"], f"{fix.title}{'' if graded.startswith('（') else ' '}{graded}{others}"))
    return notes
