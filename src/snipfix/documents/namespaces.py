"""Which earlier blocks a block builds on: those that give the names it uses, change what the names hold, or write the files it reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from snipfix.documents.effects import Effects, effects_of
from snipfix.documents.names import Names, names_of

__all__ = ["Before", "Block", "link"]


@dataclass(frozen=True, slots=True)
class Block:
    """What linking knows of one block. `section` is the unit of the document it stands in; `tags` are its marks."""

    code: str
    section: int = 0
    tags: frozenset[str] = frozenset()
    shared: bool = False
    """One namespace throughout, as in a notebook."""
    docstring: int = 0
    """Which docstring of its file it stands in: each has the names of the file, and none of another one's."""
    documented: bool = False
    """Its output stands in the document: what a training loop made of its model then counts."""


@dataclass(frozen=True, slots=True)
class Before:
    """What runs before a block: `given` has what it cannot do without, `changed` what may have changed that since, whether or not it fails."""

    given: frozenset[int] = frozenset()
    changed: frozenset[int] = frozenset()

    @property
    def blocks(self) -> list[int]:
        """Their numbers, in order."""
        return sorted(self.given | self.changed)


@dataclass
class _History:
    """Who gave a name last, and who worked on it since: to a section of a collection, or to all."""

    givers: dict[tuple[int, str], int] = field(default_factory=dict)
    changers: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """Only of what is no module: a library stays what it is."""
    writers: dict[str, int] = field(default_factory=dict)

    def add(self, number: int, reader: int, names: Names, effects: Effects) -> None:
        """What a block leaves behind."""
        for name in names.gives:
            self.givers[reader, name] = number
            self.changers.pop((reader, name), None)
            if name not in names.imports:
                self.changers[reader, name] = []
        for name in effects.changes - names.gives:
            if (reader, name) in self.changers:
                self.changers[reader, name].append(number)
        self.writers |= dict.fromkeys(effects.writes, number)

    def copied(self) -> _History:
        """A history that goes on by itself from here."""
        return _History(dict(self.givers), {key: list(blocks) for key, blocks in self.changers.items()}, dict(self.writers))

    def changed(self, reader: int, names: Names, effects: Effects) -> set[int]:
        """The blocks that worked on what a block needs, or wrote a file that it names."""
        worked = {number for name in names.needs for number in self.changers.get((reader, name), ())}
        return worked | {self.writers[name] for name in effects.mentions & self.writers.keys()}


def link(blocks: Sequence[Block]) -> list[Before]:
    """For each block what must run first.

    A name comes from the nearest earlier block that binds it, and what that block needs comes along; so do blocks that work on what the name
    holds (`x.add_(1)`), except training loops where no output tells of them. In a collection, where block after block imports everything
    anew, blocks stand alone but for those under one heading. `reset` forgets what was before, `setup` goes before everything after it,
    `continue` takes the block before whatever the names say, and an example that imports its own file comes after that. The examples of one
    docstring build on each other and on the file, as doctest has it.
    """
    names, effects = [names_of(block.code) for block in blocks], [effects_of(block.code) for block in blocks]
    collection = not any(block.shared or block.docstring for block in blocks) and _is_collection(names)
    before, setups, history, of_file = list[Before](), list[int](), _History(), _History()
    for number, block in enumerate(blocks):
        reader = block.section if collection else 0
        if block.docstring and block.docstring != blocks[number - 1].docstring:
            history = of_file.copied()
        if "reset" in block.tags:
            history, setups = _History(), []
        given = set(setups)
        if "continue" in block.tags and number:
            given |= {number - 1, *before[number - 1].given}
        if "of-its-file" in block.tags and number:
            given.add(0)
        for other, found in _givers(history.givers, reader, names[number].needs).items():
            if not (collection and _stands_alone(names[number], names[other], found)):
                given |= {other, *before[other].given}
        worked = history.changed(reader, names[number], effects[number]) if given or not collection else set[int]()
        read = {history.writers[name] for name in effects[number].mentions & history.writers.keys()}
        changed = {one for one in worked if block.documented or one in read or not effects[one].trains}
        changed |= {one for other in given | changed for one in before[other].blocks}
        before.append(Before(frozenset(given), frozenset(changed - given)))
        history.add(number, reader, names[number], effects[number])
        if "file" in block.tags:
            of_file = history.copied()
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
