"""Small graph data sets in their real raw formats: neighbours tend to share a class, features point at it."""

from __future__ import annotations

import pickle
from functools import cache
from typing import TYPE_CHECKING, Any

from . import archives
from .grammar import generator

if TYPE_CHECKING:
    import re

_PLANETOID = {"cora": (1433, 7), "citeseer": (3703, 6), "pubmed": (500, 3)}
_VALIDATION, _TEST = 500, 200


def planetoid(found: re.Match[str]) -> tuple[str, str, bytes]:
    name, part = found["name"], found["part"]
    content = _planetoid(name)[part]
    features, classes = _PLANETOID[name]
    nodes = 20 * classes + _VALIDATION + _TEST
    title = {"cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"}[name]
    return title, f"{nodes} nodes with {features} features and {classes} classes made by rule, in Planetoid's files", content


@cache
def _planetoid(name: str) -> dict[str, bytes]:
    import numpy as np

    features, classes = _PLANETOID[name]
    rng = np.random.RandomState(len(name))
    train = 20 * classes
    known, nodes = train + _VALIDATION, train + _VALIDATION + _TEST
    labels = rng.permutation(np.arange(nodes) % classes)
    labels[:train] = np.arange(train) % classes
    share = features // classes
    words = (rng.rand(nodes, features) < 0.005).astype(np.uint8)
    for node, label in enumerate(labels):
        words[node, label * share + rng.randint(0, share, 12)] = 1
    graph: dict[int, list[int]] = {node: [] for node in range(nodes)}
    for node in range(nodes):
        alike = np.flatnonzero(labels == labels[node])
        for other in (int(rng.choice(alike)), int(rng.choice(alike)), int(rng.randint(nodes))):
            graph[node].append(other)
            graph[other].append(node)
    marks = np.eye(classes, dtype=np.int32)[labels]
    parts: dict[str, Any] = {
        "x": words[:train],
        "allx": words[:known],
        "tx": words[known:],
        "y": marks[:train],
        "ally": marks[:known],
        "ty": marks[known:],
        "graph": graph,
    }
    made = {part: pickle.dumps(value, protocol=2) for part, value in parts.items()}
    made["test.index"] = "".join(f"{node}\n" for node in range(known, nodes)).encode()
    return made


def tu(found: re.Match[str]) -> tuple[str, str, bytes]:
    """Graphs of two classes: rings and stars, with node labels."""
    name, rng = found["name"], generator(0)
    edges, indicator, labels, node_labels, first = [], [], [], [], 1
    for graph in range(1, 121):
        size, kind = rng.randint(8, 16), graph % 2
        for step in range(1, size):
            a, b = (first + step - 1, first + step) if kind else (first, first + step)
            edges += [(a, b), (b, a)]
        if kind:
            edges += [(first, first + size - 1), (first + size - 1, first)]
        indicator += [graph] * size
        node_labels += [rng.choice((kind, 2)) for _ in range(size)]
        labels.append(1 if kind else -1)
        first += size
    columns: dict[str, list[Any]] = {
        "A": [f"{a}, {b}" for a, b in edges],
        "graph_indicator": indicator,
        "graph_labels": labels,
        "node_labels": node_labels,
        "edge_labels": [0] * len(edges),
    }
    members = {f"{name}/{name}_{column}.txt": "".join(f"{value}\n" for value in values).encode() for column, values in columns.items()}
    return name, "120 graphs of two classes made by rule, in TUDataset's text files", archives.zipped(members)
