"""Options of a run: defaults, then [tool.snipfix] of the nearest pyproject.toml, then the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from snipfix.errors import ConfigError
from snipfix.model import Category, Finding, Stage

__all__ = ["Options", "load", "project_file"]

QUICK_STEPS = 6
"""Optimizer steps after which --quick ends a training loop: enough for every probe."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run does and how far it goes."""

    stage: Stage = Stage.PROBE
    device: str = "cpu"
    jobs: int = 0
    """Fork servers side by side; 0: one per core, or one per card."""
    timeout: float = 60.0
    """Seconds of wall clock for one snippet."""
    processor: float = 0.0
    """Seconds of processor time for one snippet, whatever else the machine does; 0: only the wall clock counts."""
    memory: int = 4096
    """Megabytes for one snippet."""
    quick: bool = False
    python: str = ""
    """The target interpreter; empty: the one snipfix runs in."""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    cache: bool = True
    patches: bool = True
    unsafe_fixes: bool = False
    """Let the search use fixes that change the meaning."""
    require_sandbox: bool = False
    isolation: str = "auto"
    seed: int = 0
    tries: int = 300
    """Candidates that the repair of one snippet may try."""
    search_seconds: float = 120.0
    """Processor seconds that the candidates for one snippet may take, the final proof not counted."""

    def wants(self, finding: Finding) -> bool:
        """Whether --select and --ignore let a finding through. Each names a rule (id or name), an id prefix or a category."""

        def named(patterns: tuple[str, ...]) -> bool:
            return any(
                pattern in (finding.name, finding.category.value) or finding.rule.startswith(pattern.upper()) for pattern in patterns
            )

        return (not self.select or named(self.select)) and not named(self.ignore)


def project_file(start: Path) -> Path | None:
    """The nearest pyproject.toml at or above a folder."""
    return next((file for folder in (start, *start.parents) if (file := folder / "pyproject.toml").is_file()), None)


def load(start: Path) -> Options:
    """The options that the project at or above `start` asks for.

    Raises:
        ConfigError: for a file that is not TOML, an unknown key or a value of the wrong kind.
    """
    file = project_file(start.resolve())
    if file is None:
        return Options()
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("snipfix", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", place=str(file)) from error
    return from_table(table, str(file))


def from_table(table: Mapping[str, Any], place: str) -> Options:
    """Options from a [tool.snipfix] table. Raises ConfigError."""
    known = {field.name: field for field in fields(Options)}
    changes: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            if name == "documents":  # read by the pytest plugin
                continue
            raise ConfigError(
                f"[tool.snipfix] has no key {key!r}",
                place=place,
                hint=f"known keys: {', '.join(sorted(k.replace('_', '-') for k in known))}",
            )
        changes[name] = _converted(name, value, getattr(Options(), name), place)
    return replace(Options(), **changes)


def _converted(name: str, value: Any, default: Any, place: str) -> Any:
    try:
        if isinstance(default, Stage):
            return Stage(value)
        if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if type(value) is type(default):
            return value
    except ValueError:
        pass
    wanted = "one of " + ", ".join(Stage) if isinstance(default, Stage) else type(default).__name__
    raise ConfigError(f"[tool.snipfix] {name.replace('_', '-')} = {value!r} does not fit", place=place, hint=f"expected {wanted}")


def check_patterns(patterns: tuple[str, ...], rules: Mapping[str, str]) -> None:
    """Raise ConfigError when --select or --ignore names nothing. `rules` maps id to name."""
    categories = {category.value for category in Category}
    for pattern in patterns:
        if pattern in categories or pattern in rules.values() or any(rule.startswith(pattern.upper()) for rule in rules):
            continue
        raise ConfigError(f"{pattern!r} is no rule and no category", hint="`snipfix rules` lists them")
