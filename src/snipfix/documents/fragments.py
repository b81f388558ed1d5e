"""Blocks that are labelled Python and were never meant to run as they stand: parts of a program, signatures, pseudo code, places to fill in.

To call these broken would be a false alarm, and to mend them would spoil the page. Each kind is recognised by its form alone and with care: what might
be a program with a fault stays one.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Collection, Iterator

from snipfix.code import parse

__all__ = ["SKETCH", "fragment_of"]

SKETCH = "a sketch: `...` stands for what is left out"

SPOKEN = re.compile(r"#.*|\"[^\"\n]*\"|'[^'\n]*'")
"""Comments and strings, near enough."""
BLANK_TO_FILL = re.compile(r"(?<![\w\])<])<[ ]?(?:your|the|path|name|insert|some|my|any|你的|填|路径)[\w \-/.]*>|<\.\.\.>", re.IGNORECASE)
LEFT_OUT = re.compile(
    r"^([ \t]*)#[ \t]*(?:\.\.\.|…|TODO\b|(?:your|add|insert|put|more|rest of|remaining|some)\b.*\b(?:code|here|logic)\b|此处|这里|其余|其他|省略|你的).*",
    re.IGNORECASE | re.MULTILINE,
)
OWN = re.compile(r"your\w*|path\.to\b.*|my_?(?:package|module|project|lib|library|code)\b.*", re.IGNORECASE)
"""Modules that stand for the reader's own."""
INCLUDED = re.compile(r"\s*(?:-+8<-+.*|\{[{%]<?\s*\w.*[}%]\}|<<<\s*@?[\w./]+.*|@include\b.*|:include:.*)\s*")
"""What a site generator puts a file in the place of: MkDocs, Jekyll, Hugo, VitePress."""
HEAD = re.compile(r"(?:if|for|while|with|def|class|async)\b[^#]*?:?\s*(?:#.*)?")
DECORATOR = re.compile(r"@[\w.]+(?:\(.*\))?\s*(?:#.*)?")
SIGNATURE = re.compile(r"(?:async\s+)?def\s+\w+\s*\(.*\)\s*(?:->[^:]+)?|class\s+[\w.]+(?:\(.*\))?", re.DOTALL)
RETURNS = re.compile(r"[\w.]+\s*\([^()]*\)\s*->\s*[\w.\[\], |]+")
"""`hook(module, inputs) -> None or modified input`."""
LONGEST = 1_000
"""Characters of a signature."""
PROSE_LINE = re.compile(r"\s*(?:for each|for every|repeat until|[A-Za-z]+(?:[ ,][ ]?[A-Za-z]+){1,8})\s*[:.]?\s*(?:#.*)?")


def fragment_of(code: str, known: Collection[str] = ()) -> str:
    """What kind of fragment a block is; empty for a program, be it a broken one. `known`: names that earlier blocks give."""
    lines = [line for line in code.split("\n") if line.strip()]
    if lines and all(map(INCLUDED.fullmatch, lines)):
        return "a file that is included from elsewhere"
    body = _parsed(code)
    if body is not None:
        return _of_whole_statements(body, known)
    return _of_text(code, lines)


def _parsed(code: str) -> list[ast.stmt] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _of_whole_statements(body: list[ast.stmt], known: Collection[str]) -> str:
    if any(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and one.value.value is ... for one in body):
        return SKETCH
    if own := next((name for name in _modules(body) if OWN.fullmatch(name)), ""):
        return f"a sketch: `{own}` stands for the reader's own"
    if "self" not in known and _is_within_a_method(body):
        return "a part of a method, without its class"
    if len(body) == 1 and isinstance(body[0], ast.Expr) and _is_signature(body[0].value, known):
        return "a signature"
    return ""


def _modules(body: list[ast.stmt]) -> Iterator[str]:
    for one in body:
        if isinstance(one, ast.ImportFrom) and not one.level:
            yield one.module or ""
        elif isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)


