"""What a text does with torchtext: fields, data, vocabularies, iterators."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from snipfix.rules.base import Context

__all__ = ["FIELDS", "Column", "Field", "Loader", "NotMigratable", "Pipeline", "Source", "Split", "VocabBuild", "piped", "torchtext_name"]

MISSING = object()
FIELDS = frozenset({"Field", "LabelField", "RawField", "NestedField", "ReversibleField"})


class NotMigratable(Exception):  # noqa: N818
    """The text does something with torchtext that has no counterpart here."""


@dataclass(eq=False)
class Field:
    """A torchtext field: its options as expressions of the text."""

    name: str
    kind: str
    options: dict[str, ast.expr]
    statement: ast.stmt
    nesting: Field | None = None
    """The field of each word of a NestedField."""

    def constant(self, option: str, default: Any = None) -> Any:
        """The value of an option that has to be a literal.

        Raises:
            NotMigratable: when it is none.
        """
        node = self.options.get(option, MISSING)
        if node is MISSING:
            return default
        if not isinstance(node, ast.Constant):
            raise NotMigratable(f"{option} is not a literal")
        return node.value

    @property
    def sequential(self) -> bool:
        return bool(self.constant("sequential", self.kind not in {"LabelField", "RawField"}))

    @property
    def has_vocab(self) -> bool:
        return self.kind != "RawField" and bool(self.constant("use_vocab", default=True))

    @property
    def specials(self) -> list[str]:
        """unk, pad, init, eos: those that the field has, in torchtext's order; behind those of a NestedField, its words' own."""
        unk = self.constant("unk_token", {"LabelField": None, "ReversibleField": " UNK "}.get(self.kind, "<unk>"))
        if self.nesting is not None:
            unk = self.nesting.constant("unk_token", "<unk>")
        found = [unk, self.pad if self.sequential else None, self.constant("init_token"), self.constant("eos_token")]
        found += self.nesting.specials if self.nesting is not None else []
        return list(dict.fromkeys(token for token in found if token is not None))

    @property
    def pad(self) -> Any:
        """What short texts are filled up with."""
        return (self.nesting or self).constant("pad_token", "<pad>")


@dataclass(frozen=True)
class Column:
    """A column of the data: where it stands in the file, what examples call it, its field (None: not used)."""

    key: str | int
    name: str
    field: Field | None


@dataclass
class Source:
    """One statement that loads data. `parts`: the variables it fills with the expression of the file for each."""

    statement: ast.Assign
    kind: str
    columns: list[Column]
    parts: list[tuple[str, str]]
    format: str = ""
    header: bool = False
    exts: tuple[str, str] = ("", "")
    fine: bool = False
    """TREC's labels with their finer part."""


@dataclass
class Split:
    """A data set cut in parts: `train, valid = train.split(...)`."""

    statement: ast.Assign
    data: str
    targets: list[str]
    ratios: list[str]
    seed: str = ""


@dataclass
class VocabBuild:
    statement: ast.stmt
    field: Field
    sources: list[str]
    options: dict[str, ast.expr]


@dataclass
class Loader:
    """An iterator call. `parts`: (dataset, batch size, is it the training set); one without a statement of its own is an expression."""

    call: ast.Call
    kind: str
    parts: list[tuple[str, str, bool]]
    options: dict[str, ast.expr]
    target: ast.expr | None = None
    statement: ast.Assign | None = None

    @property
    def repeats(self) -> bool:
        """Whether it never ends."""
        repeat = self.options.get("repeat")
        return isinstance(repeat, ast.Constant) and bool(repeat.value)


@dataclass
class Pipeline:
    """All that a text does with torchtext."""

    fields: dict[str, Field] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    vocabs: list[VocabBuild] = field(default_factory=list)
    loaders: list[Loader] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    rows: list[ast.Call] = field(default_factory=list)
    """Examples made one by one: `Example.fromlist(row, fields)`."""
    dropped: list[ast.stmt] = field(default_factory=list)
    """Statements that only fed the others: a list of fields."""

    @property
    def data(self) -> set[str]:
        """The names of data sets."""
        return {name for source in self.sources for name, _ in source.parts} | {name for split in self.splits for name in split.targets}

    @property
    def columns(self) -> list[Column]:
        return [column for column in self.sources[0].columns if column.field is not None]


def torchtext_name(context: Context, node: ast.AST) -> str:
    """`BucketIterator.splits` for whatever way the text writes it; nothing for other names."""
    name = context.scopes.qualified(node) or ""
    if not name.startswith("torchtext."):
        return ""
    parts = [
        part
        for part in name.split(".")[1:]
        if part not in {"legacy", "data", "datasets", "field", "iterator", "dataset", "batch", "example"}
    ]
    return ".".join(parts)


def piped(node: ast.expr) -> ast.expr | None:
    """The function in `Pipeline(function)`, which is applied to each element; None for any other expression."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Pipeline" and len(node.args) == 1:
        return node.args[0]
    return None
