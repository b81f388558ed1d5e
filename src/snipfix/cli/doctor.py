"""`snipfix doctor`: what the sandbox enforces here, which torch, which device, what is missing."""

from __future__ import annotations

from snipfix.cli.options import DeviceOption, IsolationOption, PythonOption, SandboxOption, resolve

__all__ = ["doctor"]


def doctor(
    python: PythonOption = None, device: DeviceOption = None, require_sandbox: SandboxOption = None, isolation: IsolationOption = None
) -> int:
    """Say what the sandbox enforces on this machine, and what the target interpreter has."""
    from rich.console import Console

    from snipfix.engines.local import policy
    from snipfix.sandbox.client import Sandbox

    options = resolve(python=python, device=device, require_sandbox=require_sandbox, isolation=isolation)
    console = Console(width=None if Console().is_terminal else 160, highlight=False, markup=False)
    with Sandbox(policy(options)) as sandbox:
        enforced, environment = sandbox.isolation(), sandbox.environment()
    console.print(f"sandbox: {enforced.mode}")
    for layer in enforced.layers:
        console.print(f"  {'on ' if layer.on else 'OFF'}  {layer.name:<14} {layer.detail}")
    console.print("target interpreter:")
    for name, value in environment.items():
        console.print(f"  {name:<14} {_shown(value)}")
    if enforced.missing:
        console.print(
            "a layer that is off is not enforced here: audit documents you do not trust in a container or virtual machine instead"
        )
    return 0


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items() if version)
    return "none" if value is None else str(value)
