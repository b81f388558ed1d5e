"""A migrated pipeline against torchtext 0.6 itself, corpus by corpus; the grid of options is in test_torchtext_grid."""

import json
import random
import subprocess
import sys

import pytest

from snipfix.code import Code
from snipfix.model import Snippet
from snipfix.rules.base import Context
from snipfix.rules.registry import find

WORDS = ["b", "a", "A", "c", "<pad>", "<unk>", "d d", "ä", "e,", "F.", "中", "<sos>"]
COMPARE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import torch

def run(code):
    space = {}
    exec(code, space)
    return space["shape"], space["batches"]

def flat(value):
    return [flat(one) for one in value] if isinstance(value, (tuple, list)) else (value.tolist(), str(value.dtype))

for old, new in json.load(sys.stdin):
    (old_shape, old_batches), (new_shape, new_batches) = run(old), run(new)
    assert old_shape == new_shape, (old, new, old_shape, new_shape)
    assert flat(old_batches) == flat(new_batches), (old, new, old_batches, new_batches)
"""


def migrated(text: str) -> str | None:
    context = Context(Snippet("a", "a", "a.md", text), Code(text))
    rule = find("torchtext-pipeline")
    fixes = [fix for finding in rule.static(context) for fix in rule.fixes(context, finding)]
    return fixes[0].apply(text) if fixes else None


def write_tables(folder) -> None:
    chance = random.Random(1)
    for name, seed in (("train", 40), ("test", 10)):
        rows = [(" ".join(chance.choices(WORDS, k=chance.randint(1, 7))), chance.choice(["pos", "neg"])) for _ in range(seed)]
        (folder / f"{name}.json").write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows), "utf-8")
        for kind, mark in (("csv", ","), ("tsv", "\t")):
            lines = [mark.join((f'"{text}"', label)) for text, label in [("text", "label"), *rows]]
            (folder / f"{name}.{kind}").write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.torch
def test_a_language_model(tmp_path):
    (tmp_path / ".data/penn-treebank").mkdir(parents=True)
    for split in ("train", "valid", "test"):
        text = "\n".join(" ".join(random.Random(split).choices(WORDS, k=9)) for _ in range(12)) + "\n"
        (tmp_path / f".data/penn-treebank/ptb.{split}.txt").write_text(text, "utf-8")
    text = (
        "import torch\nfrom torchtext.data import BPTTIterator, Field\nfrom torchtext.datasets import PennTreebank\n\n"
        "TEXT = Field(lower=True)\ntrain, valid, test = PennTreebank.splits(TEXT)\nTEXT.build_vocab(train)\n"
        "one, two, three = BPTTIterator.splits((train, valid, test), batch_size=4, bptt_len=5, repeat=False)\n"
        "batches = [(batch.text, batch.target) for batch in two]\nshape = TEXT.vocab.itos\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", COMPARE],
        input=json.dumps([(text, migrated(text))]),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def write_corpora(folder) -> None:
    """A few lines of TREC and UDPOS where torchtext keeps them: it downloads nothing then."""
    chance = random.Random(2)

    def words() -> list[str]:
        return [word for one in chance.choices(WORDS, k=6) for word in one.split()]

    for name in ("train_5500", "TREC_10"):
        lines = "".join(f"{chance.choice(('HUM:ind', 'LOC:city', 'LOC:other'))} {' '.join(words())} ?\n" for _ in range(20))
        write(folder / f".data/trec/{name}.label", lines)
    for split in ("train", "dev", "test"):
        sentences = ["".join(f"{word}\t{chance.choice('XYZ')}\tT\n" for word in words()) for _ in range(9)]
        write(folder / f".data/udpos/en-ud-v2/en-ud-tag.v2.{split}.txt", "\n".join(sentences) + "\n")


def write(path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


CORPORA = {
    "TREC": ("train, test = datasets.TREC.splits(TEXT, LABEL)", "text", "label"),
    "TREC, fine": ("train, test = datasets.TREC.splits(TEXT, LABEL, fine_grained=True)", "text", "label"),
    "UDPOS": ("train, valid, test = datasets.UDPOS.splits((('text', TEXT), ('tags', LABEL)))", "text", "tags"),
    "by hand": (
        (
            "rows = [('b a b', 'x'), ('c', 'y'), ('a a', 'x')]\nfields = [('text', TEXT), ('label', LABEL)]\n"
            "made = [data.Example.fromlist(row, fields) for row in rows]\ntrain = data.Dataset(made, fields)\ntest = data.Dataset(made, fields)"
        ),
        "text",
        "label",
    ),
}


@pytest.mark.torch
def test_the_same_corpora(tmp_path):
    write_corpora(tmp_path)
    pairs = []
    for name, (load, text, label) in CORPORA.items():
        kind = "data.Field(unk_token=None)" if name == "UDPOS" else "data.LabelField()"
        one = (
            f"import torch\nfrom torchtext import data, datasets\n\nTEXT = data.Field(lower=True)\nLABEL = {kind}\n{load}\n"
            "TEXT.build_vocab(train)\nLABEL.build_vocab(train)\n"
            "batches = data.Iterator(test, batch_size=3, train=False, sort=False, shuffle=False)\n"
            f"batches = [(batch.{text}, batch.{label}) for batch in batches]\n"
            "shape = (TEXT.vocab.itos, LABEL.vocab.itos, TEXT.vocab.freqs.most_common(3), len(train))\n"
        )
        pairs.append((one, migrated(one)))
        assert pairs[-1][1] is not None
        assert "torchtext" not in pairs[-1][1]
    done = subprocess.run(
        [sys.executable, "-c", COMPARE], input=json.dumps(pairs), capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-4000:]


REFUSED = {
    "subwords": "from torchtext.data import SubwordField, TabularDataset\nT = SubwordField()\nd = TabularDataset(path='a.csv', format='csv', fields=[('t', T)])\n",
    "a field that is turned back by revtok": (
        "from torchtext.data import ReversibleField, TabularDataset\nT = ReversibleField()\n"
        "d = TabularDataset(path='a.csv', format='csv', fields=[('t', T)])\nT.build_vocab(d)\n"
    ),
    "a field handed on": "from torchtext.data import Field\nT = Field()\nprint(T)\n",
    "no data set": "from torchtext.data import Field\nT = Field()\nT.build_vocab([['a']])\n",
    "the length of an endless iterator": (
        "from torchtext.data import Field, TabularDataset, Iterator\nT = Field()\n"
        "d = TabularDataset(path='a.csv', format='csv', fields=[('t', T)])\nT.build_vocab(d)\nit = Iterator(d, 2, repeat=True)\nprint(len(it))\n"
    ),
    "a tokenizer that nobody has": (
        "from torchtext.data import Field, TabularDataset\nT = Field(tokenize='moses')\n"
        "d = TabularDataset(path='a.csv', format='csv', fields=[('t', T)])\nT.build_vocab(d)\n"
    ),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_not_understood_is_reported_and_left_alone(text: str):
    assert migrated(text) is None


@pytest.mark.parametrize(
    "imports",
    [
        "from torchtext.data import Field, TabularDataset, Iterator",
        "from torchtext.legacy.data import Field, TabularDataset, Iterator",
        "from torchtext import data\nField, TabularDataset, Iterator = data.Field, data.TabularDataset, data.Iterator",
        "import torchtext",
    ],
)
def test_every_way_to_import(imports: str):
    body = (
        "T = Field()\nd = TabularDataset(path='a.csv', format='csv', fields=[('t', T)])\nT.build_vocab(d)\n"
        "for b in Iterator(d, batch_size=2):\n    print(b.t)\n"
    )
    if imports == "import torchtext":
        body = body.replace("Field(", "torchtext.data.Field(").replace("Tab", "torchtext.data.Tab").replace("Iter", "torchtext.data.Iter")
    new = migrated(f"{imports}\n\n{body}")
    if "= data" in imports:
        assert new is None
    else:
        assert new is not None
        assert "torchtext" not in new


MODERN = """import torch
from torchtext.data.utils import get_tokenizer
from torchtext.vocab import build_vocab_from_iterator

