"""The prediction for one sample depends on the others in its batch."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snipfix.code import Code
from snipfix.codemods import CodemodError, replace_argument, replace_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.batch_layout.attention_over_the_batch import culprit
from snipfix.rules.batch_layout.layout import batch_first_evidence, built_batch_first
from snipfix.rules.numerics.attention_over_another_dim import weighed
from snipfix.rules.observed import called, each, flag, mapping, place, shape, text, words

CERTAIN = frozenset({"softmax", "log_softmax", "view", "reshape"})
STATES = """\
import torch, torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.fc = nn.GRU(3, 4, batch_first=True, bidirectional=True), nn.Linear(8, 2)
    def forward(self, x):
        _, h = self.gru(x)
        return self.fc(h{0})
Net()(torch.randn(6, 5, 3))
"""
SCORES = """\
import torch, torch.nn as nn
class {0}(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.softmax = nn.Linear(4, 3), nn.Softmax(dim=0)
    def forward(self, x):
        return {1}
print({0}()(torch.randn(6, 4)).shape)
"""
NODES = """\
import torch, torch.nn as nn
class {0}(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
    def forward(self, x, adj):
        x = adj @ x
        x = self.fc(x)
        return torch.log_softmax(x, dim={1})
print({0}()(torch.randn(6, 4), torch.eye(6)).shape)
"""
GRAPHS = ("edge", "adj", "graph")
SOFTMAX = frozenset({"softmax", "log_softmax"})
WEIGHING = ("att", "pool", "gat", "rout", "assign", "slot", "weight", "point", "select", "expert", "mil", "bag", "rank")
"""How the names of modules begin in which rows compete on purpose."""


class SamplesMixed(Rule):
    """In evaluation mode, the output for one sample changes with another sample of the batch.

    ## What it does
    Changes one sample and calls the model again. Reports the first operation whose rows of other samples move: a softmax over the batch, a
    `view` that cuts across samples, a mean over dim 0. Also a model that returns a softmax along dim 0 of what its last layer gives.

    ## Why is this bad?
    A prediction must not depend on what else happens to be in the batch: the model cannot be used on one sample, and its training learns
    from an accident.

    ## Example
    ```python
    scores = torch.softmax(self.fc(x), dim=0)
    ```

    ## Use instead
    ```python
    scores = torch.softmax(self.fc(x), dim=1)
    ```

    ## Fix safety
    Unsafe: the axis of a softmax, and a `view` of a recurrent layer's states, can be guessed.

    ## References
    - torch.nn.Softmax: `dim` is the dimension "so every slice along dim will sum to 1".
    """

    id = "SNF461"
    name = "samples-mixed"
    category = Category.BATCH_LAYOUT
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nclass Pairs(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.f = nn.Linear(4, 4)\n"
            "    def forward(self, x):\n        batch_size = x.size(0)\n        z = self.f(x)\n        return z @ z.T\nPairs()(torch.randn(6, 4))\n"
        ),
        Good(SCORES.format("AttentionWeights", "torch.softmax(self.fc(x), dim=0)")),
        Good(SCORES.format("Net", "torch.softmax(self.fc(x), dim=1)")),
        Good(SCORES.format("Net", "torch.softmax(self.fc(x), dim=0).T @ x")),
        Good(NODES.format("Net", 1)),
        Good(NODES.format("Ranker", 0)),
        Good(STATES.format(".permute(1, 0, 2).flatten(1)")),
        Good(
            "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))\n"
            "print(m(torch.randn(6, 4)).shape)  # a batch of 6\n"
        ),
    )
    BAD = (
        Bad(
            SCORES.format("Net", "torch.softmax(self.fc(x), dim=0)"),
            at=(7, 16),
            fixed=SCORES.format("Net", "torch.softmax(self.fc(x), dim=1)"),
        ),
        Bad(
            SCORES.format("Net", "self.softmax(self.fc(x))"),
            at=(5, 50),
            fixed=SCORES.format("Net", "self.softmax(self.fc(x))").replace("dim=0", "dim=1"),
        ),
        Bad(NODES.format("Net", 0), at=(9, 16), fixed=NODES.format("Net", 1)),
        Bad(STATES.format(".view(x.size(0), -1)"), at=(8, 24), fixed=STATES.format(".transpose(0, 1).reshape(x.size(0), -1)")),
        Bad(
            "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(4, 3)\n"
            "    def forward(self, x):\n        batch_size = x.shape[0]\n        return torch.softmax(self.fc(x), dim=0)\nNet()(torch.randn(6, 4))\n",
            at=(8, 16),
            fixed="import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(4, 3)\n"
            "    def forward(self, x):\n        batch_size = x.shape[0]\n        return torch.softmax(self.fc(x), dim=1)\nNet()(torch.randn(6, 4))\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        told = {span for span, dim, summed, _ in weighed(outcome, context) if dim != summed}  # SNF417 says more of these
        labelled = {(shape(one.facts, "target", "shape") or (0,))[0] for one in outcome.seen("loss") if _per_sample(one.facts)}
        for observation in outcome.seen("batch"):
            facts = observation.facts
            span = place(context.code, facts, "mixer", "span")
            size = (shape(facts, "input") or (0,))[0]
            if span is None or span in told or culprit(facts) is not None or not self._mixes(facts, size):
                continue
            why = batch_first_evidence(context.code, text(facts, "module", "type"), size, observation.span is not None)
            why = why or built_batch_first(outcome, facts)
            if not why and observation.span is not None and size in labelled:
                why = f"the loss has {size} labels, one for each sample"
            if not why and observation.span is not None and scores_of_rows(facts):
                why = "each row has scores of its own from a linear layer, and they are what the model gives"
            span = softmax_built(context.code, facts) or span
            if why and span not in told:
                told.add(span)
                yield self._report(facts, span, why)
        for over, function, table in ends_over_rows(outcome, context.code):
            if over not in told:
                message = (
                    f"`{function}` along dim 0 of {list(table)} makes the rows compete, "
                    "but each row has scores of its own from the last layer, and they are what the model gives"
                )
                yield self.finding(message, over, stage=Stage.PROBE, evidence={"function": function, "shape": table})

    def _mixes(self, facts: Mapping[str, Any], size: int) -> bool:
        """Not where samples are meant to meet: pairwise results, graphs."""
        output, mixer = shape(facts, "output") or (), shape(facts, "mixer", "shape") or ()
        related = any(word in name.lower() for name in mapping(facts, "arguments") for word in GRAPHS)
        return flag(facts, "dims", "0", "mixes") and output.count(size) < 2 and mixer.count(size) < 2 and not related

    def _report(self, facts: Mapping[str, Any], span: Span, why: str) -> Finding:
        function = text(facts, "mixer", "function")
        index = mapping(facts, "dims", "0").get("index")
        message = f"`{function}` mixes the samples of the batch ({why}): changing sample {index} changes the output of others"
        evidence = {
            "function": function,
            "input": shape(facts, "input"),
            "changed": index,
            "why": why,
            "pattern": mapping(facts, "dims", "0").get("pattern"),
        }
        severity = None if function in CERTAIN else Severity.WARNING
        return self.finding(message, span, stage=Stage.PROBE, evidence=evidence, severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        if finding.evidence.get("function") in {"view", "reshape"}:
            yield from self._batch_in_front(context, node)
        if finding.evidence.get("function") not in SOFTMAX:
            return
        for which in ("dim", 1, 0):
            try:
                value = _value(node, which)
                if value == "0" and isinstance(node, ast.Call):
                    for preference, dim in enumerate(("1", "-1")):  # of sequences the classes are the last
                        edits = replace_argument(context.code, node, which, dim)
                        yield self.fix("take the softmax over the classes", *edits, preference=preference)
                    return
            except CodemodError:
                continue

    def _batch_in_front(self, context: Context, node: ast.AST | None) -> Iterator[Fix]:
        """`h.view(batch, -1)` of a recurrent layer's states, (layers, batch, width): each sample's own are put together."""
        code = context.code
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called(node) in {"view", "reshape"} and node.args:
            arguments = ", ".join(code.slice(one) for one in node.args)
            edits = replace_expression(code, node, f"{code.slice(node.func.value)}.transpose(0, 1).reshape({arguments})")
            yield self.fix("put the batch in front before joining", *edits)


def _value(node: ast.AST | None, which: int | str) -> str:
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(which, int):
        return ast.unparse(node.args[which]) if which < len(node.args) else ""
    return next((ast.unparse(one.value) for one in node.keywords if one.arg == which), "")


def scores_of_rows(facts: Mapping[str, Any]) -> bool:
    """Whether a model ends in the softmax of what a linear layer gives for each row of a table; one that weighs rows against each other says so."""
    size = shape(facts, "mixer", "shape") or ()
    ends = text(facts, "mixer", "of") == "linear" and flag(facts, "mixer", "last") and text(facts, "mixer", "function") in SOFTMAX
    return ends and not _weighs(facts) and len(size) == 2 and size[1] > 1 and len(shape(facts, "input") or ()) == 2


def ends_over_rows(outcome: Outcome, code: Code) -> Iterator[tuple[Span, str, tuple[int, ...]]]:
    """Where a model returns a softmax over the rows of a table that its last layer gave, row by row: also of a graph, whose nodes mix on purpose."""
    for observation, span in each(outcome, code, "softmax"):
        facts = observation.facts
        path, size = text(facts, "module", "path"), shape(facts, "shape") or ()
        node = code.node_at(span, ast.Call)
        returned = node is not None and isinstance(code.parents.get(node), ast.Return)
        layers = [call for call in outcome.calls if call.depth == 1 and call.module.path.startswith(f"{path}.")]
        if not returned or not layers or "." in path or facts.get("dim") != 0 or len(size) != 2 or min(size) == 1 or _weighs(facts):
            continue
        given, gave = layers[-1].inputs[:1], layers[-1].output
        rows = bool(given) and given[0].shape is not None and given[0].shape[:1] == size[:1] and len(given[0].shape) == 2
        if rows and gave is not None and gave.shape == size and layers[-1].module.parameters:
            yield span, text(facts, "function"), size


def _weighs(facts: Mapping[str, Any]) -> bool:
    """Whether the names of a module say that it weighs rows against each other."""
    names = (text(facts, "module", "type"), text(facts, "module", "path"))
    return any(word.startswith(WEIGHING) for name in names for word in words(name))


def softmax_built(code: Code, facts: Mapping[str, Any]) -> Span | None:
    """Where a softmax that is a layer was built along dim 0; None for a function."""
    built = place(code, facts, "mixer", "module", "built") if text(facts, "mixer", "module", "type") in {"Softmax", "LogSoftmax"} else None
    node = code.node_at(built, ast.Call) if built is not None else None
    return built if "0" in (_value(node, "dim"), _value(node, 0)) and called(node) in {"Softmax", "LogSoftmax"} else None  # type: ignore[arg-type]


def _per_sample(facts: Mapping[str, Any]) -> bool:
    return len(shape(facts, "target", "shape") or ()) == 1 and len(shape(facts, "input", "shape") or ()) == 2
