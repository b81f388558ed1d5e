"""A triplet loss that draws the wrong one near."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import only_value, receiver
from snipfix.rules.written import bare, layer, losses, result_of, whole_value

__all__ = ["TripletTurnedRound"]

POSITIVE = frozenset("pos positive positives ap".split())
NEGATIVE = frozenset("neg negative negatives an".split())
MARGINS = frozenset("margin alpha gap".split())
DISTANCES = frozenset("pairwise_distance PairwiseDistance norm vector_norm cdist dist distance euclidean_distance mse_loss".split())
SIMILARITIES = frozenset("cosine_similarity CosineSimilarity dot einsum bmm".split())
FAR = frozenset("dist distance dists distances d".split())
NEAR = frozenset("sim similarity sims cos cosine".split())

RANKED = {
    "similarity": "the target tells this loss to rank the negative before the positive",
    "distance": "the target tells this loss to set the positive farther off than the negative",
}
RANKING = (
    "import torch, torch.nn as nn\n\nclass Ranker(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.body, self.score = nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 1))\n\n    def forward(self, x):\n"
    "        return self.score(self.body(x)).squeeze(1)\n\nranker = Ranker()\ncriterion = nn.MarginRankingLoss(margin=1.0)\n"
    "pos_score, neg_score = ranker(torch.ones(4, 3)), ranker(torch.zeros(4, 3))\nloss = criterion({}, {}torch.ones(4))\nloss.backward()\n"
)

HEAD = "import torch\nimport torch.nn.functional as F\n\ndef triplet_loss(anchor, positive, negative, margin=0.2):\n"
APART = (
    HEAD + "    d_pos = (anchor - positive).pow(2).sum(1)\n    d_neg = (anchor - negative).pow(2).sum(1)\n    return F.relu({}).mean()\n"
)
ALIKE = (
    HEAD
    + "    ap = F.cosine_similarity(anchor, positive)\n    an = F.cosine_similarity(anchor, negative)\n    return torch.clamp({}, min=0).mean()\n"
)
USE = "\nprint(triplet_loss(*torch.randn(3, 4, 5)))\n"


class Hinge(NamedTuple):
    """The two terms that compete under a hinge, and what they measure."""

    positive: ast.expr
    negative: ast.expr
    is_wrong: bool
    measure: str


class TripletTurnedRound(Rule):
    """A triplet loss has its two terms the wrong way round: it draws the negative near and drives the positive away.

    ## What it does
    Reports a hinge, `relu(a - b + margin)`, over the distance to the negative minus that to the positive, or over the similarity of the positive
    minus that of the negative; and a `MarginRankingLoss` that is told by its target to rank the negative first. Which is which is read from the names, and what is measured from how it is computed.

    ## Why is this bad?
    Minimising it makes unlike samples alike. The loss falls to zero as it should, and the embedding has learnt the opposite.

    ## Example
    ```python
    loss = F.relu(d_neg - d_pos + margin).mean()
    ```

    ## Use instead
    ```python
    loss = F.relu(d_pos - d_neg + margin).mean()
    ```

    ## Fix safety
    The training goes the other way.

    ## References
    - torch.nn.TripletMarginLoss: max{d(a, p) - d(a, n) + margin, 0}.
    """

    id = "SNF189"
    name = "triplet-turned-round"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(APART.format("d_pos - d_neg + margin") + USE),
        Good(ALIKE.format("an - ap + margin") + USE),
        Good(APART.replace("(anchor - ", "-(anchor - ").format("margin + d_neg - d_pos") + USE),
        Good(ALIKE.replace("F.cos", "1 - F.cos").format("margin + ap - an") + USE),
        Good(APART.format("d_neg - d_pos") + USE),
        Good(  # distances taken from a bound, and turned into a likeness
            APART.replace("(anchor - ", "gamma - (anchor - ")
            .replace("    d_pos", "    gamma = 9.0\n    d_pos")
            .format("margin - d_pos + d_neg")
            + USE
        ),
        Good(
            HEAD + "    pos = 1 / (1 + torch.norm(anchor - positive, dim=1))\n    neg = 1 / (1 + torch.norm(anchor - negative, dim=1))\n"
            "    return F.relu(neg - pos + margin).mean()\n" + USE
        ),
        Good(  # a score with a difference in it
            "import torch\nimport torch.nn.functional as F\n\nh, r, t, n = torch.randn(4, 2, 5, 3)\n"
            "pos = (h[0] * r[0] * t[0] + h[1] * r[0] * t[1] - h[1] * r[1] * t[0]).sum(-1)\n"
            "neg = (h[0] * r[0] * n[0] + h[1] * r[0] * n[1] - h[1] * r[1] * n[0]).sum(-1)\nprint(F.relu(1.0 - pos + neg).mean())\n"
        ),
        Good(RANKING.format("pos_score, neg_score", "")),
        Good(RANKING.format("neg_score, pos_score", "-")),
        Good(RANKING.format("pos_score, neg_score", "-").replace("self.score(self.body(x)).squeeze(1)", "self.body(x).norm(dim=1)")),
    )
    BAD = (
        Bad(APART.format("d_neg - d_pos + margin"), at=(7, 19), fixed=APART.format("d_pos - d_neg + margin"), runs=False),
        Bad(RANKING.format("pos_score, neg_score", "-"), at=(14, 8), fixed=RANKING.format("neg_score, pos_score", "-"), runs=False),
        Bad(
            RANKING.format("pos_score, neg_score", "").replace("self.score(self.body(x)).squeeze(1)", "self.body(x).norm(dim=1)"),
            at=(14, 8),
            fixed=RANKING.format("neg_score, pos_score", "").replace("self.score(self.body(x)).squeeze(1)", "self.body(x).norm(dim=1)"),
            runs=False,
        ),
        Bad(ALIKE.format("margin + ap - an"), at=(7, 24), fixed=ALIKE.format("margin + an - ap"), runs=False),
        Bad(
            ALIKE.replace("F.cosine_similarity", "F.pairwise_distance").replace("torch.clamp({}, min=0)", "torch.max({}, torch.tensor(0.0))").format("an - ap + 1.0"),
            at=(7, 22),
            fixed=ALIKE.replace("F.cosine_similarity", "F.pairwise_distance").replace("torch.clamp({}, min=0)", "torch.max({}, torch.tensor(0.0))").format("ap - an + 1.0"),
            runs=False,
        ),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for inside, hinge in _hinges(context.code):
            if hinge.is_wrong:
                message = f"minimising this draws the negative near and drives the positive away: the two {hinge.measure} terms have changed places"
                yield self.finding(message, context.code.span(inside))
        for call, measure in _ranked(context.code) if "argin" in context.code.text else ():
            yield self.finding(RANKED[measure], context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        for call, _ in _ranked(code):
            if code.span(call) == finding.span:
                one = replace_expression(code, call.args[0], code.slice(call.args[1]))
                yield self.fix("exchange the two terms", *one, *replace_expression(code, call.args[1], code.slice(call.args[0])))
        for inside, hinge in _hinges(code):
            if code.span(inside) == finding.span:
                one = replace_expression(code, hinge.positive, code.slice(hinge.negative))
                yield self.fix("exchange the two terms", *one, *replace_expression(code, hinge.negative, code.slice(hinge.positive)))


def _ranked(code: Code) -> Iterator[tuple[ast.Call, str]]:
    """The ranking losses that rank the negative before the positive, each with what is ranked."""
    for call in losses(code, frozenset({"MarginRankingLoss"}), frozenset({"margin_ranking_loss"})):
        target = next((one.value for one in call.keywords if one.arg in ("target", "y")), call.args[2] if len(call.args) > 2 else None)
        sign = _sign(code, target) if target is not None else 0
        sides = [_side(code, one) for one in call.args[:2]]
        measures = {_ranking(code, one) for one in call.args[:2]}
        if sign and sorted(sides) == ["negative", "positive"] and len(measures) == 1 and (measure := measures.pop()):
            first = sides[0] == "positive"
            if (first == (sign > 0)) != (measure == "similarity"):
                yield call, measure


def _sign(code: Code, target: ast.expr) -> int:
    """Whether a target is made of ones or of minus ones; 0 where it is not told."""
    made = whole_value(code, target)
    if isinstance(made, ast.UnaryOp) and isinstance(made.op, ast.USub):
        return -_sign(code, made.operand)
    if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Mult):
        return _sign(code, made.left) * _sign(code, made.right)
    if isinstance(made, ast.Constant):
        return 1 if made.value == 1 else 0
    if called(made or target) in ("ones", "ones_like"):
        return 1
    if isinstance(made, ast.Call) and called(made) in ("full", "full_like") and len(made.args) > 1:
        return _sign(code, made.args[1])
    if isinstance(made, ast.Call) and called(made) in ("tensor", "FloatTensor", "Tensor") and made.args:
        inner = made.args[0]
        return _sign(code, inner.elts[0] if isinstance(inner, ast.List) and len(inner.elts) == 1 else inner)
    return 0


def _ranking(code: Code, node: ast.expr) -> str:
    """What a ranked term measures; of a model of the text, by what its forward returns: a distance, or the score that a layer gives."""
    made = whole_value(code, node)
    made = bare(made) if made is not None else None
    returned = result_of(code, made, None) if isinstance(made, ast.Call) else None
    if returned is None or made is None:
        return _measure(code, node)
    last = bare(returned)
    if isinstance(last, ast.Call) and (maker := layer(code, last)) is not None and called(maker) == "Linear":
        return "similarity"
    return _measure(code, returned)


def _hinges(code: Code) -> Iterator[tuple[ast.expr, Hinge]]:
    """What is cut off at zero, where a positive and a negative compete in it with a margin."""
    for call in code.calls("relu", "clamp", "clamp_min", "clamp_", "max", "maximum", "ReLU"):
        method = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.BinOp)
        inside = call.func.value if method and isinstance(call.func, ast.Attribute) else call.args[0] if call.args else None
        negated = isinstance(code.parents.get(call), ast.UnaryOp)
        hinge = _hinge(code, inside) if isinstance(inside, ast.BinOp) and not negated else None
        if hinge is not None and inside is not None:
            yield inside, hinge


def _hinge(code: Code, inside: ast.BinOp) -> Hinge | None:
    terms = list(_terms(inside, 1))
    competing = [(sign, node) for sign, node in terms if not _is_margin(node)]
    if len(terms) != 3 or len(competing) != 2 or {sign for sign, _ in competing} != {1, -1}:
        return None
    if any(sign < 0 for sign, node in terms if _is_margin(node)):
        return None
    sides = {side: (sign, node) for sign, node in competing if (side := _side(code, node))}
    measures = {_measure(code, node) for _, node in competing}
    if set(sides) != {"positive", "negative"} or len(measures) != 1 or "" in measures:
        return None
    measure = measures.pop()
    (sign, positive), (_, negative) = sides["positive"], sides["negative"]
    return Hinge(positive, negative, sign < 0 if measure == "distance" else sign > 0, measure)


def _terms(node: ast.expr, sign: int) -> Iterator[tuple[int, ast.expr]]:
    """The terms of a sum with their signs."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, -sign if isinstance(node.op, ast.Sub) else sign)
    else:
        yield sign, node


