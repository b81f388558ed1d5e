"""Evidence as pictures, inline SVG: the data flow of a model, the loss over its steps, which parameters are trained.

Colours come from the page's style sheet, so that pictures follow its theme. Each function returns "" when there is nothing to show.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from rich.cells import cell_len

from snipfix.evidence import Call, ModuleRef, Operation, Outcome, Value
from snipfix.report.bilingual import Words
from snipfix.report.drawing import CHARACTER, svg
from snipfix.report.text import one_line, short

__all__ = ["curve", "flow", "gradients"]

NODES = 12
CELLS = 24
WIDTHS = ("in_features", "in_channels", "input_size", "embed_dim", "num_features", "normalized_shape")
"""What a layer was told of the width of what it is given."""


@dataclass(frozen=True, slots=True)
class Node:
    """One module of the flow: what it is called, what goes in and what comes out."""

    name: str
    kind: str
    given: str
    out: str
    clash: bool = False

    @property
    def title(self) -> str:
        return f"{self.name} {self.kind}".strip()


def flow(outcome: Outcome | None, words: Words) -> Markup | str:
    """The modules in the order they were called, the shape on every edge, and the clash where one does not fit."""
    nodes = list(_nodes(outcome)) if outcome else []
    if not nodes or (len(nodes) < 2 and not nodes[0].clash):
        return ""
    hidden, nodes = max(len(nodes) - NODES, 0), nodes[-NODES:]
    labels = [_edge(nodes[number - 1].out if number else "", node.given) for number, node in enumerate(nodes)]
    labels[0] = f"… {hidden}  {labels[0]}" if hidden else labels[0]
    clash = CHARACTER * words.width("clash") + 40
    width = max(
        230,
        *(CHARACTER * cell_len(text) + 60 for text in (*labels, nodes[-1].out)),
        *(CHARACTER * cell_len(node.title) + 36 + node.clash * clash for node in nodes),
    )
    parts, y = [], 4
    for node, label in zip(nodes, labels, strict=True):
        style = "clash" if node.clash else ""
        parts.append(
            f'<path class="edge {style}" d="M26 {y}v22m-4-6l4 6l4-6"/><text class="{style}" x="40" y="{y + 16}">{_shown(label, words)}</text>'
        )
        parts.append(f'<rect class="node {style}" x="1" y="{y + 26}" width="{width - 2}" height="30" rx="6"/>')
        parts.append(
            f'<text x="14" y="{y + 45}"><tspan class="name">{escape(node.name)}</tspan> <tspan class="kind">{escape(node.kind)}</tspan></text>'
        )
        if node.clash:
            parts.append(f'<text class="clash" x="{width - 12}" y="{y + 45}" text-anchor="end">✗ {words.drawn("clash")}</text>')
        y += 60
    if not nodes[-1].clash:
        parts.append(f'<path class="edge" d="M26 {y - 4}v20m-4-6l4 6l4-6"/><text x="40" y="{y + 12}">{_shown(nodes[-1].out, words)}</text>')
        y += 22
    return svg(parts, width, y, words, lambda plain: f"{plain['flow']}: {'; '.join(_told(node, plain) for node in nodes)}")


def _told(node: Node, plain: Mapping[str, str]) -> str:
    """One module for those who do not see it: `Net.fc Linear 4 × 8 → 4 × 2`."""
    return f"{node.title} {node.given} → {plain['clash'] if node.clash else node.out}".replace("scalar", plain["scalar"])


def _edge(out: str, given: str) -> str:
    """What goes from one module to the next: what came out, and what went in where that is something else."""
    first, *more = out.split(", ")
    if not out or not given or given.split(", ", maxsplit=1)[0] == first:
        return given or out
    return f"{first}{', …' if more else ''} → {given}"


def _shown(label: str, words: Words) -> Markup:
    """Shapes as they are drawn: that of a number alone is a word of the reader's language."""
    return words.drawn("scalar").join(escape(part) for part in label.split("scalar"))


def _nodes(outcome: Outcome) -> Iterator[Node]:
    stage, operation = _clash(outcome)
    calls = outcome.calls if operation is None else _leading(outcome.calls, operation, stage)
    failed = operation.module.path if operation and operation.module else ""
    for call in _frontier(calls):
        if call.output is None and call.module.path == failed:
            continue  # shown below, as the clash
        yield Node(_end(call.module.path, 44), _kind(call.module), _shapes(call.inputs), _shapes((call.output,) if call.output else ()))
    if operation:
        yield _failed(operation, calls)


def _clash(outcome: Outcome) -> tuple[str, Operation | None]:
    """The first failed operation that was given a tensor, and the stage that it failed in."""
    for stage, failure in outcome.failures:
        if failure.operation and _shapes(_given(failure.operation)):
            return stage, failure.operation
    return "", None


