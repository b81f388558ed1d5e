"""Stand-ins are used through the real libraries, without a network, in a process of their own; each one is named and can be learnt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import snipfix

CHILD = Path(snipfix.__file__).parent / "child"
RUNNER = """
import json, socket, sys

def refuse(*_, **__):
    raise OSError("the network was asked")

socket.socket.connect = socket.getaddrinfo = refuse
sys.path.insert(0, sys.argv[1])
import world

code = sys.stdin.read()
world.install({"code": code, "before": []})
assert not {"torch", "numpy", "transformers"} & set(sys.modules), "installing imports nothing heavy"
exec(compile(code, "snippet.py", "exec"), {"__name__": "__main__"})
with open("used.json", "w") as file:
    json.dump(world.used(), file)
"""


@dataclass
class Run:
    printed: list[str]
    used: dict[str, str]
    error: str


def run(code: str, folder: Path) -> Run:
    environment = {**os.environ, "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(CHILD)],
        check=False,
        input=code,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=300,
    )
    used = folder / "used.json"
    named = {one["what"]: one["how"] for one in json.loads(used.read_text())} if used.exists() else {}
    return Run(done.stdout.splitlines(), named, done.stderr)


LEARN = """
def learn(model, batches, loss_of, epochs=3, lr=0.01):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for epoch in range(epochs):
        for batch in batches:
            optimizer.zero_grad()
            loss = loss_of(batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    print("learnt" if losses[-1] < 0.5 * losses[0] else losses[::10])
"""

LEARNT = {
    "MNIST": """
import torch, torchvision.datasets as datasets, torchvision.transforms as transforms
train = datasets.MNIST("./data", train=True, transform=transforms.ToTensor(), download=True)
again = datasets.MNIST("./data", train=True, transform=transforms.ToTensor())
assert len(train) == len(again) == 256 and train[0][0].shape == (1, 28, 28)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
loader = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)
learn(model, loader, lambda batch: torch.nn.functional.cross_entropy(model(batch[0]), batch[1]), epochs=6)
""",
    "CIFAR10": """
import torch, torchvision.datasets as datasets, torchvision.transforms as transforms
test = datasets.CIFAR10("./data", train=False, transform=transforms.ToTensor(), download=True)
assert test.classes[3] == "cat" and test[0][0].shape == (3, 32, 32)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10))
loader = torch.utils.data.DataLoader(test, batch_size=32)
learn(model, loader, lambda batch: torch.nn.functional.cross_entropy(model(batch[0]), batch[1]), epochs=8)
""",
    "Cora": """
import torch
from torch_geometric.datasets import Planetoid
from torch_geometric.nn import GCNConv
dataset = Planetoid(root="data", name="Cora")
data, model = dataset[0], GCNConv(dataset.num_features, dataset.num_classes)
assert (dataset.num_features, dataset.num_classes) == (1433, 7)
def loss_of(data):
    out = model(data.x, data.edge_index)
    return torch.nn.functional.cross_entropy(out[data.train_mask], data.y[data.train_mask])
learn(model, [data], loss_of, epochs=30)
""",
    "MUTAG": """
import torch
from torch_geometric.datasets import TUDataset
from torch_geometric.loader import DataLoader
from torch_geometric.nn import global_mean_pool
dataset = TUDataset(root="data", name="MUTAG")
model = torch.nn.Linear(dataset.num_features, dataset.num_classes)
def loss_of(batch):
    return torch.nn.functional.cross_entropy(model(global_mean_pool(batch.x, batch.batch)), batch.y)
learn(model, DataLoader(dataset, batch_size=30, shuffle=True), loss_of, epochs=60)
""",
    "IMDB": """
import torch
from torchtext.data import BucketIterator, Field, LabelField
from torchtext.datasets import IMDB
TEXT, LABEL = Field(lower=True), LabelField(dtype=torch.float)
train, test = IMDB.splits(TEXT, LABEL)
TEXT.build_vocab(train, vectors="glove.6B.50d")
LABEL.build_vocab(train)
assert TEXT.vocab.vectors.shape[1] == 50
bag = torch.nn.EmbeddingBag(len(TEXT.vocab), 1)
def loss_of(batch):
    return torch.nn.functional.binary_cross_entropy_with_logits(bag(batch.text.t()).squeeze(1), batch.label)
learn(bag, BucketIterator(train, batch_size=32, sort_key=lambda example: len(example.text)), loss_of, epochs=40, lr=0.1)
""",
    "train.json": """
import json, torch
rows = [json.loads(line) for line in open("data/train.json", encoding="utf-8")]
words = {word: index for index, word in enumerate(sorted({word for row in rows for word in row["text"].split()}))}
bag = torch.nn.EmbeddingBag(len(words), 1)
batch = [torch.tensor([words[word] for word in row["text"].split()]) for row in rows]
padded = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
labels = torch.tensor([float(row["label"] == "pos") for row in rows])
def loss_of(_):
    return torch.nn.functional.binary_cross_entropy_with_logits(bag(padded).squeeze(1), labels)
