"""Faults of losses, gradients, training loops and calls."""

from __future__ import annotations

import ast

from benchmarks.repair.fault import (
    Places,
    after,
    calls,
    fault,
    is_library,
    mentions,
    name_of,
    put,
    returns,
    statements,
    unwrapped,
    without_argument,
    without_statement,
)
from snipfix.code import Code
from snipfix.model import Edit

RENAMED = {"lr": "learning_rate", "dim": "dims", "batch_first": "batchfirst", "padding": "pad", "stride": "strides", "num_layers": "layers"}


def squashed(code: Code, squash: str) -> Places:
    """The model's output, or that of a plain Sequential, squashed."""
    for node in returns(code):
        if node.value is not None and not isinstance(node.value, ast.Tuple | ast.BinOp) and "loss" not in code.slice(node.value):
            yield put(code, node.value, f"torch.{squash}({code.slice(node.value)}{', dim=1' if squash == 'softmax' else ''})")
    for node in calls(code, "Sequential"):
        parent = code.parents[node]
        if isinstance(parent, ast.Assign) and parent in code.tree.body and node.args and not isinstance(node.args[0], ast.Starred):
            layer = "nn.Softmax(dim=1)" if squash == "softmax" else "nn.Sigmoid()"
            yield after(code, node.args[-1], f", {layer}")


@fault("loss")
def softmax_before_cross_entropy(code: Code) -> Places:
    if mentions(code, "CrossEntropyLoss", "cross_entropy"):
        yield from squashed(code, "softmax")


@fault("loss")
def sigmoid_twice(code: Code) -> Places:
    if mentions(code, "BCEWithLogitsLoss"):
        yield from squashed(code, "sigmoid")


@fault("loss")
def scores_into_nll(code: Code) -> Places:
    if mentions(code, "NLLLoss"):
        for node in calls(code, "log_softmax"):
            yield put(code, node, code.slice(node.args[0]))
    for node in calls(code, "CrossEntropyLoss"):
        if not node.args and not node.keywords:
            yield put(code, node, "nn.NLLLoss()")


@fault("loss")
def scores_into_bce(code: Code) -> Places:
    if mentions(code, "BCELoss", "binary_cross_entropy"):
        for node in calls(code, "Sigmoid"):
            parent = code.parents[node]
            if isinstance(parent, ast.Call):
                yield without_argument(code, parent, node)
        for node in calls(code, "sigmoid"):
            yield put(code, node, code.slice(node.args[0]))
    for node in calls(code, "BCEWithLogitsLoss"):
        yield put(code, node, "nn.BCELoss()")


@fault("loss")
def likelihood_minimised(code: Code) -> Places:
    for node in calls(code, "crf"):
        parent = code.parents[node]
        if isinstance(parent, ast.UnaryOp):
            yield put(code, parent, code.slice(node))


