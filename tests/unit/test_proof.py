"""A repair that passes by cheating is refused; one that only adds or corrects is not."""

from __future__ import annotations

import re
import sys
from itertools import islice
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.repair.cases import programs  # noqa: E402
from benchmarks.repair.fault import FAULTS, Fault, edited  # noqa: E402
from snipfix.code import Code  # noqa: E402
from snipfix.evidence import Exercise, Failure, Observation, Outcome  # noqa: E402
from snipfix.model import Result, Snippet, Verdict  # noqa: E402
from snipfix.proof import NUMBERS, cheats, lost  # noqa: E402
from snipfix.rules.base import Bad  # noqa: E402
from snipfix.rules.registry import rules  # noqa: E402
from snipfix.rules.wording import said as in_language  # noqa: E402
from snipfix.weakening import RISING  # noqa: E402

LOOP = "for epoch in range(100):\n    loss.backward()\n    optimizer.step()\n"
TRAIN = """\
import torch
torch.manual_seed(0)
epochs = 20
lr = 0.1
x, y = torch.randn(64, 3), torch.randint(0, 2, (64,))
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)
    def forward(self, x):
        h = self.fc(x)
        return h
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
def train(batches):
    for a, b in batches:
        assert a.dim() == 2
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(a), b)
        loss.backward()
        optimizer.step()
for epoch in range(epochs):
    train([(x, y)])
    print(epoch)
"""
PARTS = [  # what stands in TRAIN, what a cheat puts there, what is said of it
    ("    train([(x, y)])\n", "    try:\n        train([(x, y)])\n    except RuntimeError:\n        print('skipped')\n", "catches an exception"),
    ("    train([(x, y)])\n", "    with contextlib.suppress(RuntimeError):\n        train([(x, y)])\n", "catches an exception"),
    ("    train([(x, y)])\n", "", "drops a call of backward()"),
    ("    train([(x, y)])\n", "    if False:\n        train([(x, y)])\n", "never runs"),
    ("    train([(x, y)])\n", "    if not True:\n        train([(x, y)])\n", "never runs"),
    ("    train([(x, y)])\n", "    if epoch > 3 and False:\n        train([(x, y)])\n", "never runs"),
    ("    train([(x, y)])\n", "    train([(x[:4], y[:4])])\n", "a part of the data"),
    ("    train([(x, y)])\n", "    break\n    train([(x, y)])\n", "early"),
    ("    train([(x, y)])\n", "    continue\n    train([(x, y)])\n", "early"),
    ("    train([(x, y)])\n", "    exit()\n    train([(x, y)])\n", "early"),
    ("    train([(x, y)])\n", "    raise SystemExit\n    train([(x, y)])\n", "early"),
    ("    train([(x, y)])\n", "    os._exit(0)\n    train([(x, y)])\n", "early"),
    ("def train(batches):\n", "def train(batches):\n    return\n", "early"),
    ("        loss.backward()\n", "        return\n        loss.backward()\n", "early"),
    ("        loss.backward()\n", "        if b.sum() > 0:\n            loss.backward()\n", "hang on a condition"),
    ("        loss.backward()\n", "        pass\n", "empties a body"),
    ("        loss.backward()\n", "        ...\n", "empties a body"),
    ("        loss.backward()\n", "", "drops a call of backward()"),
    ("        optimizer.step()\n", "", "drops a call of step()"),
    ("        optimizer.step()\n", "def unused():\n    optimizer.step()\n", "drops a call of step()"),
    ("for a, b in batches:", "for a, b in []:", "never runs"),
    ("for a, b in batches:", "for a, b in batches[:1]:", "a part of the data"),
    ("for a, b in batches:", "for a, b in itertools.islice(batches, 1):", "a part of the data"),
    ("for a, b in batches:\n", "a, b = batches\n    if True:\n", "drops a loop"),
    ("range(epochs)", "range(0)", "never runs"),
    ("range(epochs)", "range(epochs)[:1]", "a part of the data"),
    ("epochs = 20", "epochs = 1", "how long it trains"),
    ("lr = 0.1", "lr = 0.0", "the learning rate"),
    ("lr=lr", "lr=0.0", "the learning rate"),
    ("lr=lr", "lr=0e-3", "the learning rate"),
    ("manual_seed(0)", "manual_seed(3)", "changes a seed"),
    ("epochs = 20", "epochs = 20\nrandom.seed(4)", "changes a seed"),
    ("randn(64, 3)", "randn(2, 3)", "how much data"),
    ("(64,)", "(4,)", "how much data"),
    ("        loss.backward()", "        loss = loss * 0\n        loss.backward()", "multiplies with nothing"),
    ("        loss.backward()", "        loss *= 0.0\n        loss.backward()", "multiplies with nothing"),
    ("        loss.backward()", "        loss = torch.nan_to_num(loss)\n        loss.backward()", "multiplies with nothing"),
    ("        loss.backward()", "        loss.requires_grad_()\n        loss.backward()", "beginning of its own"),
    ("        loss.backward()", "        loss.requires_grad = True\n        loss.backward()", "beginning of its own"),
    ("        loss.backward()", "        loss.requires_grad_(True).backward()", "beginning of its own"),
    ("model = Net()\n", "model = Net()\nfor p in model.parameters():\n    p.requires_grad = False\n", "takes gradients away"),
    ("model = Net()\n", "model = Net()\nmodel.requires_grad_(False)\n", "takes gradients away"),
    ("model = Net()\n", "model = Net()\nmodel.eval()\nloss.backward()\n", "in evaluation mode"),
    ("def train(batches):\n", "@torch.no_grad()\ndef train(batches):\n", "without recording gradients"),
    ("        loss.backward()", "        with torch.no_grad():\n            loss.backward()", "without recording gradients"),
    ("        assert a.dim() == 2\n", "", "drops a check"),
    ("        self.fc = torch.nn.Linear(3, 2)\n", "        self.fc = lambda x: x\n", "a layer that learns"),
    ("epochs = 20\n", "epochs = 20\nprint = lambda *what: None\n", "in the place of what Python"),
    ("epochs = 20\n", "epochs = 20\ndef range(n):\n    return (0,)\n", "in the place of what Python"),
    ("epochs = 20\n", "epochs = 20\ntorch.nn.Linear = torch.nn.Identity\n", "in the place of what Python"),
    ("epochs = 20\n", "epochs = 20\nwarnings.filterwarnings('ignore')\n", "silences"),
    ("    print(epoch)\n", "    y = 1\n", "drops a call of print()"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "cheat", "said"), PARTS)
