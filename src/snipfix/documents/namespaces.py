"""Which earlier blocks a block builds on: by the names it uses and does not define, unless a mark says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from snipfix.documents.names import Names, names_of

__all__ = ["Block", "link"]


@dataclass(frozen=True, slots=True)
class Block:
    """What linking knows of one block. `section` is the unit of the document it stands in; `tags` are its marks."""

    code: str
    section: int = 0
    tags: frozenset[str] = frozenset()
    shared: bool = False
    """One namespace throughout, as in a notebook."""


def link(blocks: Sequence[Block]) -> list[list[int]]:
    """For each block the earlier ones that must run first, in order.

    A name comes from the nearest earlier block that binds it, and what that block needs comes along. In a collection, where block after
    block imports everything anew, blocks stand alone but for those under one heading. `reset` forgets what was before,
    `setup` goes before everything after it, `continue` takes the block before whatever the names say.
    """
    names = [names_of(block.code) for block in blocks]
    collection = not any(block.shared for block in blocks) and _is_collection(names)
    before, setups = list[list[int]](), list[int]()
    latest: dict[tuple[int, str], int] = {}  # who gave a name last, to whom (a section of a collection, or all)
    for number, block in enumerate(blocks):
        reader = block.section if collection else 0
        if "reset" in block.tags:
            latest, setups = {}, []
        wanted = set(setups)
        if "continue" in block.tags and number:
            wanted |= {number - 1, *before[number - 1]}
        for other, found in _givers(latest, reader, names[number].needs).items():
            if not (collection and _stands_alone(names[number], names[other], found)):
                wanted |= {other, *before[other]}
        before.append(sorted(wanted))
        latest |= dict.fromkeys(((reader, name) for name in names[number].gives), number)
        if "setup" in block.tags:
            setups.append(number)
    return before


def _givers(latest: dict[tuple[int, str], int], reader: int, needs: Iterable[str]) -> dict[int, set[str]]:
    """The blocks that needed names come from, each with those that it gives."""
    givers: dict[int, set[str]] = {}
    for name in needs:
        if (reader, name) in latest:
            givers.setdefault(latest[reader, name], set()).add(name)
    return givers


def _is_collection(names: Sequence[Names]) -> bool:
    """Whether the blocks are written to be read one by one: most of them import again what an earlier one did."""
    seen, again = set[str](), 0
    for one in names:
        again += bool(one.imports & seen)
        seen |= one.imports
    return again >= 2 and again * 2 >= len(names)


def _stands_alone(names: Names, other: Names, found: set[str]) -> bool:
    """Whether a block with imports of its own merely forgot one that the other block has too."""
    return bool(names.imports & other.imports) and found <= other.imports