@fault("loss")
def divergence_sign(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and code.slice(node) == "-0.5":
            yield put(code, node, "0.5")


@fault("loss")
def divergence_of_probabilities(code: Code) -> Places:
    for node in calls(code, "kl_div"):
        if node.args and isinstance(node.args[0], ast.Call):
            yield put(code, node.args[0].func, "F.softmax")


@fault("loss")
def generator_helps_discriminator(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, ast.Assign) and name_of(node.targets[0]) == "g_loss":
            text = code.slice(node.value)
            yield put(code, node.value, text.replace("ones", "zeros") if "ones" in text else text.lstrip("-"))


@fault("autograd", "training-loop", "loss")
def fake_not_detached(code: Code) -> Places:
    for node in calls(code, "detach"):
        if "fake" in code.slice(node):
            yield unwrapped(code, node)


@fault("training-loop")
def missing_zero_grad(code: Code) -> Places:
    for node in statements(code, "zero_grad"):
        yield without_statement(code, node)


@fault("training-loop", "autograd")
def missing_backward(code: Code) -> Places:
    for node in statements(code, "backward"):
        yield without_statement(code, node)


@fault("training-loop")
def missing_step(code: Code) -> Places:
    for node in statements(code, "step"):
        yield without_statement(code, node)


@fault("training-loop")
def step_before_backward(code: Code) -> Places:
    """zero_grad between backward and step: nothing is learnt."""
    for node in statements(code, "backward"):
        span = code.span(node)
        for other in statements(code, "zero_grad"):
            if other.end_lineno == node.lineno - 1 or other.end_lineno == node.lineno - 2:
                first, line = code.offset(other.lineno, 1), code.lines[other.lineno - 1] + "\n"
                end = min(code.offset(span.end_line, 1) + len(code.lines[span.end_line - 1]) + 1, len(code.text))
                yield (Edit(first, first + len(line), ""), Edit(end, end, line))


@fault("training-loop")
def other_parameters(code: Code) -> Places:
    """The optimizer of one model is given the parameters of another."""
    optimizers = [
        node.args[0]
        for node in calls(code, "Adam", "SGD", "AdamW", "RMSprop")
        if node.args and isinstance(node.args[0], ast.Call) and name_of(node.args[0].func).endswith(".parameters")
    ]
    for one in optimizers:
        for other in optimizers:
            if code.slice(one) != code.slice(other):
                yield put(code, one, code.slice(other))


@fault("training-loop")
def missing_eval(code: Code) -> Places:
    for node in statements(code, "eval"):
        yield without_statement(code, node)


@fault("training-loop")
def layers_in_plain_list(code: Code) -> Places:
    for node in calls(code, "ModuleList"):
        yield put(code, node, code.slice(node.args[0]))


@fault("autograd")
def loss_as_number(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, ast.Assign) and name_of(node.targets[0]) == "loss" and isinstance(node.value, ast.Call):
            yield after(code, node.value, ".item()")


@fault("autograd")
def backward_of_many(code: Code) -> Places:
    for node in calls(code, "MSELoss", "CrossEntropyLoss", "BCEWithLogitsLoss", "L1Loss", "NLLLoss"):
        if not node.args and not node.keywords:
            yield put(code, node, f"{code.slice(node.func)}(reduction='none')")
    if mentions(code, "backward"):
        for node in calls(code, "mean"):
            parent = code.parents[node]
            if isinstance(parent, ast.Return | ast.Assign) and isinstance(node.func, ast.Attribute) and not node.args:
                yield unwrapped(code, node)


@fault("autograd")
def in_place_on_leaf(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, ast.With) and "no_grad" in code.slice(node.items[0].context_expr) and "-=" in code.slice(node):
            head, body = code.offset(node.lineno, 1), node.body
            lines = code.lines[body[0].lineno - 1 : node.end_lineno]
            text = "\n".join(line.removeprefix("    ") for line in lines)
            yield (Edit(head, code.range(code.span(node))[1], text),)


@fault("autograd")
def numpy_of_graph(code: Code) -> Places:
    for node in calls(code, "numpy"):
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            inner = node.func.value
            if name_of(inner.func).endswith("detach"):
                yield unwrapped(code, inner)
    for node in code.nodes:
        if isinstance(node, ast.With) and "no_grad" in code.slice(node.items[0].context_expr) and ".numpy()" in code.slice(node):
            lines = code.lines[node.body[0].lineno - 1 : node.end_lineno]
            text = "\n".join(line.removeprefix("    ") for line in lines)
            yield (Edit(code.offset(node.lineno, 1), code.range(code.span(node))[1], text),)


@fault("api-misuse")
def missing_super(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and code.slice(node).startswith("super("):
            yield without_statement(code, node)


@fault("api-misuse", "shape", "undefined-name")
def state_not_unpacked(code: Code) -> Places:
    """`out, h = rnn(x)` written `out = rnn(x)`: what shows may be the name that nobody binds."""
    for node in code.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Call):
            called = name_of(node.value.func)
            first = node.targets[0].elts[0]
            if called.startswith("self.") and isinstance(first, ast.Name) and first.id != "_":
                yield put(code, node.targets[0], first.id)


@fault("api-misuse", "shape")
def single_state(code: Code) -> Places:
    for node in calls(code):
        if len(node.args) == 2 and isinstance(node.args[1], ast.Tuple) and name_of(node.func) in ("self.lstm", "self.rnn"):
            yield put(code, node.args[1], code.slice(node.args[1].elts[0]))


@fault("api-misuse", "deprecated")
def wrong_keyword(code: Code) -> Places:
    for node in calls(code):
        for keyword in node.keywords:
            if keyword.arg in RENAMED:
                start = code.range(code.span(keyword))[0]
                yield (Edit(start, start + len(keyword.arg), RENAMED[keyword.arg]),)


def own(code: Code) -> set[str]:
    """Names of the program's own classes and functions."""
    return {node.name for node in code.nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def takes_more(code: Code) -> set[str]:
    """Those that some argument is optional for: one more may be no fault."""
    return {
        name
        for node in code.nodes
        if isinstance(node, ast.FunctionDef) and (node.args.defaults or node.args.vararg)
        for name in (node.name, *(up.name for up in code.ancestors(node) if isinstance(up, ast.ClassDef)))
    }


@fault("api-misuse")
def missing_argument(code: Code) -> Places:
    names = own(code)
    for node in calls(code):
        if len(node.args) > 1 and isinstance(node.args[-1], ast.Name) and name_of(node.func).rpartition(".")[2] in names:
            yield without_argument(code, node, node.args[-1])


@fault("api-misuse")
def extra_argument(code: Code) -> Places:
    for node in calls(code):
        if len(node.args) == 1 and not node.keywords and name_of(node.func).startswith("self.fc") and isinstance(node.args[0], ast.Name):
            yield after(code, node.args[0], ", 1")
    names = own(code) - takes_more(code)
    for node in calls(code, *names) if names else ():
        if node.args and not node.keywords and name_of(node.func) != "super":
            yield after(code, node.args[-1], ", 3")


@fault("api-misuse")
def loss_built_with_data(code: Code) -> Places:
    """`nn.CrossEntropyLoss(output, target)`: the criterion is built with what it should be called with."""
    for node in calls(code, "CrossEntropyLoss"):
        parent = code.parents[node]
        if isinstance(parent, ast.Call) and parent.func is node:
            yield put(code, parent, f"{code.slice(node.func)}({', '.join(code.slice(one) for one in parent.args)})")
    for node in code.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and name_of(node.value.func).endswith("Loss"):
            name = name_of(node.targets[0])
            for call in calls(code, name):
                if not is_library(call.func):
                    yield put(code, call.func, code.slice(node.value.func))


@fault("api-misuse", "autograd")
def static_method_lost(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, ast.FunctionDef) and any(name_of(one) == "staticmethod" for one in node.decorator_list):
            line = node.decorator_list[0].lineno
            yield (Edit(code.offset(line, 1), code.offset(line + 1, 1), ""),)
