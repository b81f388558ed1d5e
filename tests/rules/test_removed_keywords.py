"""The table of removed keywords against the installed libraries: the old one is taken no more, the new one is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import snipfix
from snipfix.rules.deprecated.keywords import keywords

CHILD = Path(snipfix.__file__).parent / "child"
ASK = """
import importlib, inspect, json, sys
sys.path.insert(0, sys.argv[1])
import world
world.install({"code": ""})
import torch, transformers, torchvision.transforms

def parameters(name):
    if name == "torch.optim.lr_scheduler.*":
        names = [one for one in torch.optim.lr_scheduler.__all__ if one not in ("LRScheduler", "ReduceLROnPlateau", "ChainedScheduler", "SequentialLR")]
        return sorted({key for one in names for key in inspect.signature(getattr(torch.optim.lr_scheduler, one)).parameters})
    found = torch.Tensor.backward if name == ".backward" else None
    if found is None:
        module, _, last = name.rpartition(".")
        found = getattr(importlib.import_module(module), last)
    return list(inspect.signature(found).parameters)

print(json.dumps({name: parameters(name) for name in json.loads(sys.argv[2])}))
"""
PADDED = """
import sys
sys.path.insert(0, sys.argv[1])
import world
world.install({"code": ""})
from transformers import BertTokenizer

with open("vocab.txt", "w") as file:
    file.write("\\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]))
tokenizer = BertTokenizer("vocab.txt")
print(len(tokenizer("a b", max_length=8, pad_to_max_length=True)["input_ids"]), len(tokenizer("a b", max_length=8, padding="max_length")["input_ids"]))
"""
CALLS = {name: table for name, table in keywords().items() if not name.startswith(".*")}


def child(code: str, *arguments: str, cwd: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", code, str(CHILD), *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


WARNED = """
import warnings, torch, torch.nn as nn
x = torch.ones(1, requires_grad=True)
for call in (
    lambda: nn.Hardtanh(min_value=-1), lambda: nn.Hardtanh(max_value=2),
    lambda: torch.autograd.backward(x.sum(), grad_variables=torch.tensor(1.0)), lambda: torch.autograd.grad(x.sum(), x, only_inputs=False),
):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call()
    print(any("deprecated" in str(one.message) for one in told))
"""


@pytest.mark.torch
def test_torch_still_takes_what_it_warns_of():
    told = subprocess.run([sys.executable, "-c", WARNED], capture_output=True, text=True, check=True).stdout.split()
    assert told == ["True"] * sum(len(table) for table in keywords("keywords_warned.toml").values())


@pytest.mark.torch
def test_the_old_keyword_is_gone_and_the_new_one_is_there():
    taken = json.loads(child(ASK, json.dumps(list(CALLS))))
    for name, table in CALLS.items():
        for old, new in table.items():
            assert old not in taken[name], (name, old)
            assert new in ("", "-") or new.partition("=")[0] in taken[name], (name, new)


@pytest.mark.torch
def test_a_tokenizer_does_nothing_with_the_old_word_for_padding(tmp_path):
    assert child(PADDED, cwd=tmp_path) == "4 8"
