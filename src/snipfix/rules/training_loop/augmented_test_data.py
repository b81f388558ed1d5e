"""Test images cropped and flipped at random."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import only_value

__all__ = ["AugmentedTestData"]

TEST = frozenset("test val valid validation eval".split())
TRAIN = frozenset("train training".split())
AUGMENTING = frozenset("ColorJitter AutoAugment RandAugment TrivialAugmentWide AugMix".split())
HEAD = (
    "from torchvision import datasets, transforms\n\n"
    "augment = transforms.Compose([transforms.RandomCrop(28, padding=2), transforms.ToTensor()])\n"
    "test_transform = transforms.Compose([transforms.CenterCrop(28), transforms.ToTensor()])\n"
    'train_set = datasets.MNIST("data", train=True, transform=augment, download=True)\n'
)


class AugmentedTestData(Rule):
    """The data that a model is tested on goes through random augmentation.

    ## What it does
    Reports a data set that is made with `train=False`, `split="test"` or `"val"`, or under a name of testing, and with a transform that crops,
    flips, turns or recolours at random.

    ## Why is this bad?
    The score is that of distorted images, and another one each time. It is no score of the model.

    ## Example
    ```python
    test_set = CIFAR10(root, train=False, transform=train_transform)  # with RandomHorizontalFlip
    ```

    ## Use instead
    ```python
    test_set = CIFAR10(root, train=False, transform=test_transform)
    ```

    ## Fix safety
    Offered where the text has a transform for testing. The score changes.

    ## References
    - torchvision, "Transforming and augmenting images".
    """

    id = "SNF484"
    name = "augmented-test-data"
    category = Category.TRAINING_LOOP
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(HEAD + 'test_set = datasets.MNIST("data", train=False, transform=test_transform, download=True)\n'),
        Good(HEAD.replace("train=True", "train=False") + "print(len(train_set))\n"),
        Good(HEAD.replace("RandomCrop(28, padding=2)", "CenterCrop(28)") + 'test_set = datasets.MNIST("data", train=False, transform=augment)\n'),
        Good(HEAD + 'views = datasets.MNIST("data", train=True, transform=augment)\n'),
    )  # fmt: skip
    BAD = (
        Bad(
            HEAD + 'test_set = datasets.MNIST("data", train=False, transform=augment, download=True)  # 测试\n',
            at=(6, 58),
            fixed=HEAD + 'test_set = datasets.MNIST("data", train=False, transform=test_transform, download=True)  # 测试\n',
            runs=False,
        ),
        Bad(
            HEAD.replace("test_transform = ", "other = ")
            + 'val_set = datasets.ImageFolder("data/val", transforms.Compose([transforms.RandomHorizontalFlip(), transforms.ToTensor()]))\n',
            at=(6, 44),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        if "Random" not in code.text and not any(one in code.text for one in AUGMENTING):
            return
        for call in code.all(ast.Call):
            transform = _transform(call)
            if transform is None or not _is_for_testing(code, call):
                continue
            chain = only_value(code, ast.unparse(transform)) if isinstance(transform, ast.Name | ast.Attribute) else transform
            drawn = _augments(code, chain) if chain is not None else ""
            if drawn:
                evidence = {"instead": _for_testing(code, transform)}
                yield self.finding(
                    f"the test data goes through `{drawn}`: it is another one each time", code.span(transform), evidence=evidence
                )

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.expr)
        instead = finding.evidence.get("instead")
        if node is not None and isinstance(instead, str) and instead:
            yield self.fix("give the test data its own transform", *replace_expression(context.code, node, instead))


def _transform(call: ast.Call) -> ast.expr | None:
    """The transform that a data set is given."""
    given = next((one.value for one in call.keywords if one.arg == "transform"), None)
    if given is None and called(call) == "ImageFolder" and len(call.args) > 1:
        given = call.args[1]
    return given


def _is_for_testing(code: Code, call: ast.Call) -> bool:
    statement = code.parents.get(call)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    name = set(words(target.id if isinstance(target, ast.Name) else target.attr)) if isinstance(target, ast.Name | ast.Attribute) else set()
    if name & TRAIN or not name:
        return False
    told = {one.arg: one.value.value for one in call.keywords if isinstance(one.value, ast.Constant)}
    return bool(name & TEST) or told.get("train") is False or told.get("split") in TEST


def _augments(code: Code, chain: ast.expr) -> str:
    """The first transform of a chain that draws random numbers."""
    for call in code.all(ast.Call, inside=chain):
        name = called(call)
        if name in AUGMENTING or (name.startswith("Random") and name not in ("RandomApply", "RandomChoice", "RandomOrder")):
            return name
    return ""


def _for_testing(code: Code, used: ast.expr) -> str:
    """The name of the one transform that the text makes for testing."""
    names = {
        one.id
        for node in code.all(ast.Assign)
        for one in node.targets
        if isinstance(one, ast.Name) and TEST & set(words(one.id)) and {"transform", "transforms", "tfms", "tf"} & set(words(one.id))
        and isinstance(node.value, ast.Call) and not _augments(code, node.value) and node.lineno < used.lineno
    }  # fmt: skip
    return names.pop() if len(names) == 1 else ""
