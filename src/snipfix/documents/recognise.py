"""What kind of code a fence holds: Python, a session at the prompt, an output, or something that is not looked at."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import replace

from snipfix.code import parse
from snipfix.documents.events import Fence, Line, Style, code_of
from snipfix.documents.info import OUTPUT, PYTHON, SESSION, TRACEBACK, UNTOLD, Info
from snipfix.documents.sessions import opens_session
from snipfix.documents.titles import RIGHT, announces_wrong

__all__ = [
    "ends_in_error",
    "ends_on_purpose",
    "is_output",
    "is_python",
    "is_session",
    "is_sketch",
    "is_traceback",
    "opens_as_wrong",
    "other_program",
    "reads_as_python",
    "unlabelled",
    "without_magics",
]

STRONG = re.compile(r"^\s*(?:import [\w.]+|from [\w.]+ import |(?:async )?def \w+\s*\(|class \w+.*:|@\w[\w.]*)", re.MULTILINE)
IMPORT = re.compile(r"^(?:import [\w.]+(?: as \w+)?(?:\s*,|\s*#|\s*;|\s*$)|from [\w.]+ import \S)", re.MULTILINE)
SHELL = re.compile(r"^\s*\$ ", re.MULTILINE)
MAGIC = re.compile(
    r"""^\s*(?:
        %%?[A-Za-z]\w* | !\s*\S | \$[ ] | \?\??\s*\w
        | (?:python3?[ ]-m[ ])?(?:pip3?|conda|mamba|uv[ ]pip|apt|apt-get)[ ]install[ ]
        | (?:python3?|(?:torchrun|accelerate[ ]launch)\b.*)[ ][\w./-]+\.py\b | python3?[ ]-m[ ][a-z]\w | git[ ](?:clone|pull|checkout)[ ]
        | wget[ ]https?: | curl[ ]- | cd[ ][\w./~-]+$ | export[ ][A-Z_]+= | source[ ]\S+$ | nvidia-smi\b | CUDA_VISIBLE_DEVICES=
    ) | ^\s*[\w.]+\?\??\s*$""",
    re.VERBOSE,
)
ASSIGNED = re.compile(r"^(\s*[A-Za-z_]\w*\s*=\s*)(!|%)\s*\S")
"""`files = !ls`, `t = %timeit -o f()`: the name is bound to what a shell prints, or to what only IPython knows."""
TEMPLATE = re.compile(r"^\s*\{%-?\s*(?:end)?raw\s*-?%\}\s*$")
"""Lines that a site generator takes out: `{% raw %}` of Jekyll."""
OTHER_PROGRAM = re.compile(r"\s*(#!(?!.*(?:python|torchrun)).*)")
"""A script that says which other program runs it: `#!/bin/bash`."""
FOREIGN_CELL = re.compile(
    r"^%%(?!time\b|timeit\b|capture\b|prun\b|python3?\b|ipytest\b|memit\b|debug\b)(\w+)",
)
IMPORTS = (ast.Import, ast.ImportFrom)
TRACEBACK_HEAD = "Traceback (most recent call last)"
NAMES_ERROR = re.compile(
    r"#\s*(?:[-=]+>|→|❌|(?:this )?(?:will )?raises?:?|throws|fails:?|会?报错[:：]?|会?抛出)?\s*(?:an?\s+)?[\w.]*(?:Error|Exception)\b(?![\w(])"
)
SAYS_RAISES = re.compile(
    r"#.*(?:\b(?:will |would )?(?:raises?|throws?|fails? with)\b.*(?:Error|Exception)\b|会(?:报错|抛出异常|引发))", re.IGNORECASE
)
ERROR_LINE = re.compile(r"(?:[\w.]*(?:Error|Exception|Interrupt|Exit|StopIteration))\b(?::|$)")


def ends_on_purpose(code: str) -> bool:
    """Whether a comment on the last line of a program, or on the line above it, says that the line raises."""
    lines = [line.strip() for line in code.rstrip().split("\n")][-2:]
    if NAMES_ERROR.search(lines[-1]) and not lines[-1].startswith("#"):
        return True
    return len(lines) == 2 and SAYS_RAISES.match(lines[0]) is not None and not lines[-1].startswith("#")


def opens_as_wrong(code: str) -> bool:
    """Whether a comment on the first line says that the program is how not to do it, and none says that a part of it is right."""
    first, _, rest = code.lstrip("\n").partition("\n")
    comments = [line.strip() for line in rest.split("\n") if line.lstrip().startswith("#")]
    return first.startswith("#") and announces_wrong(first + ":") and not any(RIGHT.search(line) for line in comments)


def is_python(fence: Fence, info: Info) -> bool:
    """Whether a fence says that it is Python, or says nothing and plainly is."""
    word = fence.language or info.language
    if other_program(code_of(fence)):
        return False
    if word in PYTHON or word in SESSION:
        return not code_of(fence).lstrip().startswith(TRACEBACK_HEAD)
    if info.directive:
        return info.directive in {"code-cell", "testcode", "testsetup", "doctest", "ipython"} and not word
    return word in UNTOLD and reads_as_python(code_of(fence))


def unlabelled(fence: Fence, info: Info) -> str:
    """What a block that is taken for Python by its code alone is; empty for one that says so."""
    if (fence.language or info.language) not in UNTOLD or info.directive:
        return ""
    kind = "an indented block" if "indented" in fence.tags else "a block without a language"
    return f"{kind}, taken for Python by its code"


def other_program(code: str) -> str:
    """The line by which a script says that another program runs it; empty when none does."""
    match = OTHER_PROGRAM.match(code)
    return match[1].strip() if match else ""


def is_output(fence: Fence, info: Info, *, labelled: bool) -> bool:
    """Whether a fence shows an output, given whether the words above it announce one.

    A page's default language says nothing of one block, and some authors label everything as Python.
    """
    if is_traceback(fence, info):
        return not fence.info or info.language in OUTPUT | TRACEBACK | PYTHON
    if "output" in fence.tags or not fence.info or info.language in OUTPUT | UNTOLD:
        return labelled
    return labelled and info.language in PYTHON and not info.directive and not reads_as_python(code_of(fence))


def is_traceback(fence: Fence, info: Info) -> bool:
    """Whether a fence says that it is a traceback, or shows one."""
    code = code_of(fence)
    if info.language in PYTHON:
        return code.lstrip().startswith(TRACEBACK_HEAD)
    return (fence.language or info.language) in TRACEBACK or ends_in_error(code)


def ends_in_error(output: str) -> bool:
    """Whether a documented output is that of a program that raised."""
    last = output.rstrip().rpartition("\n")[2]
    return TRACEBACK_HEAD in output or ERROR_LINE.match(last) is not None


def reads_as_python(code: str) -> bool:
    """Whether an unlabelled block is Python beyond doubt: outputs and data often parse as Python too, so parsing is not enough."""
    if SHELL.search(code):
        return False
    if opens_session(code):
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return IMPORT.search(code) is not None and len(STRONG.findall(code)) >= 2
    return any(_is_telling(statement) for statement in tree.body)


def _is_telling(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.For() | ast.With():
            return True
        case ast.Assign(value=ast.Call(func=ast.Attribute())):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
    return False


def is_sketch(code: str) -> bool:
    """Whether a program's own statements have `...` where a value belongs: `model = ...`, `Net(...)`. What it stands for is left to the reader.

    To calls of what is imported an Ellipsis may mean something (`Field(...)`), and as an index or a body it is Python; two and nothing else, as in
    `Linear(..., ...)`, mean nothing anywhere.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if any(isinstance(one, ast.Call) and len(one.args) > 1 and all(map(_is_left_out, one.args)) for top in body for one in ast.walk(top)):
        return True
    imported = {alias.asname or alias.name for one in ast.walk(ast.Module(body, [])) if isinstance(one, IMPORTS) for alias in one.names}
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Assign) and _is_left_out(node.value):
            return True
        if isinstance(node, ast.Call) and any(map(_is_left_out, node.args)):
            root = node.func
            while isinstance(root, ast.Attribute):
                root = root.value
            if not (isinstance(root, ast.Name) and root.id in imported):
                return True
        todo += ast.iter_child_nodes(node)
    return False


