"""What the rules say, in Chinese: the `zh.toml` beside the rules, one for each folder.

A catalogue has a table for each rule, its documentation in four texts, and `[says]`: each English sentence of a message, a fix's title or a part of
one, with `{fields}` where a rule puts values in, beside its Chinese with the same fields. A rule's own code stays English alone: a sentence is
recognised by its words, so a catalogue can be written after the rule and by somebody else. What it lacks is shown in English;
`tests/rules/test_wording.py` names it.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from snipfix.rules.base import Rule

__all__ = ["LANGUAGES", "Explanation", "catalogue", "documentation", "explanation", "said", "summary"]

LANGUAGES = ("en", "zh")
ROOT = Path(__file__).parent
HEADINGS = {
    "What it does": "检查什么",
    "Why is this bad?": "为什么不好",
    "Example": "示例",
    "Use instead": "应改为",
    "Fix safety": "修复是否安全",
    "References": "参考",
}
TEXTS = {"What it does": "what", "Why is this bad?": "why", "Fix safety": "safety"}
"""The sections of prose and the catalogue's key for each; examples and references are the same in every language."""
TOUCHING = re.compile("[\\u4e00-\\u9fff][A-Za-z0-9`(\\[]|[A-Za-z0-9`)\\]][\\u4e00-\\u9fff]")
PARTED = re.compile("[\\u4e00-\\u9fff] [\\u4e00-\\u9fff]")
LISTED = re.compile(r"`?[\w.]+`?(?: and `?[\w.]+`?)+")
"""Names or numbers that a rule joined into one value."""
EVERYWHERE = "*"
"""The name of all folders together: whose sentence a title is, is not always known."""
DEPTH = 4
"""How deep a sentence may stand inside another."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule in four texts."""

    summary: str
    what: str
    why: str
    safety: str


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with fields: `texts` are the words around them, one more than `fields`."""

    texts: tuple[str, ...]
    fields: tuple[str, ...]
    chinese: str

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the fields of a text, found from left to right without going back; None when it is another sentence."""
        first, last = self.texts[0], self.texts[-1]
        if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
            return None
        at, end, found = len(first), len(text) - len(last), {}
        for name, after in zip(self.fields[:-1], self.texts[1:-1], strict=True):
            stop = text.find(after, at, end)
            if stop < 0:
                return None
            found[name], at = text[at:stop], stop + len(after)
        return {**found, self.fields[-1]: text[at:end]}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One zh.toml."""

    rules: Mapping[str, Mapping[str, str]]
    exact: Mapping[str, str]
    templates: Sequence[Template]
    """Those with most words first, so that the closest sentence is taken."""

    def say(self, text: str, depth: int = 0) -> str | None:
        """The Chinese of a sentence, of the sentences in its fields too; None for what is not in here."""
        if text in self.exact:
            return self.exact[text]
        for template in self.templates if depth < DEPTH else ():
            values = template.values(text)
            if values is not None:
                return _filled(template.chinese, {name: self.say(value, depth + 1) or value for name, value in values.items()})
        return None


def said(text: str, language: str, rule: str = "") -> str:
    """A message or a fix's title in a language: what the rule's own folder has for it, else what any has, else the text itself."""
    if language != "zh" or not text:
        return text
    own = catalogue(_folder(rule)).say(text) if rule else None
    return own or catalogue(EVERYWHERE).say(text) or text


def explanation(rule: Rule, language: str) -> Explanation:
    """The rule's documentation in four texts on one line each; in English where the catalogue has none."""
    sections = _sections(rule)
    english = {"summary": _line(sections[""]), **{key: _line(sections.get(title, "")) for title, key in TEXTS.items()}}
    chinese = catalogue(_folder(rule.id)).rules.get(rule.id, {}) if language == "zh" else {}
    return Explanation(**{key: chinese.get(key) or text for key, text in english.items()})


def summary(rule: Rule, language: str) -> str:
    """What the rule says in one line."""
    return explanation(rule, language).summary


def documentation(rule: Rule, language: str) -> str:
    """The rule's documentation as Markdown, with its examples."""
    if language != "zh":
        return inspect.getdoc(rule) or ""
    texts = explanation(rule, language)
    parts = [texts.summary]
    for title, text in _sections(rule).items():
        if title:
            parts += [f"## {HEADINGS.get(title, title)}", getattr(texts, TEXTS[title]) if title in TEXTS else text.strip()]
    return "\n\n".join(parts)


@cache
def catalogue(folder: str) -> Catalogue:
    """The catalogue of a folder of rules, with what all folders share, which is all there is in that of ``; or of all of them together.

    Raises:
        ValueError: for a file that is no TOML, or a sentence whose braces do not pair.
    """
    folders = ("", *(file.parent.name for file in sorted(ROOT.glob("*/zh.toml")))) if folder == EVERYWHERE else ("", folder)
    data: dict[str, Any] = {}
    says: dict[str, str] = {}
    for one in map(_read, folders):
        says |= one.pop("says", {})
        data |= one
    parsed = {english: _template(english, chinese) for english, chinese in says.items()}
    exact = {template.texts[0]: template.chinese.format() for template in parsed.values() if not template.fields}
    templates = sorted((one for one in parsed.values() if one.fields), key=lambda one: -sum(map(len, one.texts)))
    return Catalogue(data, exact, templates)


def _read(folder: str) -> dict[str, Any]:
    file = ROOT / folder / "zh.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _filled(chinese: str, values: Mapping[str, str]) -> str:
    """The sentence with its values, and a blank where a Chinese and a Latin word would touch, none between two Chinese ones."""
    out = ""
    for literal, name, _, _ in Formatter().parse(chinese):
        for part in (literal, values[name] if name else ""):
            if out.count("`") % 2 == 1:  # between backticks stands code, verbatim
                out += part
                continue
            if LISTED.fullmatch(part):
                part = part.replace(" and ", " 和 ")
            if PARTED.fullmatch(out[-2:] + part[:1]):
                out = out[:-1]
            part = part[bool(PARTED.fullmatch(out[-1:] + part[:2])) :]
            out += " " * bool(TOUCHING.fullmatch(out[-1:] + part[:1])) + part
    return out


def _template(english: str, chinese: str) -> Template:
    texts, fields = [""], list[str]()
    for literal, name, _, _ in Formatter().parse(english):
        texts[-1] += literal
        if name is not None:
            fields.append(name)
            texts.append("")
    return Template(tuple(texts), tuple(fields), chinese)


@cache
def _folder(rule: str) -> str:
    """The folder that a rule lives in; `` for what is no rule of the package."""
    from snipfix.rules.registry import rules

    module = next((type(one).__module__ for one in rules() if one.id == rule), "")
    return module.removeprefix("snipfix.rules.").split(".")[0] if module.count(".") > 2 else ""


def _sections(rule: Rule) -> dict[str, str]:
    """The parts of a rule's docstring by heading; the first line's is empty."""
    sections: dict[str, list[str]] = {"": []}
    current, code = sections[""], False
    for line in (inspect.getdoc(rule) or rule.name).split("\n"):
        code ^= line.startswith("```")
        if line.startswith("## ") and not code:
            current = sections.setdefault(line[3:].strip(), [])
        else:
            current.append(line)
    return {title: "\n".join(lines) for title, lines in sections.items()}


def _line(text: str) -> str:
    return " ".join(text.split())
