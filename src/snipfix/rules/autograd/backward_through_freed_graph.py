"""A graph of gradients is used a second time after it was freed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import (
    add_keyword,
    insert_statement_after,
    insert_statement_before,
    joined,
    remove_statement,
    replace_statement,
    wrap_expression,
)
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.observed import words

FIXED = frozenset("old behavior behaviour reference ref target targets advantage advantages returns".split())
"""Words in the names of what stays as it was while the training goes on."""


class BackwardThroughFreedGraph(CrashRule):
    """A graph of gradients is used a second time after it was freed.

    ## What it does
    Explains a `backward` that reaches through computations of an earlier `backward`: a hidden state carried from batch to batch, a discriminator's graph used for the generator, a call that stands twice.

    ## Why is this bad?
    The program stops in the second round. Keeping every graph (`retain_graph=True`) would cost time and memory that grow with each step, and is rarely what is meant.

    ## Example
    ```python
    for x in batches:
        out, hidden = rnn(x, hidden)
        out.mean().backward()
    ```

    ## Use instead
    ```python
    for x in batches:
        hidden = hidden.detach()
        out, hidden = rnn(x, hidden)
        out.mean().backward()
    ```

    ## Fix safety
    Detaching cuts the gradient at the border of a batch, the usual truncated backpropagation. Keeping the graph is the last offer.

    ## References
    - torch.Tensor.backward: retain_graph
    - torch.Tensor.detach
    """

    id = "SNF281"
    name = "backward-through-freed-graph"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"Trying to backward through the graph a second time",)
    GOOD = (
        Good(
            "import torch\nimport torch.nn as nn\nx = torch.ones(2, requires_grad=True)\ny = (x ** 2).sum()\ny.backward(retain_graph=True)\ny.backward()\n"
        ),
        Good(
            "import torch\nimport torch.nn as nn\nx = torch.ones(2, requires_grad=True)\nfor _ in range(2):\n    (x ** 2).sum().backward()\n"
        ),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nnet = nn.Linear(2, 3)\nx, opt = torch.ones(4, 2), torch.optim.SGD(net.parameters(), lr=0.1)\nold_log_probs = net(x).log_softmax(1)[:, 0]\nfor _ in range(3):\n    ratio = torch.exp(net(x).log_softmax(1)[:, 0] - old_log_probs)\n    opt.zero_grad()\n    ratio.mean().backward()\n    opt.step()\n",
            at=(9, 5),
            fixed="import torch\nimport torch.nn as nn\nnet = nn.Linear(2, 3)\nx, opt = torch.ones(4, 2), torch.optim.SGD(net.parameters(), lr=0.1)\nold_log_probs = net(x).log_softmax(1)[:, 0].detach()\nfor _ in range(3):\n    ratio = torch.exp(net(x).log_softmax(1)[:, 0] - old_log_probs)\n    opt.zero_grad()\n    ratio.mean().backward()\n    opt.step()\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nrnn = nn.GRU(3, 4)\nhidden = torch.zeros(1, 2, 4)\nfor step in range(3):\n    out, hidden = rnn(torch.ones(5, 2, 3), hidden)\n    loss = out.pow(2).mean()\n    loss.backward()\n",
            at=(8, 5),
            fixed="import torch\nimport torch.nn as nn\nrnn = nn.GRU(3, 4)\nhidden = torch.zeros(1, 2, 4)\nfor step in range(3):\n    hidden = hidden.detach()\n    out, hidden = rnn(torch.ones(5, 2, 3), hidden)\n    loss = out.pow(2).mean()\n    loss.backward()\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.ones(2, requires_grad=True)\ny = (x ** 2).sum()\ny.backward()\ny.backward()\n",
            at=(6, 1),
            fixed="import torch\nimport torch.nn as nn\nx = torch.ones(2, requires_grad=True)\ny = (x ** 2).sum()\ny.backward(retain_graph=True)\ny.backward()\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        carried = ", ".join(name for name, _ in self._carried(crash))
        return "backward() reaches into a graph that an earlier backward() has freed" + (f", through {carried}" if carried else "")

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code = crash.code
        for name, loop in self._carried(crash):
            value = crash.frame.locals.get(name) if crash.frame else None
            pair = value is not None and value.kind == "sequence"
            text = f"{name} = tuple(part.detach() for part in {name})" if pair else f"{name} = {name}.detach()"
            first = loop.body[0].lineno
            if value is not None and value.kind in ("tensor", "sequence") and self._bound_before(crash, name, loop):
                yield Offer(f"Cut {name} off its history at each step", insert_statement_before(code, first, text))
            if value is not None and value.kind in ("tensor", "sequence"):
                last = max(
                    (node for node in ast.walk(loop) if isinstance(node, ast.Expr) and _is_backward(node)),
                    key=lambda node: node.lineno,
                    default=None,
                )
                if last is not None:
                    yield Offer(f"Cut {name} off its history after each step", insert_statement_after(code, last.lineno, text))
        yield from _kept_state(crash)
        yield from self._computed_once(crash)
        earlier = [node for node in code.all(ast.Expr) if _is_backward(node) and node.lineno < crash.span.line]
        if earlier and crash.statement is not None:
            yield from self._first_of_two(crash, max(earlier, key=lambda node: node.lineno))

    @staticmethod
    def _computed_once(crash: Crash) -> Iterator[Offer]:
        """A forward that stands before the loop: each round needs its own."""
        code, statement = crash.code, crash.statement
        loop = code.around(statement, ast.For, ast.While) if statement is not None else None
        seen = crash.frame.locals if crash.frame else {}
        if loop is None:
            return
        used = [node for one in loop.body for node in ast.walk(one) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
        for name in dict.fromkeys(node.id for node in used if node.id in seen and seen[node.id].grad_fn):
            birth = crash.born(next(node for node in used if node.id == name))
            if birth is not None and birth.lineno < loop.lineno and not any(birth is one for one in ast.walk(loop)):
                if FIXED & set(words(name)):
                    yield Offer(f"Keep {name} as the number it was", wrap_expression(code, birth.value, "{}.detach()"))
                chain = sorted(_made_of(crash, birth), key=lambda one: one.lineno)
                for needed in ([birth], chain)[: len(chain)]:
                    text = "\n".join(code.slice(one) for one in needed)
                    gone = [remove_statement(code, one.lineno) for one in needed]
                    names = ", ".join(code.slice(one.targets[0]) for one in needed)
                    moved = joined(*gone, insert_statement_before(code, loop.body[0].lineno, text))
                    yield Offer(f"Compute {names} in every round", moved)

    @staticmethod
    def _first_of_two(crash: Crash, earlier: ast.Expr) -> Iterator[Offer]:
        """Mendings of two different calls of backward: the tensor between their graphs is detached for the first, or its graph kept."""
        code, call = crash.code, earlier.value
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Attribute)
        keep = Offer("Keep the graph for the second backward()", add_keyword(code, call, "retain_graph", "True"))
        block = getattr(code.parents.get(earlier), "body", [])
        if block[block.index(earlier) + 1 :][:1] == [
            crash.statement
        ]:  # nothing is stepped between: both losses are meant for the whole graph
            summed = list(_summed(crash, earlier))
            yield from summed or [keep]
            return
        loss = call.func.value
        birth = crash.born(loss) if isinstance(loss, ast.Name) else None
        shared = [value for value in (crash.frame.locals if crash.frame else {}).items() if value[1].kind == "tensor" and value[1].grad_fn]
        for name, _ in shared:
            for node in ast.walk(birth.value) if birth is not None else ():
                if isinstance(node, ast.Name) and node.id == name:
                    yield Offer(f"Use {name} without its history for the first loss", wrap_expression(code, node, "{}.detach()"))
            scores = {node.id for node in ast.walk(birth.value) if isinstance(node, ast.Name)} if birth is not None else set()
            for other in code.nodes:
                if not (isinstance(other, ast.Assign) and isinstance(other.targets[0], ast.Name) and other.lineno < earlier.lineno):
                    continue
                for node in ast.walk(other) if other.targets[0].id in scores else ():
                    if isinstance(node, ast.Name) and node.id == name and isinstance(code.parents.get(node), ast.Call):
                        yield Offer(f"Use {name} without its history for the first loss", wrap_expression(code, node, "{}.detach()"))
        yield keep

    @staticmethod
    def _bound_before(crash: Crash, name: str, loop: ast.For | ast.While) -> bool:
        return any(
            isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store) and node.lineno < loop.lineno
            for node in crash.code.nodes
        )

    @staticmethod
    def _carried(crash: Crash) -> list[tuple[str, ast.For | ast.While]]:
        """Names that the loop around the place both reads and binds with a value from a graph, the innermost loop's first."""
        statement = crash.statement
        loops = [up for up in crash.code.ancestors(statement) if isinstance(up, ast.For | ast.While)] if statement is not None else []
        found: list[tuple[str, ast.For | ast.While]] = []
        for loop in loops:
            body = [node for one in loop.body for node in ast.walk(one) if isinstance(node, ast.Name)]
            for name in dict.fromkeys(node.id for node in body if isinstance(node.ctx, ast.Store)):
                reads = [(node.lineno, node.col_offset) for node in body if node.id == name and isinstance(node.ctx, ast.Load)]
                stores = [node.lineno for node in body if node.id == name and isinstance(node.ctx, ast.Store)]
                value = crash.frame.locals.get(name) if crash.frame else None
                leaf = value is not None and value.kind == "tensor" and not value.grad_fn
                if reads and min(reads)[0] <= min(stores) and (name, loop) not in found and not leaf:
                    found.append((name, loop))
        return found


