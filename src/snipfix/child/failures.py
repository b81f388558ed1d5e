"""An exception made into evidence (`evidence.Failure`): frames with exact places, locals, the operation that failed, its module."""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from describe import cut, describe, type_name
from functions import public_name
from spelling import near_names
from tracing import is_own

MESSAGE = 4_000
FRAMES_OUTER, FRAMES_INNER = 20, 30
LOCALS = 32
ARGUMENTS = 12
WORKER_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
PLUMBING = {f"Tensor.{name}" for name in ("__getitem__", "size", "shape", "dim", "ndim", "unsqueeze", "squeeze", "transpose", "unflatten")}
STEPS = {
    "UNPACK": "unpacking",
    "LOAD_ATTR": "attribute",
    "LOAD_METHOD": "attribute",
    "STORE_ATTR": "attribute",
    "LOAD_NAME": "name",
    "LOAD_GLOBAL": "name",
    "LOAD_FAST": "name",
    "BINARY_SUBSCR": "indexing",
    "STORE_SUBSCR": "indexing",
    "BINARY": "operator",
    "COMPARE": "operator",
    "UNARY": "operator",
    "CALL": "call",
    "PRECALL": "call",
    "RAISE": "raise",
    "IMPORT": "import",
    "FOR_ITER": "iteration",
    "GET_ITER": "iteration",
}


def failure(recorder: Any, error: BaseException) -> dict[str, Any]:
    """The Failure of an exception. Survives exceptions whose own methods raise."""
    facts: dict[str, Any] = {"type": _type(error), "message": message(error), "cause": _cause(error)}
    if isinstance(error, SyntaxError) and _attribute(error, "filename") == recorder.filename:
        facts["syntax"], facts["message"] = _syntax(error), cut(str(error.msg), MESSAGE)
    steps = list(_steps(error.__traceback__))
    facts["frames"] = [_frame(recorder, *step) for step in _bounded(steps)] + _worker_frames(recorder, facts["message"])
    operation = _operation(recorder, error, steps)
    if operation is not None:
        facts["operation"] = operation
    near = near_names(error)
    if near:
        facts["near"] = near
    return facts


def message(error: BaseException) -> str:
    """What the exception says, bounded."""
    try:
        return cut(str(error), MESSAGE)
    except BaseException as odd:
        return f"<message cannot be had: {type(odd).__name__}>"


def _type(error: BaseException) -> str:
    return cut(str(type.__getattribute__(type(error), "__name__")), 100)


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception:
        return None


def _cause(error: BaseException) -> str:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "" if cause is None else cut(f"{_type(cause)}: {message(cause)}", 1_000)


def _syntax(error: SyntaxError) -> list[int]:
    line = error.lineno or 1
    column = max(error.offset or 1, 1)
    end_line = max(_attribute(error, "end_lineno") or line, line)
    end = _attribute(error, "end_offset") or 0
    return [line, column, end_line, end if end > 0 and (end_line, end) > (line, column) else column + 1]


# Frames ---------------------------------------------------------------------------------------------------------------


def _steps(trace: TracebackType | None) -> Iterator[tuple[FrameType, int, int]]:
    """Frame, instruction and line of each entry of a traceback, outermost first, without the child's own frames."""
    while trace is not None:
        if not is_own(trace.tb_frame.f_code):
            yield trace.tb_frame, trace.tb_lasti, trace.tb_lineno
        trace = trace.tb_next


def _bounded(steps: list) -> list:
    if len(steps) <= FRAMES_OUTER + FRAMES_INNER:
        return steps
    return steps[:FRAMES_OUTER] + steps[-FRAMES_INNER:]


def _frame(recorder: Any, frame: FrameType, instruction: int, line: int) -> dict[str, Any]:
    code = frame.f_code
    if code.co_filename not in recorder.sources:
        module = frame.f_globals.get("__name__")
        name = cut(str(getattr(code, "co_qualname", code.co_name)))
        block = cut(module) if isinstance(module, str) else ""
        return {"function": name, "span": [max(line or 1, 1), 1, max(line or 1, 1), 2], "snippet": False, "block": block}
    return {
        "function": cut(code.co_name),
        "span": recorder.sources.place(code, instruction, line),
        "block": code.co_filename,
        "locals": _locals(frame),
        "owner": _owner(frame),
    }


def _locals(frame: FrameType) -> dict[str, Any]:
    """The frame's variables; at module level those that are data, not the functions, classes and modules it defines."""
    at_module_level = frame.f_code.co_name == "<module>"
    found: dict[str, Any] = {}
    # The latest names first: in a long module they are the ones near the failure.
    items = list(frame.f_locals.items())
    for name, value in reversed(items) if at_module_level else items:
        kind = type(value)
        definition = kind is type(sys) or kind is type or (callable(value) and hasattr(value, "__qualname__"))
        if name.startswith("__") or (at_module_level and definition):
            continue
        found[cut(name, 80)] = describe(value)
        if len(found) >= LOCALS:
            break
    return found


