"""What a repair must not do to pass: delete what worked, hide an error, skip what should run, train less, or change seeds, data and numbers of epochs.

A search that is judged by "the error is gone" learns to cheat; these checks compare the two programs, not their runs. What ran before is compared as well.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches

from snipfix.code import Code
from snipfix.evidence import Outcome
from snipfix.model import Result

__all__ = ["cheats", "lost"]

KEPT_CALLS = ("backward", "step", "manual_seed", "seed", "print")
"""Calls whose number may not fall; for seeds the arguments may not change either."""
TRAINING = ("backward", "step")
SEEDS = ("manual_seed", "manual_seed_all", "seed", "default_rng", "set_seed", "seed_everything")
EXITS = ("exit", "quit", "_exit", "abort", "SystemExit", "KeyboardInterrupt")
SILENCED = ("filterwarnings", "simplefilter", "catch_warnings", "redirect_stdout", "redirect_stderr")
LESS_DATA = ("islice", "Subset", "random_split", "SubsetRandomSampler", "sample")
UNRECORDED = ("no_grad", "inference_mode", "set_grad_enabled")
RANDOM = ("randn", "rand", "randint", "randperm", "normal", "uniform", "make_classification", "make_regression", "make_moons", "make_blobs")
"""What makes data of random numbers: how many rows it is asked for may not change."""
LEARNED = re.compile(
    r"(?:Lazy)?(?:Linear|Bilinear|(?:Conv|ConvTranspose|BatchNorm|InstanceNorm)[123]d|LayerNorm|GroupNorm|RNN|LSTM|GRU"
    r"|(?:RNN|LSTM|GRU)Cell|Embedding|EmbeddingBag|MultiheadAttention|Transformer\w*)"
)
"""Layers with parameters."""
NUMBERS = {
    "how long it trains": re.compile(r"(?:^|_)(?:epochs?|iters|iterations|max_iter|(?:num|n|max|total|train|training)_(?:steps|iters?))$"),
    "the learning rate": re.compile(r"^(?:\w+_)?(?:lr|learning_rate)(?:_\w)?$"),
    "how much data it trains on": re.compile(r"(?:^|_)(?:num|n|max)_(?:samples|examples)$|^batch_?size$"),
}
"""Names of numbers that no repair may change."""
BUILTINS = ("print", "range", "len", "zip", "enumerate", "sum", "iter", "isinstance")


def cheats(old: Code, new: Code) -> str:
    """How the new text cheats, in words; empty when it does not. Text that did not parse has nothing to compare."""
    if old.syntax_error or new.syntax_error:
        return ""
    for count, said in RISING:
        if count(new) > count(old):
            return said
    return next(_fewer(old, new), "") or next(_changed(old, new), "")


def lost(before: Result, after: Result) -> str:
    """What worked before and does not any more, in words; empty when nothing was lost."""
    if before.outcome is None or after.outcome is None:
        return ""
    failed = {exercise.target for exercise in after.outcome.exercises if exercise.failure}
    for exercise in before.outcome.exercises:
        if not exercise.failure and not exercise.skipped and exercise.target in failed:
            return f"{exercise.target} worked before"
    if before.outcome.stdout and not after.outcome.stdout and not _downloads_gone(before, after):
        return "it printed before"
    if _trained(before.outcome) and not _trained(after.outcome):
        return "it trained before"
    return ""


def _downloads_gone(before: Result, after: Result) -> bool:
    """Whether what was printed may have been torchtext's talk of its downloads."""
    return "torchtext" in before.snippet.code and "torchtext" not in after.snippet.code and not Code(before.snippet.code).calls("print")


def _trained(outcome: Outcome) -> int:
    """How many parameters that optimizers stepped were reached by gradients."""
    reached = (observation.facts.get("reached") for observation in outcome.seen("optimizer"))
    return sum(one for one in reached if isinstance(one, int))


# What may not become less -----------------------------------------------------------------------------------------------


