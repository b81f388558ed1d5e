"""An optimizer that holds parameters which the loss does not depend on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import insert_statement_after, joined, remove_statement, replace_expression, wrap_expression
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.autograd.rewrapping import cuts
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called, each, flag, items, number, text
from snipfix.rules.training_loop.loops import home, only_value, receiver

BOTH = (
    "import torch, torch.nn as nn\ng, d = nn.Linear(2, 2), nn.Linear(2, 1)\nog, od = (torch.optim.SGD(m.parameters(), lr=0.1) for m in (g, d))\n"
    "for _ in range(3):\n    fake = g(torch.ones(4, 2)){}\n    od.zero_grad()\n"
    "    (d(fake{}).mean() - d(torch.zeros(4, 2)).mean()).backward()\n    od.step()\n    og.zero_grad()\n    loss = -d(fake{}).mean()\n"
    "    loss.backward()\n    og.step()\n"
)

ENTRY = re.compile(r"(?P<chain>.+?)\.(?P<place>\d+)\.")

LISTED = (
    "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\ndef total(xs):\n    losses = []\n"
    "    for x in xs:\n        losses.append(m(x).pow(2).sum())\n    return {}.mean()\nfor _ in range(3):\n"
    "    loss = total(torch.ones(4, 3))\n    o.zero_grad()\n    loss.backward()\n    o.step()\n"
)


class OptimizerOfOtherParameters(Rule):
    """The optimizer steps parameters that never get a gradient.

    ## What it does
    Reports an optimizer none of whose parameters is reached by a backward pass although others are, and parameters that an optimizer holds,
    whose module was called, and to which no gradient ever came. The second only counts when the module took part in the run.
    Also an optimizer whose parameters are all frozen, at its steps and at the end.

    ## Why is this bad?
    What is stepped is not what is trained: the model was replaced after the optimizer was made, or its output was cut from the graph
    (`.data`, `.detach()`, `.item()`, a new tensor) on the way to the loss; or everything was frozen, the new head included.

    ## Example
    ```python
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model = Net()  # another one
    ```

    ## Use instead
    ```python
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ```

    ## Fix safety
    Where the text cuts what a module gives, the cut is undone, which is unsafe: it may be meant. For the rest there is no fix.

    ## References
    - torch.optim: "Constructing it".
    """

    id = "SNF432"
    name = "optimizer-of-other-parameters"
    category = Category.TRAINING_LOOP
    INSIDE = (
        "import torch, torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.body, self.head = nn.Linear(3, 3), nn.Linear(3, 1)\n    def forward(self, x):\n        hidden = {}\n"
        "        return self.head(hidden)\nnet = Net()\no = torch.optim.SGD(net.parameters(), lr=0.1)\nfor _ in range(3):\n"
        "    o.zero_grad()\n    net(torch.ones(2, 3)).mean().backward()\n    o.step()\n"
    )
    GOOD = (
        Good(INSIDE.format("self.body(x)\n        self.shown = hidden.detach().tolist()")),
        Good(
            "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))\nfor p in m[0].parameters():\n    p.requires_grad = False\n"
            "o = torch.optim.SGD(m.parameters(), lr=0.1)\nfor _ in range(3):\n    o.zero_grad()\n    m(torch.ones(2, 3)).mean().backward()\n    o.step()\n"
        ),
        Good(
            "import torch, torch.nn as nn\nm, target = nn.Linear(3, 1), nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "for _ in range(3):\n    with torch.no_grad():\n        y = target(torch.ones(2, 3))\n    o.zero_grad()\n"
            "    (m(torch.ones(2, 3)) - y).pow(2).mean().backward()\n    o.step()\n"
        ),
        Good(
            "import torch, torch.nn as nn\ncritic = nn.Linear(3, 1)\no = torch.optim.SGD(critic.parameters(), lr=0.1)\nfor _ in range(3):\n"
            "    critic.requires_grad_(True)\n    o.zero_grad()\n    critic(torch.ones(2, 3)).mean().backward()\n    o.step()\n"
            "    critic.requires_grad_(False)\n"
        ),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\nm.requires_grad_(False)\nx = torch.ones(2, 3, requires_grad=True)\n"
            "o = torch.optim.SGD(m.parameters(), lr=0.1)\nfor _ in range(3):\n    o.zero_grad()\n    m(x).mean().backward()\n    o.step()\n",
            at=(9, 5),
        ),
        Bad(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\nm = nn.Linear(3, 1)\n"
            "for _ in range(3):\n    o.zero_grad()\n    m(torch.ones(2, 3)).mean().backward()\n    o.step()\n",
            at=(8, 5),
            fixed="import torch, torch.nn as nn\nm = nn.Linear(3, 1)\nm = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "for _ in range(3):\n    o.zero_grad()\n    m(torch.ones(2, 3)).mean().backward()\n    o.step()\n",
        ),
        Bad(
            "import torch, torch.nn as nn\na, b = nn.Linear(3, 3), nn.Linear(3, 1)\no = torch.optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)\n"
            "for _ in range(3):\n    o.zero_grad()\n    h = a(torch.ones(2, 3)).data\n    b(h).mean().backward()\n    o.step()\n",
            at=(6, 9),
            fixed="import torch, torch.nn as nn\na, b = nn.Linear(3, 3), nn.Linear(3, 1)\no = torch.optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)\n"
            "for _ in range(3):\n    o.zero_grad()\n    h = a(torch.ones(2, 3))\n    b(h).mean().backward()\n    o.step()\n",
        ),
        Bad(
            LISTED.format("torch.tensor(losses, requires_grad=True)"),
            at=(13, 5),
            fixed=LISTED.format("torch.stack(losses)"),
        ),
        Bad(
            BOTH.format(".detach()", "", ""),
            at=(12, 5),
            fixed=BOTH.format("", ".detach()", ""),
        ),
        Bad(
            INSIDE.format("torch.tensor(self.body(x).tolist())  # 转换"),
            at=(7, 18),
            fixed=INSIDE.format("self.body(x)  # 转换"),
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "optimizer"):
            facts = observation.facts
            reached, others, trainable = (number(facts, name) or 0 for name in ("reached", "reached_by_others", "trainable"))
            if not reached and others and trainable:
                message = (
                    f"none of the {trainable:.0f} parameters this optimizer holds is what the loss depends on: "
                    f"{others:.0f} others get gradients and are never stepped"
                )
                yield self.finding(message, span, stage=Stage.PROBE, evidence={"parameters": trainable, "others": others})
                continue
            if not trainable and not reached and not (number(facts, "graded") or 0) and (held := number(facts, "parameters") or 0):
                message = f"all {held:.0f} parameters that this optimizer holds are frozen: its steps change nothing"
                yield self.finding(message, span, stage=Stage.PROBE, evidence={"parameters": held, "trainable": 0})
                continue
            if trainable and not reached and not others and not (number(facts, "graded") or 0) and (number(facts, "steps") or 0) >= 2:
                yield from self._cut_off(context, outcome, span, trainable)
                continue
            cut = [
                one for one in items(facts, "without_gradient") if flag({"one": one}, "one", "called") and text({"one": one}, "one", "name")
            ]
            cleared = reached > trainable - (
                number(facts, "bare") or 0
            )  # a backward pass reached some of them, and the gradients were thrown away
            if cut and outcome.kind == "ok" and reached and not cleared and (number(facts, "steps") or 0) >= 2:
                names = ", ".join(f"`{one['name']}`" for one in cut[:4])
                message = f"no gradient ever reaches {names}: computed with, stepped, but cut from the loss"
                severity = Severity.ERROR if self._whole(cut, facts) else Severity.WARNING
                evidence = {"without_gradient": [one["name"] for one in cut]}
                found = list(cuts(context.code, modules_of(evidence["without_gradient"])))
                where = context.code.span(found[0][0]) if len(found) == 1 else span
                yield self.finding(message, where, stage=Stage.PROBE, evidence=evidence, severity=severity)

    def _cut_off(self, context: Context, outcome: Outcome, span: Span, held: float) -> Iterator[Finding]:
        """An optimizer whose parameters no loss ever reached, beside others that learn: what its network gave was detached."""
        if outcome.kind == "ok" and any(number(one.facts, "reached") for one in outcome.seen("optimizer")):
            node = context.code.node_at(span, ast.Call)
            name = receiver(node) if isinstance(node, ast.Call) else ""
            message = f"no gradient ever reaches any of the {held:.0f} parameters that `{name}` holds: its steps change nothing"
            yield self.finding(message, span, stage=Stage.PROBE, evidence={"parameters": held, "optimizer": name})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        if finding.evidence.get("optimizer"):
            yield from _kept_for_later(self, context.code, finding.span)
            return
        for node, inside in cuts(context.code, modules_of(items(finding.evidence, "without_gradient"))):
            yield self.fix("Keep the history", *replace_expression(context.code, node, inside))
        if finding.evidence.get("others"):
            yield from self._stacked(context.code)
        yield from self._held_otherwise(context.code, finding)

    def _stacked(self, code: Code) -> Iterator[Fix]:
        """A list of losses that was made a new leaf: `torch.tensor(losses, requires_grad=True)`."""
        for call in code.calls("tensor"):
            listed = call.args[0] if len(call.args) == 1 and keyword(call, "requires_grad") is not None else None
            if not isinstance(listed, ast.Name) or not isinstance(call.func, ast.Attribute):
                continue
            filled = [one.args[0] for one in code.calls("append") if receiver(one) == listed.id and len(one.args) == 1]
            if filled and all(isinstance(one, ast.Call | ast.Name | ast.BinOp) for one in filled):
                numbers = [
                    one for one in filled if isinstance(one, ast.Call) and called(one) == "item" and isinstance(one.func, ast.Attribute)
                ]
                kept = [replace_expression(code, one, code.slice(one.func.value)) for one in numbers]  # type: ignore[attr-defined]
                text = f"{code.slice(call.func.value)}.stack({listed.id})"
                yield self.fix("stack the losses, which keeps their history", *joined(replace_expression(code, call, text), *kept))

    def _held_otherwise(self, code: Code, finding: Finding) -> Iterator[Fix]:
        """The optimizer built with the parameters of another model, or its only tensor made to ask for a gradient."""
        made = _optimizer_at(code, finding.span)
        given = made.args[0] if made is not None and made.args else None
        if given is None:
            return
        if finding.evidence.get("others") and isinstance(given, ast.Call) and called(given) == "parameters" and not given.args:
            held = receiver(given)
            for number, name in enumerate(one for one in _modules(code, made) if one != held):
                text = f"{name}.parameters()"
                yield self.fix(f"step the parameters of {name}", *replace_expression(code, given, text), preference=number)
            yield from self._made_later(code, finding.span, given)
        if finding.evidence.get("trainable") == 0 and isinstance(given, ast.List) and len(given.elts) == 1:
            value = only_value(code, ast.unparse(given.elts[0]))
            if isinstance(value, ast.Call) and called(value) in ("clone", "randn", "rand", "zeros", "ones", "randn_like", "rand_like"):
                yield self.fix("ask for its gradient", *wrap_expression(code, value, "{}.requires_grad_()"))

    def _made_later(self, code: Code, span: Span, given: ast.Call) -> Iterator[Fix]:
        """The optimizer made behind the model that is trained: one set anew under the same name, or a copy under another."""
        made = code.parents[_optimizer_at(code, span) or given]
        if not isinstance(made, ast.Assign) or code.parents[made] is not code.tree:
            return
        used = {call.func.id for call in code.all(ast.Call) if isinstance(call.func, ast.Name)}
        for later in (
            one for one in code.tree.body if isinstance(one, ast.Assign) and one.lineno > made.lineno and isinstance(one.value, ast.Call)
        ):
            name = written(later.targets[0])
            if name in used and called(later.value)[:1].isupper() | (called(later.value) in ("deepcopy", "copy")):
                text = code.slice(made).replace(f"{receiver(given)}.parameters()", f"{name}.parameters()")
                edits = joined(remove_statement(code, made.lineno), insert_statement_after(code, later.lineno, text))
                yield self.fix("make the optimizer when the model is complete", *edits, preference=4)

    def _whole(self, cut: list[dict[str, object]], facts: dict[str, object]) -> bool:
        """Whether both weight and bias of a called layer are without gradient: not just an unused bias."""
        """Whether layers are cut off that a text means to train; the last of a chain, as in WaveNet, may give what nobody reads."""
        names = [str(one["name"]) for one in cut]
        return any(name.endswith("weight") and not _is_last(name, names) for name in names) and not outer_only(cut)


def _is_last(name: str, names: list[str]) -> bool:
    """Whether a parameter is that of a later layer in a list, and those of the layers before it are not among the names."""
    found = ENTRY.match(name)
    if found is None or not int(found["place"]):
        return False
    others = (other for one in names if (other := ENTRY.match(one)) and other["chain"] == found["chain"])
    return not any(int(other["place"]) < int(found["place"]) for other in others)


def modules_of(parameters: Iterable[str]) -> set[str]:
    """What the text may call the modules of parameters named like `net.encoder.0.weight`."""
    return {part for name in parameters for part in name.split(".")[:-1] if not part.isdigit()}


def outer_only(cut: list[dict[str, object]]) -> bool:
    """Whether only layers are cut that often lie unused by design: normalisation and embeddings of padding."""
    return all(str(one.get("type", "")).startswith(("LayerNorm", "BatchNorm")) for one in cut)


def _optimizer_at(code: Code, span: Span) -> ast.Call | None:
    """The only call that makes the optimizer which is stepped or made at a place."""
    node = code.node_at(span, ast.Call)
    name = receiver(node) if isinstance(node, ast.Call) and called(node) == "step" else ""
    made = only_value(code, name) if name else node
    return made if isinstance(made, ast.Call) else None


def _modules(code: Code, made: ast.Call | None) -> list[str]:
    """The names of the module's own level that are called like a model and stand above a place."""
    used = {call.func.id for call in code.all(ast.Call) if isinstance(call.func, ast.Name)}
    names = [one.targets[0].id for one in code.tree.body if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
             and isinstance(one.value, ast.Call) and made is not None and one.lineno < made.lineno]  # fmt: skip
    return [name for name in dict.fromkeys(names) if name in used]


def _kept_for_later(rule: Rule, code: Code, span: Span) -> Iterator[Fix]:
    """`fake = G(z).detach()`, read by the steps of both networks: it keeps its history, and the step before detaches where it reads."""
    step = code.node_at(span, ast.Call)
    if not isinstance(step, ast.Call):
        return
    earlier = [one.lineno for one in code.calls("step") if receiver(one) != receiver(step) and one.lineno < step.lineno]
    for call in code.calls("detach") if earlier else ():
        made = code.parents.get(call)
        if not isinstance(made, ast.Assign) or made.value is not call or not isinstance(made.targets[0], ast.Name) or call.args:
            continue
        reads = [one for one in code.mentions(made.targets[0].id) if isinstance(one.ctx, ast.Load) and home(code, one) is home(code, made)]
        before = [one for one in reads if one.lineno <= max(earlier)]
        if before and len(before) < len(reads) and isinstance(call.func, ast.Attribute):
            edits = [replace_expression(code, call, code.slice(call.func.value))]
            edits += [replace_expression(code, one, f"{code.slice(one)}.detach()") for one in before]
            yield rule.fix("detach for the first network's step only", *joined(*edits))