def _owner(frame: FrameType) -> str:
    """The class in whose body the running function was written, when it is a method."""
    code = frame.f_code
    first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    kind = first if isinstance(first, type) else type(first)
    for base in getattr(kind, "__mro__", ()):
        member = vars(base).get(code.co_name)
        member = getattr(member, "__func__", member)
        if getattr(member, "__code__", None) is code:
            return cut(base.__name__)
    return ""


def _worker_frames(recorder: Any, text: str) -> list[dict[str, Any]]:
    """The snippet frames that a DataLoader worker wrote into the message, the only trace of them that reaches us."""
    if "Original Traceback" not in text:
        return []
    found = [match.groups() for match in WORKER_FRAME.finditer(text)]
    return [
        {"function": function, "span": recorder.sources.line_place(name, int(line)), "block": name}
        for name, line, function in found[:FRAMES_INNER]
        if name in recorder.sources
    ]


# The operation --------------------------------------------------------------------------------------------------------


def _operation(recorder: Any, error: BaseException, steps: list) -> dict[str, Any] | None:
    """What was being done: a torch function, a module's call, a library function, or a step of the snippet itself."""
    functions = recorder.functions
    torch = sys.modules.get("torch") if recorder.watching else None
    authored = [frame.f_code.co_filename in recorder.sources for frame, _, _ in steps]
    inner = len(authored) - 1 - authored[::-1].index(True) if True in authored else -1
    failed, called = (kept if kept is not None and kept.error is error else None for kept in (functions.failed, functions.failed_call))
    # A library module that indexes or measures what it was given: what it was given is the news.
    plumbing = failed is None or public_name(failed.function) in PLUMBING
    if called is not None and not called.inside_snippet and plumbing:
        name = f"{_public_class(type(called.function))}.forward"
        return _facts(recorder, name, called.args, called.kwargs, called.function, called.running)
    if failed is not None:
        where = failed.running[-1] if failed.running else None
        return _facts(recorder, public_name(failed.function), failed.args, failed.kwargs, where, failed.running)
    if inner < 0:
        return None
    module = _innermost_module(torch, steps[: inner + 2])
    roots = called.running if called is not None else ()
    if inner + 1 < len(steps) and not steps[inner + 1][0].f_code.co_name.startswith(("__getattr", "__setattr")):
        return _library_call(recorder, steps[inner + 1][0], module, roots)
    return _facts(recorder, _step_name(*steps[inner][:2]), (), {}, module, roots)


def _innermost_module(torch: Any, steps: list) -> Any:
    """The module whose method the innermost such frame of the traceback runs."""
    if torch is None:
        return None
    for frame, _, _ in reversed(steps):
        code = frame.f_code
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        if isinstance(first, torch.nn.Module):
            return first
    return None


def _library_call(recorder: Any, frame: FrameType, module: Any, roots: tuple) -> dict[str, Any]:
    """The library function that the snippet called and that raised, with the arguments its frame still holds."""
    code = frame.f_code
    name = str(getattr(code, "co_qualname", code.co_name))
    values = frame.f_locals
    names = [name for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if name in values]
    owner = values[names[0]] if names and names[0] in ("self", "cls") else None
    if owner is not None:
        kind = owner if isinstance(owner, type) else type(owner)
        label = f"{_public_class(kind)}.{code.co_name}"
        names = names[1:]
    else:
        label = f"{frame.f_globals.get('__name__', '')}.{name}"
    return _facts(recorder, label, (), {name: values[name] for name in names}, module, roots)


def _public_class(kind: type) -> str:
    """`torch.nn.Linear`, not the file it is written in."""
    torch = sys.modules.get("torch")
    name = kind.__name__
    for place in ("torch.nn", "torch.optim", "torch.utils.data", "torch_geometric.nn", "transformers"):
        # Looked up in what is loaded: asking a lazy package for a name may import half of it.
        if torch is not None and vars(sys.modules.get(place, sys)).get(name) is kind:
            return f"{place}.{name}"
    return type_name(kind)


def _facts(recorder: Any, name: str, args: tuple, kwargs: dict, module: Any, roots: tuple) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": cut(name),
        "args": [describe(value) for value in args[:ARGUMENTS]],
        "kwargs": {cut(str(key), 80): describe(value) for key, value in list(kwargs.items())[:ARGUMENTS]},
    }
    if module is not None:
        facts["module"] = recorder.modules.ref(module, roots[:1])
    return facts


def _step_name(frame: FrameType, instruction: int) -> str:
    """What kind of step of the snippet failed, from the bytecode: `unpacking`, `attribute`, `name`, `call`, ..."""
    for step in dis.get_instructions(frame.f_code):
        if step.offset == instruction:
            known = (word for prefix, word in STEPS.items() if step.opname.startswith(prefix))
            return next(known, "statement")
    return "statement"