def _fewer(old: Code, new: Code) -> Iterator[str]:
    if _count(new, ast.For, ast.While, ast.AsyncFor) < _count(old, ast.For, ast.While, ast.AsyncFor):
        yield "it drops a loop"
    if len(_definitions(new)) < len(_definitions(old)):
        yield f"it drops {', '.join(sorted(_definitions(old) - _definitions(new)))}"
    if _count(new, ast.Raise, ast.Assert) < _count(old, ast.Raise, ast.Assert):
        yield "it drops a check of the author's"
    before, after = _calls(old), _calls(new)
    for name in KEPT_CALLS:
        if after[name] < before[name]:
            yield f"it drops a call of {name}()"
    if _unconditional(new) < _unconditional(old):
        yield "it makes training hang on a condition"
    mentioned, still = _mentions(old), _mentions(new)
    for name in sorted(_definitions(old) & _definitions(new)):
        if still[name] < mentioned[name]:
            yield f"it drops a use of {name}"
    if _layers(after) < _layers(before):
        yield "it drops a layer that learns"


def _definitions(code: Code) -> set[str]:
    return {node.name for node in code.nodes if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}


def _unconditional(code: Code) -> int:
    """Steps of training that hang on no `if`; being run as a program is no condition."""
    return sum(
        _last(node.func) in TRAINING
        and not any(isinstance(up, ast.If) and "__name__" not in ast.unparse(up.test) for up in code.ancestors(node))
        for node in code.all(ast.Call)
    )


def _mentions(code: Code) -> Counter[str]:
    return Counter(_last(node) for node in code.nodes if isinstance(node, ast.Name | ast.Attribute) and not _unused_function_of(code, node))


def _layers(calls: Counter[str]) -> int:
    return sum(number for name, number in calls.items() if LEARNED.fullmatch(name))


def _calls(code: Code) -> Counter[str]:
    """The calls by last name; those in functions that nothing mentions do not count."""
    return Counter(_last(node.func) for node in code.all(ast.Call) if not _unused_function_of(code, node))


def _unused_function_of(code: Code, node: ast.AST) -> bool:
    function = next((up for up in code.ancestors(node) if isinstance(up, ast.FunctionDef)), None)
    if function is None or function.decorator_list or isinstance(code.parents[function], ast.ClassDef):
        return False
    return not any(isinstance(one, ast.Name) and one.id == function.name for one in code.nodes)


# What may not change ----------------------------------------------------------------------------------------------------


def _changed(old: Code, new: Code) -> Iterator[str]:
    if Counter(_loop_bounds(old)) - Counter(_loop_bounds(new)):
        yield "it changes how often a loop runs"
    seeds, sown = _seeds(old), _seeds(new)
    if seeds - sown or any(seed not in seeds and seed not in _arguments(old) for seed in sown):
        yield "it changes a seed"
    before, after = _numbers(old), _numbers(new)
    for what in NUMBERS:
        if before[what] - after[what]:
            yield f"it changes {what}"
        if any(_is_zero(text) for text in after[what] - before[what]):
            yield f"it sets {what} to nothing"
    if _rows(new) < _rows(old):
        yield "it changes how much data there is"


def _loop_bounds(code: Code) -> Iterator[tuple[str, ...]]:
    """The numbers in the range() of each loop, and in what each `while` asks: the numbers of epochs and steps."""
    for node in code.nodes:
        ranged = isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range"
        bound = node.iter if isinstance(node, ast.For) and ranged else node.test if isinstance(node, ast.While) else None
        numbers = list(_own_constants(bound)) if bound is not None else []
        if numbers:
            yield tuple(map(ast.unparse, numbers))


def _own_constants(node: ast.expr) -> Iterator[ast.Constant]:
    """The constants of a bound, not those that it hands to functions other than range()."""
    if isinstance(node, ast.Constant):
        yield node
    elif not isinstance(node, ast.Call) or _last(node.func) == "range":
        for inner in ast.iter_child_nodes(node):
            yield from _own_constants(inner) if isinstance(inner, ast.expr) else ()