learn(bag, [None], loss_of, epochs=200, lr=0.1)
""",
}


@pytest.mark.torch
@pytest.mark.parametrize("names", [("MNIST", "CIFAR10"), ("Cora", "MUTAG"), ("IMDB", "train.json")], ids=",".join)
def test_a_stand_in_is_named_and_can_be_learnt(names: tuple[str, ...], tmp_path: Path) -> None:
    done = run(LEARN + "".join(LEARNT[name] for name in names), tmp_path)
    assert [line for line in done.printed if line.startswith(("learnt", "["))] == ["learnt"] * len(names), done.error
    assert set(names) <= set(done.used)


@pytest.mark.torch
def test_hub_models_keep_their_width_and_lose_their_depth(tmp_path: Path) -> None:
    done = run(
        """
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, BertModel, BertTokenizer, GPT2LMHeadModel, GPT2Tokenizer
torch.manual_seed(0)
expected = torch.rand(1)
torch.manual_seed(0)
model = BertModel.from_pretrained("bert-base-uncased")
assert torch.equal(torch.rand(1), expected), "the snippet's random state is its own"
assert (model.config.hidden_size, model.config.vocab_size, model.config.num_hidden_layers) == (768, 30522, 2)
assert not model.training and model.dtype == torch.float32 and model.name_or_path == "bert-base-uncased"
tokenizer = BertTokenizer.from_pretrained("bert-base-uncased")
batch = tokenizer(["hello world", "a wonderful movie"], padding=True, return_tensors="pt")
assert batch["input_ids"][0, 0] == 101 and tokenizer.unk_token_id not in batch["input_ids"]
assert model(**batch).last_hidden_state.isfinite().all()
chinese = AutoTokenizer.from_pretrained("bert-base-chinese")
assert len(chinese) == 21128 and chinese.tokenize("今天天气") == list("今天天气")
gpt = GPT2Tokenizer.from_pretrained("gpt2")
ids = gpt("hello world", return_tensors="pt")
assert gpt.decode(ids["input_ids"][0]) == "hello world" and len(gpt) == 50257 and gpt.eos_token_id == 50256
print(GPT2LMHeadModel.from_pretrained("gpt2").generate(**ids, max_new_tokens=2, pad_token_id=50256).shape[0])
try:
    AutoModel.from_pretrained("nobody/has-this")
except OSError:
    print("unknown names fail")
""",
        tmp_path,
    )
    assert done.printed == ["1", "unknown names fail"], done.error
    assert done.used["bert-base-uncased"].startswith("random weights, 2 of 12 layers")
    assert "nobody/has-this" not in done.used


@pytest.mark.torch
def test_images_keep_the_rules_of_the_real_data_sets(tmp_path: Path) -> None:
    done = run(
        """
import torch, torchvision
from torchvision import datasets, models, transforms
try:
    datasets.CIFAR100("./data")
except RuntimeError as error:
    print("not there without download")
assert len(datasets.CIFAR100("./data", download=True).classes) == 100
assert len(datasets.FashionMNIST("./data", download=True)) == 256
letters = datasets.EMNIST("./data", split="letters", train=False, download=True)
assert letters.targets.min() == 1 and letters.targets.max() == 26
assert datasets.STL10("./data", split="test", download=True)[0][0].size == (96, 96)
model = models.squeezenet1_1(weights="DEFAULT")
assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)
try:
    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
except RuntimeError as error:
    print("no compiled operators")
""",
        tmp_path,
    )
    assert done.printed[0] == "not there without download", done.error
    assert set(done.used) == {"CIFAR100", "FashionMNIST", "EMNIST", "STL10", "SqueezeNet1_1 weights"}


@pytest.mark.torch
def test_a_torchtext_translation_pipeline_runs_as_written(tmp_path: Path) -> None:
    done = run(
        """
from torchtext.data import BucketIterator, Field
from torchtext.datasets import Multi30k
SRC = Field(tokenize="spacy", tokenizer_language="de", init_token="<sos>", eos_token="<eos>", lower=True)
TRG = Field(tokenize="spacy", tokenizer_language="en", init_token="<sos>", eos_token="<eos>", lower=True)
train, valid, test = Multi30k.splits(exts=(".de", ".en"), fields=(SRC, TRG))
SRC.build_vocab(train, min_freq=2)
TRG.build_vocab(train, min_freq=2)
batch = next(iter(BucketIterator(train, batch_size=8)))
print(batch.src.shape[1], TRG.vocab.itos[:4], train[0].trg[-1])
print(len(open(".data/multi30k/train.de", encoding="utf-8").readlines()) == len(train))
""",
        tmp_path,
    )
    assert done.printed[-2:] == ["8 ['<unk>', '<pad>', '<sos>', '<eos>'] .", "True"], done.error
    assert set(done.used) == {"Multi30k", "spacy"}


@pytest.mark.torch
def test_a_fork_server_may_load_the_libraries_first(tmp_path: Path) -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import world
world.prepare()
import torchtext.vocab, torchvision.models
world.install({"code": ""})
import torchvision
print(len(torchvision.datasets.MNIST("data", download=True)), world.used()[0]["what"])
"""
    done = subprocess.run([sys.executable, "-c", code, str(CHILD)], check=False, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.stdout.split() == ["256", "MNIST"], done.stderr


STAYS_AN_ERROR = {
    "a file nobody spoke of": ("open('notes.txt')", "FileNotFoundError"),
    "a table whose columns nobody names": ("import csv\nlist(csv.reader(open('train.csv')))", "FileNotFoundError"),
    "an address that is not known": ("import urllib.request\nurllib.request.urlopen('http://example.org/train-images.gz')", "URLError"),
    "more of spacy than tokens": ("import spacy\nspacy.load('en_core_web_sm')('a b')[0].pos_", "ModuleNotFoundError"),
    "a package that is not installed": ("import no_such_package", "ModuleNotFoundError"),
}


@pytest.mark.parametrize("case", STAYS_AN_ERROR)
def test_what_is_not_certain_stays_an_error(case: str, tmp_path: Path) -> None:
    code, error = STAYS_AN_ERROR[case]
    assert error in run(code, tmp_path).error.splitlines()[-1]
