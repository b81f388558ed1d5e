"""The edges of a graph stand in rows where a graph convolution takes them in columns."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.evidence import Value
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import passed, value_offers
from snipfix.rules.widths import argument_of

__all__ = ["EdgesInRows", "edges_given"]

HEAD = "import torch\nfrom torch_geometric.data import Data\nfrom torch_geometric.nn import GCNConv\n\n"
NAMED = (
    HEAD + "edges = torch.tensor([[0, 1], [1, 2], [2, 0], [1, 0]]){}\nconv = GCNConv(3, 4)\nprint(conv(torch.ones(3, 3), edges).shape)\n"
)
KEPT = HEAD + (
    "graph = Data(x=torch.ones(3, 3), edge_index=torch.tensor([[0, 1], [1, 2], [2, 0]]){})\nconv = GCNConv(3, 4)\n"
    "print(conv(graph.x, graph.edge_index).shape)\n"
)


class EdgesInRows(CrashRule):
    """The edges of a graph stand in rows where a graph convolution takes them in columns.

    ## What it does
    Explains failures inside PyTorch Geometric where a layer or function was given an `edge_index` of shape (edges, 2).

    ## Why is this bad?
    The program stops, often deep inside the library. An `edge_index` has two rows: where each edge begins, and where it ends.

    ## Example
    ```python
    edge_index = torch.tensor([[0, 1], [1, 2], [2, 0]])
    conv(x, edge_index)
    ```

    ## Use instead
    ```python
    edge_index = torch.tensor([[0, 1], [1, 2], [2, 0]]).t().contiguous()
    conv(x, edge_index)
    ```

    ## Fix safety
    The edges stay the same, in the layout that the library takes.

    ## References
    - PyTorch Geometric, Introduction by Example: "Data Handling of Graphs".
    """

    id = "SNF225"
    name = "edges-in-rows"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    MESSAGES = (r"",)
    GOOD = (
        Good(NAMED.format(".t()")),
        Good(HEAD + "print(GCNConv(3, 4)(torch.ones(3, 3), torch.tensor([[0, 1], [1, 2]])).shape)\n"),
    )
    BAD = (
        Bad(NAMED.format(""), at=(7, 7), fixed=NAMED.format(".t().contiguous()")),
        Bad(KEPT.format(""), at=(7, 7), fixed=KEPT.format(".t().contiguous()")),
    )

    def explains(self, crash: Crash) -> bool:
        return edges_given(crash) is not None

    def says(self, crash: Crash) -> str:
        found = edges_given(crash)
        node, shape = found if found is not None else (crash.span, ())
        text = crash.text(node) if isinstance(node, ast.AST) else "edge_index"
        return f"`{text}` has an edge in each row, {shape_text(shape)}; the two ends of the edges belong into two rows"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        found, title = edges_given(crash), "Put the ends of the edges into two rows"
        node = found[0] if found is not None else None
        for call in crash.code.calls("Data") if isinstance(node, ast.Attribute) else ():
            kept = argument_of(call, 1, "edge_index")
            if kept is not None:
                yield from value_offers(crash, kept, "{}.t().contiguous()", title)
        yield from value_offers(crash, node, "{}.t().contiguous()", title)


def edges_given(crash: Crash) -> tuple[ast.expr, tuple[int, ...]] | None:
    """The edges with one in each row that a call was given which failed inside PyTorch Geometric, with their shape; None when it was another matter."""
    call, frame = crash.call, crash.frame
    inside = (
        [one.block.startswith("torch_geometric.") for one in crash.failure.frames[crash.failure.frames.index(frame) + 1 :]] if frame else []
    )
    if call is None or frame is None or not any(inside):
        return None
    layer = crash.module is not None and crash.module.qualified.startswith("torch_geometric.")
    second = passed(crash, 1, "edge_index") if layer else None
    if isinstance(second, ast.Attribute):
        shape = next((value.shape for value in _given(crash) if _in_rows(value)), None)
        return (second, shape) if shape is not None else None
    named = [one for one in (*call.args, *(keyword.value for keyword in call.keywords)) if isinstance(one, ast.Name)]
    for one in named:
        value = frame.locals.get(one.id)
        if value is not None and _in_rows(value) and (one is second or "edge" in one.id.lower()):
            return one, value.shape or ()
    return None


def _given(crash: Crash) -> Iterator[Value]:
    """The tensors that the failing operation was given, those in a list included."""
    for value in (*crash.operation.args, *crash.operation.kwargs.values()):
        yield value
        yield from value.items


def _in_rows(value: Value) -> bool:
    shape = value.shape or ()
    return value.dtype in ("int64", "int32") and len(shape) == 2 and shape[1] == 2 != shape[0]
