"""The card that is none: mixed devices show with torch's words where there is no GPU, and right programs stay right."""

import pytest

from snipfix.audit import PRETENDED, Auditor
from snipfix.config import Options
from snipfix.evidence import Job
from snipfix.model import Snippet
from snipfix.rules.registry import rules
from snipfix.sandbox.client import Sandbox

pytestmark = pytest.mark.torch

HEAD = """\
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
"""
RIGHT = {
    "good": """\
net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2)).to(device)
opt = torch.optim.Adam(net.parameters(), lr=0.1)
crit = nn.CrossEntropyLoss()
data = DataLoader(TensorDataset(torch.randn(40, 3), torch.randint(0, 2, (40,))), batch_size=8, shuffle=True)
for epoch in range(3):
    total = 0.0
    for x, y in data:
        x, y = x.to(device), y.to(device)
        opt.zero_grad()
        loss = crit(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        total += loss.item()
    print(epoch, total, next(net.parameters()).device, net[0].weight.grad.device)
net.eval()
with torch.no_grad():
    print(net(torch.randn(2, 3, device=device)).argmax(1).cpu().numpy())
""",
    "lstm": """\
net = nn.LSTM(3, 4, batch_first=True).cuda()
x = torch.randn(2, 5, 3).cuda()
h = torch.zeros(1, 2, 4, device=x.device)
out, (h, c) = net(x, (h, torch.zeros_like(h)))
out.mean().backward()
print(out.device, h.is_cuda)
""",
    "checkpoint": """\
net = nn.Linear(3, 2).to(device)
opt = torch.optim.Adam(net.parameters())
net(torch.ones(2, 3, device=device)).sum().backward()
opt.step()
torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "mean": torch.ones(3, device=device)}, "all.pt")
there, here = torch.load("all.pt"), torch.load("all.pt", map_location="cpu")
assert there["mean"].is_cuda and not here["mean"].is_cuda
other = nn.Linear(3, 2)
other.load_state_dict(there["net"])
print(other(here["mean"] + torch.ones(2, 3)).device, torch.load("all.pt", map_location=device)["mean"] * there["mean"])
opt.load_state_dict(there["opt"])
net(there["mean"]).sum().backward()
opt.step()
""",
    "packed": """\
net = nn.LSTM(3, 4).to(device)
packed = nn.utils.rnn.pack_padded_sequence(torch.zeros(5, 2, 3, device=device), torch.tensor([5, 3]))
out, (h, c) = net(packed)
print(h.device, nn.GRUCell(3, 4).to(device)(torch.zeros(2, 3, device=device)).device)
""",
    "transformer": """\
net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).to(device)
x = torch.randn(2, 5, 8).to(device)
m = nn.Transformer.generate_square_subsequent_mask(5).to(device)
print(net(x, mask=m).device)
net.eval()
with torch.no_grad(): print(net(x).device)
""",
    "copy": """\
import copy
net = nn.Linear(3, 2).to(device)
other = copy.deepcopy(net)
other.load_state_dict(net.state_dict())
w = nn.Parameter(torch.ones(2, device=device))
print((other(torch.ones(1,3).to(device)) * w).device, (w * torch.tensor(2.0)).device)
emb = nn.Embedding(5, 3).to(device)
print(emb(torch.tensor([1,2]).to(device)).sum())
""",
    "scaler": """\
net = nn.Linear(3, 2).to(device)
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
s = torch.amp.GradScaler('cuda')
with torch.autocast('cuda'):
    loss = net(torch.ones(2,3,device=device)).sum()
s.scale(loss).backward()
s.step(opt)
s.update()
print('fine')
""",
}
WRONG = {
    "a batch left behind": """\
net = nn.Linear(3, 2).to(device)
x = torch.zeros(4, 3)
print(net(x))
""",
    "a target left behind": """\
net = nn.Linear(3, 2).to(device)
x = torch.zeros(4, 3, device=device)
y = torch.zeros(4, dtype=torch.long)
loss = nn.CrossEntropyLoss()(net(x), y)
""",
    "a tensor that no buffer holds": """\
class PE(nn.Module):
    def __init__(self):
        super().__init__()
        self.pe = torch.zeros(1, 5, 4)
    def forward(self, x):
        return x + self.pe
m = PE().to(device)
m(torch.zeros(2, 5, 4).to(device))
""",
    "states made on the CPU": """\
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)
    def forward(self, x):
        h0 = torch.zeros(1, x.size(0), 4)
        c0 = torch.zeros(1, x.size(0), 4)
        return self.lstm(x, (h0, c0))[0]
Tagger().to(device)(torch.zeros(2, 5, 3).to(device))
""",
    "a checkpoint that comes back to the card": """\
torch.save({"mean": torch.zeros(3, device=device)}, "mean.pt")
mean = torch.load("mean.pt")["mean"]
print(torch.ones(4, 3) - mean)
""",
    "a sequence left behind": """\
net = nn.GRU(3, 4).to(device)
out, h = net(torch.zeros(5, 2, 3))
""",
    "a state left behind by a cell": """\
cell = nn.LSTMCell(3, 4).to(device)
x, h, c = torch.zeros(2, 3, device=device), torch.zeros(2, 4), torch.zeros(2, 4)
h, c = cell(x, (h, c))
""",
    "a batch where no name says the device": """\
net = nn.Linear(3, 2)
if torch.cuda.is_available():
    net.cuda()
x = torch.zeros(4, 3)
print(net(x))
""",
    "numpy": """\
x = torch.zeros(4, 3, device=device)
print(x.numpy())
""",
}
UNKNOWN = """\
net = nn.LSTM(3, 4).to(device)
packed = nn.utils.rnn.pack_padded_sequence(torch.zeros(5, 2, 3, device=device), torch.tensor([5, 3]))
out, _ = net(packed)
padded, lengths = nn.utils.rnn.pad_packed_sequence(out)
print(padded.sum() + 1)
"""


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as made:
        yield made


