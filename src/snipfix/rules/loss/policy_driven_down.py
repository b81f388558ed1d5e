"""A policy gradient with the wrong sign."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import replace_expression
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, number, words
from snipfix.rules.training_loop.loops import home, only_value, receiver
from snipfix.rules.written import value_of

__all__ = ["LOG_PROB", "PolicyDrivenDown", "minimised", "reduced_value", "source"]

LOG_PROB = re.compile(r"^(?:\w*_)?log_?p(?:i|rob|robs|s)?(?:_\w+)?$", re.IGNORECASE)
GAINS = frozenset("return returns reward rewards advantage advantages adv advs gae g".split())
CODE = (
    "import torch\nfrom torch.distributions import Categorical\n\nnet = torch.nn.Linear(3, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    "dist = Categorical(logits=net(torch.ones(5, 3)))\nlog_probs = {}dist.log_prob(dist.sample())\nreturns = torch.rand(5)\nloss = {}\n"
    "opt.zero_grad()\nloss.backward()\nopt.step()\n"
)

UPDATE = (
    "from torch.distributions import Categorical\n\ndef update(policy, optimizer, states, actions, returns):\n"
    "    dist = Categorical(logits=policy(states))\n    log_probs = dist.log_prob(actions)\n    loss = {}\n    optimizer.zero_grad()\n"
    "    loss.backward()\n    optimizer.step()\n"
)
LOOP = (
    CODE.replace("log_probs = {}", "log_probs = []\nlog_probs.append({}")
    .replace("sample())", "sample()))")
    .replace("loss = {}", "loss = []\nfor log_prob, R in zip(log_probs, returns):\n    loss.append({})\nloss = sum(loss)")
)


class PolicyDrivenDown(Rule):
    """The loss of a policy is log-probability times return without a minus: good actions are made less likely.

    ## What it does
    Reports a sum or mean of `log_probs * returns` (or rewards, advantages), or PPO's smaller one of two such products, that is minimised,
    where no minus sign stands in it or in what it is made of: read from the text, or seen from the sign of the gradient.

    ## Why is this bad?
    An optimizer goes down. The expected return is to go up, so the loss is its negative; without the sign, the policy learns to avoid
    whatever was rewarded.

    ## Example
    ```python
    loss = (log_probs * returns).mean()
    loss.backward()
    ```

    ## Use instead
    ```python
    loss = -(log_probs * returns).mean()
    loss.backward()
    ```

    ## Fix safety
    The training goes the other way.

    ## References
    - Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning", 1992.
    """

    id = "SNF425"
    name = "policy-driven-down"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(UPDATE.format("(log_probs * returns).mean()") + "update(policy, optimizer, states, actions, -returns)\n", runs=False),
        Good(CODE.format("", "-(log_probs * returns).mean()")),
        Good(CODE.format("-", "(log_probs * returns).mean()")),
        Good(LOOP.format("", "-log_prob * R"), runs=False),
        Good(LOOP.format("-", "log_prob * R"), runs=False),
        Good(CODE.format("", "(log_probs * -returns).mean()")),
        Good(CODE.format("", "(log_probs * returns).mean()").replace("loss.backward", "(-loss).backward")),
        Good(CODE.format("", "(log_probs * returns).mean()").replace("lr=0.1", "lr=0.1, maximize=True")),
    )
    BAD = (
        Bad(
            LOOP.format("", "log_prob * R")
            .replace("log_probs = []", "net.saved_log_probs = []")
            .replace("log_probs.append", "net.saved_log_probs.append")
            .replace("zip(log_probs", "zip(net.saved_log_probs"),
            at=(12, 17),
            fixed=LOOP.format("", "-log_prob * R")
            .replace("log_probs = []", "net.saved_log_probs = []")
            .replace("log_probs.append", "net.saved_log_probs.append")
            .replace("zip(log_probs", "zip(net.saved_log_probs"),
            runs=False,
        ),
        Bad(
            UPDATE.format("(log_probs * returns).mean()"),
            at=(6, 12),
            fixed=UPDATE.format("-(log_probs * returns).mean()"),
            runs=False,
        ),
        Bad(
            CODE.replace("loss = {}", "loss = torch.stack([p * G for p, G in zip({}log_probs, returns)]).sum()").format("", ""),
            at=(9, 8),
            fixed=CODE.replace("loss = {}", "loss = -torch.stack([p * G for p, G in zip({}log_probs, returns)]).sum()").format("", ""),
        ),
        Bad(
            CODE.format("", "(log_probs * returns).mean()  # 策略损失"),
            at=(9, 8),
            fixed=CODE.format("", "-(log_probs * returns).mean()  # 策略损失"),
            runs=False,
        ),
        Bad(
            CODE.replace("log_probs = {}", "log_probs = []\nlog_probs.append({}")
            .replace("sample())", "sample()))")
            .format("", "(torch.stack(log_probs) * returns).sum()"),
            at=(10, 8),
            fixed=CODE.replace("log_probs = {}", "log_probs = []\nlog_probs.append({}")
            .replace("sample())", "sample()))")
            .format("", "-(torch.stack(log_probs) * returns).sum()"),
            runs=False,
        ),
        Bad(
            LOOP.format("", "log_prob * R"),
            at=(12, 17),
            fixed=LOOP.format("", "-log_prob * R"),
            runs=False,
        ),
        Bad(
            CODE.format("", "torch.sum(returns * log_probs)"),
            at=(9, 8),
            fixed=CODE.format("", "-torch.sum(returns * log_probs)"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if not code.calls("log_prob") or not code.calls("backward") or "maximize" in code.text:
            return
        for statement in code.all(ast.Assign):
            target = statement.targets[0]
            product = _weighed(statement.value)
            if product is None or not isinstance(target, ast.Name) or not minimised(code, statement, target.id):
                continue
            if not any(_negative(code, _name(side)) for side in (product.left, product.right)):
                yield self._report(context, target.id, statement.value)
        for call in code.calls("append"):
            term = call.args[0] if len(call.args) == 1 else None
            if isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult) and _rewarded(code, call, term):
                summed = _summed(code, receiver(call))
                if summed and not any(_negative_part(code, call, side) for side in (term.left, term.right)):
                    yield self._report(context, summed, term)

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        code = context.code
        if "maximize" in code.text or not outcome.seen("optimizer"):
            return
        told = {finding.span for finding in self.static(context)}
        for observation, span in each(outcome, code, "reduction"):
            node = code.node_at(span, ast.Call)
            down = (number(observation.facts, "gradient", "low") or 0) > 0
            if isinstance(node, ast.Call) and code.span(node) == span and down and span not in told and _gains(code, node):
                yield self._report(context, ast.unparse(node), node, Stage.PROBE)

    def _report(self, context: Context, loss: str, value: ast.expr, stage: Stage = Stage.STATIC) -> Finding:
        message = f"`{loss}` goes down with training, and with it the probability of what was rewarded: the minus sign is missing"
        return self.finding(message, context.code.span(value), stage=stage)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, (ast.Call, ast.BinOp))
        if node is not None:
            yield self.fix("minimise the negative", *replace_expression(context.code, node, f"-{context.code.slice(node)}"))


def reduced_value(call: ast.Call) -> ast.expr:
    """What a sum or mean is taken of: `x` for `x.mean()` and for `torch.mean(x)`."""
    inner = call.func.value if isinstance(call.func, ast.Attribute) else call
    return call.args[0] if call.args and receiver(call) in ("torch", "") else inner


def _gains(code: Code, call: ast.Call) -> bool:
    """Whether what is summed or averaged is a log-probability, or a ratio of probabilities, times a gain whose sign nothing turns."""
    value = reduced_value(call)
    if isinstance(value, ast.Name) and (given := value_of(code, value)) is not None and given[1] is None:
        value = given[0]
    if called(value) in ("min", "minimum") and isinstance(value, ast.Call) and len(value.args) == 2:
        made = [value_of(code, one) if isinstance(one, ast.Name) else (one, None) for one in value.args]
        return all(one is not None and _product(code, one[0], ratio=True) for one in made)
    if called(value) in ("stack", "cat") and isinstance(value, ast.Call) and value.args:
        value = value.args[0]
    if isinstance(value, ast.ListComp | ast.GeneratorExp):
        value = value.elt
    return _product(code, value, ratio=False)


def _product(code: Code, value: ast.expr, *, ratio: bool) -> bool:
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Mult):
        return False
    for one, other in ((value.left, value.right), (value.right, value.left)):
        gain, chance = _source(code, other), "log_prob" if called(one) == "log_prob" else _source(code, one)
        likely = (
            called(one) in ("clamp", "clip") or {"ratio", "ratios"} & set(words(chance))
            if ratio
            else LOG_PROB.match(chance.rpartition(".")[2])
        )
        if likely and GAINS & set(words(gain)) and not _turned(code, gain) and not _turned(code, chance):
            return True
    return False


def _source(code: Code, side: ast.expr) -> str:
    """What a factor stands for, out of the comprehension or the loop over pairs that it is taken in."""
    for up in code.ancestors(side):
        for loop in up.generators if isinstance(up, ast.ListComp | ast.GeneratorExp) else ():
            if isinstance(loop.target, ast.Tuple) and isinstance(loop.iter, ast.Call) and called(loop.iter) == "zip":
                for target, given in zip(loop.target.elts, loop.iter.args, strict=False):
                    if isinstance(target, ast.Name) and target.id == _name(side):
                        return _name(given)
    return _name(side)


def _turned(code: Code, name: str) -> bool:
    """Whether a minus sign stands before a name, or in what it is set to, or it is named a cost there."""
    made = [one.value for one in code.all(ast.Assign) if any(ast.unparse(target) == name for target in one.targets)]
    minus = [one for one in code.all(ast.UnaryOp) if isinstance(one.op, ast.USub) and not isinstance(one.operand, ast.Constant)]
    before = any(set(words(name)) & set(words(ast.unparse(one.operand))) for one in minus)
    return before or any(set(words(ast.unparse(value))) & {"cost", "costs", "loss", "losses"} for value in made)


def _rewarded(code: Code, call: ast.Call, product: ast.BinOp) -> bool:
    """Whether a product of one log-probability and its return is appended in a loop over both."""
    sides = [source(code, call, side) for side in (product.left, product.right)]
    log = [name for name in sides if LOG_PROB.match(name.rpartition(".")[2])]
    gains = [name for name in sides if GAINS & set(words(name))]
    return len(log) == 1 and len(gains) == 1


def source(code: Code, call: ast.Call, side: ast.expr) -> str:
    """What a factor stands for: its own name, or the sequence that a loop around takes it from, `for p, R in zip(log_probs, returns)`."""
    name = _name(side)
    for up in code.ancestors(call):
        if isinstance(up, ast.For) and isinstance(up.target, ast.Tuple) and isinstance(up.iter, ast.Call) and called(up.iter) == "zip":
            for target, given in zip(up.target.elts, up.iter.args, strict=False):
                if isinstance(target, ast.Name) and target.id == name:
                    return _name(given)
    return name


def _negative_part(code: Code, call: ast.Call, side: ast.expr) -> bool:
    name = source(code, call, side)
    return not name or _negative(code, name)


def _summed(code: Code, name: str) -> str:
    """The loss that a list of terms is added up to, on which `backward()` is called and whose sign nothing turns."""
    for statement in code.all(ast.Assign):
        value, target = statement.value, statement.targets[0]
        if not isinstance(target, ast.Name) or not isinstance(value, ast.Call) or called(value) not in ("sum", "mean"):
            continue
        inner = value.args[0] if value.args else value.func.value if isinstance(value.func, ast.Attribute) else value
        if isinstance(inner, ast.Call) and called(inner) in ("stack", "cat") and inner.args:
            inner = inner.args[0]
        if ast.unparse(inner) == name and any(receiver(call) == target.id for call in code.calls("backward", inside=home(code, statement))):
            turned = any(isinstance(code.parents.get(one), ast.UnaryOp | ast.BinOp) for one in code.mentions(target.id))
            return "" if turned else target.id
    return ""


def _weighed(value: ast.expr) -> ast.BinOp | None:
    """The product in `(log_probs * returns).mean()` or `torch.sum(log_probs * returns)`; None for anything else."""
    if not isinstance(value, ast.Call) or called(value) not in ("sum", "mean") or not isinstance(value.func, ast.Attribute):
        return None
    inner = value.args[0] if receiver(value) == "torch" and value.args else value.func.value
    if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Mult):
        return None
    sides = [_name(side) for side in (inner.left, inner.right)]
    log = [name for name in sides if LOG_PROB.match(name.rpartition(".")[2])]
    gains = [name for name in sides if GAINS & set(words(name))]
    return inner if len(log) == 1 and len(gains) == 1 else None


def _name(node: ast.expr) -> str:
    """The name that a factor stands for, out of `torch.stack(...)`, `.detach()` and indexing; empty where it is negative or computed."""
    while True:
        if isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and called(node) in ("stack", "cat", "tensor") and len(node.args) == 1:
            node = node.args[0]
        elif (
            isinstance(node, ast.Call)
            and called(node) in ("detach", "squeeze", "unsqueeze", "view")
            and isinstance(node.func, ast.Attribute)
        ):
            node = node.func.value
        else:
            break
    return written(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def minimised(code: Code, statement: ast.Assign, name: str) -> bool:
    """Whether `name.backward()` is called in the same function, and nothing else is done with the name that could turn its sign."""
    around = home(code, statement)
    if only_value(code, name) is not statement.value:
        return False
    loads = [one for one in code.mentions(name) if isinstance(one.ctx, ast.Load) and home(code, one) is around]
    turned = [one for one in loads if isinstance(code.parents.get(one), ast.UnaryOp | ast.BinOp | ast.Return)]
    return not turned and any(receiver(call) == name for call in code.calls("backward", inside=around))


def _negative(code: Code, name: str) -> bool:
    """Whether a minus sign stands in what a name is set to, or in what is appended to it."""
    made: list[ast.AST] = [one.value for one in code.all(ast.Assign) if any(ast.unparse(target) == name for target in one.targets)]
    made += [call for call in code.calls("append", "insert", "extend") if receiver(call) == name]
    parameters = {one.arg for function in code.all(ast.FunctionDef) for one in function.args.args}
    gain = name in parameters and bool(GAINS & set(words(name)))
    unknown = not made and (not gain or _turned(code, name))  # unpacked, or a parameter of another kind
    minus = any(
        isinstance(one.op, ast.USub) and not isinstance(one.operand, ast.Constant)
        for node in made
        for one in code.all(ast.UnaryOp, inside=node)
    )
    costs = any("cost" in ast.unparse(node).lower() or "loss" in ast.unparse(node).lower() for node in made)
    return minus or unknown or costs
