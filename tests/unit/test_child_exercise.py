"""What a snippet only defines is called with inputs that fit; a failure is told only when no plausible input avoids it."""

from __future__ import annotations

import pytest
from child_run import HEAD, run, text_at

pytestmark = pytest.mark.torch


def model(body: str, make: str = "net = Net()") -> str:
    return HEAD + "import math\nclass Net(nn.Module):\n" + "\n".join("    " + line for line in body.strip("\n").split("\n")) + f"\n{make}\n"


# The body of a class and the call that is found for it.
FITS = {
    "features": (
        "def __init__(self):\n    super().__init__()\n    self.a = nn.Linear(12, 2)\ndef forward(self, x):\n    return self.a(x)",
        "net(torch.randn(3, 12))",
    ),
    "an image, flattened": (
        "def __init__(self):\n    super().__init__()\n    self.a = nn.Linear(784, 2)\ndef forward(self, x):\n    return self.a(x.view(-1, 784))",
        "net(torch.randn(3, 1, 28, 28))",
    ),
    "an image of the size that the classifier wants": (
        """
def __init__(self):
    super().__init__()
    self.conv = nn.Conv2d(3, 4, 3)
    self.fc = nn.Linear(4 * 35 * 35, 2)
def forward(self, x):
    return self.fc(torch.flatten(F.max_pool2d(self.conv(x), 2), 1))
""",
        "net(torch.randn(3, 3, 72, 72))",
    ),
    "ids": (
        "def __init__(self):\n    super().__init__()\n    self.e = nn.Embedding(50, 4)\ndef forward(self, text):\n    return self.e(text)",
        "net(torch.randint(0, 50, (3, 7)))",
    ),
    "a sequence and its states": (
        """
def __init__(self):
    super().__init__()
    self.rnn = nn.LSTM(4, 6, num_layers=2, batch_first=True)
def forward(self, x, hidden):
    out, hidden = self.rnn(x, hidden)
    return out, hidden
""",
        "net(torch.randn(3, 7, 4), (torch.randn(2, 3, 6), torch.randn(2, 3, 6)))",
    ),
    "a joined input": (
        """
def __init__(self):
    super().__init__()
    self.hidden_size = 6
    self.i2h = nn.Linear(10, 6)
def forward(self, input, hidden):
    return self.i2h(torch.cat((input, hidden), 1))
""",
        "net(torch.randn(3, 4), torch.randn(3, 6))",
    ),
    "a graph": (
        """
def __init__(self):
    super().__init__()
    self.a = nn.Linear(5, 2)
def forward(self, x, adj):
    return adj @ self.a(x)
""",
        "net(torch.randn(6, 5), torch.eye(6))",
    ),
    "lengths": (
        """
def __init__(self):
    super().__init__()
    self.e = nn.Embedding(9, 4)
    self.rnn = nn.GRU(4, 4, batch_first=True)
def forward(self, tokens, lengths):
    packed = nn.utils.rnn.pack_padded_sequence(self.e(tokens), lengths, batch_first=True)
    return self.rnn(packed)[1]
""",
        "net(torch.randint(0, 9, (3, 7)), torch.tensor([7, 6, 5]))",
    ),
}


@pytest.mark.parametrize(("body", "call"), FITS.values(), ids=FITS)
def test_inputs_are_made_to_fit(body, call):
    (exercise,) = run(model(body)).exercises
    assert (exercise.call, exercise.failure) == (call, None)
    assert exercise.output.shape is not None or exercise.output.items


FAILS = {
    "a classifier that fits no image": (
        """
def __init__(self):
    super().__init__()
    self.conv = nn.Conv2d(1, 8, 3)
    self.fc = nn.Linear(8 * 15 * 16, 10)
def forward(self, x):
    x = F.max_pool2d(self.conv(x), 2)
    return self.fc(x.view(x.size(0), -1))
""",
        "self.fc(x.view(x.size(0), -1))",
        "Net.fc",
    ),
    "ids fed to a layer of numbers": (
        "def __init__(self):\n    super().__init__()\n    self.a = nn.LSTM(9, 2)\ndef forward(self, input_ids):\n    return self.a(input_ids)",
        "self.a(input_ids)",
        "Net.a",
    ),
    "a missing layer": ("def __init__(self):\n    super().__init__()\ndef forward(self, x):\n    return self.fc(x)", "self.fc", "Net"),
    "a missing module": ("def forward(self, x):\n    return functional.relu(x)", "functional", "Net"),
}


@pytest.mark.parametrize(("body", "text", "path"), FAILS.values(), ids=FAILS)
def test_failures_that_no_input_avoids_are_told(body, text, path):
    code = model(body)
    (exercise,) = run(code).exercises
    assert text_at(code, exercise.failure.frame.span) == text
    assert exercise.failure.operation.module.path == path


def test_backward_is_tried_too():
    body = "def __init__(self):\n    super().__init__()\n    self.a = nn.Linear(4, 4)\ndef forward(self, x):\n    y = torch.sigmoid(self.a(x))\n    y += 1\n    return y"
    (exercise,) = run(model(body)).exercises
    assert "inplace operation" in exercise.failure.message


