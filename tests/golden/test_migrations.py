"""A pipeline moved off torchtext gives the same vocabulary and the same ids as torchtext 0.6 itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import snipfix
from snipfix import patches

ROOT = Path(__file__).parents[2]
ORACLE = {
    "q25_cnn": """
from torchtext.data import Field, TabularDataset
TEXT = Field(tokenize="spacy", tokenizer_language="en_core_web_sm", lower=True)
LABEL = Field(sequential=False)
fields = {"text": ("text", TEXT), "label": ("label", LABEL)}
train, = TabularDataset.splits(path="data", train="train.json", format="json", fields=fields)
TEXT.build_vocab(train, max_size=25000)
LABEL.build_vocab(train)
assert dict(TEXT.vocab.stoi) == text_vocab
assert dict(LABEL.vocab.stoi) == label_vocab
ours, _ = collate(train_data[:8])
assert ours.tolist() == TEXT.process([example.text for example in train.examples[:8]]).t().tolist()
""",
    "q26_transformer": """
from torchtext.data import Field
from torchtext.datasets import Multi30k
SRC = Field(tokenize="spacy", tokenizer_language="de", lower=True)
TRG = Field(tokenize="spacy", tokenizer_language="en", lower=True, init_token="<sos>", eos_token="<eos>")
train, valid, test = Multi30k.splits(exts=(".de", ".en"), fields=(SRC, TRG), root="other")
SRC.build_vocab(train, min_freq=2)
TRG.build_vocab(train, min_freq=2)
assert dict(SRC.vocab.stoi) == src_vocab
assert dict(TRG.vocab.stoi) == tgt_vocab
ours, theirs = collate(train_data[:8])
assert ours.tolist() == SRC.process([example.src for example in train.examples[:8]]).t().tolist()
assert theirs.tolist() == TRG.process([example.trg for example in train.examples[:8]]).t().tolist()
""",
}


@pytest.mark.torch
@pytest.mark.parametrize("stem", ORACLE)
def test_same_vocabulary_and_ids(stem: str, tmp_path: Path) -> None:
    loaded = next(one for one in patches.load(ROOT / "fixes").by_sha256.values() if one.patch.snippet == stem)
    mended = loaded.apply((ROOT / "snippets" / f"{stem}.py").read_bytes().decode())
    pipeline = mended.partition("# 实例化模型")[0]
    code = pipeline + ORACLE[stem] + "\nprint('same')\n"
    start = "import sys; sys.path.insert(0, sys.argv[1]); import world; code = sys.stdin.read(); world.install({'code': code}); exec(code)"
    child = Path(snipfix.__file__).parent / "child"
    done = subprocess.run(
        [sys.executable, "-c", start, str(child)], input=code, capture_output=True, text=True, cwd=tmp_path, timeout=300
    )
    assert done.stdout.splitlines()[-1:] == ["same"], done.stderr
