"""`snipfix explain` and `snipfix rules`: what the rules mean."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

__all__ = ["explain", "rules"]


def explain(rule: Annotated[str, typer.Argument(metavar="CODE|NAME", help="A rule's id (SNF100) or name (undefined-name).")]) -> int:
    """Say what a rule means, why it matters, and show an example."""
    from rich.console import Console
    from rich.markdown import Markdown

    from snipfix.rules.registry import find

    found = find(rule)
    console = Console(width=None if Console().is_terminal else 100)
    console.print(f"{found.id} {found.name}", style="bold", highlight=False)
    console.print(f"{found.category.value} · {found.severity.value} · fixes: {found.applicability.value}\n", highlight=False)
    console.print(Markdown(inspect.getdoc(found) or ""))
    return 0


def rules() -> int:
    """List every rule: id, name, category, severity, and what it says in one line."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from snipfix.rules.registry import rules as all_rules

    table = Table("id", "name", "category", "severity", "what it says", box=box.SIMPLE)
    for rule in all_rules():
        summary = (inspect.getdoc(rule) or "").split("\n", 1)[0]
        table.add_row(rule.id, rule.name, rule.category.value, rule.severity.value, summary)
    Console(width=None if Console().is_terminal else 160).print(table)
    return 0
