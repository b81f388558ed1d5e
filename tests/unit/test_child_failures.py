"""An exception becomes evidence: the place to the column, the operation, what it was given, the module."""

from __future__ import annotations

import pytest
from child_run import HEAD, run, text_at

pytestmark = pytest.mark.torch

NET = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(8, width)
        self.second = nn.LSTM(16, 4)

    def forward(self, x, state=None):
        x = self.first(x)
        return self.second(x, state)[0]
"""
)

# code, text at the place, operation, module path, shapes of the first arguments
FAILURES = {
    "a function of torch": (HEAD + "a = torch.ones(2, 3) @ torch.ones(2, 3)", "torch.ones(2, 3) @ torch.ones(2, 3)", "Tensor.matmul", None),
    "a layer given the wrong width": (NET + "Net(16)(torch.ones(2, 9))", "self.first(x)", "torch.nn.functional.linear", "Net.first"),
    "a layer built for the wrong width": (NET + "Net(5)(torch.ones(2, 8))", "self.second(x, state)", "torch.nn.LSTM.forward", "Net.second"),
    "a layer that indexes what it is given": (
        NET + "Net(16)(torch.ones(2, 3, 8), torch.ones(1, 3, 4))",
        "self.second(x, state)",
        "torch.nn.LSTM.forward",
        "Net.second",
    ),
    "a call that forward does not take": (
        NET + "Net(16)(torch.ones(2, 8), mask=None)",
        "Net(16)(torch.ones(2, 8), mask=None)",
        "Net.forward",
        "Net",
    ),
    "a missing argument": (
        HEAD + "layer = nn.TransformerDecoderLayer(8, 2)\nlayer(torch.ones(1, 1, 8))",
        "layer(torch.ones(1, 1, 8))",
        "torch.nn.TransformerDecoderLayer.forward",
        "TransformerDecoderLayer",
    ),
    "a tuple for a tensor": (
        HEAD + "nn.Linear(4, 2)(nn.LSTM(4, 4)(torch.ones(1, 1, 4)))",
        "nn.Linear(4, 2)(nn.LSTM(4, 4)(torch.ones(1, 1, 4)))",
        "torch.nn.Linear.forward",
        "Linear",
    ),
    "a constructor that asserts": (
        HEAD + "nn.MultiheadAttention(10, 3)",
        "nn.MultiheadAttention(10, 3)",
        "torch.nn.MultiheadAttention.__init__",
        "MultiheadAttention",
    ),
    "backward of many values": (
        HEAD + "x = torch.ones(3, requires_grad=True)\n(x * 2).backward()",
        "(x * 2).backward()",
        "Tensor.backward",
        None,
    ),
    "unpacking": (HEAD + "a, b = torch.ones(2, 3, 4).size()", "a, b", "unpacking", None),
    "a missing name": (HEAD + "y = optim.SGD", "optim", "name", None),
    "a missing attribute": (HEAD + "y = torch.ones(1).shapes", "torch.ones(1).shapes", "attribute", None),
    "a wrong call": (HEAD + "def f(a):\n    return a\nf()", "f()", "call", None),
}


@pytest.mark.parametrize(("code", "text", "operation", "module"), FAILURES.values(), ids=FAILURES)
def test_place_operation_and_module(code, text, operation, module):
    failure = run(code).failure
    assert text_at(code, failure.frame.span) == text
    assert failure.operation.name == operation
    assert (failure.operation.module.path if failure.operation.module else None) == module


def test_operation_shows_what_it_was_given():
    code = NET + "Net(16)(torch.ones(2, 9))"
    operation = run(code).failure.operation
    assert [value.shape for value in operation.args] == [(2, 9), (16, 8), (16,)]
    assert operation.module.config["in_features"].text == "8"
    assert text_at(code, operation.module.built) == "nn.Linear(8, width)"


def test_columns_are_code_points():
    code = HEAD + "名字 = '汉字'; y = torch.ones(2) + torch.ones(3)  # 注意"
    assert text_at(code, run(code).failure.frame.span) == "torch.ones(2) + torch.ones(3)"


def test_frames_of_the_snippet_carry_locals_and_owner():
    failure = run(NET + "net = Net(16)\nnet(torch.ones(2, 9))").failure
    module_level, forward = [frame for frame in failure.frames if frame.snippet]
    assert (module_level.function, module_level.owner) == ("<module>", "")
    assert "net" in module_level.locals
    assert "torch" not in module_level.locals
    assert (forward.function, forward.owner, forward.locals["x"].shape) == ("forward", "Net", (2, 9))


def test_no_frame_of_the_harness_is_shown():
    failure = run(NET + "Net(16)(torch.ones(2, 9))").failure
    assert not [frame for frame in failure.frames if frame.block in ("functions", "modules", "execute")]


def test_failure_of_a_loader_worker_has_its_snippet_frame():
    code = (
        HEAD
        + """
class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        return missing
for batch in torch.utils.data.DataLoader(Data(), num_workers=1):
    pass
"""
    )
    failure = run(code).failure
    assert (failure.type, failure.frame.function, failure.frame.span.line) == ("NameError", "__getitem__", 9)


ODD = {
    "message that raises": (
        "class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E",
        "E",
        "<message cannot be had: ValueError>",
    ),
    "lone surrogate": ("raise ValueError('\\ud800')", "ValueError", "\\ud800"),
    "group": ("raise ExceptionGroup('many', [ValueError('x')])", "ExceptionGroup", "many (1 sub-exception)"),
    "no message": ("assert False", "AssertionError", ""),
}


@pytest.mark.parametrize(("code", "kind", "message"), ODD.values(), ids=ODD)
def test_odd_exceptions_survive(code, kind, message):
    failure = run(code).failure
    assert (failure.type, failure.message) == (kind, message)


def test_evidence_is_bounded():
    deep = run("def f(n):\n    return f(n + 1)\nf(0)").failure
    assert deep.type == "RecursionError"
    assert len(deep.frames) <= 50
    assert len(run("raise ValueError('x' * 10**7)").failure.message) <= 4_000
    many = run("\n".join(f"a{n} = {n}" for n in range(1_000)) + "\nb = [0] * 10**6\nc = 'x' * 10**6\nmissing").failure
    assert len(many.frame.locals) <= 32
    assert many.frame.locals["b"].length == 10**6
    assert len(many.frame.locals["c"].text) <= 200


def test_hostile_objects_are_described():
    code = """
class Bad:
    def __getattr__(self, name): raise RuntimeError(name)
    def __repr__(self): raise RuntimeError
    def __len__(self): return -1
    def __class__(self): raise RuntimeError
bad = Bad()
missing
"""
    failure = run(code).failure
    assert failure.type == "NameError"
    assert failure.frame.locals["bad"].kind == "object"


def test_cause_is_told():
    failure = run("try:\n    int('x')\nexcept ValueError as error:\n    raise RuntimeError('outer') from error").failure
    assert failure.cause.startswith("ValueError: invalid literal")
