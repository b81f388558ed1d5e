"""Classes and functions: methods replaced and added, parameters and statements put in. Built with LibCST, so that layout and comments survive."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from snipfix.code import Code
from snipfix.codemods.texts import CodemodError, edits_between
from snipfix.model import Edit

if TYPE_CHECKING:
    import libcst as cst

__all__ = ["add_method", "add_parameter", "add_statement_to_init", "remove_method", "replace_class", "replace_method"]


def replace_class(code: Code, name: str, text: str) -> tuple[Edit, ...]:
    """Put another class (or other statements) in place of one; the comment lines above it stay.

    Raises:
        CodemodError: when the class is not there, or the text does not parse.
    """
    return _replace_definition(code, name, text)


def replace_method(code: Code, name: str, text: str) -> tuple[Edit, ...]:
    """Put another method or function in place of `Class.method` or `function`; the comment lines above it stay.

    Raises:
        CodemodError: when it is not there, or the text does not parse.
    """
    return _replace_definition(code, name, text)


def remove_method(code: Code, name: str) -> tuple[Edit, ...]:
    """Remove `Class.method` or a function.

    Raises:
        CodemodError: when it is not there.
    """
    return _at(code, name, lambda _: ())


def add_method(code: Code, class_name: str, text: str, *, after: str | None = None) -> tuple[Edit, ...]:
    """Add a method to a class, behind another of its methods or at its end, with one empty line before it.

    Raises:
        CodemodError: when the class or the method is not there, or the text does not parse.
    """
    import libcst as cst

    def put(node: cst.ClassDef | cst.FunctionDef) -> tuple[cst.BaseStatement, ...]:
        assert isinstance(node, cst.ClassDef)
        body = list(node.body.body)
        names = [one.name.value if isinstance(one, cst.FunctionDef) else "" for one in body]
        if after is not None and after not in names:
            raise CodemodError(f"{class_name} has no method {after}")
        at = names.index(after) + 1 if after is not None else len(body)
        new = _parsed(text)
        first = new[0].with_changes(leading_lines=[cst.EmptyLine(indent=False), *new[0].leading_lines])
        body[at:at] = [first, *new[1:]]
        return (node.with_changes(body=_indented(node).with_changes(body=body)),)

    return _at(code, class_name, put)


def add_statement_to_init(code: Code, class_name: str, text: str, *, first: bool = False) -> tuple[Edit, ...]:
    """Add statements to a class's `__init__`: at the end, or `first` right behind `super().__init__()`.

    Raises:
        CodemodError: when the class has no `__init__`, or the text does not parse.
    """

    def put(node: cst.ClassDef | cst.FunctionDef) -> tuple[cst.BaseStatement, ...]:
        body = list(_indented(node).body)
        calls_super = [
            number
            for number, one in enumerate(body)
            if "super(" in code.cst.code_for_node(one) and "__init__" in code.cst.code_for_node(one)
        ]
        at = (calls_super[0] + 1 if calls_super else 0) if first else len(body)
        body[at:at] = _parsed(text)
        return (node.with_changes(body=_indented(node).with_changes(body=body)),)

    return _at(code, f"{class_name}.__init__", put)


def add_parameter(code: Code, name: str, parameter: str) -> tuple[Edit, ...]:
    """Give `Class.method` or a function one more parameter (`stride=1`), behind its others.

    Raises:
        CodemodError: when it is not there, or has a parameter of that name.
    """
    import libcst as cst

    made = cst.ensure_type(cst.parse_statement(f"def f({parameter}): ..."), cst.FunctionDef).params.params

    def put(node: cst.ClassDef | cst.FunctionDef) -> tuple[cst.BaseStatement, ...]:
        assert isinstance(node, cst.FunctionDef)
        old = list(node.params.params)
        if {one.name.value for one in old} & {one.name.value for one in made}:
            raise CodemodError(f"{name} already has that parameter")
        if old:
            old[-1] = old[-1].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
        return (node.with_changes(params=node.params.with_changes(params=[*old, *made])),)

    return _at(code, name, put)


def _replace_definition(code: Code, name: str, text: str) -> tuple[Edit, ...]:
    def put(node: cst.ClassDef | cst.FunctionDef) -> Sequence[cst.BaseStatement]:
        new = _parsed(text)
        return (new[0].with_changes(leading_lines=node.leading_lines), *new[1:])

    return _at(code, name, put)


def _parsed(text: str) -> list[cst.SimpleStatementLine | cst.BaseCompoundStatement]:
    import libcst as cst

    try:
        module = cst.parse_module(textwrap.dedent(text).strip("\n") + "\n")
    except cst.ParserSyntaxError as error:
        raise CodemodError(f"the new text does not parse: {error.message}") from error
    if not module.body:
        raise CodemodError("there is nothing to put in")
    body = list(module.body)
    body[0] = body[0].with_changes(leading_lines=[*module.header, *body[0].leading_lines])
    return body


def _indented(node: cst.ClassDef | cst.FunctionDef) -> cst.IndentedBlock:
    import libcst as cst

    if not isinstance(node.body, cst.IndentedBlock):
        raise CodemodError(f"the body of {node.name.value} stands on its first line")
    return node.body


def _at(code: Code, name: str, change: Callable[[cst.ClassDef | cst.FunctionDef], Sequence[cst.BaseStatement]]) -> tuple[Edit, ...]:
    """The edits when the definition of a dotted name is replaced by what `change` makes of it."""
    import libcst as cst

    class Change(cst.CSTTransformer):
        def __init__(self) -> None:
            self.path: list[str] = []
            self.done = False

        def _enter(self, node: cst.ClassDef | cst.FunctionDef) -> None:
            self.path.append(node.name.value)

        def _leave(
            self, new: cst.ClassDef | cst.FunctionDef
        ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel:
            found = ".".join(self.path) == name and not self.done
            self.path.pop()
            if not found:
                return new
            self.done = True
            made = change(new)
            return cst.FlattenSentinel(made) if made else cst.RemoveFromParent()

        def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: N802
            self._enter(node)

        def visit_FunctionDef(self, node: cst.FunctionDef) -> None:  # noqa: N802
            self._enter(node)

        def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef):  # type: ignore[no-untyped-def] # noqa: ANN202, N802
            return self._leave(updated_node)

        def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef):  # type: ignore[no-untyped-def] # noqa: ANN202, N802
            return self._leave(updated_node)

    transformer = Change()
    try:
        new = code.cst.visit(transformer)
    except cst.ParserSyntaxError as error:
        raise CodemodError(f"the code does not parse: {error.message}") from error
    if not transformer.done:
        raise CodemodError(f"there is no {name}")
    return edits_between(code.text, new.code)
