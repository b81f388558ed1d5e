"""A model evaluated with its dropout on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import insert_statement_before
from snipfix.evidence import Outcome
from snipfix.model import Category, Edit, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import statement_of
from snipfix.rules.observed import called, each, flag, items, text, words
from snipfix.rules.training_loop.fitted_on_test_data import TEST, TRAIN
from snipfix.rules.training_loop.loops import home, loops_around, walked

WITHOUT_GRADIENTS = re.compile(r"\b(no_grad|inference_mode)\b")
ON_PURPOSE = re.compile(r"monte.?carlo|mc_?dropout|uncertain|\.eval\(|\.train\(False\)", re.IGNORECASE)

SCORES = ("argmax", "max", "topk", "round", "eq", "item", "accuracy_score", "f1_score", "classification_report", "roc_auc_score")

TESTED = (
    "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
    "train_set, test_set = [(torch.ones(2, 3), torch.zeros(2).long())] * 2, [(torch.ones(2, 3), torch.zeros(2).long())]\n"
)
LEARNT = "for x, y in train_set:\n    o.zero_grad()\n    nn.functional.cross_entropy(m(x), y).backward()\n    o.step()\n"
COUNTED = "{}right = 0\nfor x, y in test_set:\n    right += (m(x).argmax(1) == y).sum().item()\n"
EPOCH = (
    "def epoch(model, data, opt=None):\n    total = 0.0\n    for x, y in data:\n        loss = nn.functional.cross_entropy(model(x), y)\n"
    "        if opt is not None:\n            opt.zero_grad()\n            loss.backward()\n            opt.step()\n"
    "        total += loss.item()\n    return total\n\nfor _ in range(2):\n{}    epoch(m, train_set, o)\n{}    print(epoch(m, test_set))\n"
)


class EvaluationInTrainingMode(Rule):
    """After training, the model is tested while it is still in training mode.

    ## What it does
    Reports a call under `torch.no_grad()` of a trained model that has dropout or batch normalisation and is in training mode; with gradients,
    where the data is that of a test or validation by its name, a score is taken and the text never calls `eval()`. The generator of an
    adversarial pair is left alone: samples are drawn from it as it is trained. So is a call whose result nobody takes.

    ## Why is this bad?
    Dropout goes on dropping at random and batch normalisation uses (and changes) the statistics of the test batch: the measured quality is
    not the model's.

    ## Example
    ```python
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean()
    ```

    ## Use instead
    ```python
    model.eval()
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean()
    ```

    ## Fix safety
    Unsafe: training that goes on afterwards needs `model.train()` again.

    ## References
    - PyTorch notes "Autograd mechanics", "Evaluation Mode".
    """

    id = "SNF436"
    name = "evaluation-in-training-mode"
    category = Category.TRAINING_LOOP
    GOOD = (
        Good(
            "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nm.eval()\nwith torch.no_grad():\n    print(m(torch.ones(2, 3)).shape)\n"
        ),
        Good(
            "import torch, torch.nn as nn\nm = nn.Linear(3, 2)\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nwith torch.no_grad():\n    print(m(torch.ones(2, 3)).shape)\n"
        ),
        Good(
            "import torch, torch.nn as nn\ng = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\nd = nn.Linear(4, 1)\n"
            "fixed_noise = torch.randn(5, 3)\no = torch.optim.SGD(g.parameters(), lr=0.1)\n"
            "nn.functional.softplus(-d(g(torch.randn(5, 3)))).mean().backward()\no.step()\n"
            "with torch.no_grad():\n    samples = g(fixed_noise)\n"
        ),
        Good(
            "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nwith torch.no_grad():\n    for x in torch.randn(3, 2, 3):\n        m(x)\n"
            "m.eval()\nprint(m(torch.ones(2, 3)).shape)\n"
        ),
        Good(TESTED + LEARNT + COUNTED.format("m.eval()\n")),
        Good(TESTED + LEARNT + "test_input = torch.zeros(1, 3)\nprint(m(test_input).shape)\n"),
        Good(TESTED.replace("nn.Dropout(0.5)", "nn.ReLU()") + LEARNT + COUNTED.format("")),
    )
    BAD = (
        Bad(
            "import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nwith torch.no_grad():\n    print(m(torch.ones(2, 3)).shape)\n",
            at=(7, 11),
            fixed="import torch, torch.nn as nn\nm = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))\no = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "m(torch.ones(2, 3)).sum().backward()\no.step()\nm.eval()\nwith torch.no_grad():\n    print(m(torch.ones(2, 3)).shape)\n",
        ),
        Bad(
            TESTED + LEARNT + COUNTED.format(""),
            at=(11, 15),
            fixed=TESTED + LEARNT + COUNTED.format("").replace("for x", "m.eval()\nfor x"),
        ),
        Bad(TESTED + EPOCH.format("", ""), at=(18, 11), fixed=TESTED + EPOCH.format("    m.train()\n", "    m.eval()\n")),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        generators = {text(one.facts, "maker", "path") for one in outcome.seen("adversary")}
        for observation, span in each(outcome, context.code, "training-mode"):
            if text(observation.facts, "module", "path") in generators:
                continue
            if isinstance(context.code.parents.get(context.code.node_at(span, ast.Call) or context.code.tree), ast.Expr):
                continue  # nobody looks at the result: the running statistics are brought up to date
            if flag(observation.facts, "graph"):
                tested = _tested(context.code, context.code.node_at(span, ast.Call))
                if tested is None:
                    continue
                span = context.code.span(tested)
            layers = [one for one in items(observation.facts, "layers") if isinstance(one, str)]
            message = f"the model is evaluated in training mode: its {' and '.join(layers)} layers still act as in training"
            severity = Severity.WARNING if ON_PURPOSE.search(context.code.text) else None
            evidence = {"layers": layers, "module": text(observation.facts, "module", "path")}
            yield self.finding(message, span, stage=Stage.PROBE, evidence=evidence, severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node = code.node_at(finding.span, ast.Call)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return
        title = "switch to evaluation mode first"
        function = _defined(code, node)
        if function is not None:  # a function that trains and tests: here it tests
            models = _arguments(function, node)
            for call in code.all(ast.Call, function):
                model = models.get(called(call)) if isinstance(call.func, ast.Name) else None
                if isinstance(model, ast.Name):
                    before = insert_statement_before(code, node.lineno, f"{model.id}.eval()")
                    loops = loops_around(code, node)
                    again = insert_statement_before(code, loops[-1].body[0].lineno, f"{model.id}.train()") if loops else ()
                    yield self.fix(title, *again, *before)
                    return
        for up in code.ancestors(node):
            if isinstance(up, ast.With) and any(called(item.context_expr) in {"no_grad", "inference_mode"} for item in up.items):
                yield self.fix(title, *insert_statement_before(code, up.lineno, f"{node.func.id}.eval()"))
                return
            if isinstance(up, ast.FunctionDef) and any(WITHOUT_GRADIENTS.search(ast.unparse(one)) for one in up.decorator_list):
                yield self.fix(title, *_at_head(code, up, f"{node.func.id}.eval()"))
                return
        yield from self._with_gradients(code, node, title)

    def _with_gradients(self, code: Code, node: ast.Call, title: str) -> Iterator[Fix]:
        """Before the loop over the test data, or at the head of the function that tests; trained on afterwards, it has to be switched back."""
        model, function, loops = written(node.func), home(code, node), loops_around(code, node)
        if isinstance(function, ast.FunctionDef):
            returns = [one for one in function.body if isinstance(one, ast.Return)]
            head = _at_head(code, function, f"{model}.eval()")
            yield self.fix(title, *head)
            if returns:
                yield self.fix(title, *head, *insert_statement_before(code, returns[-1].lineno, f"{model}.train()"), preference=1)
            return
        over = [one for one in loops if not code.calls("backward", inside=one)]
        start = over[-1] if over else statement_of(code, node)
        if start is not None:
            edits = insert_statement_before(code, start.lineno, f"{model}.eval()")
            again = loops[len(over)].body[0] if len(over) < len(loops) else None
            yield self.fix(title, *(insert_statement_before(code, again.lineno, f"{model}.train()") if again else ()), *edits)


def _at_head(code: Code, function: ast.FunctionDef, text: str) -> tuple[Edit, ...]:
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return insert_statement_before(code, first.lineno, text)


def _tested(code: Code, call: ast.AST | None) -> ast.Call | None:
    """The call by which a model that records gradients is plainly tested: of the model on test data, or of a function given test data."""
    if not isinstance(call, ast.Call) or code.calls("eval") or any(one.args for one in code.calls("train")) or ON_PURPOSE.search(code.text):
        return None
    function = home(code, call)
    around = next((one for one in loops_around(code, call)), function if isinstance(function, ast.FunctionDef) else None)
    if around is not None and not code.calls("backward", inside=around):
        over = walked(around)
        if over is not None and _of_test(over) and _scored(code, around):
            return call
    after = statement_of(code, call)
    if any(_of_test(one) for one in call.args) and after is not None and _scored(code, around or code.tree, after.lineno):
        return call
    if isinstance(function, ast.FunctionDef) and not any(_of_test(one) for one in call.args):
        for other in code.calls(function.name):
            if any(_of_test(one) for one in [*other.args, *(one.value for one in other.keywords)]):
                return other if code.calls("backward", inside=function) else call
    return None


def _of_test(node: ast.expr) -> bool:
    names = [one.id if isinstance(one, ast.Name) else one.attr for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute)]
    found = [words(name) for name in names]
    return any(set(one) & TEST and (len(one) > 1 or one == ("test",)) for one in found) and not any(set(one) & TRAIN for one in found)


def _scored(code: Code, inside: ast.AST, line: int = 0) -> bool:
    """Whether a score is taken there: a class is chosen, or a loss or a count is summed."""
    return any(one.lineno >= line for one in code.calls(*SCORES, inside=inside))


def _defined(code: Code, call: ast.Call) -> ast.FunctionDef | None:
    return next((one for one in code.all(ast.FunctionDef) if one.name == called(call)), None)


def _arguments(function: ast.FunctionDef, call: ast.Call) -> dict[str, ast.expr]:
    """What a call gives the parameters of a function."""
    given = dict(zip([one.arg for one in function.args.args], call.args, strict=False))
    return given | {one.arg: one.value for one in call.keywords if one.arg}