def test_cheating_in_a_training_is_seen(part: str, cheat: str, said: str) -> None:
    assert TRAIN.count(part) == 1
    new = TRAIN.replace(part, cheat)
    assert Code(new).syntax_error is None
    assert said in cheats(Code(TRAIN), Code(new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("f()\n", "try:\n    f()\nexcept Exception:\n    g()\n", "catches an exception"),
        ("try:\n    f()\nexcept ValueError:\n    g()\n", "try:\n    f()\nexcept Exception:\n    g()\n", "catches more"),
        (LOOP, "for epoch in range(1):\n    loss.backward()\n    optimizer.step()\n", "how often a loop runs"),
        (LOOP, LOOP.replace("100", "0, 100, 50"), "how often a loop runs"),
        ("while step < 100:\n    step += 1\n", "while step < 1:\n    step += 1\n", "how often a loop runs"),
        ("def fit(epochs=9): ...\n", "def fit(epochs=1): ...\n", "how long it trains"),
        ("fit(num_epochs=9)\n", "fit(num_epochs=0)\n", "how long it trains"),
        ("lr, decay = 0.1, 2\n", "lr, decay = 0.01, 2\n", "the learning rate"),
        ("DataLoader(d, batch_size=32)\n", "DataLoader(d, batch_size=1)\n", "how much data"),
        ("DataLoader(d)\n", "DataLoader(Subset(d, [0]))\n", "a part of the data"),
        ("d = datasets.CIFAR10('d')\n", "d = datasets.FakeData()\n", "other data"),
        ("d = datasets.MNIST('d', train=True)\n", "d = datasets.MNIST('d', train=False)\n", "another part of the data"),
        ("load_dataset('x', split='train')\n", "load_dataset('x', split='test')\n", "another part of the data"),
        ("y = torch.tensor([1, 2, 3, 4])\n", "y = torch.tensor([1, 2])\n", "how much data"),
        (
            "class D:\n    def __len__(self):\n        return len(self.x)\n",
            "class D:\n    def __len__(self):\n        return 1\n",
            "a part of the data",
        ),
        ("while go:\n    f()\n", "while False:\n    f()\n", "never runs"),
        ('if __name__ == "__main__":\n    f()\n', 'if __name__ != "__main__":\n    f()\n', "never runs"),
        ("def f(): ...\nf()\n", "def f(): ...\n", "drops a use of f"),
        ("class Net: ...\nclass Other: ...\n", "class Net: ...\n", "drops Other"),
        ("raise ValueError\n", "f()\n", "drops a check"),
        ("print(x)\ny = 1\n", "y = 1\n", "drops a call of print()"),
    ],
)
def test_cheating_is_seen(old: str, new: str, said: str) -> None:
    assert said in cheats(Code(old), Code(new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (LOOP, "for epoch in range(100):\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n"),
        ("y = F.relu(x)\n", "import torch.nn.functional as F\ny = F.relu(x)\n"),
        ("f(\n", "f()\n"),
        ("SGD(p, learning_rate=0.1)\n", "SGD(p, lr=0.1)\n"),
        ("loss, logits = model(x)\n", "loss, logits = model(x)[:2]\n"),
        ("torch.manual_sede(3)\n", "torch.manual_seed(3)\n"),
        ("teacher.eval()\nloss.backward()\n", "teacher.eval()\nloss.mean().backward()\n"),
        ("w = w - lr * w.grad\n", "with torch.no_grad():\n    w -= lr * w.grad\n"),
        ("for i in range(len(wrods)):\n    f(i)\n", "for i in range(len(words)):\n    f(i)\n"),
        ("def f(x):\n    y = x\n", "def f(x):\n    y = x\n    return y\n"),
        ("d = datasets.MINST('d')\n", "d = datasets.MNIST('d')\n"),
        ("y = torch.tensor([1, 2])\n", "y = torch.tensor([1.0, 2.0])\n"),
        ("net.require_grad = False\n", "net.requires_grad_(False)\n"),
    ],
)
def test_mending_is_no_cheating(old: str, new: str) -> None:
    assert cheats(Code(old), Code(new)) == ""


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        pytest.param(rule, bad, id=f"{rule.id}-{number}")
        for rule in rules()
        for number, bad in enumerate(rule.BAD)
        if bad.fixed and rule.name != "torchtext-pipeline"  # safe and keeping the meaning: what it loads anew is not compared
    ],
)
def test_what_a_rule_states_as_right_is_no_cheating(rule: object, bad: Bad) -> None:
    assert cheats(Code(bad.code), Code(bad.fixed or "")) == ""


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.kind)
def test_going_back_to_the_right_program_is_no_cheating(fault: Fault) -> None:
    """Whatever fault was put into a right program: to take it out again is the best repair that there is."""
    for program in programs([ROOT / "benchmarks" / "programs"]):
        for place in islice(fault.places(Code(program.text)), 3):
            broken = edited(program.text, place)
            assert cheats(Code(broken), Code(program.text)) == "", broken


