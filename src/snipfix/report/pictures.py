"""Evidence as pictures, inline SVG: the data flow of a model, the loss over its steps, which outputs depend on which inputs.

Colours come from the page's style sheet, so that pictures follow its theme. Each function returns "" when there is nothing to show.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from rich.cells import cell_len

from snipfix.evidence import Outcome, Value
from snipfix.report.text import short

__all__ = ["curve", "dependence", "flow"]

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


def flow(outcome: Outcome | None, words: Mapping[str, str]) -> Markup | str:
    """The modules in the order they were called, the shape on every edge, and the clash where one does not fit."""
    nodes = list(_nodes(outcome)) if outcome else []
    if len(nodes) < 2:
        return ""
    hidden, nodes = max(len(nodes) - NODES, 0), nodes[-NODES:]
    width = 40 + max(250, *(8 * cell_len(text) + 30 for node in nodes for text in (f"{node.name} {node.kind}", node.given)))
    parts, y = [], 4
    for number, node in enumerate(nodes):
        before = nodes[number - 1].out if number else ""
        label = f"{before} → {node.given}" if before and node.given and before != node.given else node.given
        if hidden and not number:
            label = f"… {hidden}  {label}"
        style = "clash" if node.clash else ""
        parts.append(
            f'<path class="edge {style}" d="M26 {y}v22m-4-6l4 6l4-6"/><text class="{style}" x="40" y="{y + 16}">{escape(label)}</text>'
        )
        parts.append(f'<rect class="node {style}" x="1" y="{y + 26}" width="{width - 2}" height="30" rx="6"/>')
        parts.append(
            f'<text x="14" y="{y + 45}"><tspan class="name">{escape(node.name)}</tspan> <tspan class="kind">{escape(node.kind)}</tspan></text>'
        )
        if node.clash:
            parts.append(f'<text class="clash" x="{width - 12}" y="{y + 45}" text-anchor="end">✗ {escape(words["clash"])}</text>')
        y += 60
    if not nodes[-1].clash:
        parts.append(f'<path class="edge" d="M26 {y - 4}v20m-4-6l4 6l4-6"/><text x="40" y="{y + 12}">{escape(nodes[-1].out)}</text>')
        y += 22
    said = "; ".join(f"{node.name} {node.given} → {words['clash'] if node.clash else node.out}" for node in nodes)
    return _svg(parts, width, y, f"{words['flow']}: {said}")


def _nodes(outcome: Outcome) -> Iterator[Node]:
    failure = next((failure for _, failure in outcome.failures), None)
    operation = failure.operation if failure else None
    failed = operation.module.path if operation and operation.module else ""
    paths = [call.module.path for call in outcome.calls]
    for call in outcome.calls:
        if call.output is None and call.module.path == failed:
            continue  # shown below, as the clash
        if not any(path.startswith(call.module.path + ".") for path in paths):
            yield Node(
                short(call.module.path, 40),
                short(call.module.type, 30),
                _shapes(call.inputs),
                _shapes((call.output,) if call.output else ()),
            )
    if operation:
        module = operation.module
        name = short(module.path, 40) if module else short(operation.name, 40)
        yield Node(name, short(module.type, 30) if module else "", _shapes(operation.args[:1]), "", clash=True)


def _shapes(values: Sequence[Value]) -> str:
    found = [" × ".join(map(str, value.shape)) or "scalar" for value in _tensors(values) if value.shape is not None]
    return short(", ".join(found[:3]), 60)


def _tensors(values: Sequence[Value]) -> Iterator[Value]:
    for value in values:
        if value.shape is not None:
            yield value
        else:
            yield from _tensors(value.items)


def curve(before: Outcome | None, after: Outcome | None, words: Mapping[str, str]) -> Markup | str:
    """The loss at the first steps, before and after the repair on the same axes."""
    lines = [(name, values) for name, outcome in (("before", before), ("after", after)) if len(values := _losses(outcome)) >= 3]
    if not lines:
        return ""
    low, high = min(min(values) for _, values in lines), max(max(values) for _, values in lines)
    spread, longest = (high - low) or 1.0, max(len(values) for _, values in lines)
    parts = ['<path class="axis" d="M52 10V150H410"/>']
    for value, y in ((high, 18), (low, 148)):
        parts.append(f'<text class="tick" x="46" y="{y}" text-anchor="end">{value:.3g}</text>')
    parts.append(f'<text class="tick" x="410" y="166" text-anchor="end">{longest}</text><text class="tick" x="52" y="166">1</text>')
    for number, (name, values) in enumerate(lines):
        points = " ".join(
            f"{58 + 346 * at / max(longest - 1, 1):.1f},{145 - 130 * (value - low) / spread:.1f}" for at, value in enumerate(values)
        )
        parts.append(f'<polyline class="line {name}" points="{points}"/>')
        parts.append(f'<text class="legend {name}" x="{250 + 80 * number}" y="22">{escape(words[name])}</text>')
    said = "; ".join(f"{words[name]}: {values[0]:.3g} → {values[-1]:.3g}" for name, values in lines)
    return _svg(parts, 420, 172, f"{words['curve']}: {said}")


def _losses(outcome: Outcome | None) -> list[float]:
    """The values that were sent backward at the place where that happened most often."""
    found = [observation.facts.get("values") for observation in outcome.seen("backward")] if outcome else []
    series = [
        [float(value) for value in values[:400] if isinstance(value, int | float) and math.isfinite(value)]
        for values in found
        if isinstance(values, list)
    ]
    return max(series, key=len, default=[])


def dependence(outcome: Outcome | None, words: Mapping[str, str]) -> Markup | str:
    """One input changed, and the outputs that moved: along the batch and along time, as the probes saw it."""
    strips = list(_strips(outcome))[:4] if outcome else []
    if not strips:
        return ""
    width = 110 + 22 * max(len(range(min(size, CELLS))) for _, size, _, _ in strips)
    parts, y, said = [], 0, []
    for name, size, index, moved in strips:
        parts.append(f'<text class="kind" x="0" y="{y + 14}">{escape(name)}</text>')
        for row, (word, lit) in enumerate((("input", {index}), ("output", set(moved)))):
            top = y + 24 + 34 * row
            parts.append(f'<text x="0" y="{top + 14}">{escape(words[word])}</text>')
            for cell in range(min(size, CELLS)):
                state = ("own" if cell == index else "leak") if cell in lit else ""
                parts.append(f'<rect class="cell {state}" x="{90 + 22 * cell}" y="{top}" width="18" height="18" rx="3"/>')
        said.append(f"{name}: {words['changed']} {index}, {words['moved']} {', '.join(map(str, moved))}")
        y += 96
    return _svg(parts, width, y - 10, f"{words['dependence']}: {'; '.join(said)}")


def _strips(outcome: Outcome) -> Iterator[tuple[str, int, int, list[int]]]:
    """Name, size, changed index, moved indices: only where an output that should not have moved did, or to show that none does."""
    for observation in outcome.seen("batch"):
        for dim, facts in _mapping(observation.facts.get("dims")).items():
            moved = _mapping(_mapping(facts).get("moved")).get(str(dim))
            if _mapping(facts).get("kept") and isinstance(moved, list):
                yield from _strip(f"dim {dim}", facts.get("size"), facts.get("index"), moved)
    for observation in outcome.seen("order"):
        for name, argument in _mapping(observation.facts.get("arguments")).items():
            shape = _mapping(argument).get("shape")
            for dim, facts in _mapping(_mapping(argument).get("future")).items():
                if isinstance(shape, list) and _mapping(facts) and str(dim).isdigit() and int(dim) < len(shape):
                    moved = [*_list(facts.get("earlier")), *([facts.get("t")] if facts.get("own") else []), *_list(facts.get("later"))]
                    yield from _strip(f"{short(str(name), 20)}, dim {dim}", shape[int(dim)], facts.get("t"), moved)


def _strip(name: str, size: Any, index: Any, moved: list[Any]) -> Iterator[tuple[str, int, int, list[int]]]:
    if isinstance(size, int) and isinstance(index, int) and all(isinstance(one, int) for one in moved) and 1 < size <= 4096:
        yield short(name, 40), size, index, moved[:64]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _svg(parts: Sequence[str], width: int, height: int, label: str) -> Markup:
    head = f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704 - every text in the parts was escaped
