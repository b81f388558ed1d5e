"""The snippet runs as a real `__main__`, and how it ended is told exactly."""

from __future__ import annotations

import subprocess
import sys

import pytest
from child_run import CHILD, HEAD, run, text_at

pytestmark = pytest.mark.torch

BEHAVES = {
    "is main": "assert __name__ == '__main__'",
    "runs its main guard": "ran = False\nif __name__ == '__main__':\n    ran = True\nassert ran",
    "is in sys.modules": "import sys\nmark = 1\nassert sys.modules['__main__'].mark == 1",
    "has a real file": "import os\nassert os.path.isabs(__file__) and open(__file__).read().startswith('import os')",
    "can show its source": "import inspect\nclass A:\n    def f(self):\n        return 1\nassert 'return 1' in inspect.getsource(A)",
    "can pickle its classes": "import pickle\nclass A: pass\nassert type(pickle.loads(pickle.dumps(A()))) is A",
    "has its own argv": "import sys\nassert len(sys.argv) == 1",
    "reads an end of file": "import sys\nassert sys.stdin.read() == ''",
    "resolves annotations": "import dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int = 1\nassert A(2).x == 2",
    "is seeded": "import random, torch\nrandom.random()\nassert torch.initial_seed() == 7",
    "sees its own warnings filter": "import warnings\nwarnings.simplefilter('ignore')\nwarnings.warn('x')",
}


@pytest.mark.parametrize("code", BEHAVES.values(), ids=BEHAVES)
def test_snippet_runs_as_main(code):
    outcome = run(code, seed=7)
    assert (outcome.kind, outcome.failure) == ("ok", None)


ENDS = {
    "ok": ("x = 1", "ok", None),
    "raised": ("1 / 0", "raised", None),
    "exit": ("import sys\nsys.exit(3)", "exited", 3),
    "exit without a code": ("exit()", "exited", 0),
    "exit with words": ("raise SystemExit('no data')", "exited", 1),
    "interrupt": ("raise KeyboardInterrupt", "raised", None),
    "odd base exception": ("raise BaseException('x')", "raised", None),
    "does not parse": ("def f(:\n    pass", "raised", None),
    "holds a NUL": ("x = 'a\0b'", "raised", None),
}


@pytest.mark.parametrize(("code", "kind", "exit_code"), ENDS.values(), ids=ENDS)
def test_kind_of_end(code, kind, exit_code):
    outcome = run(code)
    assert (outcome.kind, outcome.exit_code if kind == "exited" else None) == (kind, exit_code)


def test_syntax_error_has_its_place():
    failure = run("x = 1\nprint('注意', (1, 2)").failure
    assert (failure.type, failure.message) == ("SyntaxError", "'(' was never closed")
    assert (failure.syntax.line, failure.syntax.column) == (2, 6)


def test_blocks_before_run_first_in_the_same_namespace():
    before = [{"name": "first.py", "code": "def double(x):\n    return 2 * x"}]
    assert run("assert double(2) == 4", before=before).kind == "ok"
    frame = run("double(None)", before=before).failure.frame
    assert (frame.block, frame.function, frame.span.line) == ("first.py", "double", 2)


def test_lines_run_end_with_the_statement_that_failed():
    outcome = run("a = 1\ndef f():\n    return b\n\nf()\nc = 2")
    assert outcome.lines_run == (1, 2, 5)


def test_warnings_on_lines_of_the_snippet_are_kept():
    code = HEAD + "loss = nn.MSELoss()(torch.ones(3, 1), torch.ones(3))\nimport warnings\nwarnings.warn('mine', DeprecationWarning)"
    outcome = run(code)
    size, mine = outcome.warnings
    assert "target size" in size.facts["message"]
    assert text_at(code, size.span) == "nn.MSELoss()(torch.ones(3, 1), torch.ones(3))"
    assert (mine.facts["category"], mine.facts["direct"]) == ("DeprecationWarning", True)


TRAINING = """
import torch
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
def train():
    for batch in range(1000):
        model(torch.ones(1, 1)).sum().backward()
        optimizer.step()
epochs = 0
for epoch in range(1000):
    train()
    epochs += 1
for item in range(1000):
    last = item
print(batches := optimizer.state_dict()['param_groups'][0]['lr'], epochs, last)
"""


def test_quick_ends_training_loops_and_nothing_else():
    outcome = run(TRAINING, quick=5)
    assert (outcome.kind, outcome.quick, outcome.stdout) == ("ok", True, "0.1 1 999\n")


def test_quick_says_which_loops_it_ended():
    (told,) = run(TRAINING, quick=5).stand_ins
    assert (told.what, told.how) == ("--quick", "ended after 5 steps: `for batch in range(1000)`, `for epoch in range(1000)`")
    assert not run(TRAINING.replace("1000", "3"), quick=50).stand_ins
    assert not run(TRAINING.replace("1000", "3")).stand_ins


WHILE = """
import torch
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
def fit(rounds):
    done = 0
    while True:
        model(torch.ones(1, 1)).sum().backward()
        optimizer.step()
        done += 1
    return done
steps, after = 0, 'no else'
while steps < 1_000_000:
    optimizer.step()
    steps += 1
else:
    after = 'else'
waited = 0
while waited < 50:
    waited += 1
print(steps, after, waited, fit(1), fit(2))
"""


def test_quick_ends_while_loops_and_leaves_others_alone():
    outcome = run(WHILE, quick=5)
    assert (outcome.kind, outcome.stdout) == ("ok", "5 else 50 5 5\n")
    assert outcome.stand_ins[0].how == "ended after 5 steps: `while steps < 1_000_000`, `while True`"


BY_HAND = """
import torch
w = torch.zeros(1, requires_grad=True)
for step in range(1000):
    loss = (w - 1).square().sum()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad.zero_()
y, rows = w.repeat(8), []
for i in range(8):
    y[i].backward(retain_graph=True)
    rows.append(w.grad.clone())
print(step, len(rows))
"""


def test_quick_ends_descents_without_an_optimizer_and_no_loop_that_only_collects_gradients():
    assert run(BY_HAND, quick=5).stdout == "4 8\n"


def test_quick_keeps_places():
    code = TRAINING.replace("range(1000):\n    train", "missing(1000):\n    train")
    assert text_at(code, run(code, quick=5).failure.frame.span) == "missing"


def test_output_of_exercises_is_not_the_snippets():
    code = HEAD + "class A(nn.Module):\n    def forward(self, x):\n        print('inside')\n        return x\na = A()\nprint('ran')"
    outcome = run(code)
    assert outcome.exercises
    assert outcome.stdout == "ran\n"


def test_torch_is_not_imported_for_a_snippet_without_it(tmp_path):
    job = {"code": "print(1)", "name": "snippet.py", "stage": "probe"}
    script = (
        f"import sys; sys.path.append({CHILD!r}); import execute; execute.run({job!r}, lambda m: None); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
