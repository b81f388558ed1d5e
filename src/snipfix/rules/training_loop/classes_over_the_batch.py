"""An argmax over the samples instead of the classes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import CodemodError, replace_argument
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, each, flag, shape, words
from snipfix.rules.written import whole_value

LABELS = frozenset("y label labels target targets truth".split())


class ClassesOverTheBatch(Rule):
    """The predicted class is taken along dim 0, the batch.

    ## What it does
    Reports an argmax or max along dim 0 of scores (samples, classes) of a classifier that is trained with a loss over dim 1, or, in a text that
    only evaluates, an argmax along dim 0 that is compared with labels. Of scores (samples, steps, classes) that the loss gets flattened, one
    along the samples or the steps.

    ## Why is this bad?
    It names, for each class, the sample with the highest score. Where batch and classes have the same size the accuracy is computed all the
    same, and is meaningless.

    ## Example
    ```python
    predicted = model(x).argmax(dim=0)
    ```

    ## Use instead
    ```python
    predicted = model(x).argmax(dim=1)
    ```

    ## Fix safety
    Unsafe only in name.

    ## References
    - torch.argmax.
    """

    id = "SNF444"
    name = "classes-over-the-batch"
    category = Category.TRAINING_LOOP
    HEAD = "import torch, torch.nn as nn\nx = nn.Linear(4, 3)(torch.randn(3, 4))\ny = torch.tensor([0, 1, 2])\nnn.CrossEntropyLoss()(x, y).backward()\n"
    STEPS = (
        "import torch, torch.nn as nn\nscores = nn.Linear(4, 3)(torch.randn(2, 5, 4))\ny = torch.randint(0, 3, (2, 5))\n"
        "loss = nn.CrossEntropyLoss()(scores.view(-1, 3), y.view(-1))\n{}\n"
    )
    GOOD = (
        Good(STEPS.format("print((scores.argmax(dim=2) == y).float().mean())")),
        Good(STEPS.format("print(scores.max(dim=1).values)")),
        Good(HEAD.replace("torch.tensor([0, 1, 2])", "torch.arange(3)") + "print((x.argmax(dim=0) == y).float().mean())\n"),
        Good(HEAD + "print((x.argmax(dim=1) == y).float().mean())\n"),
        Good(HEAD + "print(x.max(dim=0).values)\n"),
    )
    BAD = (
        Bad(
            STEPS.format("_, tags = torch.max(scores, 1)  # 标签"),
            at=(5, 11),
            fixed=STEPS.format("_, tags = torch.max(scores, -1)  # 标签"),
        ),
        Bad(
            HEAD + "print((x.argmax(dim=0) == y).float().mean())\n",
            at=(5, 8),
            fixed=HEAD + "print((x.argmax(dim=1) == y).float().mean())\n",
        ),
        Bad(
            "import torch, torch.nn as nn\nlabels = torch.tensor([0, 1, 2])\nguess = torch.argmax(nn.Linear(4, 3)(torch.randn(3, 4)), 0)\n"
            "print((guess == labels).sum())\n",
            at=(3, 9),
            fixed="import torch, torch.nn as nn\nlabels = torch.tensor([0, 1, 2])\nguess = torch.argmax(nn.Linear(4, 3)(torch.randn(3, 4)), 1)\n"
            "print((guess == labels).sum())\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        for observation, span in each(outcome, context.code, "prediction"):
            facts = observation.facts
            if self._of_pairs(context, span):
                continue
            known = flag(facts, "classes_in_loss") or (facts.get("dim") == 0 and self._against_labels(context, span))
            if not known or (facts.get("function") == "max" and not self._unpacked(context, span)):
                continue
            size = shape(facts, "shape") or ()
            certain = len(size) == 2 and self._compared(context, span)
            message = (
                f"the class is taken along dim 0 of {list(size)}, which is the batch: one sample per class instead of one class per sample"
            )
            severity = None if certain else Severity.WARNING
            yield self.finding(message, span, stage=Stage.PROBE, evidence={"shape": size}, severity=severity)

        for observation, span in each(outcome, context.code, "prediction-of-steps"):
            facts = observation.facts
            if facts.get("function") == "argmax" or self._unpacked(context, span):
                size, dim = shape(facts, "shape") or (), facts.get("dim")
                message = f"the class is taken along dim {dim} of {list(size)}: the loss has the classes along the last one"
                yield self.finding(message, span, stage=Stage.PROBE, evidence={"shape": size, "dim": dim})

    def _of_pairs(self, context: Context, span: object) -> bool:
        """Whether what is chosen is compared with `torch.arange(n)`: scores of pairs, where the match of each row and of each column counts."""
        code = context.code
        node = code.node_at(span, ast.Call)  # type: ignore[arg-type]
        up = code.parents.get(node) if node is not None else None
        sides = [up.left, *up.comparators] if isinstance(up, ast.Compare) else []
        return any(called(whole_value(code, one) or one) == "arange" for one in sides)

    def _unpacked(self, context: Context, span: object) -> bool:
        node = context.code.node_at(span, ast.Call)  # type: ignore[arg-type]
        parent = context.code.parents.get(node) if node is not None else None
        return isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Tuple)

    def _against_labels(self, context: Context, span: object) -> bool:
        """Whether a text that trains nothing compares the result with labels by their name; not where scores of pairs are made."""
        code = context.code
        node = code.node_at(span, ast.Call)  # type: ignore[arg-type]
        if node is None or called(node) != "argmax" or code.calls("arange", "einsum", "matmul", "mm") or code.calls("backward"):
            return False
        up = code.parents.get(node)
        name = up.targets[0].id if isinstance(up, ast.Assign) and isinstance(up.targets[0], ast.Name) else ""
        for compare in code.all(ast.Compare):
            sides = [compare.left, *compare.comparators]
            if any(one is node or (isinstance(one, ast.Name) and one.id == name) for one in sides):
                return any(isinstance(one, ast.Name) and LABELS & set(words(one.id)) for one in sides)
        return False

    def _compared(self, context: Context, span: object) -> bool:
        """Whether the result goes straight into a comparison, or a name that does."""
        node = context.code.node_at(span, ast.Call)  # type: ignore[arg-type]
        parent = context.code.parents.get(node) if node is not None else None
        if isinstance(parent, ast.Compare):
            return True
        names = (
            {one.id for target in parent.targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            if isinstance(parent, ast.Assign)
            else set()
        )
        compares = (one for one in context.code.all(ast.Compare))
        return any(isinstance(one, ast.Name) and one.id in names for compare in compares for one in ast.walk(compare))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        taken, classes = (str(finding.evidence["dim"]), "-1") if "dim" in finding.evidence else ("0", "1")
        for which in ("dim", "axis", 1, 0):
            try:
                if isinstance(node, ast.Call) and (isinstance(which, str) or ast.unparse(node.args[which]) == taken):
                    yield self.fix("take the class along the classes", *replace_argument(context.code, node, which, classes))
                    return
            except (CodemodError, IndexError):
                continue
