"""`snipfix new-rule`: a rule's file with failing examples, ready to be filled in."""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from snipfix.errors import UsageError
from snipfix.files import write_atomic
from snipfix.model import Category

__all__ = ["new_rule"]

TEMPLATE = '''"""{name}: say in one line what is wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category, Finding, Severity
from snipfix.rules.base import Bad, Context, Good, Rule


class {cls}(Rule):
    """Say what the defect is, in one sentence.

    ## What it does
    Say what is reported, and on which evidence.

    ## Why is this bad?
    Say what goes wrong for the reader of the document.

    ## Example
    ```python
    bad()
    ```

    ## Use instead
    ```python
    good()
    ```

    ## Fix safety
    Say what the fix may break, or that there is none.

    ## References
    - The documentation, paper or issue it rests on.
    """

    id = "{id}"
    name = "{name}"
    category = Category.{category}
    severity = Severity.WARNING
    applicability = Applicability.UNSAFE
    GOOD = (Good("good()", runs=False), Good("bad", runs=False))
    BAD = (Bad("bad()", at=(1, 1), fixed="good()", runs=False),)

    def static(self, context: Context) -> Iterator[Finding]:
        for node in context.code.nodes:
            if isinstance(node, ast.Call) and context.code.slice(node.func) == "replace this test":
                yield self.finding("say what was seen", context.code.span(node))
'''

CHINESE = """[{id}] # {name}
summary = ""
what = ""
why = ""
safety = ""

"""
"""The rule's place in the catalogue of its folder, before `[says]`, where its sentences go."""


def new_rule(
    name: Annotated[str, typer.Argument(help="kebab-case; names the defect, never the cure.")],
    category: Annotated[
        Category, typer.Option("--category", metavar="CATEGORY", help=f"The kind of defect: {', '.join(Category)}.")
    ] = Category.API_MISUSE,
    into: Annotated[Path | None, typer.Option("--into", help="The folder for the file. Default: the category's, in this checkout.")] = None,
) -> int:
    """Write a new rule's file with the next free id and examples that fail until the rule is written, and its place in zh.toml."""
    from snipfix.rules import registry

    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name):
        raise UsageError(f"{name!r} is not a kebab-case name", hint="for example: softmax-before-cross-entropy")
    known = {rule.name for rule in registry.rules()}
    if name in known:
        raise UsageError(f"the rule {name} is there already", hint=f"snipfix explain {name}")
    folder = into or _home(category)
    file = folder / f"{name.replace('-', '_')}.py"
    if file.exists():
        raise UsageError(f"{file} is there already")
    used = {int(rule.id[3:]) for rule in registry.rules()}
    free = next(number for number in range(600, 900) if number not in used)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    cls = "".join(word.capitalize() for word in name.split("-"))
    file.write_text(TEMPLATE.format(name=name, cls=cls, id=f"SNF{free:03d}", category=category.name), encoding="utf-8")
    chinese = folder / "zh.toml"
    before, says, after = (chinese.read_text(encoding="utf-8") if chinese.is_file() else "").partition("[says]\n")
    write_atomic(chinese, (before + CHINESE.format(name=name, id=f"SNF{free:03d}") + (says or "[says]\n") + after).encode())
    print(file)
    print(f"its Chinese belongs into {chinese}", file=sys.stderr)
    print("next: fill it in, then run the harness: pytest tests/rules -k " + name, file=sys.stderr)
    return 0


def _home(category: Category) -> Path:
    """The folder where most rules of the category are."""
    from snipfix.rules import registry

    folders = Counter(Path(inspect.getfile(type(rule))).parent for rule in registry.rules() if rule.category is category)
    return folders.most_common(1)[0][0]