def _seeds(code: Code) -> Counter[str]:
    return Counter(ast.unparse(node.args[0]) for node in code.all(ast.Call) if node.args and _last(node.func) in SEEDS)


def _arguments(code: Code) -> set[str]:
    """The first arguments of calls of unknown names that look like those that seed: misspelt, they are no change when they are put right."""
    return {
        ast.unparse(node.args[0]) for node in code.all(ast.Call) if node.args and get_close_matches(_last(node.func), SEEDS, cutoff=0.7)
    }


def _numbers(code: Code) -> dict[str, Counter[str]]:
    """The numbers of NUMBERS: assigned, given as keywords, or the defaults of parameters."""
    found = {what: Counter[str]() for what in NUMBERS}
    for name, value in _named_values(code):
        if value is not None and not any(isinstance(node, ast.Name | ast.Attribute | ast.Call) for node in ast.walk(value)):
            for what, pattern in NUMBERS.items():
                if pattern.search(name.lower()):
                    found[what][ast.unparse(value)] += 1
    return found


def _named_values(code: Code) -> Iterator[tuple[str, ast.expr | None]]:
    for node in code.nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
                yield name, value
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
                yield from ((_last(name), value) for name, value in zip(names, values, strict=True))
            case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name), value=value):
                yield name, value
            case ast.keyword(arg=str(name), value=value):
                yield name, value
            case ast.arguments(args=positional, kwonlyargs=named, defaults=defaults, kw_defaults=others):
                pairs = zip([*positional[len(positional) - len(defaults) :], *named], [*defaults, *others], strict=True)
                yield from ((one.arg, value) for one, value in pairs)


def _is_zero(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?0*\.?0*(?:e[-+]?\d+)?", text, re.IGNORECASE))


def _rows(code: Code) -> int:
    """How many rows of random data are asked for in numbers."""
    rows = 0
    for node in code.all(ast.Call):
        if _last(node.func) in RANDOM:
            match [*node.args, *(one.value for one in node.keywords)]:
                case [*_, ast.Tuple(elts=[ast.Constant(value=int(number)), *_])]:
                    rows += number
                case [ast.Constant(value=int(number)), *_]:
                    rows += number
    return rows


# What may not become more -----------------------------------------------------------------------------------------------


def _caught(code: Code) -> int:
    suppressing = sum(_last(node.func) == "suppress" for node in code.all(ast.Call))
    return _count(code, ast.ExceptHandler) + suppressing


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
        _count(code, ast.Break, ast.Continue)
        + sum(_last(node.func) in EXITS for node in code.all(ast.Call))
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
    return sum(_last(node.func) in TRAINING and any(map(_records_nothing, code.ancestors(node))) for node in code.all(ast.Call))


def _records_nothing(node: ast.AST) -> bool:
    makers: Iterable[ast.expr] = ()
    if isinstance(node, ast.With):
        makers = [item.context_expr for item in node.items]
    elif isinstance(node, ast.FunctionDef):
        makers = node.decorator_list
    return any(_last(one.func if isinstance(one, ast.Call) else one) in UNRECORDED for one in makers)


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
    found = sum(_last(node.func) in ("nan_to_num", "nan_to_num_") for node in code.all(ast.Call))
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
    found = sum(_last(node.func) in LESS_DATA for node in code.all(ast.Call))
    for node in code.nodes:
        match node:
            case ast.Subscript(slice=ast.Slice(lower=None, upper=ast.Constant(value=int(number)))):
                found += number >= 0
            case ast.FunctionDef(name="__len__", body=[*_, ast.Return(value=ast.Constant())]):
                found += 1
    return found


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
    return sum(_last(node.func) in SILENCED for node in code.all(ast.Call))


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


def _count(code: Code, *kinds: type[ast.AST]) -> int:
    return sum(isinstance(node, kinds) for node in code.nodes)


def _last(node: ast.AST) -> str:
    """The last name of a dotted expression; empty for another."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
