"""From a failure to its place in the text: what every rule that explains a crash stands on.

A crash rule states which failures it explains, what it says of them and what it offers; `CrashRule` does the rest. A failure belongs to the first
rule that explains it, so that one crash is one finding.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from snipfix.code import FUNCTIONS, Code
from snipfix.codemods import CodemodError
from snipfix.evidence import Exercise, Failure, Frame, ModuleRef, Operation, Outcome, Span, Value
from snipfix.model import Applicability, Edit, Finding, Fix, Meaning, Stage
from snipfix.rules.base import Context, Rule

__all__ = ["Crash", "CrashRule", "Offer", "shape_text"]

MAIN = ("", "snippet.py")
"""Block names of the audited text itself; frames of earlier blocks have other names."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A mending before it is graded: rules yield them best first."""

    title: str
    edits: tuple[Edit, ...]
    meaning: Meaning = Meaning.RESTORES
    applicability: Applicability | None = None


@dataclass(frozen=True)
class Crash:
    """One failure, seen from the text that is audited."""

    context: Context
    failure: Failure
    exercise: Exercise | None = None
    found: tuple[str, ...] = field(default=(), compare=False)
    """What the rule's pattern captured from the message."""

    @property
    def code(self) -> Code:
        return self.context.code

    @property
    def stage(self) -> Stage:
        return Stage.EXERCISE if self.exercise else Stage.RUN

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The frames of the audited text, outermost first."""
        return tuple(frame for frame in self.failure.frames if frame.snippet and frame.block in MAIN)

    @property
    def frame(self) -> Frame | None:
        return self.frames[-1] if self.frames else None

    @cached_property
    def span(self) -> Span:
        """Where a teacher would mark it: the innermost expression of the author's that failed."""
        if self.frame:
            return self.frame.span
        definition = self.exercise.definition if self.exercise else None
        return definition or self._of_line(self._made_in())

    def _made_in(self) -> int:
        """The line that binds the name of what was exercised, else the first that is not blank: magics of notebooks are."""
        told = (self.exercise.target, self.exercise.call) if self.exercise else ()
        names = [one.partition(".")[0].partition("(")[0] for one in told]
        lines = list(enumerate(self.code.lines, start=1))
        first = next((number for number, line in lines if line.strip()), 1)
        bound = [re.compile(rf"{re.escape(name)}\s*=(?!=)") for name in names if name]
        return next((number for one in bound for number, line in lines if one.match(line)), first)

    def _of_line(self, number: int) -> Span:
        return Span.at(number, 1, max(len(self.code.lines[number - 1].rstrip("\n")), 1))

    @property
    def operation(self) -> Operation:
        return self.failure.operation or Operation(name="")

    @property
    def module(self) -> ModuleRef | None:
        return self.operation.module

    def argument(self, position: int, name: str = "") -> Value | None:
        """What the failing operation was given, by position or keyword."""
        if position < len(self.operation.args):
            return self.operation.args[position]
        return self.operation.kwargs.get(name)

    @property
    def tensors(self) -> tuple[Value, ...]:
        return tuple(value for value in self.operation.args if value.shape is not None)

    def shape(self, position: int) -> tuple[int, ...]:
        """The shape of a positional argument of the operation; empty when it has none."""
        value = self.argument(position)
        return (value.shape or ()) if value else ()

    def setting(self, name: str) -> str:
        """An attribute of the running module, as text: `batch_first` → `True`."""
        value = self.module.config.get(name) if self.module else None
        return value.text if value else ""

    # The text at the place --------------------------------------------------------------------------------------------

    @cached_property
    def call(self) -> ast.Call | None:
        """The call that failed, when the place is one."""
        return self._call_at(self.span)

    def _call_at(self, span: Span | None) -> ast.Call | None:
        node = self.code.node_at(span, ast.Call) if span else None
        return node if isinstance(node, ast.Call) and self.code.span(node) == span else None

    @cached_property
    def node(self) -> ast.expr | None:
        """The expression that failed."""
        node = self.code.node_at(self.span, ast.expr)
        return node if isinstance(node, ast.expr) else None

    @cached_property
    def statement(self) -> ast.stmt | None:
        """The innermost statement around the place."""
        return self.statement_of(self.span.line)

    def statement_of(self, line: int) -> ast.stmt | None:
        best: ast.stmt | None = None
        for node in self.code.nodes:
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
                best = node
        return best

    @cached_property
    def constructor(self) -> ast.Call | None:
        """The call that made the module that was running; for a part that a library made, the call that made the nearest whole."""
        if self.module is None:
            return None
        built = {call.module.path: call.module.built for call in (self.context.outcome.calls if self.context.outcome else ())}
        path = self.module.path
        made = self.module.built
        while made is None and "." in path:
            path = path.rpartition(".")[0]
            made = built.get(path)
        return self._call_at(made)

    def function_of(self, node: ast.AST) -> ast.AST:
        """The innermost function (or the module) whose code a node is."""
        return self.code.around(node, *FUNCTIONS) or self.code.tree

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        return self.code.around(node, ast.ClassDef)

    def births(self, name: ast.Name) -> list[ast.Assign]:
        """The plain assignments of a name in its function, the one it has its value from first; of a parameter only those above."""
        home = self.function_of(name)
        given = {arg.arg for arg in home.args.args} if isinstance(home, ast.FunctionDef) else set()
        made = [
            node
            for node in self.code.nodes
            if isinstance(node, ast.Assign)
            and self.function_of(node) is home
            and any(isinstance(target, ast.Name) and target.id == name.id for target in node.targets)
            and not any(one is name for one in ast.walk(node))
            and (name.id not in given or node.lineno < name.lineno)
        ]
        return sorted(made, key=lambda node: (node.lineno > name.lineno, -node.lineno))

    def born(self, name: ast.Name) -> ast.Assign | None:
        return next(iter(self.births(name)), None)

    def binders(self, name: ast.Name) -> list[ast.stmt]:
        """The statements of its function that bind a name, in order of the text: also as one of several, `x, y = make()`."""
        home = self.function_of(name)
        stores = (node for node in self.code.all(ast.Name) if isinstance(node.ctx, ast.Store) and node.id == name.id)
        found = [self.statement_of(node.lineno) for node in stores if self.function_of(node) is home]
        return sorted((one for one in found if one is not None), key=lambda one: one.lineno)

    def class_named(self, name: str) -> ast.ClassDef | None:
        return next((node for node in self.code.all(ast.ClassDef) if node.name == name), None)

    def method(self, class_name: str, name: str) -> ast.FunctionDef | None:
        owner = self.class_named(class_name)
        body = owner.body if owner else []
        return next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == name), None)

    def text(self, node: ast.AST) -> str:
        return self.code.slice(node)

    def evidence(self) -> dict[str, Any]:
        """The facts that a report shows for any crash."""
        facts: dict[str, Any] = {"error": f"{self.failure.type}: {self.failure.message.splitlines()[0] if self.failure.message else ''}"}
        if self.operation.name:
            facts["operation"] = self.operation.name
        given = [f"{shape_text(value.shape)} {value.dtype}".strip() for value in self.tensors[:3]]
        if given:
            facts["given"] = given
        if self.module:
            facts["module"] = self.module.path
            if self.module.built:
                at = self.module.built
                facts["constructor"] = [at.line, at.column, at.end_line, at.end_column]
        if self.exercise:
            facts["call"] = self.exercise.call
        return facts