def _summed(crash: Crash, earlier: ast.Expr) -> Iterator[Offer]:
    """Two losses of one graph, each with its own backward: one backward of their sum gives the same gradients and walks the graph once."""
    code, second = crash.code, crash.statement
    calls = [one.value for one in (earlier, second) if isinstance(one, ast.Expr)]
    losses = [one.func.value for one in calls if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and not one.args]
    if second is None or len(losses) != 2 or any(call.keywords for call in calls if isinstance(call, ast.Call)):
        return
    first, last = (code.slice(one) for one in losses)
    if first != last and all(isinstance(one, ast.Name | ast.Attribute) for one in losses):
        edits = joined(replace_statement(code, earlier.lineno, f"({first} + {last}).backward()"), remove_statement(code, second.lineno))
        yield Offer("Go back through the sum of both losses", edits)


def _kept_state(crash: Crash) -> Iterator[Offer]:
    """A state that a model keeps from one call to the next: `out, self.state = self.rnn(x, self.state)`."""
    for node in crash.code.all(ast.Assign):
        parts = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else node.targets
        read = (
            {ast.unparse(one) for one in ast.walk(node.value) if isinstance(one, ast.Attribute)}
            if isinstance(node.value, ast.Call)
            else set()
        )
        for name in (ast.unparse(one) for one in parts if isinstance(one, ast.Attribute) and ast.unparse(one) in read):
            if not isinstance(node.targets[0], ast.Tuple):
                # What is kept is the result as well: only what comes from the step before is cut off.
                kept = [one for one in ast.walk(node.value) if isinstance(one, ast.Attribute) and ast.unparse(one) == name]
                edits = joined(*(wrap_expression(crash.code, one, "{}.detach()") for one in kept))
                yield Offer(f"Cut {name} off its history before each step", edits)
                continue
            for text in (f"{name} = {name}.detach()", f"{name} = tuple(part.detach() for part in {name})"):
                yield Offer(f"Cut {name} off its history after each step", insert_statement_after(crash.code, node.lineno, text))


def _made_of(crash: Crash, birth: ast.Assign) -> list[ast.Assign]:
    """An assignment and those above it in the same block whose graph it carries on."""
    found, seen = [birth], crash.frame.locals if crash.frame else {}
    for one in found:
        for node in ast.walk(one.value):
            made = crash.born(node) if isinstance(node, ast.Name) and node.id in seen and seen[node.id].grad_fn else None
            if made is not None and made.lineno < one.lineno and made not in found and made.col_offset == birth.col_offset:
                found.append(made)
    return found


def _is_backward(node: ast.Expr) -> bool:
    return isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute) and node.value.func.attr == "backward"
