"""The columns of a missing table are read from the snippet's own text, or there is no table."""

from __future__ import annotations

import csv
import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

import snipfix


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(snipfix.__file__).parent / "child"))
    return importlib.import_module("world.tables")


CASES = {
    "a list of fields": ("splits(format='json', fields=[('text', TEXT), ('label', LABEL)])", ("text", "label"), set(), False),
    "a dict of fields has a header": ("f = {'review': ('r', TEXT), 'stars': ('s', S)}\nload(fields=f)", ("review", "stars"), set(), True),
    "an unused column keeps its place": ("load(fields=[('id', None), (None, None), ('text', TEXT)])", ("id", None, "text"), set(), False),
    "a skipped header is there": ("load(fields=[('text', T)], skip_header=True)", ("text",), set(), True),
    "numbers where no vocabulary is built": (
        "L = LabelField(use_vocab=False)\nload(fields=[('text', T), ('label', L)])",
        ("text", "label"),
        {"label"},
        False,
    ),
    "rows of plain json": (
        "for line in open('train.json'):\n    row = json.loads(line)\n    use(row['text'], int(row.get('label')))",
        ("text", "label"),
        {"label"},
        True,
    ),
    "names that are no rows do not count": (
        "vocab = {}\nfor line in f:\n    row = json.loads(line)\n    use(row['text'], vocab['<pad>'], row['label'])",
        ("text", "label"),
        set(),
        True,
    ),
    "positions of a csv reader, named by a tuple": (
        (
            'Row = namedtuple("Row", ["text", "toxic"])\nrows = list(csv.reader(file))[1:]\n'
            "data = [Row(cut(row[1]), row[2]) for row in rows]\nlabels = [int(one.toxic) for one in data]"
        ),
        (None, "text", "toxic"),
        {"toxic"},
        True,
    ),
    "rows of a csv reader": ("for row in csv.DictReader(f):\n    use(row['src'], row['trg'])", ("src", "trg"), set(), True),
}


@pytest.mark.parametrize("case", CASES)
def test_columns_come_from_the_text(case: str, tables: ModuleType) -> None:
    code, columns, numeric, header = CASES[case]
    table = tables.read(code)
    assert (table.columns, set(table.numeric), table.header) == (columns, numeric, header)


@pytest.mark.parametrize("code", ["x = 1", "def f(:", "settings = json.load(open('s.json'))\nprint(settings['lr'])", "load(fields=names)"])
def test_no_columns_no_table(code: str, tables: ModuleType) -> None:
    assert tables.read(code) is None


def test_labels_and_translations_fit_their_text(tables: ModuleType) -> None:
    how, content = tables.Table(("text", "label")).file("json", training=True)
    rows = [json.loads(line) for line in content.splitlines()]
    assert {row["label"] for row in rows} == {"pos", "neg"}
    assert "text, label" in how
    _, content = tables.Table(("id", "src", "trg"), header=True).file("tsv", training=False)
    first = next(csv.DictReader(content.decode().splitlines(), delimiter="\t"))
    assert (first["id"], first["src"][-1], first["trg"][-1]) == ("0", ".", ".")
    _, content = tables.Table(("text", "label"), numeric=frozenset({"label"}), array=True).file("json", training=False)
    assert {row["label"] for row in json.loads(content)} == {0, 1}