def _given(operation: Operation) -> tuple[Value, ...]:
    return (*operation.args, *operation.kwargs.values())


def _leading(calls: Sequence[Call], operation: Operation, stage: str) -> Sequence[Call]:
    """The calls that led to a failed operation. Modules that are tried by themselves are called after the run, each for itself."""
    root = operation.module.path.split(".")[0] if operation.module else ""
    own = [number for number, call in enumerate(calls) if call.module.path.split(".")[0] == root]
    if stage != "run":
        return [calls[number] for number in own]
    return calls[: own[-1] + 1] if own else calls


def _failed(operation: Operation, calls: Sequence[Call]) -> Node:
    """The module whose operation failed; the operation itself where that is one among others of the module."""
    module, given = operation.module, _given(operation)
    inner = module is not None and any(call.module.path.startswith(f"{module.path}.") for call in calls)
    if module is None or inner:
        told = [one for value in operation.args for one in (value.items or (value,)) if one.kind in ("int", "float")]
        name = short(operation.name, 30) + (f"({short(', '.join(one.text for one in told), 24)})" if told else "()")
        return Node(name, _end(module.path, 30) if module else "", _shapes(given), "", clash=True)
    wanted = next((f"{key}={short(module.config[key].text, 12)}" for key in WIDTHS if key in module.config), "")
    return Node(_end(module.path, 44), f"{_kind(module)} {wanted}".strip(), _shapes(given[:1]) or _shapes(given), "", clash=True)


def _kind(module: ModuleRef) -> str:
    """The type, where its name does not say it already."""
    return "" if module.path.rpartition(".")[2] == module.type else short(module.type, 30)


def _end(path: str, limit: int) -> str:
    """A path of at most `limit` characters: its end tells it from its neighbours."""
    path = one_line(path)
    return path if len(path) <= limit else f"…{path[-limit + 1 :]}"


def _frontier(calls: Sequence[Call]) -> Sequence[Call]:
    """The innermost calls; where there are too many to draw, those of an outer level instead."""
    deepest = max((call.module.path.count(".") for call in calls), default=0)
    found: Sequence[Call] = ()
    for level in range(deepest, 0, -1):
        near = [call for call in calls if call.module.path.count(".") <= level]
        outer = {".".join(parts[:end]) for call in near for parts in (call.module.path.split("."),) for end in range(1, len(parts))}
        found = [call for call in near if call.module.path not in outer]
        if len(found) <= NODES:
            break
    return found


def _shapes(values: Sequence[Value]) -> str:
    found = [" × ".join(map(str, value.shape)) or "scalar" for value in _tensors(values) if value.shape is not None]
    return short(", ".join(found[:3]), 60)


def _tensors(values: Sequence[Value]) -> Iterator[Value]:
    for value in values:
        if value.shape is not None:
            yield value
        else:
            yield from _tensors(value.items)


@dataclass(frozen=True, slots=True)
class Losses:
    """The losses at one place, of every so many backward passes; `broken`: in the end one was no number."""

    values: Sequence[float]
    every: int
    passes: int
    broken: bool


def curve(before: Outcome | None, after: Outcome | None, words: Words) -> Markup | str:
    """The loss over the steps, before and after the repair on the same axes."""
    lines = [(name, found) for name, outcome in (("before", before), ("after", after)) if (found := _losses(outcome))]
    if not lines:
        return ""
    low, high = min(min(one.values) for _, one in lines), max(max(one.values) for _, one in lines)
    spread, longest = (high - low) or 1.0, max(one.passes for _, one in lines)
    parts = ['<path class="axis" d="M72 10V150H430"/>']
    for value, y in ((high, 18), (low, 148)):
        parts.append(f'<text class="tick" x="66" y="{y}" text-anchor="end">{_number(value)}</text>')
    parts.append(
        f'<text class="tick" x="430" y="166" text-anchor="end">{words.drawn("step")} {longest}</text><text class="tick" x="72" y="166">1</text>'
    )
    mended = after is not None
    for number, (name, one) in enumerate(lines):
        points = [
            (78 + 346 * at * one.every / max(longest - 1, 1), 145 - 130 * (value - low) / spread) for at, value in enumerate(one.values)
        ]
        parts.append(f'<polyline class="line {name if mended else ""}" points="{" ".join(f"{x:.0f},{y:.0f}" for x, y in points)}"/>')
        if one.broken:
            end, height = points[-1]
            parts.append(f'<text class="clash" x="{min(end + 6, 340):.0f}" y="{max(height, 20):.0f}">✗ NaN, ∞</text>')
        if mended:
            at = 120 + 100 * number
            parts.append(f'<path class="line {name}" d="M{at} 162h22"/><text class="tick" x="{at + 28}" y="166">{words.drawn(name)}</text>')
    return svg(
        parts, 440, 172, words, lambda plain: f"{plain['curve']}: {'; '.join(_fall(name, one, plain, mended) for name, one in lines)}"
    )


