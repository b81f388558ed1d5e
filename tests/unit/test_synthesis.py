"""A width is mended with the expression a teacher would write, from the values that names have."""

import ast

import pytest

from snipfix.code import Code
from snipfix.evidence import Exercise, Frame, Span, Value
from snipfix.rules.synthesis import expressions
from snipfix.rules.values import Values, evaluate


def parsed(text):
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("wanted", "original", "names", "options", "expected"),
    [
        # A small change of what stands there.
        (1600, "64 * 6 * 6", {}, {}, "64 * 5 * 5"),
        (6272, "width * 2 * 8 * 8", {"width": 64}, {"spatial": (128, 7, 7)}, "width * 2 * 7 * 7"),
        (2240, "64 * 6 * 6", {}, {"spatial": (64, 5, 7)}, "64 * 5 * 7"),
        (20, "10", {"n_in": 10}, {}, "20"),
        # Names.
        (128, "hidden_size", {"hidden_size": 512, "embedding_dim": 128}, {}, "embedding_dim"),
        (25, "hidden", {"hidden": 100}, {}, "hidden // 4"),
        (24, "hidden", {"hidden": 12}, {}, "hidden * 2"),
        (50, "hidden * 2", {"hidden": 50}, {}, "hidden"),
        (8, "a_dim", {"a_dim": 3, "b_dim": 5}, {}, "a_dim + b_dim"),
        (4, "self.layers", {"self.layers": 2}, {}, "self.layers * 2"),
        # Names of the function itself before those from outside, familiar expressions before new ones.
        (8, "x", {"x": 3, "near": 8, "far": 8}, {"near": {"x": 3, "near": 8}}, "near"),
        (25, "hidden", {"hidden": 100, "other": 25}, {"written": "nn.Linear(hidden // 4, 3)"}, "hidden // 4"),
        # The feature map that was flattened shows in the factors.
        (320, "100", {}, {"spatial": (20, 4, 4)}, "20 * 4 * 4"),
        (3136, "100", {"channels": 64}, {"spatial": (64, 7, 7)}, "channels * 7 * 7"),
        # Nothing but the number.
        (17, "n", {"n": 5}, {}, "17"),
        (17, None, {}, {}, "17"),
    ],
)
def test_the_likeliest_expression_comes_first(wanted, original, names, options, expected):
    found = expressions(wanted, parsed(original) if original else None, names, **options)
    assert expected == found[0].text
    assert all(evaluate(parsed(one.text), names) == wanted for one in found)


def test_the_original_is_not_offered_again():
    assert "n" not in [one.text for one in expressions(5, parsed("n"), {"n": 5})]


@pytest.mark.parametrize(
    ("text", "value"),
    [("2 * n + 1", 7), ("n ** 2", 9), ("n / 2", None), ("6 / n", 2), ("n // 0", None), ("missing", None), ("len([1, 2])", 2), ("True", None), ("9 ** 99999", None)],
)  # fmt: skip
def test_only_whole_numbers_are_told(text, value):
    assert value == evaluate(parsed(text), {"n": 3})


MODEL = """
hidden = 100
batch, classes = 64, 10

class Net:
    def __init__(self, width, depth=2):
        self.width, self.depth = width, depth
        inner = width // 4

    def forward(self, x):
        steps = self.depth

net = Net(width=hidden)
"""


def function(code, name):
    return next(node for node in code.nodes if isinstance(node, ast.FunctionDef) and node.name == name)


def test_values_flow_from_constants_through_calls_into_constructors_and_methods():
    code = Code(MODEL)
    values = Values(code)
    assert values.own(code.tree) == {"hidden": 100, "batch": 64, "classes": 10}
    assert values.own(function(code, "__init__")) == {"width": 100, "depth": 2, "self.width": 100, "self.depth": 2, "inner": 25}
    assert values.of(function(code, "forward"))["self.width"] == 100


def test_what_the_run_has_seen_counts_more_than_the_text():
    code = Code(MODEL)
    frame = Frame(function="<module>", span=Span.at(13), locals={"hidden": Value(kind="int", text="8")})
    assert Values(code, (frame,)).own(code.tree)["hidden"] == 8


def test_the_call_of_an_exercise_gives_values_too():
    code = Code(MODEL.replace("net = Net(width=hidden)", ""))
    exercise = Exercise(target="Net", kind="module", call="Net(12)(torch.randn(2, 3))")
    assert Values(code, (), exercise).own(function(code, "__init__"))["width"] == 12