def _is_within_a_method(body: list[ast.stmt]) -> bool:
    """Whether statements that stand alone speak of `self`: a program would have its class, or import something."""
    if any(isinstance(one, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for one in body):
        return False
    names = [node for one in body for node in ast.walk(one) if isinstance(node, ast.Name) and node.id == "self"]
    return bool(names) and all(isinstance(name.ctx, ast.Load) for name in names)


def _is_signature(call: ast.expr, known: Collection[str]) -> bool:
    """`torch.nn.Linear(in_features, out_features, bias=True)`: a call of a dotted name with names of arguments that nothing gives, and defaults."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    names = [one.value if isinstance(one, ast.Starred) else one for one in call.args]
    plain = all(isinstance(one, ast.Name) and one.id not in known for one in names)
    defaults = all(isinstance(one.value, ast.Constant | ast.Attribute | ast.Tuple | ast.UnaryOp) for one in call.keywords)
    return bool(names) and plain and bool(call.keywords) and defaults


def _of_text(code: str, lines: list[str]) -> str:
    """The kind of a text that is no Python as it stands."""
    if _parsed(_outside_strings(BLANK_TO_FILL, "None", code)) is not None:
        return "a sketch: `<...>` stands for what the reader fills in"
    if _parsed(LEFT_OUT.sub(r"\1pass", _outside_strings(re.compile("…+"), "...", code))) is not None:
        return "a sketch: it leaves out what the reader knows or fills in"
    if lines and _is_method(code):
        return "a part of a class: a method, indented as it stands there"
    if lines and all(RETURNS.fullmatch(line.strip()) for line in lines):
        return "a signature"
    if _is_one_statement_head(code, lines):
        return "a signature, or the head of a statement"
    if _is_diff(lines):
        return "a diff, not Python"
    if _is_arguments(code):
        return "a part of a call or of a dictionary"
    if sum(_is_prose(line) for line in lines) * 2 > len(lines):
        return "pseudo code"
    return ""


def _outside_strings(pattern: re.Pattern[str], by: str, code: str) -> str:
    """The text with every match replaced that is in no string or comment."""
    return re.sub(
        rf"(?P<spoken>{SPOKEN.pattern})|{pattern.pattern}", lambda match: match[0] if match["spoken"] else by, code, flags=pattern.flags
    )


def _is_method(code: str) -> bool:
    """Whether all of it is indented and starts with a method."""
    body = _parsed(textwrap.dedent(code)) if code[:1] in " \t" else None
    first = body[0] if body else None
    if not isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return bool(first.args.args) and first.args.args[0].arg in {"self", "cls"}


def _is_one_statement_head(code: str, lines: list[str]) -> bool:
    """A decorator, or what stands before the colon of a statement, alone: over several lines it is taken for a signature only."""
    text = code.strip()
    if len(text) > LONGEST:
        return False
    if len(lines) == 1 and DECORATOR.fullmatch(text):
        return True
    pattern = HEAD if len(lines) == 1 else SIGNATURE
    return pattern.fullmatch(text) is not None and _parsed(text.partition("#")[0].rstrip().removesuffix(":") + ": pass") is not None


def _is_diff(lines: list[str]) -> bool:
    marks = {line[0] for line in lines}
    return {"+", "-"} <= marks <= {"+", "-", " ", "@"}


def _is_arguments(code: str) -> bool:
    call = _parsed(f"f(\n{code}\n)")
    if call and len(call) == 1 and isinstance(call[0], ast.Expr) and isinstance(call[0].value, ast.Call):
        return not call[0].value.args and len(call[0].value.keywords) > 1
    entries = _parsed(f"{{\n{code}\n}}")
    if entries and len(entries) == 1 and isinstance(entries[0], ast.Expr) and isinstance(entries[0].value, ast.Dict):
        keys = entries[0].value.keys
        return bool(keys) and all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in keys)
    return False


def _is_prose(line: str) -> bool:
    return PROSE_LINE.fullmatch(line) is not None and _parsed(line.strip()) is None
