"""Counts of what a repair may not make more of: ways to hide an error, to skip what should run, to train less."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches

from snipfix.code import Code

__all__ = ["RISING", "TRAINING", "count_of", "last_name"]

EXITS = ("exit", "quit", "_exit", "abort", "SystemExit", "KeyboardInterrupt")
SILENCED = ("filterwarnings", "simplefilter", "catch_warnings", "redirect_stdout", "redirect_stderr")
LESS_DATA = ("islice", "Subset", "random_split", "SubsetRandomSampler", "sample")
UNRECORDED = ("no_grad", "inference_mode", "set_grad_enabled")
BUILTINS = ("print", "range", "len", "zip", "enumerate", "sum", "iter", "isinstance")
TRAINING = ("backward", "step")


def count_of(code: Code, *kinds: type[ast.AST]) -> int:
    return sum(isinstance(node, kinds) for node in code.nodes)


def last_name(node: ast.AST) -> str:
    """The last name of a dotted expression; empty for another."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _caught(code: Code) -> int:
    suppressing = sum(last_name(node.func) == "suppress" for node in code.all(ast.Call))
    return count_of(code, ast.ExceptHandler) + suppressing


def _caught_all(code: Code) -> int:
    return sum(
        isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        for node in code.nodes
    )


def _empty(code: Code) -> int:
    """Bodies without a statement of consequence."""
    return sum(
        isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...)
        for node in code.nodes
    )


def _cut_short(code: Code) -> int:
    """Ways out of a loop, of a function before its end, of the program."""
    return (
        count_of(code, ast.Break, ast.Continue)
        + sum(last_name(node.func) in EXITS for node in code.all(ast.Call))
        + sum(isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id in EXITS for node in code.nodes)
        + sum(isinstance(node, ast.Return) and not _ends_its_function(code, node) for node in code.nodes)
    )


def _ends_its_function(code: Code, node: ast.Return) -> bool:
    """Whether nothing of the function follows a `return` in its own block or in those around it."""
    inner: ast.AST = node
    for up in code.ancestors(node):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(up, field, None)
            if isinstance(block, list) and inner in block and block[-1] is not inner:
                return False
        if isinstance(up, ast.For | ast.While):
            return False
        if isinstance(up, ast.FunctionDef | ast.AsyncFunctionDef):
            return True
        inner = up
    return True


def _never_run(code: Code) -> int:
    """Code that stands where nothing gets to."""
    return sum(
        (isinstance(node, ast.If | ast.While | ast.IfExp) and _never(node.test))
        or (isinstance(node, ast.For | ast.AsyncFor) and _is_nothing(node.iter))
        for node in code.nodes
    )


def _never(test: ast.expr) -> bool:
    match test:
        case ast.Constant(value=value):
            return not value
        case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=value)):
            return bool(value)
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_never, values))
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.NotEq()]):
            return True
        case ast.Compare(left=ast.Constant(), comparators=[ast.Constant()]):
            return True
    return False


def _is_nothing(iterated: ast.expr) -> bool:
    match iterated:
        case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Call(func=ast.Name(id="range" | "iter" | "list" | "tuple" | "set" | "dict"), args=[]):
            return True
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=0)]):
            return True
        case ast.Call(func=ast.Name(id="iter" | "enumerate" | "zip" | "tqdm" | "list"), args=args):
            return any(map(_is_nothing, args))
    return False


def _frozen(code: Code) -> int:
    """Places that take a gradient away, misspelt ones among them."""
    found = 0
    for node in code.nodes:
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=ast.Constant(value=False)):
                found += _asks_for_gradient(name)
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=False)]):
                found += _asks_for_gradient(name)
            case ast.keyword(arg=str(name), value=ast.Constant(value=False)):
                found += _asks_for_gradient(name)
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(name)), ast.Constant(value=False)]):
                found += _asks_for_gradient(name)
    return found


def _asks_for_gradient(name: str) -> bool:
    return bool(get_close_matches(name.rstrip("_"), ["requires_grad"], cutoff=0.8))


def _unrecorded(code: Code) -> int:
    """Steps of training where no gradient is recorded."""
    return sum(last_name(node.func) in TRAINING and any(map(_records_nothing, code.ancestors(node))) for node in code.all(ast.Call))


def _records_nothing(node: ast.AST) -> bool:
    makers: Iterable[ast.expr] = ()
    if isinstance(node, ast.With):
        makers = [item.context_expr for item in node.items]
    elif isinstance(node, ast.FunctionDef):
        makers = node.decorator_list
    return any(last_name(one.func if isinstance(one, ast.Call) else one) in UNRECORDED for one in makers)


