"""Arguments and methods that went: size_average, retain_variables, volatile, verbose, .data[0], .next(), torch.range."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import calls
from snipfix.model import Applicability, Category, Edit, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.deprecated.keywords import brought_up_to_date, outdated
from snipfix.rules.values import literal


class LegacyReduction(Rule):
    """A loss is given `size_average` or `reduce`, which `reduction` replaced.

    ## What it does
    Reports `size_average=` and `reduce=` in calls of torch's losses.

    ## Why is this bad?
    They warn since torch 0.4.1, and how the two interact is hard to remember.

    ## Example
    ```python
    criterion = nn.MSELoss(size_average=False)
    ```

    ## Use instead
    ```python
    criterion = nn.MSELoss(reduction="sum")
    ```

    ## Fix safety
    Safe: the table of torch itself says which reduction each pair of values means. A variable chooses it, which is unsafe where it may be None.

    ## References
    - torch.nn._reduction.legacy_get_string.
    """

    id = "SNF133"
    name = "legacy-reduction-arguments"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.SAFE
    GOOD = (
        Good("import torch.nn as nn\n\nnn.MSELoss(reduction='sum')"),
        Good("def MSELoss(size_average):\n    return size_average\n\nMSELoss(size_average=False)"),
    )
    BAD = (
        Bad("import torch.nn as nn\n\nloss = nn.MSELoss(size_average=False)  # 求和\n", at=(3, 19), fixed='import torch.nn as nn\n\nloss = nn.MSELoss(reduction="sum")  # 求和\n'),
        Bad("import torch.nn as nn\n\nloss = nn.NLLLoss(None, size_average=True, ignore_index=1, reduce=False)\n", at=(3, 25), fixed='import torch.nn as nn\n\nloss = nn.NLLLoss(None, reduction="none", ignore_index=1)\n'),
        Bad("import torch.nn as nn\n\nfor mean in (True, False):\n    loss = nn.MSELoss(size_average=mean)\n", at=(4, 23), fixed='import torch.nn as nn\n\nfor mean in (True, False):\n    loss = nn.MSELoss(reduction="mean" if mean else "sum")\n'),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        if "size_average" not in context.code.text and "reduce" not in context.code.text:
            return
        for call, name in context.scopes.calls:
            old = _legacy(call)
            if old and name.startswith("torch.nn.") and (name.endswith("Loss") or name.startswith("torch.nn.functional.")):
                yield self.finding(f"`{old[0].arg}` was replaced by `reduction` in torch 0.4.1", context.code.span(old[0]))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, _ in context.scopes.calls:
            old = _legacy(call)
            if not old or context.code.span(old[0]) != finding.span:
                continue
            if len(old) == 1 and not isinstance(old[0].value, ast.Constant):
                yield self._chosen(context, old[0])
            if not all(isinstance(one.value, ast.Constant) for one in old):
                continue
            values = {one.arg: one.value.value for one in old if isinstance(one.value, ast.Constant)}
            mean, reduce = (values.get(name) is not False for name in ("size_average", "reduce"))
            reduction = "none" if not reduce else "mean" if mean else "sum"
            edits = [Edit(*context.code.range(context.code.span(old[0])), f'reduction="{reduction}"')]
            for other in old[1:]:
                assert other.arg
                edits += calls.remove_argument(context.code, call, other.arg)
            yield self.fix(f'Write `reduction="{reduction}"`', *edits, meaning=Meaning.KEEPS)

    def _chosen(self, context: Context, old: ast.keyword) -> Fix:
        """The reduction that a truth value of the text chooses."""
        yes, no = ("mean", "sum") if old.arg == "size_average" else ("mean", "none")
        asked = context.code.slice(old.value)
        asked = f"({asked})" if isinstance(old.value, ast.IfExp | ast.Lambda) else asked
        edit = Edit(*context.code.range(context.code.span(old)), f'reduction="{yes}" if {asked} else "{no}"')
        return self.fix("Choose the reduction", edit, applicability=Applicability.UNSAFE, meaning=Meaning.KEEPS)


def _legacy(call: ast.Call) -> list[ast.keyword]:
    return [keyword for keyword in call.keywords if keyword.arg in {"size_average", "reduce"}]


class RemovedArgument(Rule):
    """A call is given a keyword that is gone.

    ## What it does
    Reports `backward(retain_variables=...)`, `TensorDataset(data_tensor=..., target_tensor=...)`, `verbose=` of the learning-rate schedulers, and
    what transformers' trainers and tokenizers and torchvision's transforms no longer take: `evaluation_strategy=`, `tokenizer=`, `pad_to_max_length=`.

    ## Why is this bad?
    The call raises `TypeError`, or, of a tokenizer, does not do what it is told.

    ## Example
    ```python
    loss.backward(retain_variables=True)
    ```

    ## Use instead
    ```python
    loss.backward(retain_graph=True)
    ```

    ## Fix safety
    Safe: the keyword is renamed, or goes where it only printed or where the argument is positional today.

    ## References
    - Release notes of PyTorch 0.2, 0.4 and 2.7, torchvision 0.12, transformers 3, 4.46 and 5.
    """

    id = "SNF134"
    name = "removed-argument"
    category = Category.DEPRECATED
    applicability = Applicability.SAFE
    GOOD = (
        Good("import torch\n\nx = torch.ones(1, requires_grad=True)\nx.backward(retain_graph=True)"),
        Good("def fit(verbose):\n    return verbose\n\nfit(verbose=True)"),
        Good(
            "import transformers\n\ndef encode(text, pad_to_max_length):\n    return text\n\nencode('a', pad_to_max_length=True)",
            runs=False,
        ),
    )
    BAD = (
        Bad("import torch\n\nx = torch.ones(1, requires_grad=True)\nx.backward(retain_variables=True)  # 保留\n", at=(4, 12), fixed="import torch\n\nx = torch.ones(1, requires_grad=True)\nx.backward(retain_graph=True)  # 保留\n"),
        Bad("import torch\nfrom torch.utils.data import TensorDataset\n\nx = torch.ones(3)\ndata = TensorDataset(data_tensor=x, target_tensor=x)\n", at=(5, 22), fixed="import torch\nfrom torch.utils.data import TensorDataset\n\nx = torch.ones(3)\ndata = TensorDataset(x, x)\n"),
        Bad("import torch\n\nopt = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)\ns = torch.optim.lr_scheduler.StepLR(opt, 3, verbose=True)\n", at=(4, 45), fixed="import torch\n\nopt = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)\ns = torch.optim.lr_scheduler.StepLR(opt, 3)\n"),
        Bad("from torchvision import transforms\n\nturn = transforms.RandomAffine(10, resample=transforms.InterpolationMode.BILINEAR, fillcolor=1)\n", at=(3, 36), fixed="from torchvision import transforms\n\nturn = transforms.RandomAffine(10, interpolation=transforms.InterpolationMode.BILINEAR, fill=1)\n"),
        Bad("from transformers import Trainer, TrainingArguments\n\nargs = TrainingArguments('out', evaluation_strategy='epoch', overwrite_output_dir=True)\n", at=(3, 33), fixed="from transformers import Trainer, TrainingArguments\n\nargs = TrainingArguments('out', eval_strategy='epoch')\n", runs=False),
        Bad("from transformers import BertTokenizer\n\ntokenizer = BertTokenizer.from_pretrained('bert-base-uncased')\nids = tokenizer('a b', max_length=8, pad_to_max_length=True)\n", at=(4, 38), fixed="from transformers import BertTokenizer\n\ntokenizer = BertTokenizer.from_pretrained('bert-base-uncased')\nids = tokenizer('a b', max_length=8, padding=\"max_length\")\n", runs=False),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for _, old in outdated(context):
            yield self.finding(f"`{old[0][0].arg}` is no argument of this call any more", context.code.span(old[0][0]))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, old in outdated(context):
            if context.code.span(old[0][0]) == finding.span:
                edits = [edit for keyword, new in old for edit in brought_up_to_date(context, call, keyword, new)]
                yield self.fix("Bring the arguments up to date", *edits, meaning=Meaning.KEEPS)


class ScalarDataIndex(Rule):
    """A loss is read with `.data[0]`, as before torch 0.4.

    ## What it does
    Reports `x.data[0]` where `x` is named as a loss.

    ## Why is this bad?
    A loss has no dimension to index since torch 0.4: it raises `IndexError`.

    ## Example
    ```python
    print(loss.data[0])
    ```

    ## Use instead
    ```python
    print(loss.item())
    ```

    ## Fix safety
    Safe for a tensor of one element; running shows whether it is one.

    ## References
    - PyTorch 0.4.0 migration guide, "Support for 0-dimensional (scalar) Tensors".
    """

    id = "SNF135"
    name = "scalar-data-index"
    category = Category.DEPRECATED
    applicability = Applicability.SAFE
    GOOD = (
        Good("import torch\n\nweights = torch.ones(2)\nprint(weights.data[0])"),
        Good("import torch\n\nloss = torch.ones(2).sum()\nprint(loss.data.item())"),
    )
    BAD = (
        Bad("import torch\n\ntotal = 0.0\ntrain_loss = torch.ones(2).mean()\ntotal += train_loss.data[0]  # 累计\n", at=(5, 10), fixed="import torch\n\ntotal = 0.0\ntrain_loss = torch.ones(2).mean()\ntotal += train_loss.item()  # 累计\n"),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for node, owner in _data_indexes(context):
            yield self.finding(f"`{owner.id}` has no dimension to index", context.code.span(node))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for node, owner in _data_indexes(context):
            if context.code.span(node) == finding.span:
                edit = Edit(*context.code.range(context.code.span(node)), f"{owner.id}.item()")
                yield self.fix("Use `.item()`", edit, meaning=Meaning.KEEPS)


def _data_indexes(context: Context) -> Iterator[tuple[ast.Subscript, ast.Name]]:
    for node in context.code.by_type[ast.Subscript]:
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and node.slice.value == 0
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "data"
            and isinstance(node.value.value, ast.Name)
            and (node.value.value.id.lower().endswith("loss") or node.value.value.id.lower().startswith("loss"))
        ):
            yield node, node.value.value


class IteratorNextMethod(Rule):
    """`.next()` is called on an iterator.

    ## What it does
    Reports `it.next()` where `it` is assigned from `iter(...)`.

    ## Why is this bad?
    Iterators have no method of this name in Python 3, and the one of a DataLoader lost it in torch 1.13.

    ## Example
    ```python
    images, labels = iter(loader).next()
    ```

    ## Use instead
    ```python
    images, labels = next(iter(loader))
    ```

    ## Fix safety
    Safe: it is the same step.

    ## References
    - Python documentation, `next`; pytorch/pytorch issue 84815.
    """

    id = "SNF136"
    name = "iterator-next-method"
    category = Category.DEPRECATED
    applicability = Applicability.SAFE
    GOOD = (
        Good("it = iter([1])\nprint(next(it))"),
        Good("class Node:\n    def next(self):\n        return None\n\nnode = Node()\nnode.next()"),
    )
    BAD = (
        Bad("it = iter([1, 2])\nx = it.next()  # 第一个\n", at=(2, 5), fixed="it = iter([1, 2])\nx = next(it)  # 第一个\n"),
        Bad("x = iter([1, 2]).next()\n", at=(1, 5), fixed="x = next(iter([1, 2]))\n"),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call, _ in _next_calls(context):
            yield self.finding("an iterator has no method `next`", context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, owner in _next_calls(context):
            if context.code.span(call) == finding.span:
                edit = Edit(*context.code.range(context.code.span(call)), f"next({context.code.slice(owner)})")
                yield self.fix("Use `next(...)`", edit, meaning=Meaning.KEEPS)


def _next_calls(context: Context) -> Iterator[tuple[ast.Call, ast.expr]]:
    for call, name in context.scopes.calls:
        if name != ".next" or call.args or call.keywords or not isinstance(call.func, ast.Attribute):
            continue
        owner: ast.expr | None = call.func.value
        if isinstance(owner, ast.Name):
            bound = context.scopes.bindings(owner)
            owner = bound[0].value if bound and all(_is_iter(one.value) for one in bound) else None
        if _is_iter(owner):
            yield call, call.func.value


def _is_iter(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "iter"


class TorchRange(Rule):
    """`torch.range` is called, whose end is part of the result.

    ## What it does
    Reports calls of `torch.range`.

    ## Why is this bad?
    It is deprecated because Python's `range` leaves the end out. `torch.arange(0, 10)` in its place is not enough: that one is of whole numbers,
    where `torch.range(0, 9)` is of floats.

    ## Example
    ```python
    torch.range(0, 9)
    ```

    ## Use instead
    ```python
    torch.arange(0.0, 10.0)
    ```

    ## Fix safety
    Safe where start, end and step are literals: then the same values come out in the same dtype. Elsewhere there is no fix.

    ## References
    - Documentation of torch.range.
    """

    id = "SNF137"
    name = "torch-range"
    category = Category.DEPRECATED
    severity = Severity.WARNING
    applicability = Applicability.SAFE
    GOOD = (Good("import torch\n\nprint(torch.arange(3), range(2))"), Good("def range_(torch):\n    return torch.range(1)"))
    BAD = (
        Bad("import torch\n\nx = torch.range(0, 9)\n", at=(3, 5), fixed="import torch\n\nx = torch.arange(0.0, 10.0)\n"),
        Bad("import torch\n\nx = torch.range(1, 9, 3)\n", at=(3, 5), fixed="import torch\n\nx = torch.arange(1.0, 10.0, 3.0)\n"),
        Bad("import torch\n\nx = torch.range(0, 1.5, 0.5, dtype=torch.float64)\n", at=(3, 5), fixed="import torch\n\nx = torch.arange(0.0, 2.0, 0.5, dtype=torch.float64)\n"),
        Bad("import torch\n\nn = 3\nx = torch.range(0, n)\n", at=(4, 5)),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in context.scopes.calls:
            if name == "torch.range":
                yield self.finding("`torch.range` is deprecated: its end is part of the result", context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        for call, name in context.scopes.calls:
            if name != "torch.range" or context.code.span(call) != finding.span or len(call.args) < 2:
                continue
            numbers = [literal(one) for one in call.args]
            if any(number is None for number in numbers):
                return
            start, end, *rest = (float(number) for number in numbers if number is not None)
            step = rest[0] if rest else 1.0
            steps = (end - start) / step if step else -1
            if steps < 0 or len(numbers) > 3:
                return
            stop = start + (int(steps) + 1) * step
            values = [repr(start), repr(stop), *([repr(step)] if rest else [])]
            edits = [Edit(*context.code.range(context.code.span(one)), text) for one, text in zip(call.args, values, strict=True)]
            at = context.code.range(context.code.span(call.func))
            old = context.code.slice(call.func)
            yield self.fix("Use `torch.arange`", Edit(*at, old[: -len("range")] + "arange"), *edits, meaning=Meaning.KEEPS)
