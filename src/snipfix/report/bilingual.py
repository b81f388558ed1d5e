"""Words that a page holds in both languages at once, so that a reader can switch without another file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from markupsafe import Markup, escape
from rich.cells import cell_len

from snipfix.model import Fix
from snipfix.report.text import clean
from snipfix.report.texts import texts
from snipfix.rules.wording import said

__all__ = ["TAGS", "Words", "both"]

TAGS = {"en": "en", "zh": "zh-Hans"}
"""The `lang` attribute of each language."""


CODE = re.compile("`([^`]+)`")


def both(english: str, chinese: str, element: str = "span", *, prose: bool = False) -> Markup:
    """A text in both languages; the page's style shows one. Once where they are the same. `prose`: what stands in backticks is code."""
    one, other = (_prose(text) if prose else escape(clean(text)) for text in (english, chinese))
    if one == other:
        return one
    return Markup(f'<{element} class="en" lang="en">{one}</{element}><{element} class="zh" lang="zh-Hans">{other}</{element}>')  # noqa: S704 - escaped


def _prose(text: str) -> Markup:
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(clean(text)))))  # noqa: S704 - escaped before the tags came in


class Words(Mapping[str, Markup]):
    """The fixed words as markup in both languages; `plain` for attributes, `drawn` inside drawings."""

    def __init__(self, language: str) -> None:
        self._english, self._chinese = texts("en"), texts("zh")
        self._language = language
        self.plain: Mapping[str, str] = texts(language)

    def __getitem__(self, key: str) -> Markup:
        return both(self._english[key], self._chinese[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._english)

    def __len__(self) -> int:
        return len(self._english)

    def drawn(self, key: str) -> Markup:
        """A word inside an SVG text."""
        return both(self._english[key], self._chinese[key], "tspan")

    def width(self, key: str) -> int:
        """Characters that a word takes in the language in which it is longer; a Chinese one counts as two."""
        return max(cell_len(self._english[key]), cell_len(self._chinese[key]))

    def attribute(self, name: str, key: str, after: str = "") -> Markup:
        """An attribute whose value the page's script changes with the language."""
        return self.spoken(name, lambda words: f"{words[key]} {after}".strip())

    def tip(self, name: str, text: str) -> Markup:
        """An attribute with what the audit says, which changes with the language too."""
        return self._attribute(name, text, said(text, "zh"))

    def spoken(self, name: str, say: Callable[[Mapping[str, str]], str]) -> Markup:
        """An attribute with what is said in the words of each language, which changes too."""
        return self._attribute(name, say(self._english), say(self._chinese))

    def _attribute(self, name: str, english: str, chinese: str) -> Markup:
        one, other = escape(clean(english)), escape(clean(chinese))
        return Markup(f'{name}="{one if self._language == "en" else other}" data-{name}-en="{one}" data-{name}-zh="{other}"')  # noqa: S704 - escaped

    @staticmethod
    def title(fix: Fix) -> Markup:
        """What a fix does, or why a patch was written."""
        return both(fix.title, fix.chinese or said(fix.title, "zh", fix.rule), prose=True)

    @staticmethod
    def say(text: str, rule: str = "") -> Markup:
        """What a rule, the audit or the repair says."""
        return both(text, said(text, "zh", rule), prose=True)
