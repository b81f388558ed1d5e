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

from snipfix.evidence import Call, Outcome, Value
from snipfix.report.bilingual import Words
from snipfix.report.drawing import svg
from snipfix.report.text import short

__all__ = ["curve", "flow", "gradients"]

NODES = 12
CELLS = 24


@dataclass(frozen=True, slots=True)
class Node:
    """One module of the flow: what it is called, what goes in and what comes out."""

    name: str
    kind: str
    given: str
    out: str
    clash: bool = False


def flow(outcome: Outcome | None, words: Words) -> Markup | str:
    """The modules in the order they were called, the shape on every edge, and the clash where one does not fit."""
    nodes = list(_nodes(outcome)) if outcome else []
    if len(nodes) < 2:
        return ""
    hidden, nodes = max(len(nodes) - NODES, 0), nodes[-NODES:]
    labels = [_edge(nodes[number - 1].out if number else "", node.given) for number, node in enumerate(nodes)]
    labels[0] = f"… {hidden}  {labels[0]}" if hidden else labels[0]
    room = 90 if nodes[-1].clash else 30
    width = 40 + max(
        210, *(8 * cell_len(text) + room for text in (*labels, nodes[-1].out, *(f"{node.name} {node.kind}" for node in nodes)))
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
    said = "; ".join(f"{node.name} {node.given} → {words.plain['clash'] if node.clash else node.out}" for node in nodes)
    return svg(parts, width, y, f"{words.plain['flow']}: {said}")


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
    failure = next((failure for _, failure in outcome.failures), None)
    operation = failure.operation if failure else None
    failed = operation.module.path if operation and operation.module else ""
    for call in _frontier(outcome.calls):
        if call.output is None and call.module.path == failed:
            continue  # shown below, as the clash
        yield Node(
            short(call.module.path, 40), short(call.module.type, 30), _shapes(call.inputs), _shapes((call.output,) if call.output else ())
        )
    if operation:
        module = operation.module
        name = short(module.path, 40) if module else short(operation.name, 40)
        yield Node(name, short(module.type, 30) if module else "", _shapes(operation.args[:1]), "", clash=True)


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


def curve(before: Outcome | None, after: Outcome | None, words: Words) -> Markup | str:
    """The loss at the first steps, before and after the repair on the same axes."""
    lines = [(name, values) for name, outcome in (("before", before), ("after", after)) if len(values := _losses(outcome)) >= 3]
    if not lines:
        return ""
    low, high = min(min(values) for _, values in lines), max(max(values) for _, values in lines)
    spread, longest = (high - low) or 1.0, max(len(values) for _, values in lines)
    parts = ['<path class="axis" d="M72 10V150H430"/>']
    for value, y in ((high, 18), (low, 148)):
        parts.append(f'<text class="tick" x="66" y="{y}" text-anchor="end">{value:.3g}</text>')
    parts.append(f'<text class="tick" x="430" y="166" text-anchor="end">{longest}</text><text class="tick" x="72" y="166">1</text>')
    mended = after is not None
    for number, (name, values) in enumerate(lines):
        points = " ".join(
            f"{78 + 346 * at / max(longest - 1, 1):.0f},{145 - 130 * (value - low) / spread:.0f}" for at, value in enumerate(values)
        )
        parts.append(f'<polyline class="line {name if mended else ""}" points="{points}"/>')
        if mended:
            at = 190 + 90 * number
            parts.append(f'<path class="line {name}" d="M{at} 162h22"/><text class="tick" x="{at + 28}" y="166">{words.drawn(name)}</text>')
    said = "; ".join(f"{words.plain[name] if mended else ''}: {values[0]:.3g} → {values[-1]:.3g}".lstrip(": ") for name, values in lines)
    return svg(parts, 440, 172, f"{words.plain['curve']}: {said}")


def _losses(outcome: Outcome | None) -> list[float]:
    """The values sent backward at the place where that happened most often; without an optimizer's steps it is no training."""
    seen = outcome.seen("backward") if outcome else ()
    found = [observation.facts.get("values") for observation in seen if observation.facts.get("steps")]
    series = [
        [float(value) for value in values[:400] if isinstance(value, int | float) and math.isfinite(value)]
        for values in found
        if isinstance(values, list)
    ]
    return max(series, key=len, default=[])


def gradients(outcome: Outcome | None, words: Words) -> Markup | str:
    """Each module with parameters, one cell for each of them: trained, without gradient, or with one that no optimizer uses."""
    rows = [row for observation in (outcome.seen("gradients") if outcome else ())[:1] for row in _modules(observation.facts.get("modules"))]
    if not rows:
        return ""
    label = 20 + max(8 * cell_len(f"{row.name} {row.kind}") for row in rows)
    parts, y = [], 0
    for row in rows:
        parts.append(
            f'<text x="0" y="{y + 14}"><tspan class="name">{escape(row.name)}</tspan> <tspan class="kind">{escape(row.kind)}</tspan></text>'
        )
        for cell, state in enumerate(row.states):
            parts.append(f'<rect class="cell {state}" x="{label + 22 * cell}" y="{y + 2}" width="18" height="16" rx="3"/>')
        y += 24
    present = {state for row in rows for state in row.states}
    for state in [state for state in STATES if state in present]:
        y += 20
        parts.append(f'<rect class="cell {state}" x="0" y="{y - 10}" width="12" height="12" rx="3"/>')
        parts.append(f'<text class="kind" x="20" y="{y}">{words.drawn(STATES[state])}</text>')
    said = "; ".join(f"{row.name}: {', '.join(words.plain[STATES[state]] for state in dict.fromkeys(row.states))}" for row in rows)
    width = max(250, label + 22 * max(len(row.states) for row in rows))
    return svg(parts, width, y + 8, f"{words.plain['gradients']}: {said}")


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
