"""`snipfix doctor`: what the sandbox enforces here, which torch, which device, what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from snipfix.cli.options import DeviceOption, IsolationOption, Language, PythonOption, SandboxOption, resolve

__all__ = ["doctor"]

LanguageOfDoctor = Annotated[Language, typer.Option("--lang", help="The language of the answer.")]


def doctor(
    python: PythonOption = None,
    device: DeviceOption = None,
    require_sandbox: SandboxOption = None,
    isolation: IsolationOption = None,
    lang: LanguageOfDoctor = Language.EN,
) -> int:
    """Say what the sandbox enforces on this machine, and what the target interpreter has."""
    from rich.console import Console

    from snipfix.engines.local import policy
    from snipfix.report.texts import texts
    from snipfix.rules.wording import said
    from snipfix.sandbox.client import Sandbox

    options = resolve(python=python, device=device, require_sandbox=require_sandbox, isolation=isolation)
    console = Console(width=None if Console().is_terminal else 160, highlight=False, markup=False)
    with Sandbox(policy(options)) as sandbox:
        enforced, environment = sandbox.isolation(), sandbox.environment()
    words = texts(lang)
    console.print(f"{words['sandbox']}{words['colon']}{words.get(f'value {enforced.mode}', enforced.mode)}")
    for layer in enforced.layers:
        name = _wide(words.get(f"layer {layer.name}", layer.name))
        console.print(f"  {words['layer on' if layer.on else 'layer off']}  {name} {said(layer.detail, lang)}")
    console.print(f"{words['target']}{words['colon'].rstrip()}")
    for name, value in environment.items():
        console.print(f"  {_wide(words.get(f'environment {name}', name))} {words.get(f'value {value}', '') or _shown(value)}")
    if enforced.missing:
        console.print(words["missing layers"])
    return 0


def _wide(name: str) -> str:
    """The name with blanks up to the column of what is said of it; a Chinese character takes two."""
    from rich.cells import set_cell_size

    return set_cell_size(name, 14)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items() if version)
    return "none" if value is None else str(value)