def shape_text(shape: Iterable[int] | None) -> str:
    """`(4, 3)`; `()` for a single number."""
    return str(tuple(shape or ()))


class CrashRule(Rule):
    """Base of the rules that explain failures by type and message, confirmed by evidence."""

    TYPES: ClassVar[tuple[str, ...]] = ()
    """Exception types; empty: any."""
    MESSAGES: ClassVar[tuple[str, ...]] = ()
    """Patterns of today's wording and of older ones; the groups of the one that fits become `Crash.found`."""

    def explains(self, crash: Crash) -> bool:
        """Whether the evidence fits what the message says. Asked only when type and message do."""
        return True

    def says(self, crash: Crash) -> str:
        """The finding's message."""
        raise NotImplementedError

    def shows(self, crash: Crash) -> dict[str, Any]:
        """Evidence beyond what every crash shows."""
        return {}

    def place(self, crash: Crash) -> Span:
        return crash.span

    def candidates(self, crash: Crash) -> Iterable[Offer]:
        """Mendings, best first."""
        return ()

    def on_failure(self, context: Context, failure: Failure, exercise: Exercise | None) -> Iterable[Finding]:
        crash = self._crash(context, failure, exercise)
        if crash is None or context.memo.setdefault(f"crash:{id(failure)}", self.id) != self.id:
            return
        facts = {**crash.evidence(), **self.shows(crash)}
        yield self.finding(self.says(crash), self.place(crash), stage=crash.stage, evidence=facts)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        crash = self._crash_behind(context, finding)
        if crash is None:
            return
        seen: set[tuple[Edit, ...]] = set()
        for number, offer in enumerate(self._offers(crash)):
            if offer.edits and offer.edits not in seen:
                seen.add(offer.edits)
                yield self.fix(offer.title, *offer.edits, applicability=offer.applicability, meaning=offer.meaning, preference=number)

    def _offers(self, crash: Crash) -> Iterator[Offer]:
        offers = iter(self.candidates(crash))
        while True:
            try:
                yield next(offers)
            except (StopIteration, CodemodError):
                # After an edit that does not fit the text, the offers made so far stand.
                return

    def _crash(self, context: Context, failure: Failure, exercise: Exercise | None) -> Crash | None:
        if self.TYPES and failure.type not in self.TYPES:
            return None
        for pattern in self.MESSAGES:
            match = re.search(pattern, failure.message, re.DOTALL)
            if match:
                crash = Crash(context, failure, exercise, tuple(group or "" for group in match.groups()))
                return crash if self.explains(crash) else None
        return None

    def _crash_behind(self, context: Context, finding: Finding) -> Crash | None:
        """The crash that a finding of this rule was made from."""
        for failure, exercise in failures(context.outcome):
            crash = self._crash(context, failure, exercise)
            if crash and self.place(crash) == finding.span and crash.stage is finding.stage:
                return crash
        return None


def failures(outcome: Outcome | None) -> Iterator[tuple[Failure, Exercise | None]]:
    """Every failure of an outcome with the exercise it belongs to."""
    if outcome and outcome.failure:
        yield outcome.failure, None
    for exercise in outcome.exercises if outcome else ():
        if exercise.failure:
            yield exercise.failure, exercise
