"""A repair that passes by cheating is refused; one that only adds or corrects is not."""

import pytest

from snipfix.code import Code
from snipfix.proof import cheats

LOOP = "for epoch in range(100):\n    loss.backward()\n    optimizer.step()\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("f()\n", "try:\n    f()\nexcept Exception:\n    g()\n", "catches an exception"),
        (LOOP, "for epoch in range(1):\n    loss.backward()\n    optimizer.step()\n", "how often a loop runs"),
        (LOOP, "for epoch in range(100):\n    pass\n", "empties a body"),
        (LOOP, "loss.backward()\noptimizer.step()\n", "drops a loop"),
        (LOOP, "for epoch in range(100):\n    optimizer.step()\n", "drops a call of backward()"),
        ("torch.manual_seed(1)\n", "torch.manual_seed(2)\n", "changes a seed"),
        ("class Net: ...\nclass Other: ...\n", "class Net: ...\n", "drops Other"),
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
    ],
)
def test_mending_is_no_cheating(old: str, new: str) -> None:
    assert cheats(Code(old), Code(new)) == ""