@pytest.mark.parametrize(
    "said",
    [
        *(said for _, said in RISING),
        *(f"it changes {what}" for what in (*NUMBERS, "how much data there is", "a seed", "how often a loop runs")),
        "it takes other data",
        "it takes another part of the data",
        *(f"it sets {what} to nothing" for what in NUMBERS),
        *("it drops a loop", "it drops Net", "it drops a check of the author's", "it drops a call of step()", "it drops a use of f"),
        *("it drops a layer that learns", "it makes training hang on a condition"),
        *("Net worked before", "it printed before", "it trained before"),
        *("not proven: the run ended as timeout", "the documented output is false, and the true one varies"),
        "mended where the fault was born: in the block at line 3, 9",
        "cannot be written back: it would have 3 snippets instead of 2: mend this block by hand",
        "cannot be written back: the new code would not be read back as it is: mend this block by hand",
        "cannot be written back: the new output would not be read back as it is: mend this block by hand",
        "a session that prints another number of lines than it shows: mend it by hand",
        "a numbered session cannot be given another statement: mend it by hand",
        "two changes meet at one place: write them back one after the other",
        "GBK has no '\\u2713': save it as UTF-8",
    ],
)
def test_every_reason_has_its_chinese(said: str) -> None:
    for text in (said, *([f'no candidate mends it: x; "Set the width to 4" was refused: {said}'] if said.startswith("it ") else [])):
        shown = in_language(text, "zh")
        left = re.sub(r"Net|Python|step\(\)|\bf\b|GBK|UTF-8|timeout|\bx\b|u2713", "", shown)
        assert not re.search(r"[a-z]{3,}", left), shown


# What the runs show -----------------------------------------------------------------------------------------------------


def ran(**facts: object) -> Result:
    return Result(Snippet("s", "", "", ""), Verdict.CLEAN, (), (), outcome=Outcome(kind="ok", **facts))


def stepping(reached: int) -> tuple[Observation, ...]:
    return (Observation(probe="optimizer", facts={"steps": 3, "reached": reached}),)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (ran(stdout="1\n"), ran(), "it printed before"),
        (ran(observations=stepping(4)), ran(observations=stepping(0)), "it trained before"),
        (
            ran(exercises=(Exercise(target="Net", kind="module", call="Net()"),)),
            ran(exercises=(Exercise(target="Net", kind="module", call="Net()", failure=Failure(type="E", message="m")),)),
            "Net worked before",
        ),
        (ran(observations=stepping(0)), ran(observations=stepping(2)), ""),
        (ran(stdout="1\n"), ran(stdout="2\n"), ""),
    ],
)
def test_what_worked_is_not_lost(before: Result, after: Result, said: str) -> None:
    assert lost(before, after) == said


def test_training_on_test_data_may_go():
    head = "opt = torch.optim.SGD(model.parameters(), lr=0.1)\nfor x in train_loader:\n    loss = model(x)\n    loss.backward()\n    opt.step()\n"
    tail = "for x in val_loader:\n    loss = model(x)\n    loss.backward()\n    opt.step()\n    print(loss)\n"
    mended = tail.replace("    loss.backward()\n    opt.step()\n", "")
    assert cheats(Code(head + tail), Code(head + mended)) == ""
    assert cheats(Code(head + tail), Code(head.replace("    opt.step()\n", "") + mended)) == "it drops a call of step()"