def _fall(name: str, losses: Losses, plain: Mapping[str, str], mended: bool) -> str:
    """One curve for those who do not see it: `Before: 2.3 → 0.5, step 100`."""
    end = "NaN, ∞" if losses.broken else _number(losses.values[-1])
    ends = f"{_number(losses.values[0])} → {end}, {plain['step']} {losses.passes}"
    return f"{plain[name]} {ends}" if mended else ends


def _number(value: float) -> str:
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.4g}"


def _losses(outcome: Outcome | None) -> Losses | None:
    """What was sent backward at the place where that happened most often; without an optimizer's steps it is no training."""
    seen = outcome.seen("backward") if outcome else ()
    found = [_series(observation.facts) for observation in seen if observation.facts.get("steps")]
    return max((one for one in found if len(one.values) >= 3), key=lambda one: one.passes, default=None)


def _series(facts: Mapping[str, Any]) -> Losses:
    given = facts.get("values")
    values = [float(one) for one in (given[:400] if isinstance(given, list) else ()) if isinstance(one, int | float) and math.isfinite(one)]
    every, passes = facts.get("every"), facts.get("passes")
    step = every if isinstance(every, int) and every > 0 else 1
    most = passes if isinstance(passes, int) else 0
    return Losses(values, step, max(most, step * (len(values) - 1) + 1), bool(facts.get("nonfinite")))


def gradients(outcome: Outcome | None, words: Words) -> Markup | str:
    """Each module with parameters, one cell for each of them: trained, without gradient, or with one that no optimizer uses."""
    rows = [row for observation in (outcome.seen("gradients") if outcome else ())[:1] for row in _modules(observation.facts.get("modules"))]
    if not rows:
        return ""
    label = 16 + max(CHARACTER * cell_len(f"{row.name} {row.kind}") for row in rows)
    parts, y = [], 0
    for row in rows:
        parts.append(
            f'<text x="0" y="{y + 14}"><tspan class="name">{escape(row.name)}</tspan> <tspan class="kind">{escape(row.kind)}</tspan></text>'
        )
        for cell, state in enumerate(row.states):
            parts.append(f'<rect class="cell {state}" x="{label + 22 * cell:.0f}" y="{y + 2}" width="18" height="16" rx="3"/>')
        y += 24
    present = {state for row in rows for state in row.states}
    for state in [state for state in STATES if state in present]:
        y += 20
        parts.append(f'<rect class="cell {state}" x="0" y="{y - 10}" width="12" height="12" rx="3"/>')
        parts.append(f'<text class="kind" x="20" y="{y}">{words.drawn(STATES[state])}</text>')
    width = max(label + 22 * max(len(row.states) for row in rows), *(24 + CHARACTER * words.width(key) for key in STATES.values()))
    return svg(parts, width, y + 8, words, lambda plain: f"{plain['gradients']}: {'; '.join(_kept(row, plain) for row in rows)}")


def _kept(row: Trained, plain: Mapping[str, str]) -> str:
    """One module for those who do not see it: `net.fc: 2 gradient and step`."""
    counts = {state: row.states.count(state) for state in dict.fromkeys(row.states)}
    return f"{row.name}: " + ", ".join(f"{count} {plain[STATES[state]]}" for state, count in counts.items())


STATES = {"own": "trained", "none": "no gradient", "leak": "not stepped"}


@dataclass(frozen=True, slots=True)
class Trained:
    """One module: a state for each of its parameters."""

    name: str
    kind: str
    states: tuple[str, ...]


def _modules(rows: Any) -> Iterator[Trained]:
    """The modules of an observation, those first that are not wholly trained."""
    found = []
    for row in rows if isinstance(rows, list) else ():
        count, graded, held = (_mapping(row).get(key) for key in ("parameters", "graded", "held"))
        if isinstance(count, int) and isinstance(graded, int) and isinstance(held, int) and 0 < count <= CELLS:
            trained, bare = min(graded, held), max(count - graded, 0)
            states = ("own",) * trained + ("leak",) * max(count - trained - bare, 0) + ("none",) * bare
            found.append(Trained(short(str(_mapping(row).get("path")), 40), short(str(_mapping(row).get("type")), 30), states[:CELLS]))
    yield from sorted(found, key=lambda one: set(one.states) == {"own"})[:NODES]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
