"""On a real card: snippets run there unedited, limits hold, and what one of them breaks costs no other. `make test-gpu` runs these."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from snipfix.audit import Auditor
from snipfix.config import Options
from snipfix.engines.local import LocalEngine
from snipfix.evidence import Job
from snipfix.model import Snippet
from snipfix.rules.registry import rules
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Policy, cards

pytestmark = [
    pytest.mark.torch,
    pytest.mark.gpu,
    pytest.mark.skipif(not cards(), reason="there is no NVIDIA card here: run `make test-gpu` on a machine that has one"),
]

TRAINING = """\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
data = TensorDataset(torch.randn(64, 3), torch.randint(0, 2, (64,)))
loader = DataLoader(data, batch_size=8, shuffle=True, num_workers=2, pin_memory=True, generator=torch.Generator().manual_seed(1))
net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
opt = torch.optim.Adam(net.parameters(), lr=0.1)
for x, y in loader:
    opt.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    opt.step()
print(next(net.parameters()).get_device(), x.get_device(), net(x).detach().numpy().shape)
print(torch.full((2,), 0.5))
"""
MIXED = """\
import torch
net = torch.nn.Linear(3, 2).to("cuda")
print(net(torch.zeros(4, 3)))
"""
BROKEN = "import torch\nx = torch.zeros(3)\nprint(x[torch.tensor([7])])\ntorch.zeros(2).sum().item()\n"
"""An index out of bounds stops the whole context of a card, for as long as its process lives."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Policy(device="cuda")) as made:
        yield made


def on_card(sandbox: Sandbox, code: str, **options: object):
    return sandbox.run(Job(code=code, device="cuda", **options))


def test_a_snippet_that_names_no_card_runs_on_it(sandbox: Sandbox):
    outcome = on_card(sandbox, TRAINING)
    assert outcome.failure is None
    assert outcome.stdout == "0 0 (8, 2)\ntensor([0.5000, 0.5000])\n"
    assert {one.what for one in outcome.stand_ins} == {"DataLoader workers", ".numpy()"}


def test_mixed_devices_are_found_where_the_author_places_them():
    with LocalEngine(Options(device="cuda", cache=False)) as engine:
        (result,) = engine.results([Snippet("s", "", "page.md", MIXED)])
    (finding,) = [one for one in result.findings if one.is_error]
    assert finding.category.value == "device"
    assert finding.fixes


def test_a_mended_snippet_is_clean_on_both_devices(sandbox: Sandbox):
    fixed = MIXED.replace("torch.zeros(4, 3)", "torch.zeros(4, 3).to(next(net.parameters()).device)")
    fixed = fixed.replace('"cuda"', '"cuda" if torch.cuda.is_available() else "cpu"')
    with Sandbox() as cpu:
        for run, device in ((sandbox.run, "cuda"), (cpu.run, "cpu")):
            result = Auditor(run, rules(), Options(device=device)).audit(Snippet("s", "", "page.md", fixed))
            assert not [one for one in result.findings if one.is_error]


def test_a_broken_context_costs_one_snippet(sandbox: Sandbox):
    assert on_card(sandbox, BROKEN).kind in ("raised", "crashed")
    assert on_card(sandbox, TRAINING).failure is None


def test_memory_of_the_card_is_bounded(sandbox: Sandbox):
    outcome = on_card(sandbox, "import torch\nx = torch.zeros(1 << 29)\nprint(x.sum())\n", memory_mb=1024)
    assert outcome.failure is not None
    assert "out of memory" in outcome.failure.message
    assert on_card(sandbox, "import torch\nprint(torch.zeros(1 << 20).sum().item())\n", memory_mb=1024).stdout == "0.0\n"


def test_a_loop_on_the_card_is_stopped_in_time(sandbox: Sandbox):
    code = "import torch\nx = torch.ones(1000, 1000)\nwhile True:\n    x = x @ x\n"
    assert on_card(sandbox, code, timeout=10.0).kind == "timeout"
    assert on_card(sandbox, TRAINING).failure is None


def test_the_fork_server_never_starts_cuda(sandbox: Sandbox):
    """What holds a card's memory is a process of a job, and it is gone with the job."""
    on_card(sandbox, TRAINING)
    if shutil.which("nvidia-smi") is None:
        pytest.skip("no nvidia-smi to ask who uses the card")
    said = subprocess.run(["nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader"], capture_output=True, text=True, check=True)
    assert sandbox._server is not None
    assert str(sandbox._server._process.pid) not in said.stdout.split()
