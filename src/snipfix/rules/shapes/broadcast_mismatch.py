"""Two tensors are combined whose shapes do not broadcast."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from snipfix.codemods import add_keyword, insert_statement_after, joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword, operands, wrapped
from snipfix.rules.observed import called
from snipfix.rules.shapes.heads import heads_in_front
from snipfix.rules.widths import argument_of, width_offers

BLOCK = (
    "import torch\nimport torch.nn as nn\n\nclass Block(nn.Module):\n    def __init__(self, i, o):\n        super().__init__()\n"
    "        self.conv = nn.Conv2d(i, o, 3, padding=1)\n{}\n    def forward(self, x):\n        return self.conv(x) + {}\n\n"
    "y = Block(2, 3)(torch.ones(1, 2, 5, 5))\n"
)


class BroadcastMismatch(CrashRule):
    """Two tensors are combined whose shapes do not broadcast.

    ## What it does
    Explains arithmetic and comparisons of tensors with sizes that differ in a dimension where neither is one.

    ## Why is this bad?
    The program stops. Usually an axis of size one is missing (weights times vectors), an operand is transposed, or a table is longer than the sequence.

    ## Example
    ```python
    weights = torch.ones(4, 7)
    states = torch.ones(4, 7, 5)
    (weights * states).sum(1)
    ```

    ## Use instead
    ```python
    weights = torch.ones(4, 7)
    states = torch.ones(4, 7, 5)
    (weights.unsqueeze(-1) * states).sum(1)
    ```

    ## Fix safety
    An axis is added only where the result then has the shape of the larger operand.

    ## References
    - PyTorch, Broadcasting semantics
    """

    id = "SNF205"
    name = "broadcast-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
        r"output with shape \[.*\] doesn't match the broadcast shape",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ny = torch.ones(4, 7, 1) * torch.ones(4, 7, 5)\n"),
        Good("import torch\nimport torch.nn as nn\ny = torch.ones(7, 5) * torch.ones(4, 7, 5)\n"),
    )
    BAD = (
        Bad(
            BLOCK.format("", "x"),
            at=(10, 16),
            fixed=BLOCK.format("        self.shortcut = nn.Identity() if i == o else nn.Conv2d(i, o, kernel_size=1)\n", "self.shortcut(x)"),
        ),
        Bad(
            "import torch\nbars = torch.linspace(0.9, 0.1, 10)\n\ndef noisy(x, t, noise):\n    a = bars[t]\n    return a.sqrt() * x + (1 - a).sqrt() * noise\n\n"
            "x = torch.ones(3, 1, 8, 8)\nprint(noisy(x, torch.tensor([1, 2, 3]), x).shape)\n",
            at=(6, 12),
            fixed="import torch\nbars = torch.linspace(0.9, 0.1, 10)\n\ndef noisy(x, t, noise):\n    a = bars[t].view(-1, 1, 1, 1)\n    return a.sqrt() * x + (1 - a).sqrt() * noise\n\n"
            "x = torch.ones(3, 1, 8, 8)\nprint(noisy(x, torch.tensor([1, 2, 3]), x).shape)\n",
        ),
        Bad(
            "import torch\nimport torch.nn.functional as F\nprobs = torch.rand(2, 4, 5, 6)\nlabels = torch.zeros(2, 5, 6, dtype=torch.long)\nonehot = F.one_hot(labels, 4).float()  # 独热\nprint((probs * onehot).sum())\n",
            at=(6, 8),
            fixed="import torch\nimport torch.nn.functional as F\nprobs = torch.rand(2, 4, 5, 6)\nlabels = torch.zeros(2, 5, 6, dtype=torch.long)\nonehot = F.one_hot(labels, 4).permute(0, 3, 1, 2).float()  # 独热\nprint((probs * onehot).sum())\n",
        ),
        Bad(
            "import torch\nscores = torch.rand(3, 7, 5)\nlabels = torch.zeros(3, 7)\npred = scores.argmax(dim=1)\nprint((pred == labels).float().mean())\n",
            at=(5, 8),
            fixed="import torch\nscores = torch.rand(3, 7, 5)\nlabels = torch.zeros(3, 7)\npred = scores.argmax(dim=-1)\nprint((pred == labels).float().mean())\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nweights = torch.ones(4, 7)\nstates = torch.ones(4, 7, 5)\ncontext = (weights * states).sum(1)\n",
            at=(5, 12),
            fixed="import torch\nimport torch.nn as nn\nweights = torch.ones(4, 7)\nstates = torch.ones(4, 7, 5)\ncontext = (weights.unsqueeze(-1) * states).sum(1)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return len(crash.tensors) >= 2 and not any(word in crash.operation.name for word in ("loss", "entropy", "linear"))

    def says(self, crash: Crash) -> str:
        first, second = (shape_text(value.shape) for value in crash.tensors[:2])
        return f"shapes {first} and {second} do not broadcast"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        both = operands(crash)
        shapes = [tuple(value.shape or ()) for value in crash.tensors[:2]]
        if both is None:
            return
        if crash.operation.name.rpartition(".")[2].strip("_") in ("matmul", "rmatmul"):
            yield from heads_in_front(crash, both, (shapes[0], shapes[1]))
        for one in both:
            yield from _cut_along_the_batch(crash, one)
        yield from _classes_last(crash, both[0], shapes[0], shapes[1])
        yield from _classes_last(crash, both[1], shapes[1], shapes[0])
        yield from _positions_looked_up(crash, both)
        yield from _per_channel(crash, both, shapes)
        yield from _weights_of_classes(crash, both, shapes)
        yield from _per_sample(crash, both, shapes)
        for small, large in ((0, 1), (1, 0)):
            for at in range(len(shapes[small]), -1, -1):
                grown = (*shapes[small][:at], 1, *shapes[small][at:])
                if len(grown) <= len(shapes[large]) and _broadcast(grown, shapes[large]) == shapes[large]:
                    dim = -1 if at == len(shapes[small]) and at > 1 else at
                    yield from wrapped(crash, both[small], f"{{}}.unsqueeze({dim})", "Add the missing axis")
            for at in range(len(shapes[small]), 0, -1):
                grown = (*shapes[small][:at], 1, 1, *shapes[small][at:])
                if len(grown) <= len(shapes[large]) and _broadcast(grown, shapes[large]) == shapes[large]:
                    yield from wrapped(crash, both[small], f"{{}}.unsqueeze({at}).unsqueeze({at + 1})", "Add the missing axes")
        yield from _each_with_each(crash, both, shapes)
        yield from _strided_shortcut(crash, shapes)
        yield from _projected_shortcut(crash, both)
        yield from _resized_parameter(crash, both, shapes)
        yield from self._classes_elsewhere(crash, both)
        yield from self._rearranged(crash, both, shapes)

    @staticmethod
    def _classes_elsewhere(crash: Crash, both: tuple[ast.expr, ast.expr]) -> Iterator[Offer]:
        """Predicted classes that were taken along another dim than the last, which holds the scores."""
        for one in both:
            birth = crash.born(one) if isinstance(one, ast.Name) else None
            made = birth.value if birth is not None else one
            if isinstance(made, ast.Call) and called(made) == "argmax":
                dim = keyword(made, "dim") or (made.args[-1] if made.args and isinstance(made.args[-1], ast.Constant) else None)
                if dim is not None and ast.unparse(dim) != "-1":
                    yield Offer("Take the class along the scores, the last dim", replace_expression(crash.code, dim, "-1"))

    def _rearranged(self, crash: Crash, both: tuple[ast.expr, ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
        for one, other in ((1, 0), (0, 1)):
            shape, goal = shapes[one], shapes[other]
            for first, second in combinations(range(len(shape)), 2) if len(shape) == len(goal) < 4 else ():
                turned = list(shape)
                turned[first], turned[second] = turned[second], turned[first]
                if _broadcast(tuple(turned), goal) in (goal, tuple(turned)):
                    yield from wrapped(crash, both[one], f"{{}}.transpose({first}, {second})", "Exchange two axes")
            # What is compared with `==` belongs together entry by entry: nothing of it may be cut off.
            for axis in range(1, len(shape) + 1) if crash.operation.name.rpartition(".")[2] not in ("eq", "__eq__", "ne") else ():
                size = goal[-axis] if axis <= len(goal) else 0
                cut = (*shape[:-axis], size, *shape[len(shape) - axis + 1 :])
                if axis == len(shape) and (isinstance(both[one], ast.Call) or (axis == 1 and _is_computed(crash, both[one]))):
                    continue  # what a layer or a loss gives is no table, and its first axis are the samples
                if 0 < size < shape[-axis] and _broadcast(cut, goal) == goal and isinstance(both[other], ast.Name):
                    length = f"{crash.text(both[other])}.size({len(goal) - axis})"
                    before = ":, " * (len(shape) - axis)
                    yield from wrapped(crash, both[one], f"{{}}[{before}:{length}]", "Cut the table to the length of the sequence")
            yield from _cut_twice(crash, both[one], both[other], shape, goal)
            for at, size in enumerate(shape):
                squeezed = (*shape[:at], *shape[at + 1 :])
                if size == 1 and _broadcast(squeezed, goal) == goal:
                    yield from wrapped(crash, both[one], f"{{}}.squeeze({at})", "Drop the axis of size one")


def _broadcast(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that two shapes broadcast to; None when they do not."""
    length = max(len(one), len(two))
    pairs = list(zip((1,) * (length - len(one)) + one, (1,) * (length - len(two)) + two, strict=True))
    return tuple(max(pair) for pair in pairs) if all(a == b or 1 in (a, b) for a, b in pairs) else None