tokenizer = get_tokenizer("basic_english")
texts = ["You can, now; (really) \\"go\\" there!", "can you?", "Isn't it: so<br />what"]
# 词表
vocab = build_vocab_from_iterator(map(tokenizer, texts), specials=["<pad>"])
"""
KEPT = """
result = [vocab[token] for text in texts for token in tokenizer(text)], len(vocab)
"""


@pytest.mark.torch
def test_tokenizer_and_vocabulary_of_the_later_style():
    """torchtext 0.6 has these two as well, but knows no specials of one's own: they are compared without."""
    old = (MODERN + KEPT).replace(', specials=["<pad>"]', "")
    new = migrated(old)
    assert new is not None
    assert "torchtext" not in new
    check = "import json, sys\nfor code in json.load(sys.stdin):\n    space = {}\n    exec(code, space)\n    print([list(map(space['tokenizer'], space['texts'])), list(space['vocab'].stoi)[-12:]])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", check], input=json.dumps([old, new]), capture_output=True, text=True, check=False
    )
    one, two = done.stdout.splitlines()
    assert one == two, done.stderr


def test_a_vocabulary_with_a_default_runs():
    text = MODERN + 'vocab.set_default_index(vocab["<pad>"])\nprint(vocab(["can", "never"]), vocab.get_itos()[0], vocab.lookup_token(1))\n'
    new = migrated(text)
    assert new is not None
    done = subprocess.run([sys.executable, "-c", new.replace("import torch\n", "")], capture_output=True, text=True, check=True)
    assert done.stdout == "[1, 0] <pad> can\n"
    assert new.index("class Vocab") < new.index("# 词表")
    assert "lookup_tokens" not in new


