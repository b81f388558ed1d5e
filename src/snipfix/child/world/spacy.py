"""A tokenizer under the name of spacy, where spacy is not installed: enough for `tokenize="spacy"` and `spacy.load(name).tokenizer(text)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from . import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .hooks import Hooks

_PIECES = re.compile(r"\w+(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ve|ll|d|m)\b|\w+(?:[-.]\w+)*|[^\w\s]", re.IGNORECASE)
_MODELS = ("en_core_web_sm", "en_core_web_md", "en_core_web_lg", "de_core_news_sm", "de_core_news_md", "de_core_news_lg")


def install(hooks: Hooks) -> None:
    hooks.in_place_of("spacy", _fill)
    for name in _MODELS:
        hooks.in_place_of(name, _model_package(name))


class _Token:
    def __init__(self, text: str, i: int) -> None:
        self.text, self.i = text, i
        self.lower_, self.orth_ = text.lower(), text
        self.is_punct = not any(letter.isalnum() for letter in text)
        self.is_alpha, self.is_space = text.isalpha(), text.isspace()

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __len__(self) -> int:
        return len(self.text)

    def __getattr__(self, name: str) -> Any:
        raise _missing(f"Token.{name}")


class _Doc:
    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = [_Token(piece, index) for index, piece in enumerate(_PIECES.findall(text))]

    def __iter__(self) -> Iterator[_Token]:
        return iter(self._tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, index: Any) -> Any:
        return self._tokens[index]

    def __str__(self) -> str:
        return self.text

    def __getattr__(self, name: str) -> Any:
        raise _missing(f"Doc.{name}")


class _Language:
    def __init__(self, name: str) -> None:
        self.lang, self.meta = name[:2], {"name": name}
        self.pipe_names: tuple[str, ...] = ()

    def __call__(self, text: str) -> _Doc:
        return _Doc(text)

    tokenizer = make_doc = __call__

    def pipe(self, texts: Any, **_: Any) -> Iterator[_Doc]:
        return map(_Doc, texts)

    def __getattr__(self, name: str) -> Any:
        raise _missing(f"Language.{name}")


def _missing(name: str) -> Exception:
    """What is not tokenizing needs the real package. Names with underscores are asked for by Python itself."""
    if name.rpartition(".")[2].startswith("__"):
        return AttributeError(name)
    return ModuleNotFoundError(f"No module named 'spacy': {name} needs the real package", name="spacy")


def _load(name: Any = "en", **_: Any) -> _Language:
    record.note("spacy", "a tokenizer by rule; no tagger, parser or vectors")
    return _Language(str(name))


def _fill(module: Any) -> None:
    module.load = module.blank = _load
    module.__version__ = "3.0"

    def absent(name: str) -> Any:
        raise _missing(f"spacy.{name}")

    module.__getattr__ = absent


def _model_package(name: str) -> Callable[[Any], None]:
    def fill(module: Any) -> None:
        module.load = lambda **_: _load(name)

    return fill
