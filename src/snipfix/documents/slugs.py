"""File names for snippets: the question's number and a few words of its title."""

from __future__ import annotations

import re
from collections.abc import Sequence

from snipfix.documents.document import Document

__all__ = ["names_for", "slug"]

COMMON = frozenset(
    [
        "pytorch",
        "torch",
        "python",
        "the",
        "a",
        "an",
        "of",
        "in",
        "to",
        "with",
        "using",
        "use",
        "how",
        "do",
        "does",
        "is",
        "are",
        "what",
        "and",
        "or",
        "for",
        "on",
        "your",
        "you",
        "can",
        "we",
        "i",
        "it",
        "implement",
        "implementing",
        "write",
        "build",
        "create",
        "explain",
        "example",
        "simple",
    ]
)
DEFINED = re.compile(r"^(?:class|def)\s+([A-Za-z_]\w*)", re.MULTILINE)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
MAX_WORDS, MAX_LENGTH = 5, 40


def slug(title: str, code: str) -> str:
    """Words for a snippet: those of its title in Latin letters, else the last class or function it defines, else `snippet`."""
    words = [word.lower() for word in re.findall(r"[A-Za-z0-9]+", title)]
    words = [word for word in words if word not in COMMON and not word.isdigit()]
    if not words:
        defined = [name for name in DEFINED.findall(code) if not name.startswith("_")]
        words = [word.lower() for part in CAMEL.split(defined[-1]) for word in part.split("_") if word] if defined else ["snippet"]
    while len(words) > 1 and len("_".join(words[:MAX_WORDS])) > MAX_LENGTH:
        words.pop()
    return "_".join(words[:MAX_WORDS])[:MAX_LENGTH]


def names_for(document: Document) -> list[tuple[str, str]]:
    """For each snippet its id (`q` and the question's number) and the stem of its file (the id and a slug), unique and stable."""
    ids = _ids([part.question for part in document.parts])
    return [(name, f"{name}_{slug(one.title, one.code)}") for name, one in zip(ids, document.snippets, strict=True)]


def _ids(questions: Sequence[int | None]) -> list[str]:
    """Numbers of questions where the document numbers them in ascending order (a second snippet gets a letter), else ordinals."""
    width = max(2, len(str(max([len(questions), *(number or 0 for number in questions)], default=0))))
    numbers = [number or 0 for number in questions]
    ascending = any(numbers) and numbers == sorted(numbers) and max(map(numbers.count, numbers), default=0) <= 26
    if not ascending:
        return [f"q{number:0{width}}" for number in range(1, len(questions) + 1)]
    seen: dict[int, int] = {}
    ids = []
    for number in numbers:
        times = seen[number] = seen.get(number, 0) + 1
        ids.append(f"q{number:0{width}}{'' if times == 1 else chr(ord('a') + times - 1)}")
    return ids