def _is_margin(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name | ast.Attribute) and bool(MARGINS & _words(node)))


def _side(code: Code, node: ast.expr) -> str:
    """Whether a term is about the positive or the negative, by its own name, else by the names in it."""
    for one in (node, whole_value(code, node)):
        found = _words(one) if one is not None else set()
        if bool(found & POSITIVE) != bool(found & NEGATIVE):
            return "positive" if found & POSITIVE else "negative"
    return ""


def _measure(code: Code, node: ast.expr) -> str:
    """Whether a term is a distance or a similarity, by how it is computed, else by its name; empty where that is not clear."""
    made = whole_value(code, node)
    turned = False
    while made is not None:
        if isinstance(made, ast.UnaryOp) and isinstance(made.op, ast.USub):
            made, turned = made.operand, not turned
        elif isinstance(made, ast.BinOp) and isinstance(made.op, ast.Sub) and isinstance(made.left, ast.Constant | ast.Name):
            made, turned = made.right, not turned  # `1 - cos`, or a distance taken from a bound
        else:
            break
    calls = {_kind(code, one) for one in ast.walk(made) if isinstance(one, ast.Call)} if made is not None else set()
    far = bool(calls & DISTANCES) or (made is not None and _is_of_differences(made))
    near = bool(calls & SIMILARITIES)
    if not far and not near:
        turned = False
        far, near = bool(_words(node) & FAR), bool(_words(node) & NEAR)
    if far == near or "exp" in calls or _is_odd(made):
        return ""
    return "distance" if far != turned else "similarity"


