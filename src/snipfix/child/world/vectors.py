"""Word vectors in the text formats of GloVe and fastText: small vocabularies, the real dimensions."""

from __future__ import annotations

import re

from . import archives
from .grammar import generator, vocabulary

_WORD = re.compile(r"""(?<![\w.])["']([A-Za-z][a-z'-]{0,30})["']""")
_asked: list[str] = []


def ask(code: str) -> None:
    """Have vectors for the words that the snippet writes as strings, as the real ones do."""
    _asked.extend(_WORD.findall(code))


_GLOVE_DIMENSIONS = {"6B": (50, 100, 200, 300), "twitter.27B": (25, 50, 100, 200)}


def _words() -> tuple[str, ...]:
    return tuple(dict.fromkeys((*vocabulary(), *_asked)))


def table(dimension: int, header: bool = False) -> bytes:
    """A line of numbers for each word of the World's texts and for punctuation."""
    rng = generator(dimension)
    words = _words()
    lines = [f"{len(words)} {dimension}"] if header else []
    lines += [" ".join([word, *(f"{rng.gauss(0, 0.4):.4f}" for _ in range(dimension))]) for word in words]
    return ("\n".join(lines) + "\n").encode()


def glove(found: re.Match[str]) -> tuple[str, str, bytes]:
    name = found["name"]
    dimensions = (int(found["dim"]),) if found["dim"] else _GLOVE_DIMENSIONS.get(name, (300,))
    members = {f"glove.{name}.{dimension}d.txt": table(dimension) for dimension in dimensions}
    return f"glove.{name}", f"random vectors for {len(_words())} words, in GloVe's text format", archives.zipped(members)


def fast_text(found: re.Match[str]) -> tuple[str, str, bytes]:
    how = f"random vectors for {len(_words())} words, in fastText's text format"
    return f"fasttext.{found['language']}", how, table(300, header=True)
