"""Where audits run: on this machine, or on a Ray cluster. The same results from either."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snipfix.config import Options
    from snipfix.engines.local import LocalEngine
    from snipfix.engines.ray import RayEngine

__all__ = ["make"]


def make(name: str, options: Options) -> LocalEngine | RayEngine:
    """The engine of a name: `local` or `ray`. Enter it before use.

    Raises:
        UsageError: for `ray` without Ray.
    """
    if name == "ray":
        from snipfix.engines.ray import RayEngine

        return RayEngine(options)
    from snipfix.engines.local import LocalEngine

    return LocalEngine(options)
