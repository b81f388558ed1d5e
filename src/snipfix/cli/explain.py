"""`snipfix explain` and `snipfix rules`: what the rules mean."""

from __future__ import annotations

from typing import Annotated

import typer

from snipfix.cli.options import Language

__all__ = ["explain", "rules"]

LanguageOfRules = Annotated[Language, typer.Option("--lang", help="The language of the explanation.")]


def explain(
    rule: Annotated[str, typer.Argument(metavar="CODE|NAME", help="A rule's id (SNF100) or name (undefined-name).")],
    lang: LanguageOfRules = Language.EN,
) -> int:
    """Say what a rule means, why it matters, and show an example."""
    from rich.console import Console
    from rich.markdown import Markdown

    from snipfix.report.texts import texts
    from snipfix.rules.registry import find
    from snipfix.rules.wording import documentation

    words = texts(lang)
    found = find(rule)
    console = Console(width=None if Console().is_terminal else 100)
    console.print(f"{found.id} {found.name}", style="bold", highlight=False)
    category = words.get(f"{found.category.value} category", words[found.category.value])
    console.print(
        f"{category} · {words[found.severity.value]} · {words['fixes word']}: {words[found.applicability.value]}\n", highlight=False
    )
    console.print(Markdown(documentation(found, lang)))
    return 0


def rules(lang: LanguageOfRules = Language.EN) -> int:
    """List every rule: id, name, category, severity, and what it says in one line."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from snipfix.report.texts import texts
    from snipfix.rules.registry import rules as all_rules
    from snipfix.rules.wording import summary

    words = texts(lang)
    table = Table(*(words[f"{name} head"] for name in ("id", "name", "category", "severity", "says")), box=box.SIMPLE)
    for rule in all_rules():
        category = words.get(f"{rule.category.value} category", words[rule.category.value])
        table.add_row(rule.id, rule.name, category, words[rule.severity.value], summary(rule, lang))
    Console(width=None if Console().is_terminal else 160).print(table)
    return 0
