"""A block that builds on earlier ones is judged for what it does itself, at its own lines."""

import pytest

from snipfix.model import Severity, Snippet, Verdict

pytestmark = pytest.mark.torch

NET = """import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)
    def forward(self, x):
        return self.fc(x)
"""
DOUBTFUL = """import torch
import torch.nn.functional as F
x = torch.randn(4, 3, requires_grad=True)
loss = F.cross_entropy(F.softmax(x, 1), torch.tensor([0, 1, 2, 0]))
loss.backward()
"""


@pytest.fixture
def audit(engine):
    """Audits a block on top of an earlier one, which begins on line 7 of the document."""

    def audit(before, code, name="page:1", **options):
        earlier = Snippet(id=name, title="", document="page.md", code=before, line=7, **options)
        return engine.auditor.audit(Snippet(id="page:2", title="", document="page.md", code=code, line=20, before=(earlier,)))

    return audit


FAILING = {
    "raises": ("width = 3 / 0\n", "ZeroDivisionError: division by zero"),
    "does not parse": ("width = (3\n", "SyntaxError: '(' was never closed"),
    "exits": ("width = 3\nraise SystemExit\n", "exited"),
    "dies": ("import os\nwidth = 3\nos.abort()\n", "crashed"),
}


@pytest.mark.parametrize(("before", "why"), FAILING.values(), ids=FAILING)
def test_on_a_failing_block_nothing_is_said_but_that(audit, before, why):
    result = audit(before, "print(width)\n")
    (finding,) = result.findings
    assert (result.verdict, finding.name, finding.severity) == (Verdict.NOT_RUNNABLE, "builds-on-failing-block", Severity.NOTE)
    assert finding.message == f"builds on a block that fails (line 7): {why}"


def test_a_hidden_block_that_fails_is_an_error_where_readers_can_see_it(audit):
    (finding,) = audit("width = 3 / 0\n", "print(width)\n", name="page:setup1").findings
    assert finding.severity is Severity.ERROR
    assert "a hidden setup block that fails (line 7)" in finding.message


def test_a_block_meant_to_raise_does_not_end_what_follows(audit):
    result = audit("width = 3\n1 / 0\n", "print(width)\n", expect_error=True)
    assert (result.verdict, result.outcome.stdout) == (Verdict.CLEAN, "3\n")


def test_what_an_earlier_block_prints_is_not_the_snippets(audit):
    assert audit("width = 3\nprint(width)\n", "print(width + 1)\n").outcome.stdout == "4\n"


def test_a_seed_set_in_an_earlier_block_makes_outputs_comparable(engine):
    earlier = Snippet(id="page:1", title="", document="page.md", code="import torch\ntorch.manual_seed(0)\n", line=7)
    code = "print(torch.randn(2).numel())\nprint('three')\n"
    result = engine.auditor.audit(
        Snippet(id="page:2", title="", document="page.md", code=code, line=20, before=(earlier,), documented_output="2\nfour\n")
    )
    assert [finding.name for finding in result.findings] == ["documented-output-refuted"]


def test_what_an_earlier_block_does_wrong_is_said_there_alone(audit):
    assert audit(DOUBTFUL, "print(loss.item() > 0)\n\n\nprint(1)\n").findings == ()


def test_a_failure_born_in_an_earlier_block_is_placed_at_the_call(audit):
    result = audit(NET, "net = Net()\n\n\n\n\n\n\n\n\nout = net(torch.zeros(2, 5))\n")
    assert [(finding.span.line, finding.span.column) for finding in result.findings if finding.is_error] == [(10, 7)]
