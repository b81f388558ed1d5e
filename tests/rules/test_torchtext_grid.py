"""Pipelines drawn over the whole grid of options, migrated and compared with torchtext 0.6 itself: vocabulary, its order, ids, batches.

Batches are the same but for the order of their rows; where the text shuffles, or gathers by length, the rows are the same without their padding.
"""

import json
import random
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from test_static_torchtext import WORDS, migrated, write, write_tables

WORKER = """
import json, os, sys, warnings
os.chdir(sys.argv[1])
warnings.simplefilter("ignore")
import torch

def run(code):
    space = {}
    exec(code, space)
    return space["shape"], space["batches"], space.get("pad")

def flat(value):
    return [flat(one) for one in value] if isinstance(value, (tuple, list)) else [value.tolist(), str(value.dtype)] if isinstance(value, torch.Tensor) else value

def rows(batches, pad, rows_of):
    "Each row of each batch without its padding, the dtypes beside them."
    found, dtypes = [], set()
    for batch in batches:
        cells = []
        for values, dtype in batch:
            dtypes.add(dtype)
            cells.append(values)
        by_row = list(zip(*(rows_of(values) for values in cells)))
        found += [[[number for number in cell if number != pad] if isinstance(cell, list) else cell for cell in row] for row in by_row]
    return sorted(map(repr, found)), sorted(dtypes)

def tensors(value):
    return [one for part in value for one in tensors(part)] if isinstance(value, (tuple, list)) else [value]

def turned(values, first):
    return values if first or not values or not isinstance(values[0], list) else [list(one) for one in zip(*values)]

def compared(task):
    (one, old, pad), (two, new, _) = run(task["old"]), run(task["new"])
    if flat(one) != flat(two):
        return repr((one, two))
    sides = []
    for batches in (old, new):
        parts = [[[one.tolist(), str(one.dtype)] for one in tensors(batch)] for batch in batches]
        if task["exact"]:
            turn = lambda values: turned(values, task["batch_first"])
            sides.append([[sorted(map(repr, zip(*(turn(values) for values, _ in batch)))), [dtype for _, dtype in batch]] for batch in parts])
        else:
            sides.append(rows(parts, pad, lambda values: turned(values, task["batch_first"])))
    return "" if sides[0] == sides[1] else repr(sides)

print("ready", flush=True)
for line in sys.stdin:
    try:
        answer = compared(json.loads(line))
    except Exception as error:
        import traceback
        answer = traceback.format_exc()
    print(json.dumps(answer), flush=True)
"""
HEAD = """import torch
from torchtext.data import BucketIterator, BPTTIterator, Field, Iterator, LabelField, NestedField, ReversibleField, TabularDataset
from torchtext.datasets import PennTreebank

def shout(words):
    return [word + "!" for word in words]

def doubled(rows, vocab):
    return [[number + len(vocab) for number in row] for row in rows]

"""
ORDER = ("", "batch_first=True")
ENDS = {"start": ("", "init_token='<sos>'"), "end": ("", "eos_token='<eos>'")}
FIELD = {
    "lower": ("", "lower=True"),
    "order": ORDER,
    "length": ("", "fix_length=4", "fix_length=9"),
    "counts": ("", "include_lengths=True"),
    **ENDS,
    "pad": ("", "pad_token='<blank>'"),
    "unknown": ("", "unk_token='<unk>'"),
    "tokenize": ("", "tokenize=str.split", "tokenize=list", "tokenize=lambda text: text.split(',')", "tokenize='basic_english'"),
    "stop": ("", "stop_words=['a', 'e,']"),
    "before": ("", "preprocessing=shout", "preprocessing=lambda words: words[:5]"),
    "after": ("", "postprocessing=doubled", "postprocessing=lambda rows, vocab: rows"),
    "side": ("", "pad_first=True"),
    "cut": ("", "truncate_first=True"),
    "dtype": ("", "dtype=torch.int32"),
}
VOCAB = {
    "size": ("", "max_size=3", "max_size=100"),
    "rare": ("", "min_freq=2"),
    "specials": ("", "specials=['<x>', '<y>']"),
    "vectors": ("", "vectors='glove.6B.50d'"),
}
LABELS = ("LabelField()", "Field(sequential=False)", "LabelField(lower=True)", "LabelField(preprocessing=str.upper)")
ITERATOR = {
    "kind": ("Iterator", "BucketIterator"),
    "shuffle": ("", "shuffle=False", "shuffle=True"),
    "sort": ("", "sort=False", "sort=True"),
    "within": ("sort_within_batch=False", "sort_within_batch=True"),
    "train": ("", "train=False"),
    "repeat": ("", "repeat=False"),
    "device": ("", "device='cpu'", "device=None"),
}
"""Each option with the ways in which a text gives it; the first is that it says nothing."""

