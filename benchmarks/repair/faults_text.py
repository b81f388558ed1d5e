"""Faults of spelling: what is lost or garbled between a working program and a page."""

from __future__ import annotations

import ast
import io
import re
import tokenize

from benchmarks.repair.fault import Places, calls, fault, mentions, name_of, put, without_statement
from snipfix.code import Code
from snipfix.model import Edit

BLOCKS = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.With)
WIDE = {"(": "（", ")": "）", ",": "，", ":": "："}


def tokens(code: Code) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(code.text).readline))


@fault("syntax")
def lost_colon(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, BLOCKS):
            line = code.lines[node.lineno - 1]
            if line.rstrip().endswith(":") and node.body[0].lineno > node.lineno:
                at = code.offset(node.lineno, len(line.rstrip()))
                yield (Edit(at, at + 1, ""),)


@fault("syntax")
def lost_bracket(code: Code) -> Places:
    for node in calls(code):
        end = code.range(code.span(node))[1]
        if node.lineno == node.end_lineno and code.text[end : end + 1] in ("\n", ")"):
            yield (Edit(end - 1, end, ""),)


@fault("syntax")
def lost_quote(code: Code) -> Places:
    for token in tokens(code):
        if token.type == tokenize.STRING and not token.string.startswith(('"""', "'''")):
            end = code.offset(token.end[0], token.end[1] + 1)
            yield (Edit(end - 1, end, ""),)


@fault("syntax")
def full_width_punctuation(code: Code) -> Places:
    for token in tokens(code):
        if token.type == tokenize.OP and token.string in WIDE:
            at = code.offset(token.start[0], token.start[1] + 1)
            yield (Edit(at, at + 1, WIDE[token.string]),)


@fault("syntax")
def python_2_print(code: Code) -> Places:
    for node in calls(code, "print"):
        if node.args and not node.keywords:
            yield put(code, node, "print " + ", ".join(code.slice(argument) for argument in node.args))


@fault("syntax")
def lost_indentation(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, BLOCKS) and node.body[0].lineno > node.lineno and node.body[0].lineno == node.body[0].end_lineno:
            start = code.offset(node.body[0].lineno, 1)
            yield (Edit(start, start + 4, ""),)


@fault("syntax", "api-misuse")
def lost_comma(code: Code) -> Places:
    """Between two numbers of which the second is negative, what is left is a difference."""
    for node in calls(code):
        for one, other in zip(node.args, node.args[1:], strict=False):
            start, end = code.range(code.span(one))[1], code.range(code.span(other))[0]
            if code.text[start:end] == ", ":
                yield (Edit(start, end, " "),)


@fault("undefined-name")
def missing_import(code: Code) -> Places:
    for node in code.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield without_statement(code, node)


def misspelt(name: str) -> str:
    """Two letters swapped, or the last one lost."""
    middle = len(name) // 2
    swapped = name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]
    return swapped if swapped != name else name[:-1]


@fault("undefined-name")
def misspelt_name(code: Code) -> Places:
    bound = {node.id for node in code.nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in code.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in bound and len(node.id) > 3:
            yield put(code, node, misspelt(node.id))


@fault("undefined-name", "api-misuse")
def misspelt_attribute(code: Code) -> Places:
    for node in code.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and name_of(node.value) == "self" and len(node.attr) > 2:
            end = code.range(code.span(node))[1]
            yield (Edit(end - len(node.attr), end, misspelt(node.attr)),)


@fault("undefined-name", "api-misuse", "deprecated")
def misspelt_function(code: Code) -> Places:
    for node in calls(code):
        if isinstance(node.func, ast.Attribute) and name_of(node.func.value) in ("torch", "nn", "F", "optim", "torch.optim"):
            end = code.range(code.span(node.func))[1]
            name = node.func.attr
            yield (Edit(end - len(name), end, misspelt(name)),)
            if name.lower() != name:
                yield (Edit(end - len(name), end, name.lower()),)


@fault("deprecated", "api-misuse")
def data_of_scalar(code: Code) -> Places:
    for node in calls(code, "item"):
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            yield put(code, node, f"{node.func.value.id}.data[0]")


@fault("deprecated", "api-misuse", "undefined-name")
def removed_function(code: Code) -> Places:
    """Names and arguments that are gone."""
    for node in calls(code, "clip_grad_norm_"):
        end = code.range(code.span(node.func))[1]
        yield (Edit(end - 1, end, ""),)
    for node in calls(code, "StepLR"):
        yield put(code, node, code.slice(node)[:-1] + ", verbose=True)")
    for node in calls(code, "backward"):
        if not node.args:
            yield put(code, node, code.slice(node)[:-1] + "retain_variables=True)")
    for node in calls(code, "TensorDataset"):
        if len(node.args) == 2:
            first, second = (code.slice(argument) for argument in node.args)
            yield put(code, node, f"{code.slice(node.func)}(data_tensor={first}, target_tensor={second})")


@fault("device")
def cuda_without_asking(code: Code) -> Places:
    classes = {node.name for node in code.nodes if isinstance(node, ast.ClassDef)}
    for node in code.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = name_of(node.value.func)
            if (called in classes and mentions(code, "backward")) or called in ("nn.Sequential", "nn.Linear"):
                yield put(code, node.value, code.slice(node.value) + ".cuda()")


@fault("undefined-name")
def lost_prefix(code: Code) -> Places:
    """`nn.Linear` written `Linear`, as after a careless copy."""
    for match in re.finditer(r"\b(?:nn|F|optim)\.(?=[A-Za-z_]+\()", code.text):
        yield (Edit(match.start(), match.end(), ""),)
