"""`snipfix cache`: what is remembered of earlier runs."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["cache"]

ClearOption = Annotated[bool, typer.Option("--clear", help="Forget everything.")]


def cache(clear: ClearOption = False) -> int:
    """Say where results are remembered, how many and how big they are; or forget them."""
    from snipfix.cache import Cache

    store = Cache()
    if clear:
        store.clear()
    held = store.held()
    store.close()
    print(f"{held.file}\n{held.entries} results, {held.size_mb:.1f} of at most {held.limit_mb} MB")
    return 0