def _is_left_out(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def without_magics(fence: Fence) -> tuple[Fence, list[tuple[Line, str]], str]:
    """The fence with notebook magics and shell lines blank, those lines, and the reason to skip all of it when another language is meant."""
    first = next((line.code for line in fence.lines if line.code.strip()), "")
    foreign = FOREIGN_CELL.match(first)
    if foreign:
        return fence, [], f"a %%{foreign[1]} cell, not Python"
    stand_ins = [_stand_in(line.code) for line in fence.lines]
    if all(one is None for one in stand_ins) or _parses(code_of(fence)):
        return fence, [], ""
    if all(MAGIC.match(line.code) for line in fence.lines if line.code.strip()):
        return fence, [], "shell lines, not Python"
    lines, blanked, pinned = list[Line](), list[tuple[Line, str]](), list[Line]()
    for line, stand_in in zip(fence.lines, stand_ins, strict=True):
        if stand_in is not None:
            blanked.append((line, line.code.strip()))
            line = Line(line.number, line.start, line.end, stand_in)
            pinned.append(line)
        lines.append(line)
    return replace(fence, lines=tuple(lines), pinned=fence.pinned | frozenset(pinned)), blanked, ""


def _stand_in(code: str) -> str | None:
    """What runs in the place of a line that is no Python; None for any other line."""
    if assigned := ASSIGNED.match(code):
        return assigned[1] + ("[]" if assigned[2] == "!" else "None")
    if MAGIC.match(code):
        indent = code[: len(code) - len(code.lstrip())]
        return indent + "pass" if indent else ""
    return "" if TEMPLATE.match(code) else None


def _parses(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def is_session(fence: Fence) -> bool:
    """Whether a fence shows prompts."""
    first = next((line.code for line in fence.lines if line.code.strip()), "")
    return fence.style in {Style.TEXT, Style.HTML} and opens_session(first)
