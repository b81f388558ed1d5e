"""What a repair must not do to pass: delete what worked, hide an error, skip what should run, train less, or change seeds, data and numbers of epochs.

A search that is judged by "the error is gone" learns to cheat; these checks compare the two programs, not their runs. What ran before is compared as well.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches

from snipfix.code import Code
from snipfix.evidence import Outcome
from snipfix.model import Result
from snipfix.rules.training_loop.trained_on_test_data import learning_from_test_data
from snipfix.weakening import RISING, TRAINING, count_of, last_name

__all__ = ["cheats", "lost", "shortcuts"]

KEPT_CALLS = ("backward", "step", "manual_seed", "seed", "print")
"""Calls whose number may not fall; for seeds the arguments may not change either."""
SEEDS = ("manual_seed", "manual_seed_all", "seed", "default_rng", "set_seed", "seed_everything")
RANDOM = ("randn", "rand", "randint", "randperm", "normal", "uniform", "make_classification", "make_regression", "make_moons", "make_blobs")
"""What makes data of random numbers: how many rows it is asked for may not change."""
LEARNED = re.compile(
    r"(?:Lazy)?(?:Linear|Bilinear|(?:Conv|ConvTranspose|BatchNorm|InstanceNorm)[123]d|LayerNorm|GroupNorm|RNN|LSTM|GRU"
    r"|(?:RNN|LSTM|GRU)Cell|Embedding|EmbeddingBag|MultiheadAttention|Transformer\w*)"
)
"""Layers with parameters."""
BATCHES = "how much data it trains on"
NUMBERS = {
    "how long it trains": re.compile(
        r"(?:^|(?<!steps_per)_)(?:epochs?|iters|iterations|max_iter|(?:num|n|max|total|train|training)_(?:steps|iters?))$"
    ),
    "the learning rate": re.compile(r"^(?:\w+_)?(?:lr|learning_rate)(?:_\w)?$"),
    BATCHES: re.compile(r"(?:^|_)(?:num|n|max)_(?:samples|examples)$|^batch_?size$"),
}
"""Names of numbers that no repair may change."""


def cheats(old: Code, new: Code) -> str:
    """How the new text cheats, in words; empty when it does not. Text that did not parse has nothing to compare."""
    return next(shortcuts(old, new), "")


def shortcuts(old: Code, new: Code) -> Iterator[str]:
    """Everything that the new text does and no search may do, each in words."""
    if old.syntax_error is None and new.syntax_error is None:
        yield from (said for count, said in RISING if count(new) > count(old))
        yield from _fewer(old, new)
        yield from _changed(old, new)


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
    if count_of(new, ast.For, ast.While, ast.AsyncFor) < count_of(old, ast.For, ast.While, ast.AsyncFor):
        yield "it drops a loop"
    if len(_definitions(new)) < len(_definitions(old)):
        yield f"it drops {', '.join(sorted(_definitions(old) - _definitions(new)))}"
    if count_of(new, ast.Raise, ast.Assert) < count_of(old, ast.Raise, ast.Assert):
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
    """The names of classes and functions; not the constructor of an autograd Function, which torch does not let make an instance any more."""
    found = (node for node in code.nodes if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in found if not _makes_autograd_function(code, node)}


def _makes_autograd_function(code: Code, node: ast.AST | None) -> bool:
    owner = code.parents.get(node) if isinstance(node, ast.FunctionDef) and node.name == "__init__" else None
    return isinstance(owner, ast.ClassDef) and any(last_name(base) == "Function" for base in owner.bases)


def _unconditional(code: Code) -> int:
    """Steps of training that hang on no `if`; being run as a program is no condition."""
    astray = learning_from_test_data(code)
    return sum(
        _times(node)
        for node in code.all(ast.Call)
        if last_name(node.func) in TRAINING
        and node not in astray
        and not any(isinstance(up, ast.If) and "__name__" not in ast.unparse(up.test) for up in code.ancestors(node))
    )


def _mentions(code: Code) -> Counter[str]:
    return Counter(
        last_name(node)
        for node in code.nodes
        if isinstance(node, ast.Name | ast.Attribute)
        and not _unused_function_of(code, node)
        and not _makes_autograd_function(code, code.around(node, ast.FunctionDef))
    )


def _layers(calls: Counter[str]) -> int:
    return sum(number for name, number in calls.items() if LEARNED.fullmatch(name))


def _calls(code: Code) -> Counter[str]:
    """The calls by last name; those in functions that nothing mentions do not count, nor those that train on what is to test."""
    astray = learning_from_test_data(code)
    found: Counter[str] = Counter()
    for node in code.all(ast.Call):
        if node not in astray and not _unused_function_of(code, node):
            found[last_name(node.func)] += _times(node)
    return found


def _times(call: ast.Call) -> int:
    """How many calls one stands for: `(a + b).backward()` goes back through two losses."""
    summed = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "backward" else None
    times = 1
    while isinstance(summed, ast.BinOp) and isinstance(summed.op, ast.Add):
        summed, times = summed.left, times + 1
    return times


def _unused_function_of(code: Code, node: ast.AST) -> bool:
    function = code.around(node, ast.FunctionDef)
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
        changed = before[what] - after[what]
        if what == BATCHES:  # a batch of one, which cannot be normalised, may grow
            del changed["1"]
        if changed:
            yield f"it changes {what}"
        if any(_is_zero(text) for text in after[what] - before[what]):
            yield f"it sets {what} to nothing"
    if _rows(new) < _rows(old) or _written(new) < _written(old):
        yield "it changes how much data there is"
    if _sets(old) and any(not get_close_matches(name, _sets(old), cutoff=0.7) for name in _sets(new) - _sets(old)):
        yield "it takes other data"
    if _shares(old) - _shares(new):
        yield "it takes another part of the data"


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
    elif not isinstance(node, ast.Call) or last_name(node.func) == "range":
        for inner in ast.iter_child_nodes(node):
            yield from _own_constants(inner) if isinstance(inner, ast.expr) else ()


def _seeds(code: Code) -> Counter[str]:
    return Counter(ast.unparse(node.args[0]) for node in code.all(ast.Call) if node.args and last_name(node.func) in SEEDS)


def _arguments(code: Code) -> set[str]:
    """The first arguments of calls of unknown names that look like those that seed: misspelt, they are no change when they are put right."""
    return {
        ast.unparse(node.args[0]) for node in code.all(ast.Call) if node.args and get_close_matches(last_name(node.func), SEEDS, cutoff=0.7)
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


def _by_sampler(node: ast.AST | None) -> bool:
    """Whether a loader gets its batches from a sampler: a size beside it counts for nothing."""
    return isinstance(node, ast.Call) and any(one.arg == "batch_sampler" for one in node.keywords)


def _named_values(code: Code) -> Iterator[tuple[str, ast.expr | None]]:
    for node in code.nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
                yield name, value
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
                yield from ((last_name(name), value) for name, value in zip(names, values, strict=True))
            case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name), value=value):
                yield name, value
            case ast.keyword(arg=str(name), value=value) if not _by_sampler(code.parents.get(node)):
                yield name, value
            case ast.arguments(args=positional, kwonlyargs=named, defaults=defaults, kw_defaults=others):
                pairs = zip([*positional[len(positional) - len(defaults) :], *named], [*defaults, *others], strict=True)
                yield from ((one.arg, value) for one, value in pairs)


def _is_zero(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?0*\.?0*(?:e[-+]?\d+)?", text, re.IGNORECASE))


def _written(code: Code) -> int:
    """How many items the lists with numbers in them have: examples, labels, batches."""
    lists = ([one.operand if isinstance(one, ast.UnaryOp) else one for one in written.elts] for written in code.all(ast.List))
    return sum(len(items) for items in lists if any(isinstance(one, ast.Constant) and isinstance(one.value, int | float) for one in items))


def _sets(code: Code) -> set[str]:
    """The data sets that are taken from a module of data sets."""
    return {node.attr for node in code.all(ast.Attribute) if last_name(node.value) == "datasets" and node.attr[:1].isupper()}


def _shares(code: Code) -> Counter[str]:
    """Which parts of data sets are asked for: `train=True`, `split="test"`; the name of a file, as in `train="train.json"`, is none."""
    return Counter(
        ast.unparse(node)
        for node in code.all(ast.keyword)
        if node.arg in ("train", "split", "test_size", "train_size")
        and isinstance(node.value, ast.Constant)
        and not (isinstance(node.value.value, str) and "." in node.value.value)
    )


def _rows(code: Code) -> int:
    """How many rows of random data are asked for in numbers."""
    rows = 0
    for node in code.all(ast.Call):
        if last_name(node.func) in RANDOM:
            match [*node.args, *(one.value for one in node.keywords)]:
                case [*_, ast.Tuple(elts=[ast.Constant(value=int(number)), *_])]:
                    rows += number
                case [ast.Constant(value=int(number)), *_]:
                    rows += number
    return rows
