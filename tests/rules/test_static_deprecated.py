"""Arguments and calls that changed: old against new on the same seeded arguments. Names: see test_replayed_deprecations."""

import subprocess
import sys

import pytest

from snipfix.code import Code
from snipfix.model import Snippet
from snipfix.rules.base import Context
from snipfix.rules.deprecated.api import table
from snipfix.rules.registry import rules


@pytest.mark.parametrize("entry", table().values(), ids=table())
def test_an_entry_says_what_to_do(entry):
    assert entry.state in {"removed", "warns", "silent"}
    assert entry.instead
    assert entry.since


REPLAYS = [
    "torch.range(0, 9)",
    "torch.range(0, 1.5)",
    "torch.range(1, 9, 3)",
    "torch.range(5, 1, -2)",
    "F.mse_loss(A, A + 1, size_average=False)",
    "F.mse_loss(A, A + 1, reduce=False, size_average=True)",
    "A.clone().add_(2, A)",
    "A.clone().addcmul_(0.5, A, A.T)",
    "torch.sub(A, 3, A + 1)",
    "torch.addcdiv(A, 2, A, A + 9)",
    "torch.addmm(0.5, A, 2, A, A.T)",
    "torch.addmm(0.5, A, A, A.T)",
    "torch.addmv(0.5, A[0], 2, A, A[1])",
    "A.addmm(0.5, 3, A, A)",
    "A[None].baddbmm(0.5, A[None], A[None])",
    "A.addr(2, A[0], A[1])",
]
HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\ntorch.manual_seed(0)\nA = torch.randn(3, 3)\nresult = "
COMPARE = """
import sys, warnings
warnings.simplefilter("ignore")
def run(code):
    space = {}
    exec(code, space)
    result = space["result"]
    return list(result) if isinstance(result, tuple) else [result]
import torch
for old, new in eval(sys.stdin.read()):
    for one, two in zip(run(old), run(new), strict=True):
        assert one.dtype == two.dtype and one.shape == two.shape and torch.allclose(one.float(), two.float()), (old, one, two)
"""


def mended(text: str) -> str:
    for _ in range(5):
        context = Context(Snippet("a", "a", "a.md", text), Code(text))
        fix = next(
            (
                fix
                for rule in rules()
                if rule.id.startswith(("SNF13", "SNF14"))
                for one in rule.static(context)
                for fix in rule.fixes(context, one)
            ),
            None,
        )
        if fix is None:
            return text
        text = fix.apply(text)
    return text


@pytest.mark.torch
def test_old_and_new_agree_in_values_and_dtypes():
    pairs = [(HEAD + call, mended(HEAD + call)) for call in REPLAYS]
    assert all(old != new for old, new in pairs), [old for old, new in pairs if old == new]
    done = subprocess.run([sys.executable, "-c", COMPARE], input=repr(pairs), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