TRANSFORMED = {
    "Sequential(StrToIntTransform(), AddToken(token=1), ToTensor(), PadTransform(max_length=5, pad_value=0))(['5', '6'])": "tensor([1, 5, 6, 0, 0])",
    "Sequential(AddToken(2, begin=False), Truncate(max_seq_len=3))([[5, 6, 7], [8]])": "[[5, 6, 7], [8, 2]]",
    "Sequential(StrToIntTransform(), ToTensor(padding_value=9))([['5', '6'], ['7']])": "tensor([[5, 6],\n        [7, 9]])",
    "ToTensor(dtype=torch.int32)([1, 2]).dtype": "torch.int32",
    "LabelToIndex(label_names=['b', 'a'])(['a', 'b'])": "[1, 0]",
    "LabelToIndex(label_names=['b', 'a'], sort_names=True)('a')": "0",
    "VocabTransform(lambda words: [len(word) for word in words])([['a', 'bb'], ['ccc']])": "[[1, 2], [3]]",
    "F.add_token(F.truncate(input=[[1, 2], [3]], max_seq_len=1), token_id=7)": "[[7, 1], [7, 3]]",
}
"""What the documentation of torchtext 0.18 says of each, as it is printed."""


@pytest.mark.torch
def test_transforms_do_what_torchtext_says_of_them():
    head = "import torch\nimport torchtext.functional as F\nfrom torchtext.transforms import "
    names = "AddToken, LabelToIndex, PadTransform, Sequential, StrToIntTransform, ToTensor, Truncate, VocabTransform"
    texts = {call: migrated(f"{head}{names}\n\nprint({call})\n") for call in TRANSFORMED}
    assert not [call for call, new in texts.items() if new is None or "torchtext" in new]
    each = (
        "import contextlib, io, json, sys\nshown = {}\nfor call, text in json.load(sys.stdin).items():\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n        exec(text, {})\n    shown[call] = out.getvalue()\nprint(json.dumps(shown))\n"
    )
    done = subprocess.run([sys.executable, "-c", each], input=json.dumps(texts), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {call: f"{printed}\n" for call, printed in TRANSFORMED.items()}