@pytest.mark.parametrize("code", RIGHT.values(), ids=RIGHT)
def test_right_programs_run_to_their_end(sandbox: Sandbox, code: str):
    outcome = sandbox.run(Job(code=HEAD + code, device=PRETENDED, stage="run", quick=6))
    assert outcome.kind == "ok", outcome.failure


def test_nothing_is_said_once_a_function_meets_both_devices_that_may(sandbox: Sandbox):
    result = Auditor(sandbox.run, rules(), Options()).audit(Snippet("s", "", "page.md", HEAD + UNKNOWN))
    assert not [finding for finding in result.findings if finding.category.value == "device"]


@pytest.mark.parametrize("code", WRONG.values(), ids=WRONG)
def test_mixed_devices_are_found_and_their_mending_is_proven(sandbox: Sandbox, code: str):
    auditor = Auditor(sandbox.run, rules(), Options())
    result = auditor.audit(Snippet("s", "", "page.md", HEAD + code))
    (finding,) = [finding for finding in result.findings if finding.is_error]
    assert (finding.category.value, finding.evidence["device"]) == ("device", PRETENDED)
    assert finding.message.startswith("with a GPU, ")
    assert finding.fixes
    mended = [auditor.audit(Snippet("s", "", "page.md", fix.apply(HEAD + code))) for fix in finding.fixes]
    assert any(not any(one.is_error for one in after.findings) for after in mended)


def test_a_snippet_that_never_says_cuda_runs_once(sandbox: Sandbox):
    devices = list[str]()

    def run(job: Job):
        devices.append(job.device)
        return sandbox.run(job)

    auditor = Auditor(run, rules(), Options())
    auditor.audit(Snippet("s", "", "page.md", "import torch\nprint(torch.zeros(2))\n"))
    assert devices == ["cpu"]
    auditor.audit(Snippet("s", "", "page.md", HEAD + "print(device)\n"))
    assert devices == ["cpu", "cpu", PRETENDED]


CARRIED = {
    "training": """\
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split
torch.manual_seed(0)
data = TensorDataset(torch.randn(20, 3), torch.randint(0, 2, (20,)))
train, test = random_split(data, [16, 4], generator=torch.Generator().manual_seed(1))
loader = DataLoader(train, batch_size=8, shuffle=True, num_workers=2, generator=torch.Generator().manual_seed(2), pin_memory=True)
net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
opt = torch.optim.Adam(net.parameters(), lr=0.1)
for x, y in loader:
    opt.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    opt.step()
print(net[0].weight.get_device(), x.get_device(), [round(float(v), 3) for v in net[0].weight[0]])
""",
    "arrays": """\
import numpy as np
import torch
x = torch.arange(6.0).reshape(2, 3)
a = x.numpy()
b = np.asarray(x * 2)
y = x + torch.from_numpy(np.ones((2, 3), dtype=np.float32))
print(a.sum(), b.sum(), y, np.mean(y.tolist()))
""",
    "legacy": """\
import torch
w = torch.nn.Parameter(torch.Tensor(3, 2).fill_(0.5))
index = torch.LongTensor([0, 2])
out = torch.ones(4, 3) @ w
out.sum().backward()
print(out[index].shape, w.grad.sum().item(), torch.FloatTensor([1.0]) + torch.zeros(1))
kept = torch.FloatTensor([1.0, 2.0])
kept += torch.ones(2)
kept[torch.tensor([0])] = torch.tensor([9.0])
print(kept)
""",
    "generators": """\
import torch
g = torch.Generator().manual_seed(3)
a = torch.randn(2, 2, generator=g)
b = torch.normal(torch.zeros(2), torch.ones(2))
c = torch.randperm(5, generator=g)
d = torch.empty(3).uniform_(0, 1, generator=g)
e = torch.nn.init.xavier_uniform_(torch.empty(2, 2))
print(a, b, c, d, e, torch.rand(2, requires_grad=True), torch.rand_like(a), sep="\\n")
""",
    "packed": """\
import torch
from torch import nn
out, _ = nn.LSTM(3, 4)(nn.utils.rnn.pack_padded_sequence(torch.zeros(5, 2, 3), torch.tensor([5, 3])))
print(nn.utils.rnn.pad_packed_sequence(out)[0].shape)
""",
}
"""Programs that never speak of a card: they print the same on one."""


@pytest.mark.parametrize("code", CARRIED.values(), ids=CARRIED)
def test_a_snippet_that_names_no_card_prints_the_same_on_one(sandbox: Sandbox, code: str):
    on_card = sandbox.run(Job(code=code, device=PRETENDED, stage="probe"))
    on_cpu = sandbox.run(Job(code=code.replace("print(net[0].weight.get_device(), x.get_device(),", "print(0, 0,"), stage="run"))
    assert on_card.failure is None
    assert on_cpu.failure is None
    assert on_card.stdout == on_cpu.stdout


def test_what_works_in_another_way_on_a_card_is_named(sandbox: Sandbox):
    names = [sandbox.run(Job(code=CARRIED[name], device=PRETENDED, stage="run")).stand_ins for name in ("training", "arrays", "packed")]
    assert [[one.what for one in used] for used in names] == [["DataLoader workers"], [".numpy()"], []]


def test_an_error_of_the_author_is_the_same_on_a_card(sandbox: Sandbox):
    outcome = sandbox.run(Job(code="import torch\ntorch.zeros(2, 3) @ torch.zeros(2, 3)\n", device=PRETENDED))
    assert outcome.failure.frame.span.line == 2
    assert "shapes cannot be multiplied" in outcome.failure.message