calmly = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def drawn(options: dict[str, tuple[str, ...]]):
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in options.items()})


def listed(options: dict[str, str], *names: str) -> str:
    return ", ".join(filter(None, (options[name] for name in names or options)))


@pytest.fixture(scope="module")
def torchtext(tmp_path_factory):
    """A process that runs an old text and its migration and says where they differ."""
    folder = tmp_path_factory.mktemp("grid")
    write_tables(folder)
    vectors = "".join(
        f"{word} {' '.join(str(number + place) for place in range(50))}\n" for number, word in enumerate(("a", "b", "c", "ä"))
    )
    write(folder / ".vector_cache/glove.6B.50d.txt", vectors)
    for split in ("train", "valid", "test"):
        text = "\n".join(" ".join(random.Random(split).choices(WORDS, k=9)) for _ in range(12)) + "\n"
        write(folder / f".data/penn-treebank/ptb.{split}.txt", text)
    with subprocess.Popen([sys.executable, "-c", WORKER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdin is not None
        assert worker.stdout.readline() == "ready\n"

        def differs(old: str, **how: object) -> str:
            new = migrated(old)
            assert new is not None, f"not migrated:\n{old}"
            assert "torchtext" not in new
            note(new)
            worker.stdin.write(json.dumps({"old": old, "new": new, "exact": True, "batch_first": False} | how) + "\n")
            worker.stdin.flush()
            return json.loads(worker.stdout.readline())

        yield differs
        worker.stdin.close()


def sensible(field: dict[str, str]) -> dict[str, str]:
    """The options, without pairs that torchtext itself does not take."""
    if field["after"]:
        field = field | {"counts": ""}
    return field


@pytest.mark.torch
@calmly
@given(
    field=drawn(FIELD),
    vocab=drawn(VOCAB),
    label=st.sampled_from(LABELS),
    iterator=drawn(ITERATOR),
    kind=st.sampled_from(("json", "csv", "tsv")),
)
def test_texts_and_labels(torchtext, field, vocab, label, iterator, kind):
    field = sensible(field)
    json_fields = "fields={'text': ('text', TEXT), 'label': ('label', LABEL)}"
    fields = json_fields if kind == "json" else "skip_header=True, fields=[('text', TEXT), ('label', LABEL)]"
    options = ", ".join(filter(None, ("batch_size=3", "sort_key=lambda row: len(row.text)", listed(iterator | {"kind": ""}))))
    limits = "".join(f", {one}" for one in vocab.values() if one)
    vectors = "TEXT.vocab.vectors" if vocab["vectors"] else "None"
    old = (
        f"{HEAD}TEXT = Field({listed(field)})\nLABEL = {label}\n"
        f"train, test = TabularDataset.splits(path='.', train='train.{kind}', test='test.{kind}', format='{kind}', {fields})\n"
        f"TEXT.build_vocab(train{limits})\nLABEL.build_vocab(train)\nbatches = {iterator['kind']}(test, {options})\n"
        "batches = [(batch.text, batch.label) for batch in batches]\npad = TEXT.vocab.stoi[TEXT.pad_token]\n"
        f"shape = (len(TEXT.vocab), TEXT.vocab.itos, LABEL.vocab.itos, TEXT.pad_token, TEXT.vocab.stoi['never seen'], {vectors})\n"
    )
    sorts = iterator["sort"] == "sort=True" or (iterator["train"] and iterator["sort"] == "")
    shuffles = not sorts and iterator["shuffle"] != "shuffle=False" and not (iterator["train"] and not iterator["shuffle"])
    gathers = not sorts and iterator["kind"] == "BucketIterator" and iterator["within"].endswith("True")
    exact = not shuffles and not gathers
    if field["after"] == "postprocessing=doubled" and not exact:
        return  # what the padding became is no padding any more
    assert torchtext(old, exact=exact, batch_first=bool(field["order"])) == ""


@pytest.mark.torch
@settings(calmly, max_examples=30)
@given(
    field=drawn({"lower": ("", "lower=True"), "order": ORDER, "pad": ("", "pad_token='<blank>'"), **ENDS}),
    vocab=drawn(VOCAB | {"vectors": ("",)}),
    size=st.integers(1, 6),
    length=st.integers(1, 9),
    repeat=st.sampled_from(("", ", repeat=False", ", repeat=True")),
)
def test_streams_of_a_language_model(torchtext, field, vocab, size, length, repeat):
    taken = "import itertools\nbatches = list(itertools.islice(iter(one), 30))" if repeat.endswith("True") else "batches = list(one)"
    limits = "".join(f", {one}" for one in vocab.values() if one)
    old = (
        f"{HEAD}TEXT = Field({listed(field)})\ntrain, valid, test = PennTreebank.splits(TEXT)\nTEXT.build_vocab(train{limits})\n"
        f"one = BPTTIterator(valid, batch_size={size}, bptt_len={length}{repeat})\n{taken}\n"
        "batches = [(batch.text, batch.target) for batch in batches]\nshape = TEXT.vocab.itos\n"
    )
    assert torchtext(old, batch_first=bool(field["order"])) == ""


@pytest.mark.torch
@settings(calmly, max_examples=30)
@given(
    inner=drawn(
        {"lower": ("", "lower=True"), "start": ("", "init_token='<w>'"), "end": ("", "eos_token='</w>'"), "length": ("", "fix_length=4")}
    ),
    outer=drawn({**ENDS, "length": ("", "fix_length=5"), "counts": ("", "include_lengths=True")}),
    vocab=drawn(VOCAB | {"vectors": ("",)}),
)
def test_characters_of_words(torchtext, inner, outer, vocab):
    if outer["length"]:
        outer = outer | {"counts": ""}
    limits = "".join(f", {one}" for one in vocab.values() if one)
    old = (
        f"{HEAD}INNER = Field({listed({'tokenize': 'tokenize=list', **inner})})\nCHARS = NestedField({listed({'inner': 'INNER', **outer})})\nWORDS = Field()\n"
        "train = TabularDataset(path='train.csv', format='csv', skip_header=True, fields=[(('words', 'chars'), (WORDS, CHARS)), ('label', None)])\n"
        f"WORDS.build_vocab(train)\nCHARS.build_vocab(train{limits})\n"
        "batches = Iterator(train, batch_size=3, train=False, sort=False, shuffle=False, sort_within_batch=False)\n"
        "batches = [(batch.chars,) for batch in batches]\nshape = (CHARS.vocab.itos, WORDS.vocab.itos)\n"
    )
    assert torchtext(old, batch_first=True) == ""


@pytest.mark.torch
@settings(calmly, max_examples=20)
@given(field=drawn({"order": ORDER, "lower": ("", "lower=True"), **ENDS}))
def test_texts_that_are_turned_back(torchtext, field):
    old = (
        f"{HEAD}TEXT = ReversibleField({listed({'tokenize': 'tokenize=list', 'unk': repr('<unk>').join(('unk_token=', '')), **field})})\n"
        "train = TabularDataset(path='train.csv', format='csv', skip_header=True, fields=[('text', TEXT), ('label', None)])\n"
        "TEXT.build_vocab(train)\nbatches = Iterator(train, batch_size=3, train=False, sort=False, shuffle=False, sort_within_batch=False)\n"
        "shape = [TEXT.reverse(batch.text) for batch in batches]\nbatches = [(batch.text,) for batch in batches]\n"
    )
    assert torchtext(old, batch_first=bool(field["order"])) == ""
