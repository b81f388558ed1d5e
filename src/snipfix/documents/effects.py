"""What running a block changes for the blocks after it beside the names it binds: objects that it works on, files that it writes."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from snipfix.code import parse

__all__ = ["Effects", "effects_of"]

PURE = frozenset(
    "print len type isinstance range str repr int float bool list tuple dict set sorted sum min max abs zip enumerate id".split()
)
ASKING = frozenset(
    "size dim numel item tolist numpy parameters named_parameters state_dict mean sum min max std argmax shape view reshape permute "
    "transpose head tail describe info copy clone detach format join split keys values items count".split()
)
"""Methods that tell something and change nothing, whoever has them."""
WRITING = frozenset(
    "save save_pretrained savez savetxt savefig dump to_csv to_json to_parquet to_pickle write_text write_bytes mkdir makedirs urlretrieve "
    "export imsave save_image save_file".split()
)
LIBRARIES = frozenset("torch nn F np numpy optim plt math pd os json random torchvision transforms".split())
"""`torch.cat(x)`, `F.relu(x)`: functions of libraries give something new. An earlier block may have imported them."""
LEARNING = frozenset({"backward", "fit"})
"""Methods of a training loop: running it again for every later block would cost most."""


@dataclass(frozen=True, slots=True)
class Effects:
    """`changes`: names whose objects the block may change; `writes`: files by name; `mentions`: every short string; `trains`: has a training loop."""

    changes: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()
    trains: bool = False


@lru_cache(maxsize=4096)
def effects_of(code: str) -> Effects:
    """The effects of a block; none for one that does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Effects()
    nodes = list(_immediate(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    writing = [call for call in calls if _last(call.func) in WRITING or _opens_for_writing(call)]
    trains = any(_last(node.func) in LEARNING for node in ast.walk(tree) if isinstance(node, ast.Call))
    mentions = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200
    }
    return Effects(
        changes=frozenset(_changed(nodes, calls, trains=trains) | {name for call in writing for name in _roots(_arguments(call))})
        - _imported(tree),
        writes=frozenset(value for call in writing for value in _strings(call)),
        mentions=frozenset(mentions),
        trains=trains,
    )


def _immediate(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run while the block does: the bodies of functions and classes run later, or bind names of their own."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            yield from _immediate(node)


def _changed(nodes: list[ast.AST], calls: list[ast.Call], *, trains: bool) -> set[str]:
    """Names whose objects are assigned into, have a method called, or are handed to a function that is not known to leave them alone.

    In a training loop also those that are called: the optimizer changes them.
    """
    modules = {name for node in nodes for name in _bound_by_import(node)}
    places = [node for node in nodes if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del)]
    found = _roots([*places, *(node.target for node in nodes if isinstance(node, ast.AugAssign))])
    for call in calls:
        function = call.func
        if isinstance(function, ast.Attribute) and not (_root(function) in modules or function.attr in ASKING):
            found |= _roots([function.value])
        library = _root(function) in modules | LIBRARIES and not _last(function).endswith("_")
        if not library and _last(function) not in PURE | ASKING:
            found |= _roots(_arguments(call))
    return found | (_roots([call.func for call in calls]) if trains else set())


def _imported(tree: ast.Module) -> set[str]:
    return {name for node in ast.walk(tree) for name in _bound_by_import(node)}


def _bound_by_import(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return set()


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _roots(nodes: Iterable[ast.AST]) -> set[str]:
    return {name for node in nodes if (name := _root(node))}


def _root(node: ast.AST) -> str:
    """`x` for `x`, `x.weight`, `x[0].data`; empty for what is made on the spot."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def _opens_for_writing(call: ast.Call) -> bool:
    mode = next((one.value for one in call.keywords if one.arg == "mode"), call.args[1] if len(call.args) > 1 else None)
    return _last(call.func) == "open" and isinstance(mode, ast.Constant) and str(mode.value)[:1] in {"w", "a", "x"}


def _strings(call: ast.Call) -> Iterator[str]:
    for argument in _arguments(call):
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value