def _each_with_each(crash: Crash, both: tuple[ast.expr, ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
    """Two lists of boxes or points of which each is compared with each: `a[:, :2]` becomes `a[:, None, :2]`."""
    node = both[0]
    if [len(one) for one in shapes] != [2, 2] or shapes[0][1] != shapes[1][1] or not isinstance(node, ast.Subscript):
        return
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    other = both[1].slice if isinstance(both[1], ast.Subscript) else None
    if len(parts) == 2 and other is not None and ast.unparse(parts[0]) == ":" and ast.unparse(node.slice) == ast.unparse(other):
        yield Offer("Compare each with each", replace_expression(crash.code, parts[0], ":, None"))


def _classes_last(crash: Crash, node: ast.expr, shape: tuple[int, ...], goal: tuple[int, ...]) -> Iterator[Offer]:
    """One-hot targets have their classes last, scores of images and sequences have them behind the batch."""
    size = len(shape)
    if not 3 <= size <= 5 or len(goal) != size or (shape[0], shape[-1], *shape[1:-1]) != goal:
        return
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    around = birth.value if birth is not None else node
    made = next((one for one in ast.walk(around) if isinstance(one, ast.Call) and called(one) == "one_hot"), None)
    if made is not None:
        order = ", ".join(str(axis) for axis in (0, size - 1, *range(1, size - 1)))
        yield from wrapped(crash, made, f"{{}}.permute({order})", "Put the classes behind the batch")


def _resized_parameter(crash: Crash, both: tuple[ast.expr, ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
    """`nn.Parameter(torch.zeros(1, n, width))` of another size than what it is added to: the size is wrong where it is made."""
    for one, other in ((1, 0), (0, 1)):
        if len(shapes[one]) != len(shapes[other]) or not isinstance(both[one], ast.Attribute):
            continue
        differing = [at for at, size in enumerate(shapes[one]) if size not in (1, shapes[other][at])]
        made = next((call for call in _made_of(crash, crash.text(both[one])) if len(call.args) == len(shapes[one])), None)
        if made is not None and len(differing) == 1:
            at = differing[0]
            size, wanted = made.args[at], shapes[other][at]
            if wanted - shapes[one][at] == 1 and not isinstance(size, ast.Constant):
                text = f"{crash.text(size)} + 1"
                yield Offer(f"Set the size to {text}", replace_expression(crash.code, size, text))
            yield from width_offers(crash, size, wanted, what="size")


def _made_of(crash: Crash, text: str) -> Iterator[ast.Call]:
    """The calls of zeros and randn in what an attribute is set to, the one inside `nn.Parameter`."""
    for statement in crash.code.all(ast.Assign):
        if any(crash.text(target) == text for target in statement.targets) and "Parameter" in crash.text(statement.value):
            yield from crash.code.calls("zeros", "randn", "rand", "ones", "empty", inside=statement)


def _cut_along_the_batch(crash: Crash, node: ast.expr) -> Iterator[Offer]:
    """`table[:x.size(0)]` or `table[:, :x.size(0)]` where the rows of the table are positions: cut at the length of the sequence."""
    axes = [] if not isinstance(node, ast.Subscript) else node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for axis in axes:
        end = axis.upper if isinstance(axis, ast.Slice) and axis.lower is None else None
        upper = crash.text(end) if end is not None else ""
        for batch, length in ((".size(0)", ".size(1)"), (".shape[0]", ".shape[1]")):
            if upper.endswith(batch) and end is not None:
                new = upper.removesuffix(batch) + length
                yield Offer("Cut the table to the length of the sequence", replace_expression(crash.code, end, new))


def _strided_shortcut(crash: Crash, shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
    """A shortcut of 1 by 1 convolutions that keeps every pixel beside a branch that strides over them."""
    small, large = sorted(shapes, key=lambda one: one[-1:])
    strided = len(small) == len(large) == 4 and small[:2] == large[:2] and {-(-b // a) for a, b in zip(small[2:], large[2:], strict=True)}
    owner = crash.class_of(crash.statement) if crash.statement is not None else None
    if not strided or len(strided) != 1 or owner is None:
        return
    for call in crash.code.calls("Conv2d", inside=owner):
        home = crash.function_of(call)
        named = isinstance(home, ast.FunctionDef) and "stride" in [arg.arg for arg in home.args.args]
        kernel = keyword(call, "kernel_size") or (call.args[2] if len(call.args) > 2 else None)
        if kernel is not None and ast.unparse(kernel) == "1" and len(call.args) < 4 and keyword(call, "stride") is None:
            step = "stride" if named else str(min(strided))
            yield Offer("Let the shortcut stride as well", add_keyword(crash.code, call, "stride", step))


def _positions_looked_up(crash: Crash, both: tuple[ast.expr, ast.expr]) -> Iterator[Offer]:
    """The numbers of the positions, added to vectors: the class has a table for them that is given such numbers elsewhere, or nothing at all."""
    for one, value in zip(both, crash.tensors, strict=False):
        owner = crash.class_of(one)
        if (
            owner is None
            or value.dtype != "int64"
            or value.shape is None
            or len(value.shape) > 2
            or not crash.code.calls("arange", inside=owner)
        ):
            continue
        for made in crash.code.all(ast.Assign, owner):
            target = made.targets[0]
            if called(made.value) != "Embedding" or not isinstance(target, ast.Attribute):
                continue
            reads = [up for up in crash.code.all(ast.Attribute, owner) if up.attr == target.attr and isinstance(up.ctx, ast.Load)]
            uses = [parent for up in reads if isinstance(parent := crash.code.parents.get(up), ast.Call) and parent.func is up]
            if not reads or any(called(use.args[0]) == "arange" for use in uses if use.args):
                yield from wrapped(crash, one, f"{crash.text(target)}({{}})", "Look the positions up in their table")


def _cut_twice(crash: Crash, table: ast.expr, other: ast.expr, shape: tuple[int, ...], goal: tuple[int, ...]) -> Iterator[Offer]:
    """A bias for every pair of positions, made for the longest sequence: cut to the length of this one in its last two axes."""
    if len(shape) < 2 or len(goal) < len(shape) or not isinstance(other, ast.Name) or not isinstance(table, ast.Attribute | ast.Name):
        return
    if shape[-1] > goal[-1] > 1 and shape[-2] > goal[-2] > 1 and _broadcast((*shape[:-2], *goal[-2:]), goal) == goal:
        text = f"{{}}[..., :{other.id}.size(-2), :{other.id}.size(-1)]"
        yield from wrapped(crash, table, text, "Cut the table to the length of the sequence")


def _projected_shortcut(crash: Crash, both: tuple[ast.expr, ast.expr]) -> Iterator[Offer]:
    """A residual block whose shortcut is the identity although the block may change channels or stride: a convolution of 1 by 1 where it does."""
    owner = crash.class_of(both[0])
    init = next((one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None) if owner else None
    names = [arg.arg for arg in init.args.args] if init is not None else []
    convs = crash.code.calls("Conv2d", inside=init) if init is not None else []
    if not convs or len(convs[0].args) < 2 or not all(isinstance(one, ast.Name) and one.id in names for one in convs[0].args[:2]):
        return
    taken, given = (crash.text(one) for one in convs[0].args[:2])
    for made in crash.code.all(ast.Assign, init):
        plain = called(made.value) in ("Identity", "Sequential") and isinstance(made.value, ast.Call) and not made.value.args
        kept = crash.text(made.targets[0])
        if plain and isinstance(made.value, ast.Call) and any(isinstance(one, ast.Call) and crash.text(one.func) == kept for one in both):
            asked = f"{taken} == {given}" + (" and stride == 1" if "stride" in names else "")
            step = ", stride=stride" if "stride" in names else ""
            maker = crash.text(convs[0].func)
            text = f"{crash.text(made.value)} if {asked} else {maker}({taken}, {given}, kernel_size=1{step})"
            yield Offer("Let the shortcut follow the block's channels and stride", replace_expression(crash.code, made.value, text))
    if init is not None and not crash.code.calls("Identity", inside=owner):
        yield from _new_shortcut(crash, both, init, convs)


def _new_shortcut(crash: Crash, both: tuple[ast.expr, ast.expr], init: ast.FunctionDef, convs: list[ast.Call]) -> Iterator[Offer]:
    """A block that adds its own input to what comes out: a convolution of 1 by 1 for where the two differ in channels or size."""
    code, forward = crash.code, crash.function_of(both[0])
    inputs = [arg.arg for arg in forward.args.args[1:]] if isinstance(forward, ast.FunctionDef) else []
    names = {arg.arg for arg in init.args.args}
    free = "shortcut" not in code.text
    for one in both if free and inputs and len(convs[-1].args) > 1 else ():
        birth = crash.born(one) if isinstance(one, ast.Name) else None
        kept = birth.value if birth is not None else one
        if not isinstance(kept, ast.Name) or kept.id != inputs[0]:
            continue
        taken, given = crash.text(convs[0].args[0]), crash.text(convs[-1].args[1])
        steps = [crash.text(step) for call in convs if (step := argument_of(call, 3, "stride")) is not None and crash.text(step) != "1"]
        named = "stride" in names and "stride" in steps
        asked = f"{taken} == {given}" + (" and stride == 1" if named else "")
        conv = f"{crash.text(convs[0].func)}({taken}, {given}, kernel_size=1{f', stride={steps[0]}' if steps else ''})"
        alone = conv if steps and not named else f"{crash.text(convs[0].func).removesuffix('Conv2d')}Identity() if {asked} else {conv}"
        yield Offer(
            "Let the shortcut follow the block's channels and stride",
            joined(
                insert_statement_after(code, init.body[-1].lineno, f"self.shortcut = {alone}"),
                wrap_expression(code, kept, "self.shortcut({})"),
            ),
        )


def _is_computed(crash: Crash, node: ast.expr) -> bool:
    """Whether a name holds what a function of torch made of other tensors, a loss for each sample say."""
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    made = birth.value if birth is not None else None
    return isinstance(made, ast.Call) and any(word in called(made) for word in ("entropy", "loss", "criterion"))


def _weights_of_classes(crash: Crash, both: tuple[ast.expr, ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
    """A loss for each sample times a weight for each class: of the weights, each sample takes that of its class."""
    for loss, weights in ((0, 1), (1, 0)):
        birth = crash.born(both[loss]) if isinstance(both[loss], ast.Name) else None  # type: ignore[arg-type]
        made = birth.value if birth is not None else both[loss]
        judged = isinstance(made, ast.Call) and called(made) in ("cross_entropy", "nll_loss", "criterion", "loss_fn") and len(made.args) > 1
        if judged and isinstance(made, ast.Call) and len(shapes[0]) == len(shapes[1]) == 1 and isinstance(both[weights], ast.Name):
            text = f"{crash.text(both[weights])}[{crash.text(made.args[1])}]"
            yield Offer("Take the weight of each sample's class", replace_expression(crash.code, both[weights], text))


def _per_sample(crash: Crash, both: tuple[ast.expr, ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
    """A number for each sample of a batch of pictures, `a = alpha_bar[t]` in diffusion: an axis of one for each of the others, where it is read."""
    for number, picture in ((0, 1), (1, 0)):
        goal, node = shapes[picture], both[number]
        if len(shapes[number]) != 1 or len(goal) < 4 or goal[0] != shapes[number][0]:
            continue
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # `a.sqrt()`, `torch.sqrt(a)`
            node = node.args[0] if node.args else node.func.value
        birth = crash.born(node) if isinstance(node, ast.Name) else None
        template = f"{{}}.view(-1{', 1' * (len(goal) - 1)})"
        for one in (birth.value if birth is not None else None, both[number]):
            if one is not None:
                yield Offer("Shape the numbers as samples", wrap_expression(crash.code, one, template))


def _per_channel(crash: Crash, both: tuple[ast.expr, ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
    """A number for each channel of a picture, `mean = torch.tensor([0.5, 0.4, 0.3])` at module level: shaped to go with pictures once and for all."""
    for table, picture in ((0, 1), (1, 0)):
        node, shape, goal = both[table], shapes[table], shapes[picture]
        if not isinstance(node, ast.Name) or len(shape) != 1 or len(goal) not in (3, 4) or goal[-3] != shape[0]:
            continue
        made = crash.code.assigned.get(node.id, [])
        if len(made) == 1 and called(made[0]) == "tensor" and not crash.births(node):
            yield Offer("Shape the numbers as channels", wrap_expression(crash.code, made[0], "{}.view(-1, 1, 1)"))