def _is_of_differences(node: ast.expr) -> bool:
    """Whether powers or absolute values of differences are summed: `(a - p).pow(2).sum(1)`."""
    for one in ast.walk(node):
        squared = one.left if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Pow) else None
        if isinstance(one, ast.Call) and called(one) in ("pow", "square", "abs"):
            squared = (
                one.func.value if isinstance(one.func, ast.Attribute) and receiver(one) != "torch" else one.args[0] if one.args else None
            )
        if isinstance(squared, ast.BinOp) and isinstance(squared.op, ast.Sub):
            return True
    return False


def _is_odd(node: ast.expr | None) -> bool:
    """Whether something else is made of what is measured, such as `1 / (1 + distance)`, so that near and far may have changed places."""
    return node is not None and any(isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div) for one in ast.walk(node))


def _kind(code: Code, call: ast.Call) -> str:
    """The function that a call calls; the class where it is an object made before, as `nn.PairwiseDistance()`."""
    maker = only_value(code, ast.unparse(call.func)) if isinstance(call.func, ast.Name | ast.Attribute) else call.func
    return called(maker) if isinstance(maker, ast.Call) else called(call)


def _words(node: ast.expr) -> set[str]:
    names = [one.id if isinstance(one, ast.Name) else one.attr for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute)]
    return {word for name in names for word in words(name)}