def test_optional_targets_are_given_in_a_second_call():
    body = """
def __init__(self):
    super().__init__()
    self.a = nn.Linear(4, 3)
def forward(self, x, labels=None):
    y = self.a(x)
    return y if labels is None else F.cross_entropy(y, labels)
"""
    plain, labelled = run(model(body)).exercises
    assert plain.output.shape == (3, 3)
    assert (labelled.call, labelled.output.shape) == ("net(torch.randn(3, 4), labels=torch.randint(0, 3, (3,)))", ())


def test_the_authors_own_call_is_used():
    body = "def __init__(self):\n    super().__init__()\n    self.a = nn.Linear(4, 3)\ndef forward(self, x):\n    return self.a(x)"
    outcome = run(model(body, "net = Net()\noptimizer = optim.SGD(net.parameters())\nx = torch.randn(8, 5)\nout = net(x)"))
    assert outcome.failure.type == "NameError"
    (exercise,) = outcome.exercises
    assert (exercise.call, exercise.failure.type) == ("net(x)", "RuntimeError")


def test_what_follows_an_import_that_fails_is_still_exercised():
    body = "def __init__(self):\n    super().__init__()\n    self.a = nn.Linear(4, 3)\ndef forward(self, x):\n    return self.a(x)"
    needy = body.replace("self.a(x)", "Attend(self.a(x))").replace("\n", "\n    ")
    outcome = run("from no_such_module import Attend\n" + model(body) + f"class Needy(nn.Module):\n    {needy}\n")
    assert outcome.failure.type == "ModuleNotFoundError"
    assert [one.call for one in outcome.exercises] == ["net(torch.randn(3, 4))"]  # and no word of the name that the import would have bound


def test_classes_never_built_are_built():
    body = "def __init__(self, in_features, num_classes):\n    super().__init__()\n    self.a = nn.Linear(in_features, num_classes)\ndef forward(self, x):\n    return self.a(x)"
    code = model(body, "")
    (exercise,) = run(code).exercises
    assert (exercise.kind, exercise.call) == ("class", "Net(32, 4)(torch.randn(3, 32))")
    assert text_at(code, exercise.definition) == "Net"


def test_classes_that_ask_for_keywords_get_them():
    body = "def __init__(self, *, in_features, num_classes):\n    super().__init__()\n    self.a = nn.Linear(in_features, num_classes)\ndef forward(self, x):\n    return self.a(x)"
    (exercise,) = run(model(body, "")).exercises
    assert (exercise.call, exercise.failure) == ("Net(in_features=32, num_classes=4)(torch.randn(3, 32))", None)


def test_a_class_that_hands_its_arguments_on_is_not_blamed_for_getting_none():
    body = "def __init__(self, *args, **kwargs):\n    super().__init__()\n    self.a = nn.Linear(*args, **kwargs)\ndef forward(self, x):\n    return self.a(x)"
    (exercise,) = run(model(body, "")).exercises
    assert (exercise.failure, exercise.skipped) == (None, "no constructor arguments could be guessed")


def test_guessed_arguments_are_blamed_before_the_class():
    body = "def __init__(self, width):\n    super().__init__()\n    self.a = nn.Linear(width, 7)\n    self.b = nn.Linear(width * 3, 1)\ndef forward(self, x):\n    return self.b(self.a(x))"
    (exercise,) = run(model(body, "")).exercises
    assert exercise.failure is None
    assert "no plausible input" in exercise.skipped


def test_modules_that_ran_are_left_alone():
    body = "def __init__(self):\n    super().__init__()\n    self.a = nn.Linear(4, 3)\ndef forward(self, x):\n    return self.a(x)"
    assert run(model(body, "net = Net()\nnet(torch.ones(1, 4))")).exercises == ()


def test_a_model_that_hangs_is_given_up():
    body = "def forward(self, x):\n    while True:\n        x = x + 1"
    (exercise,) = run(model(body), timeout=6).exercises
    assert "took too long" in exercise.skipped


def test_calls_show_the_flow_of_data():
    body = "def __init__(self):\n    super().__init__()\n    self.a = nn.Linear(4, 3)\ndef forward(self, x):\n    return self.a(x)"
    code = model(body, "net = Net()\nnet(torch.ones(2, 4))\nnet(torch.ones(5, 4))")
    outer, inner = run(code).calls
    assert (outer.module.path, outer.depth, outer.output.shape) == ("Net", 0, (2, 3))
    assert (inner.module.path, inner.depth, inner.inputs[0].shape) == ("Net.a", 1, (2, 4))
    assert text_at(code, inner.span) == "self.a(x)"


def test_functions_never_mentioned_are_called_with_the_globals_they_name():
    code = (
        HEAD
        + "net = nn.Linear(4, 2)\nx = torch.ones(3, 5)\ndef evaluate(net, x, k=1):\n    return net(x)\ndef other(data):\n    return data"
    )
    (exercise,) = run(code).exercises
    assert (exercise.kind, exercise.call) == ("function", "evaluate(net, x)")
    assert text_at(code, exercise.failure.frame.span) == "net(x)"
    assert text_at(code, exercise.definition) == "evaluate"
