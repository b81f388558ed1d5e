"""A crash is explained once, at the author's line, in today's wording and in older ones."""

import pytest

from snipfix.code import Code
from snipfix.evidence import Exercise, Failure, Frame, ModuleRef, Operation, Outcome, Span, Value
from snipfix.model import Category, Severity, Snippet, Stage
from snipfix.rules.base import Context
from snipfix.rules.diagnosis import CrashRule
from snipfix.rules.registry import find, rules

CRASH_RULES = [rule for rule in rules() if isinstance(rule, CrashRule)]
LINE = "y = layer(x, z)\n"


def tensor(*shape, dtype="float32"):
    return Value(kind="tensor", shape=shape, dtype=dtype, device="cpu")


def failing(kind, message, name="", args=(), kwargs=None, module=None, text=LINE, block="snippet.py"):
    frame = Frame(function="<module>", span=Span(1, 5, 1, 16), block=block)
    operation = Operation(name=name, args=tuple(args), kwargs=kwargs or {}, module=module)
    failure = Failure(type=kind, message=message, frames=(frame,), operation=operation)
    return Context(Snippet("s", "S", "d.md", text), Code(text), Outcome(kind="raised", failure=failure)), failure


def explained(context, failure, exercise=None):
    found = []
    for rule in rules():
        if not (found and rule.id.startswith("SNF9")):
            found += rule.on_failure(context, failure, exercise)
    return found


LSTM = ModuleRef(path="Net.lstm", type="LSTM")


