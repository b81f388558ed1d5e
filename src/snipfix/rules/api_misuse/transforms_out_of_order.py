"""A transform for tensors is given an image: it stands before `ToTensor`, or `ToTensor` is missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer

HEAD = (
    "import torch\nfrom torch.utils.data import DataLoader\nfrom torchvision import datasets, transforms\n"
    'data = datasets.MNIST("data", train=True, download=True, transform=transforms.Compose([{}]))\n'
    "images, labels = next(iter(DataLoader(data, batch_size=4)))\n"
)
TENSORS = (
    "import torch\nfrom torchvision import transforms\npixels = torch.zeros(3, 28, 28, dtype=torch.uint8)  # 像素\n"
    "tf = transforms.Compose([{}transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])\nimage = tf(pixels[0])\n"
)
NORMALIZE, TENSOR = "transforms.Normalize((0.5,), (0.5,))", "transforms.ToTensor()"


class TransformsOutOfOrder(CrashRule):
    """A transform for tensors is given an image, or one for images a tensor.

    ## What it does
    Explains `Normalize`, `RandomErasing` and the like that stand before `ToTensor` in a `Compose`, or without one; and a `ToTensor` that is given a
    tensor, by a data set that holds tensors or by another transform before it.

    ## Why is this bad?
    The data set fails at its first item: these transforms compute with tensors, and the data set hands out images. `ToTensor` takes images and
    arrays alone.

    ## Example
    ```python
    transforms.Compose([transforms.Normalize((0.5,), (0.5,)), transforms.ToTensor()])
    ```

    ## Use instead
    ```python
    transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    ```

    ## Fix safety
    There is one order in which they work.

    ## References
    - torchvision.transforms.Normalize: "This transform does not support PIL Image."
    """

    id = "SNF328"
    name = "transforms-out-of-order"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("TypeError",)
    MESSAGES = (
        r"img should be Tensor Image",
        r"[Ii]nput tensor should be a (?:torch )?tensor\\.? Got <class 'PIL",
        r"tensor should be a torch tensor\\. Got <class 'PIL",
        r"Input img should be Tensor Image",
        r"(pic) should be PIL Image or ndarray\. Got <class 'torch\.Tensor'>",
    )
    GOOD = (
        Good(HEAD.format(f"{TENSOR}, {NORMALIZE}"), runs=False),
        Good("from torchvision import transforms\nt = transforms.Compose([transforms.CenterCrop(4), transforms.ToTensor()])\n"),
    )
    BAD = (
        Bad(HEAD.format(f"{NORMALIZE}, {TENSOR}"), at=(5, 18), fixed=HEAD.format(f"{TENSOR}, {NORMALIZE}")),
        Bad(TENSORS.format(""), at=(5, 9), fixed=TENSORS.format("transforms.ToPILImage(), ")),
        Bad(HEAD.format(NORMALIZE), at=(5, 18), fixed=HEAD.format(f"{TENSOR}, {NORMALIZE}")),
    )

    def says(self, crash: Crash) -> str:
        if crash.found:
            return "`ToTensor` is given a tensor: it takes images and arrays"
        return "a transform for tensors is given an image: `ToTensor` must stand before it"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if crash.found:
            yield from _of_tensors(crash)
            return
        for call in crash.code.calls("Compose"):
            items = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
            names = [_name(item) for item in items]
            early = next((at for at, name in enumerate(names) if name in FOR_TENSORS), None)
            if early is None or any(name in MAKERS for name in names[:early]):
                continue
            late = next((at for at, name in enumerate(names) if name in MAKERS), None)
            if late is not None:
                yield Offer(f"Put {names[late]} first", _moved(crash, items, late, early))
            else:
                prefix = ast.unparse(items[early]).partition(str(names[early]))[0]
                text = f"{prefix}ToTensor(), {crash.text(items[early])}"
                yield Offer("Make a tensor first", replace_expression(crash.code, items[early], text))


def _of_tensors(crash: Crash) -> Iterator[Offer]:
    """Of tensors, images are made first, which is what bytes need; or `ToTensor` goes, where the numbers are what they should be."""
    for call in crash.code.calls("Compose"):
        items = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
        names = [_name(item) for item in items]
        if "ToTensor" not in names:
            continue
        at = names.index("ToTensor")
        prefix = ast.unparse(items[at]).partition("ToTensor")[0]
        start = crash.code.range(crash.code.span(items[0]))[0]
        if not any(name in MAKERS for name in names[:at]):
            edit = Edit(start, start, f"{prefix}ToPILImage(), ")
            yield Offer("Make images of the tensors first", (edit,), applicability=Applicability.UNSAFE)
        if len(items) > 1:
            other = at - 1 if at else 1
            around = sorted((crash.code.range(crash.code.span(items[at])), crash.code.range(crash.code.span(items[other]))))
            edit = Edit(around[0][1], around[1][1], "") if at else Edit(around[0][0], around[1][0], "")
            yield Offer("Leave the tensors as they are", (edit,), applicability=Applicability.UNSAFE)


FOR_TENSORS = ("Normalize", "RandomErasing", "LinearTransformation")
MAKERS = ("ToTensor", "PILToTensor", "ToImage", "ToDtype")


def _name(item: ast.expr) -> str:
    called = item.func if isinstance(item, ast.Call) else item
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _moved(crash: Crash, items: list[ast.expr], late: int, early: int) -> tuple[Edit, ...]:
    """The items with one of them moved in front of an earlier one; each keeps its line."""
    order = [*range(early), late, *(at for at in range(early, len(items)) if at != late)]
    return tuple(
        edit for place, at in zip(items, order, strict=True) if place is not items[at]
        for edit in replace_expression(crash.code, place, crash.text(items[at]))
    )  # fmt: skip
