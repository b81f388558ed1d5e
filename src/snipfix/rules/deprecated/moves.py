"""Calls whose arguments or results changed their places when they were renamed."""

from __future__ import annotations

import ast
from collections.abc import Callable

from snipfix.codemods import calls, insert_statement_after
from snipfix.model import Edit
from snipfix.rules.base import Context

__all__ = ["MOVES"]


def _in_places(context: Context, call: ast.Call, order: tuple[int, ...], *kept: str) -> tuple[Edit, ...]:
    """The positional arguments in another order, each with its own text; () unless there are just so many and no keywords but those kept."""
    if (
        len(call.args) != len(order)
        or {one.arg for one in call.keywords} - set(kept)
        or any(isinstance(one, ast.Starred) for one in call.args)
    ):
        return ()
    texts = [context.code.slice(call.args[number]) for number in order]
    return tuple(edit for number, text in enumerate(texts) for edit in calls.replace_argument(context.code, call, number, text))


def _solution_alone(context: Context, call: ast.Call, suffix: str = "", *kept: str) -> tuple[Edit, ...]:
    """solve(B, A) gave (solution, factors): the new call gives the solution, so whoever takes it apart takes it whole."""
    code, moved = context.code, _in_places(context, call, (1, 0), *kept)
    if not moved:
        return ()
    end = code.range(code.span(call))[1]
    up = code.parents.get(call)
    if isinstance(up, ast.Attribute) and up.attr == "solution":
        return (*moved, *(() if suffix else (Edit(end, code.range(code.span(up))[1], ""),)))
    if isinstance(up, ast.Subscript) and isinstance(up.slice, ast.Constant) and up.slice.value == 0:
        return (*moved, Edit(end, code.range(code.span(up))[1], suffix))
    target = up.targets[0] if isinstance(up, ast.Assign) and len(up.targets) == 1 else None
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2 or not _never_read(context, target.elts[1]):
        return ()
    start, stop = code.range(code.span(target))
    return (Edit(start, stop, code.slice(target.elts[0])), *moved, *((Edit(end, end, suffix),) if suffix else ()))


def _never_read(context: Context, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and not any(load.node.id == node.id for load in context.scopes.loads)


def _solution_of(context: Context, call: ast.Call) -> tuple[Edit, ...]:
    return _solution_alone(context, call, ".solution")


def _vectors_asked(context: Context, call: ast.Call) -> tuple[Edit, ...]:
    """symeig(A, eigenvectors=True) is eigh(A); without the vectors, or with `upper`, it is another call."""
    code = context.code
    if len(call.args) == 1 and [one.arg for one in call.keywords] == ["eigenvectors"]:
        value, which = call.keywords[0].value, "eigenvectors"
        return calls.remove_argument(code, call, which) if isinstance(value, ast.Constant) and value.value is True else ()
    if len(call.args) == 2 and not call.keywords and isinstance(call.args[1], ast.Constant) and call.args[1].value is True:
        return calls.remove_argument(code, call, 1)
    up, end = code.parents.get(call), code.range(code.span(call))[1]
    if len(call.args) == 1 and not call.keywords and isinstance(up, ast.Subscript) and code.slice(up.slice) == "0":
        return (Edit(end, end, ""),)  # of both only the eigenvalues are read
    return ()


def _first_to_last(context: Context, call: ast.Call) -> tuple[Edit, ...]:
    return _in_places(context, call, (1, 2, 0))


def _triangular(context: Context, call: ast.Call) -> tuple[Edit, ...]:
    """triangular_solve(B, A) took A for an upper one; solve_triangular has to be told."""
    moved = _solution_alone(context, call, "", "upper", "unitriangular")
    if not moved or any(one.arg == "upper" for one in call.keywords):
        return moved
    return (*moved, *calls.add_keyword(context.code, call, "upper", "True"))


def _right_vectors(context: Context, call: ast.Call) -> tuple[Edit, ...]:
    """`u, s, v = svd(A)`: the new call gives v transposed, and the reduced matrices only when asked."""
    code, up = context.code, context.code.parents.get(call)
    target = up.targets[0] if isinstance(up, ast.Assign) and len(up.targets) == 1 else None
    parts = target.elts if isinstance(target, ast.Tuple) else []
    if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred) or len(parts) != 3:
        return ()
    reduced, vectors = calls.add_keyword(code, call, "full_matrices", "False"), parts[2]
    if _never_read(context, vectors):
        return reduced
    if not isinstance(vectors, ast.Name) or not isinstance(up, ast.Assign):
        return ()
    start, end = code.range(code.span(vectors))
    turned = f"{vectors.id}h" if f"{vectors.id}h" not in code.text else f"{vectors.id}_transposed"
    return (Edit(start, end, turned), *reduced, *insert_statement_after(code, up.lineno, f"{vectors.id} = {turned}.mH"))


MOVES: dict[str, Callable[[Context, ast.Call], tuple[Edit, ...]]] = {
    "solution-alone": _solution_alone,
    "solution-of": _solution_of,
    "vectors-asked": _vectors_asked,
    "first-to-last": _first_to_last,
    "triangular": _triangular,
    "right-vectors": _right_vectors,
}
"""What a shape of the table does to a call; () says that this call is none of its kind, and then it is not renamed either."""
