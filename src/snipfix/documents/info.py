"""Info strings: what the words after a fence say, in every dialect that is around."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["CELL_TAGS", "CODE_DIRECTIVES", "CONTAINERS", "OUTPUT", "PYTHON", "SESSION", "TRACEBACK", "UNTOLD", "Info", "cell_options"]

PYTHON = frozenset(
    {"python", "py", "python3", "py3", "python2", "py2", "ipython", "ipython3", "ipython2", "pytorch", "jupyter", "jupyter-python"}
)
UNTOLD = frozenset({"", "code", "source", "snippet", "代码"})
"""Words that say as little as none."""
SESSION = frozenset({"pycon", "pycon3", "python-repl", "python-console", "pyconsole", "doctest", "python-session"})
OUTPUT = frozenset({"", "text", "txt", "plain", "plaintext", "plain_text", "none", "console", "output", "out", "stdout", "log"})
TRACEBACK = frozenset({"pytb", "py3tb", "python-traceback", "traceback"})

CODE_DIRECTIVES = frozenset({"code", "code-block", "sourcecode", "code-cell", "doctest", "testcode", "testsetup", "testoutput", "ipython"})
CONTAINERS = frozenset(
    {
        "admonition", "attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "tip", "warning", "todo",
        "card", "details", "div", "dropdown", "example", "exercise", "grid", "grid-item", "grid-item-card", "margin", "only",
        "proof", "sidebar", "solution", "tab", "tab-item", "tab-set", "topic", "versionadded", "versionchanged", "deprecated",
    }
)  # fmt: skip
"""MyST directives whose content is Markdown again."""

WORDS = {
    "skip": "skip", "notest": "skip", "no-test": "skip", "no_run": "skip", "no-run": "skip", "skip-test": "skip", "norun": "skip",
    "expect-error": "expect-error", "should_panic": "expect-error", "raises": "expect-error", "error": "expect-error",
    "continue": "continue", "continuation": "continue", "cont": "continue", "setup": "setup", "reset": "reset",
}  # fmt: skip
"""Words of an info string and the mark that each stands for."""
CELL_TAGS = {"skip-execution": "skip", "raises-exception": "expect-error"}
"""Tags of a notebook's cell and the mark that each stands for."""
CHUNK_OPTIONS = {("eval", "false"): "skip", ("error", "true"): "expect-error", ("test", "skip"): "skip", ("test", "false"): "skip"}
CELL_OPTION = re.compile(r"#\|\s*([\w-]+)\s*:\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Info:
    """An info string taken apart."""

    language: str
    """The first word in lower case, without dot and braces."""
    directive: str = ""
    """MyST: the name in `{name}`, when it is no language."""
    tags: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, info: str) -> Info:
        """`python`, `Python title="x"`, `py{1,3}`, `python,notest`, `{.python .skip}`, `{python, eval=FALSE}`, `{code-block} python`."""
        text = info.strip()
        directive = ""
        braced = re.match(r"\{\s*([\w:+#.-]+)([^}]*)\}\s*(.*)", text, re.DOTALL)
        if (
            braced
            and not braced[1].startswith(".")
            and (braced[1] in CODE_DIRECTIVES or braced[1] in CONTAINERS or braced[3] or _is_directive(braced[1]))
        ):
            directive, text = braced[1].lower(), braced[3]
        elif braced and braced[1].startswith("#"):  # Pandoc: `{#name .python}`
            text = f"{braced[2].strip().lstrip('.')} {braced[3]}"
        elif braced:
            text = f"{braced[1].lstrip('.')} {braced[2]} {braced[3]}"
        words = re.findall(r"[\w+#-]+(?:\s*=\s*[\w-]+)?", text.lower())
        first = re.match(r"\s*\.?([\w+#-]+)", text)
        options = {tuple(part.strip() for part in word.split("=", 1)) for word in words if "=" in word}
        tags = {WORDS[word] for word in words[1:] if word in WORDS} | {mark for option, mark in CHUNK_OPTIONS.items() if option in options}
        return cls(first[1].lower() if first else "", directive, frozenset(tags))


def cell_options(lines: Iterable[str]) -> frozenset[str]:
    """The marks that Quarto's `#| eval: false` lines at the head of a cell stand for."""
    found = set[str]()
    for line in lines:
        match = CELL_OPTION.match(line)
        if match is None:
            break
        found |= {mark for option, mark in CHUNK_OPTIONS.items() if option == (match[1].lower(), match[2].lower())}
    return frozenset(found)


def _is_directive(name: str) -> bool:
    """Whether `{name}` alone is a MyST directive rather than a Quarto or R Markdown chunk."""
    return name == "eval-rst" or "-" in name or ":" in name