def _evaluated(code: Code) -> int:
    """Models that an optimizer steps, switched to evaluation in front of their training, in the same block."""
    trained = {
        ast.unparse(node.func.value)
        for node in code.all(ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("parameters", "named_parameters")
    }
    found = 0
    for node in code.nodes:
        body = getattr(node, "body", None)
        statements: list[ast.stmt] = body if isinstance(body, list) else []
        for number, statement in enumerate(statements):
            match statement:
                case ast.Expr(value=ast.Call(func=ast.Attribute(attr="eval", value=model))) if ast.unparse(model) in trained:
                    following = [call.func.attr for call in _calls_in(statements[number + 1 :]) if isinstance(call.func, ast.Attribute)]
                    found += "backward" in following and "train" not in following
    return found


def _calls_in(statements: Iterable[ast.AST]) -> Iterator[ast.Call]:
    return (node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Call))


def _annulled(code: Code) -> int:
    """Products with nothing, and numbers that are none made into some."""
    found = sum(last_name(node.func) in ("nan_to_num", "nan_to_num_") for node in code.all(ast.Call))
    for node in code.nodes:
        match node:
            case ast.BinOp(op=ast.Mult(), left=left, right=right):
                found += any(isinstance(one, ast.Constant) and one.value == 0 for one in (left, right))
            case ast.AugAssign(op=ast.Mult(), value=ast.Constant(value=value)):
                found += value == 0
    return found


def _made_a_start(code: Code) -> int:
    """Losses that are told to require a gradient, so that backward() starts and ends there."""
    losses = {
        ast.unparse(node.func.value) for node in code.all(ast.Call) if isinstance(node.func, ast.Attribute) and node.func.attr == "backward"
    }
    found = 0
    for node in code.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="requires_grad_", value=value), args=[] | [ast.Constant(value=True)]):
                found += ast.unparse(value) in losses or any(loss.startswith(ast.unparse(node)) for loss in losses)
            case ast.Assign(targets=[ast.Attribute(attr="requires_grad", value=value)], value=ast.Constant(value=True)):
                found += ast.unparse(value) in losses
    return found


def _partial(code: Code) -> int:
    """Places that take the first few of the data."""
    found = sum(last_name(node.func) in LESS_DATA for node in code.all(ast.Call))
    for node in code.nodes:
        match node:
            case ast.Subscript(slice=ast.Slice(lower=None, upper=ast.Constant(value=int(number)))):
                found += number >= 0 and not _named_each(code, node, number)
            case ast.FunctionDef(name="__len__", body=[*_, ast.Return(value=ast.Constant())]):
                found += 1
    return found


def _named_each(code: Code, taken: ast.AST, number: int) -> bool:
    """Whether the first few are given a name each, as results of a call: `loss, logits = model(x)[:2]` takes no data away."""
    parent = code.parents.get(taken)
    target = parent.targets[0] if isinstance(parent, ast.Assign) and parent.value is taken else None
    called = isinstance(taken, ast.Subscript) and isinstance(taken.value, ast.Call)
    return called and isinstance(target, ast.Tuple) and len(target.elts) == number


def _shadowed(code: Code) -> int:
    """What Python or a library gives, put aside for something of the text's own."""
    libraries = {
        (alias.asname or alias.name).split(".")[0]
        for node in code.nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    found = 0
    for node in code.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found += node.id in BUILTINS
        elif isinstance(node, ast.FunctionDef) and not isinstance(code.parents[node], ast.ClassDef):
            found += node.name in BUILTINS
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found += ast.unparse(node.value).split(".")[0] in libraries
    return found


def _silenced(code: Code) -> int:
    return sum(last_name(node.func) in SILENCED for node in code.all(ast.Call))


RISING: tuple[tuple[Callable[[Code], int], str], ...] = (
    (_caught, "it catches an exception that the author lets out"),
    (_caught_all, "it catches more than the author does"),
    (_empty, "it empties a body"),
    (_cut_short, "it leaves a loop, a function or the program early"),
    (_never_run, "it puts code where it never runs"),
    (_frozen, "it takes gradients away"),
    (_unrecorded, "it trains without recording gradients"),
    (_evaluated, "it trains in evaluation mode"),
    (_annulled, "it multiplies with nothing or hides numbers that are none"),
    (_made_a_start, "it makes the loss a beginning of its own, so that no parameter gets a gradient"),
    (_partial, "it uses a part of the data only"),
    (_shadowed, "it puts something else in the place of what Python or a library gives"),
    (_silenced, "it silences warnings or output"),
)
"""What may not become more, and how that is said."""
