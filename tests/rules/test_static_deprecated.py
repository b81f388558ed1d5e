"""The table of changed names against the installed libraries, and old against new on the same seeded arguments."""

import json
import subprocess
import sys

import pytest

from snipfix.code import Code
from snipfix.model import Snippet
from snipfix.rules.base import Context
from snipfix.rules.deprecated.api import table
from snipfix.rules.registry import rules

ASK = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")

def there(name):
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        try:
            for part in parts[n:]:
                found = getattr(found, part)
        except AttributeError:
            return False
        return True
    return None if len(parts) == 1 else False

def stub(name):
    "Some names of torch are still there and only raise."
    import torch
    function = getattr(torch, name.rpartition(".")[2])
    try:
        function(torch.eye(2), *([torch.eye(2)] if name in {"torch.solve", "torch.lstsq"} else []))
    except RuntimeError as error:
        return "is now removed" in str(error)
    return False

print(json.dumps({name: [there(name), stub(name) if there(name) and name in json.loads(sys.argv[2]) else None] for name in json.loads(sys.argv[1])}))
"""
STUBS = ["torch.symeig", "torch.eig", "torch.solve", "torch.lstsq", "torch.matrix_rank"]


def ask(names: list[str]) -> dict[str, list[bool | None]]:
    done = subprocess.run([sys.executable, "-c", ASK, json.dumps(names), json.dumps(STUBS)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.torch
def test_the_table_says_what_is_installed():
    entries = {name: entry for name, entry in table().items() if not name.startswith(("torchvision", "pytorch_"))}
    facts = ask([*entries, *(entry.new for entry in entries.values() if entry.new)])
    for name, entry in entries.items():
        present, raises = facts[name]
        assert bool(present) is (entry.state != "removed" or name in STUBS), name
        assert name not in STUBS or raises, name
        assert not entry.new or facts[entry.new][0], entry.new


@pytest.mark.parametrize("entry", table().values(), ids=table())
def test_an_entry_says_what_to_do(entry):
    assert entry.state in {"removed", "warns", "silent"}
    assert entry.instead
    assert entry.since


REPLAYS = [
    "torch.qr(A, some=False)",
    "torch.qr(A[:, :2], True)",
    "torch.cholesky(A @ A.T + torch.eye(3), True)",
    "torch.chain_matmul(A, A, A)",
    "torch.lu(A)",
    "torch.ger(A[0], A[1])",
    "torch.range(0, 9)",
    "torch.range(0, 1.5)",
    "torch.range(1, 9, 3)",
    "torch.range(5, 1, -2)",
    "F.upsample(A[None, None], scale_factor=2)",
    "F.upsample_bilinear(A[None, None], scale_factor=2)",
    "F.upsample_nearest(A[None, None], scale_factor=2)",
    "F.sigmoid(A)",
    "F.tanh(A)",
    "F.mse_loss(A, A + 1, size_average=False)",
    "F.mse_loss(A, A + 1, reduce=False, size_average=True)",
    "nn.init.constant(A.clone(), 0.5)",
    "nn.init.eye(A.clone())",
    "torch.lu_solve(A, torch.linalg.lu_factor(A)[0], torch.linalg.lu_factor(A)[1])",
    "nn.UpsamplingNearest2d(scale_factor=2)(A[None, None])",
    "nn.UpsamplingBilinear2d(scale_factor=2)(A[None, None])",
    "torch.utils.data._utils.collate.default_collate([A, A])",
    "torch.utils.data._utils.collate.default_convert(A.numpy())",
    "nn.init.dirac(torch.zeros(2, 2, 3))",
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
    "nn.NLLLoss2d()(A.log_softmax(1), torch.tensor([0, 1, 2]))",
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