@pytest.mark.parametrize(
    ("kind", "message", "operation", "args", "rule"),
    [
        ("RuntimeError", "size mismatch, m1: [4 x 2], m2: [10 x 1] at /pytorch/aten", "torch.nn.functional.linear", [tensor(4, 2), tensor(1, 10)], "linear-width-mismatch"),
        ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (4x2 and 10x1)", "torch.mm", [tensor(4, 2), tensor(10, 1)], "matrix-product-mismatch"),
        ("RuntimeError", "expected scalar type Double but found Float", "torch.nn.functional.linear", [tensor(4, 2, dtype="float64"), tensor(1, 2)], "mixed-float-types"),
        ("RuntimeError", "expected scalar type Long but found Float", "torch.nn.functional.cross_entropy", [tensor(4, 2), tensor(4)], "target-not-integer"),
        ("RuntimeError", "expected scalar type Float but found Long", "torch.nn.functional.binary_cross_entropy", [tensor(4), tensor(4, dtype="int64")], "target-not-float"),
        ("RuntimeError", "invalid argument 0: Sizes of tensors must match except in dimension 0", "torch.cat", [Value(kind="sequence", items=(tensor(1, 2), tensor(1, 3)))], "concatenation-mismatch"),
        ("RuntimeError", "type torch.cuda.FloatTensor not available", "Tensor.cuda", [tensor(1)], "cuda-unavailable"),
        ("RuntimeError", "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!", "torch.nn.functional.linear", [tensor(1, 2)], "mixed-devices"),
        ("TypeError", "can't convert cuda:0 device type tensor to numpy", "Tensor.numpy", [tensor(1)], "numpy-of-gpu-tensor"),
        ("RuntimeError", "Can't call numpy() on Variable that requires grad. Use var.detach().numpy() instead.", "Tensor.numpy", [tensor(1)], "numpy-of-graph-tensor"),
        ("RuntimeError", "element 0 of variables does not require grad and does not have a grad_fn", "Tensor.backward", [tensor()], "loss-without-graph"),
        ("RuntimeError", "bool value of Tensor with more than one value is ambiguous", "Tensor.__bool__", [tensor(3)], "ambiguous-truth-value"),
        ("RuntimeError", "Expected hidden[0] size (1, 2, 5), got (1, 3, 5)", "torch.nn.GRU.forward", [tensor(2, 3, 4), tensor(1, 3, 5)], "recurrent-state-shape"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'data.csv'", "call", [], "missing-file"),
        ("ConnectionError", "HTTPSConnectionPool: Max retries exceeded with url: /x", "call", [], "network-needed"),
        ("KeyError", "'b'", "indexing", [], "unexplained-failure"),
    ],
)  # fmt: skip
def test_a_message_of_any_age_has_one_explanation(kind, message, operation, args, rule):
    context, failure = failing(kind, message, operation, args)
    (finding,) = explained(context, failure)
    assert (rule, Span(1, 5, 1, 16), Stage.RUN) == (finding.name, finding.span, finding.stage)


def test_evidence_decides_where_words_are_the_same():
    """An index error out of an LSTM is a missing cell state; out of a list it is an index error."""
    message = "index 1 is out of bounds for dimension 0 with size 1"
    context, failure = failing("IndexError", message, "torch.nn.LSTM.forward", [tensor(4, 6, 10), tensor(1, 4, 20)], module=LSTM)
    assert [finding.name for finding in explained(context, failure)] == ["lstm-state-not-a-pair"]
    context, failure = failing("IndexError", message, "indexing", [])
    assert [finding.name for finding in explained(context, failure)] == ["unexplained-failure"]


def test_frames_of_earlier_blocks_are_not_taken_for_this_text():
    context, failure = failing("KeyError", "'b'", "indexing", block="block_1.py")
    (finding,) = explained(context, failure)
    assert finding.span.line == 1
    assert finding.span.column == 1


def test_the_category_of_an_unexplained_failure_follows_its_type_and_words():
    for kind, message, category in [
        ("NameError", "name 'x' is not defined", Category.UNDEFINED_NAME),
        ("RuntimeError", "odd shape", Category.SHAPE),
        ("RuntimeError", "this dtype is odd", Category.DTYPE),
        ("ValueError", "odd", Category.API_MISUSE),
    ]:
        context, failure = failing(kind, message)
        (finding,) = find("SNF900").on_failure(context, failure, None)
        assert finding.category is category


def test_what_only_an_exercise_meets_is_a_doubt_and_a_guard_is_none():
    exercise = Exercise(target="f", kind="function", call="f(1)")
    context, failure = failing("KeyError", "'b'", "indexing")
    (finding,) = find("SNF900").on_failure(context, failure, exercise)
    assert (finding.severity, finding.stage) == (Severity.WARNING, Stage.EXERCISE)
    context, failure = failing("ValueError", "width must be positive", "raise")
    assert not list(find("SNF900").on_failure(context, failure, exercise))


@pytest.mark.parametrize("rule", CRASH_RULES, ids=lambda rule: rule.name)
def test_evidence_that_lacks_everything_is_survived(rule):
    """Whatever a snippet makes the child send, a rule answers without raising."""
    for pattern in rule.MESSAGES:
        for kind in rule.TYPES or ("RuntimeError",):
            for text in (LINE, "\n", "class Net:\n    def f(self): pass\n"):
                message = example_of(pattern)
                failure = Failure(type=kind, message=message)
                context = Context(Snippet("s", "S", "d.md", text), Code(text), Outcome(kind="raised", failure=failure))
                for finding in rule.on_failure(context, failure, None):
                    assert list(rule.fixes(context, finding)) is not None


def example_of(pattern):
    """A message that a plain pattern fits: its literal part, with numbers and words for the groups."""
    import re

    text = re.split(r"(?<!\\)\|", pattern)[0] if "(" not in pattern else pattern
    text = re.sub(r"\(\?:([^()|]*)[^()]*\)\??", r"\1", text)
    text = re.sub(r"\((\[\\w\.\]\+\??|\\w\+|\\d\+|-\?\\d\+|\[\^[^\]]*\]\*|\.\*)\)", "1", text)
    return re.sub(r"\\(.)", r"\1", re.sub(r"\\d\+|\\w\+|\.\*\??", "1", text))


def test_what_fails_only_when_it_is_exercised_is_placed_where_it_is_made():
    text = "\nimport torch\n\nmodel = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Linear(8, 2))\n"
    failure = Failure(
        type="RuntimeError",
        message="mat1 and mat2 shapes cannot be multiplied (4x16 and 8x2)",
        operation=Operation(name="linear", args=(tensor(4, 16),), module=ModuleRef(path="Sequential.1", type="Linear")),
    )
    context = Context(Snippet("s", "S", "d.md", text), Code(text), Outcome(kind="ok"))
    for target, line in (("model", 4), ("other", 2)):
        (finding,) = explained(context, failure, Exercise(target=target, kind="module", call="", failure=failure))
        assert finding.span.line == line
