"""A loss is given predictions and targets whose shapes do not belong together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod

from snipfix.codemods import add_import, add_keyword, insert_statement_before, joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.autograd.classes_for_scores import fed_with_scores
from snipfix.rules.base import Bad, Good
from snipfix.rules.batch_layout.layout import steps_first_said, takes_step
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.edits import rename_callee
from snipfix.rules.mending import keyword, passed, rejoined, state_of, value_offers, wrapped
from snipfix.rules.observed import called
from snipfix.rules.values import evaluate
from snipfix.rules.widths import argument_of, width_offers
from snipfix.rules.written import bare, handed_back, value_of

AUTOENCODER = (
    "import torch\nimport torch.nn as nn\nnet = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1{}))\n"
    "images = torch.rand(2, 1, 8, 8)\nmade = net(images)\nloss = nn.MSELoss()(made, images)\n"
)


class TargetShapeMismatch(CrashRule):
    """A loss is given predictions and targets whose shapes do not belong together.

    ## What it does
    Explains losses that refuse their target's shape: another batch size, an extra axis, one-hot classes, logits with the classes in the wrong place.

    ## Why is this bad?
    The program stops at the first loss. The shapes show which axis is too many or in the wrong place.

    ## Example
    ```python
    F.cross_entropy(torch.zeros(4, 3), torch.zeros(4, 1, dtype=torch.long))
    ```

    ## Use instead
    ```python
    F.cross_entropy(torch.zeros(4, 3), torch.zeros(4, 1, dtype=torch.long).squeeze(1))
    ```

    ## Fix safety
    Axes of size one and transpositions follow from the shapes. Where predictions and targets have different numbers of samples, the offered flattening is a guess that has to run.

    ## References
    - torch.nn.CrossEntropyLoss: input (N, C, d1, ...), target (N, d1, ...).
    """

    id = "SNF211"
    name = "target-shape-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ()
    MESSAGES = (
        r"Expected input batch_size \((\d+)\) to match target batch_size \((\d+)\)",
        r"multi-target not supported",
        r"Expected target size [\[(]",
        r"[Tt]arget size \(torch\.Size\(\[.*?\]\)\) (?:that is different to|must be the same as) (?:the )?input size",
        r"The size of tensor a \(\d+\) must match the size of tensor b",
        r"only batches of spatial targets supported",
        r"[Dd]imension out of range .*",
        r"input and target .*shape",
        r"expected target (?:size|dtype)? ?.*dimension",
        r"For 1D input, 1D target must have size 1",
        r"size mismatch \(got input: \[",
        r"Expected floating point type for target with class probabilities",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.CrossEntropyLoss()(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))\n"),
        Good("import torch\nimport torch.nn as nn\nnn.BCELoss()(torch.ones(4, 1), torch.ones(4, 1))\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclasses = nn.Linear(3, 2)(torch.ones(4, 3)).argmax(1)  # 类别\nloss = nn.CrossEntropyLoss()(classes, torch.tensor([0, 1, 1, 0]))\n",
            at=(4, 8),
            fixed="import torch\nimport torch.nn as nn\nclasses = nn.Linear(3, 2)(torch.ones(4, 3)).argmax(1)  # 类别\nloss = nn.CrossEntropyLoss()(nn.Linear(3, 2)(torch.ones(4, 3)), torch.tensor([0, 1, 1, 0]))\n",
        ),
        Bad(
            AUTOENCODER.format(""),
            at=(6, 8),
            fixed=AUTOENCODER.format(", output_padding=1"),
        ),
        Bad(
            "import torch\nimport torch.nn as nn\ntarget = torch.zeros(4, 1, dtype=torch.long)\nloss = nn.CrossEntropyLoss()(torch.zeros(4, 3), target)\n",
            at=(4, 8),
            fixed="import torch\nimport torch.nn as nn\ntarget = torch.zeros(4, 1, dtype=torch.long)\nloss = nn.CrossEntropyLoss()(torch.zeros(4, 3), target.squeeze(1))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nmasks = torch.zeros(2, 1, 6, 6, dtype=torch.long)\nloss = nn.CrossEntropyLoss()(torch.zeros(2, 3, 6, 6), masks)\n",
            at=(4, 8),
            fixed="import torch\nimport torch.nn as nn\nmasks = torch.zeros(2, 1, 6, 6, dtype=torch.long)\nloss = nn.CrossEntropyLoss()(torch.zeros(2, 3, 6, 6), masks.squeeze(1))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nlogits = torch.zeros(2, 5, 10)\ntarget = torch.zeros(2, 5, dtype=torch.long)\nloss = nn.CrossEntropyLoss()(logits, target)\n",
            at=(5, 8),
            fixed="import torch\nimport torch.nn as nn\nlogits = torch.zeros(2, 5, 10)\ntarget = torch.zeros(2, 5, dtype=torch.long)\nloss = nn.CrossEntropyLoss()(logits.transpose(1, 2), target)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\np = torch.ones(4, 1)\nloss = nn.BCELoss()(p, torch.ones(4))\n",
            at=(4, 8),
            fixed="import torch\nimport torch.nn as nn\np = torch.ones(4, 1)\nloss = nn.BCELoss()(p.squeeze(1), torch.ones(4))\n",
        ),
        Bad(
            "import torch\nfrom torch import nn\nmodel = nn.Linear(6, 3)\nloss_fn = nn.BCEWithLogitsLoss()\nkinds = torch.tensor([0, 2, 1, 1])  # 类别\nloss = loss_fn(model(torch.zeros(4, 6)), kinds)\n",
            at=(6, 8),
            fixed="import torch\nfrom torch import nn\nmodel = nn.Linear(6, 3)\nloss_fn = nn.CrossEntropyLoss()\nkinds = torch.tensor([0, 2, 1, 1])  # 类别\nloss = loss_fn(model(torch.zeros(4, 6)), kinds)\n",
        ),
        Bad(
            "import torch\nimport torch.nn.functional as F\nfrom torch import nn\nfrom torch.nn.utils.rnn import pad_sequence\ntexts = [torch.tensor([1, 2, 3]), torch.tensor([4, 1]), torch.tensor([2]), torch.tensor([3])]\nids = pad_sequence(texts, padding_value=0)\nscores = nn.Linear(8, 5)(nn.Embedding(9, 8)(ids).mean(dim=1))\nloss = F.cross_entropy(scores, torch.tensor([0, 1, 4, 2]))\n",
            at=(8, 8),
            fixed="import torch\nimport torch.nn.functional as F\nfrom torch import nn\nfrom torch.nn.utils.rnn import pad_sequence\ntexts = [torch.tensor([1, 2, 3]), torch.tensor([4, 1]), torch.tensor([2]), torch.tensor([3])]\nids = pad_sequence(texts, padding_value=0, batch_first=True)\nscores = nn.Linear(8, 5)(nn.Embedding(9, 8)(ids).mean(dim=1))\nloss = F.cross_entropy(scores, torch.tensor([0, 1, 4, 2]))\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return any(word in crash.operation.name.lower() for word in ("loss", "entropy", "kl_div")) and len(crash.tensors) > 1

    def says(self, crash: Crash) -> str:
        given, target = (shape_text(value.shape) for value in crash.tensors[:2])
        if _are_classes(crash):
            return (
                f"{crash.operation.name.rpartition('.')[2]} is given the numbers of classes {given} where it takes a score for each class"
            )
        if "class probabilities" in crash.failure.message:
            return f"targets of the predictions' shape {target} are probabilities to cross_entropy, and those are no integers"
        return f"{crash.operation.name.rpartition('.')[2]} cannot compare predictions of shape {given} with targets of shape {target}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        predicted, target = passed(crash, 0, "input"), passed(crash, 1, "target")
        given, wanted = crash.shape(0), crash.shape(1)
        if predicted is None or target is None:
            return
        if _are_classes(crash) and crash.call is not None and len(crash.call.args) > 1:
            for edits in fed_with_scores(crash.code, crash.call):
                yield Offer("Compute the loss from the scores", edits)
        if crash.operation.name.rpartition(".")[2] in ("cross_entropy", "nll_loss"):
            yield from self._classes(crash, (predicted, target), given, wanted)
        else:
            yield from cross_entropy(crash, given, wanted)
            yield from self._alike(crash, (predicted, target), given, wanted)
        if len(wanted) == 1 and given[:1] != wanted:
            yield from pooled_per_graph(crash)
        if len(given) == 4 and given[2:] != wanted[-2:]:
            yield from _resized_as_input(crash)
            yield from _strides_undone(crash, given, wanted)
        yield from _fed_without_last(crash, predicted, target)
        yield from _choices_apart(crash, given, wanted)
        yield from self._cut_otherwise(crash, predicted, given, wanted)
        yield from self._merged_batch(crash)
        yield from batch_first(crash, given, wanted)
        yield from rejoined(crash)

    @staticmethod
    def _cut_otherwise(crash: Crash, predicted: ast.expr, given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Offer]:
        """`logits.view(-1, K)` with as many numbers as there are targets, times a number of classes that is not K."""
        count = prod(wanted)
        whole = _before_flat(crash, predicted)
        if whole and whole[-1] == given[-1] and len(whole) > 2:
            return  # the scores were flattened as they are: the steps differ, not the classes
        flat = isinstance(predicted, ast.Call) and len(predicted.args) == 2 and ast.unparse(predicted.args[0]) == "-1"
        if flat and isinstance(predicted, ast.Call) and len(given) == 2 and len(wanted) == 1 and count and prod(given) % count == 0:
            yield from width_offers(crash, predicted.args[1], prod(given) // count, what="number of classes")

    @staticmethod
    def _classes(crash: Crash, nodes: tuple[ast.expr, ast.expr], given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Offer]:
        predicted, target = nodes
        if len(given) >= 2 and wanted == (given[0], 1, *given[2:]) != given:
            yield from value_offers(crash, target, "{}.squeeze(1)", "Drop the target's axis of size one", here=True)
        if len(given) == 2 and wanted == given and given[1] > 1:
            yield from _one_hot_undone(crash, target)
            yield from value_offers(crash, target, "{}.argmax(1)", "Turn one-hot targets into class numbers", here=True)
        if len(given) == 3 and given[:2] == wanted:
            yield from wrapped(crash, predicted, "{}.transpose(1, 2)", "Put the classes in the second place")
            flat = joined(
                wrap_expression(crash.code, predicted, f"{{}}.reshape(-1, {given[2]})"),
                wrap_expression(crash.code, target, "{}.reshape(-1)"),
            )
            yield Offer("Count every step as a sample", flat)
        if len(given) > 3 and given[:-1] == wanted:
            moved = "{}.permute(0, 3, 1, 2)" if len(given) == 4 else "{}.movedim(-1, 1)"
            yield from wrapped(crash, predicted, moved, "Put the classes in the second place")
        if len(given) == 3 and wanted == given[1:2]:
            yield from last_layer(crash)
        if len(given) == 2 and prod(wanted) == given[0]:
            yield from wrapped(crash, target, "{}.reshape(-1)", "Flatten the targets as the predictions were")
        if len(given) == 3 and wanted == (given[0],) and given[1] == 1:
            yield from wrapped(crash, predicted, "{}.squeeze(1)", "Drop the axis of size one")
        if len(given) > 1 and given[0] == 1 and prod(wanted) == 1 and not wanted:
            yield from wrapped(crash, target, "{}.unsqueeze(0)", "Give the target a batch axis")
        if len(given) == 3 and wanted == given[:1]:
            yield from wrapped(crash, predicted, "{}[:, -1, :]", "Judge the last step")

    @staticmethod
    def _alike(crash: Crash, nodes: tuple[ast.expr, ast.expr], given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Offer]:
        predicted, target = nodes
        for at in range(len(given)):
            if given[at] == 1 and given[:at] + given[at + 1 :] == wanted:
                back = handed_back(crash.code, predicted)
                if back is not None and at == len(given) - 1:
                    yield Offer("Let the model give one value a sample", wrap_expression(crash.code, back, "{}.squeeze(-1)"))
                yield from wrapped(crash, predicted, f"{{}}.squeeze({at})", "Drop the axis of size one")
                yield from wrapped(crash, target, f"{{}}.unsqueeze({at})", "Give the targets the same axis")
        for at in range(len(wanted)):
            if wanted[at] == 1 and wanted[:at] + wanted[at + 1 :] == given:
                yield from wrapped(crash, target, f"{{}}.squeeze({at})", "Drop the target's axis of size one")
        if len(wanted) == 1 and given[:1] == wanted and len(given) == 2 and given[1] > 1:
            text = f"F.one_hot({crash.text(target)}, {given[1]}).float()"
            edits = joined(replace_expression(crash.code, target, text), add_import(crash.code, "torch.nn.functional", None, "F"))
            yield Offer("Compare with one-hot targets", edits)
        if prod(given) == prod(wanted):
            title = "Give the targets the shape of the predictions"
            if isinstance(predicted, ast.Name | ast.Attribute):
                yield from wrapped(crash, target, f"{{}}.view_as({crash.text(predicted)})", title)
            if len(given) == 2 and given[0] == wanted[0]:
                yield from wrapped(crash, target, "{}.view({}.size(0), -1)".replace("{}.size", f"{crash.text(target)}.size"), title)

    @staticmethod
    def _merged_batch(crash: Crash) -> Iterator[Offer]:
        """A `view(-1, K)` before the layers may have cut the batch differently."""
        for node in crash.code.nodes:
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("view", "reshape")
                and len(node.args) == 2
            ):
                tensor = node.func.value
                if ast.unparse(node.args[0]) == "-1" and isinstance(tensor, ast.Name) and ast.unparse(node.args[1]) != "-1":
                    edits = joined(
                        replace_expression(crash.code, node.args[0], f"{tensor.id}.size(0)"),
                        replace_expression(crash.code, node.args[1], "-1"),
                    )
                    yield Offer("Flatten every sample by itself", edits)


def _are_classes(crash: Crash) -> bool:
    """Whether the loss over classes is given classes that were chosen already: whole numbers, one for each target."""
    given = crash.argument(0, "input")
    of_classes = crash.operation.name.rpartition(".")[2] in ("cross_entropy", "nll_loss")
    return of_classes and given is not None and given.shape == crash.shape(1) and "int" in given.dtype


def batch_first(crash: Crash, given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Offer]:
    """Predictions for another batch than the targets' may come from a recurrent layer that takes the time for the batch."""
    if not given or not wanted or given[0] == wanted[0]:
        return
    for node in crash.code.nodes:
        if isinstance(node, ast.Call) and called(node) in ("RNN", "LSTM", "GRU") and not keyword(node, "batch_first"):
            owner = crash.class_of(node)
            if owner is not None and (steps_first_said(crash.code, owner) or _steps_in_front(crash, node, wanted[0])):
                yield from _along_the_steps(crash, owner)
            else:
                yield Offer("Let the batch come first", add_keyword(crash.code, node, "batch_first", "True"))
        elif called(node) == "pad_sequence" and isinstance(node, ast.Call) and len(node.args) < 2 and not keyword(node, "batch_first"):
            yield Offer("Put the padded sequences with the batch first", add_keyword(crash.code, node, "batch_first", "True"))


def last_layer(crash: Crash) -> Iterator[Offer]:
    """The state of a recurrent layer, (layers, batch, width), handed whole to the next layer: the last layer's is meant."""
    for call in crash.code.all(ast.Call):
        given = call.args[0] if len(call.args) == 1 and isinstance(call.func, ast.Attribute) else None
        if isinstance(given, ast.Name) and state_of(crash, given) == "one":
            yield Offer("Take the state of the last layer", replace_expression(crash.code, given, f"{given.id}[-1]"))


def _along_the_steps(crash: Crash, owner: ast.ClassDef) -> Iterator[Offer]:
    """`out[:, -1]` in a class that says that its steps come first: `out[-1]`."""
    for node in crash.code.all(ast.Subscript, owner):
        sizes = node.slice.elts if isinstance(node.slice, ast.Tuple) and takes_step(node) else []
        if sizes and all(ast.unparse(one) == ":" for one in sizes[2:]):
            text = f"{crash.text(node.value)}[{crash.text(sizes[1])}]"
            yield Offer("Take the step along the first dim", replace_expression(crash.code, node, text))


def cross_entropy(crash: Crash, given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Offer]:
    """Scores for several classes and one class number a sample, judged by a loss for yes and no."""
    target, made = crash.argument(1, "target"), crash.constructor or crash.call
    whole = target is not None and target.dtype in ("int64", "int32")
    if not (whole and len(given) == 2 and given[1] > 1 and wanted == given[:1] and made is not None):
        return
    other = {"BCEWithLogitsLoss": "CrossEntropyLoss", "binary_cross_entropy_with_logits": "cross_entropy"}.get(called(made))
    if other is not None and not made.keywords and len(made.args) in (0, 2):
        yield Offer("Use the loss for one class out of several", rename_callee(crash.code, made, other))


def pooled_per_graph(crash: Crash) -> Iterator[Offer]:
    """The mean over all nodes of a batch of graphs, where the model is told which graph each node belongs to."""
    if not crash.code.knows("torch_geometric"):
        return
    for call in crash.code.calls("mean", "sum", "max"):
        home = crash.function_of(call)
        told = isinstance(home, ast.FunctionDef) and "batch" in [arg.arg for arg in home.args.args]
        dim = keyword(call, "dim") or (call.args[0] if call.args else None)
        if told and isinstance(call.func, ast.Attribute) and dim is not None and ast.unparse(dim) == "0":
            pool = {"mean": "global_mean_pool", "sum": "global_add_pool", "max": "global_max_pool"}[call.func.attr]
            pooled = replace_expression(crash.code, call, f"{pool}({crash.text(call.func.value)}, batch)")
            yield Offer("Pool each graph by itself", joined(pooled, add_import(crash.code, "torch_geometric.nn", pool)))
            return
    yield from _pooled_before_head(crash)


def _pooled_before_head(crash: Crash) -> Iterator[Offer]:
    """A model that is told which graph each node belongs to, and judges each node: pooled before the first linear layer of its forward."""
    for home in crash.code.all(ast.FunctionDef):
        owner = crash.class_of(home)
        told = home.name == "forward" and "batch" in [arg.arg for arg in home.args.args]
        if not told or owner is None or any(one.id == "batch" for one in crash.code.all(ast.Name, home)):
            continue
        for call in crash.code.all(ast.Call, home):
            made = crash.code.assigned.get(ast.unparse(call.func), [])
            given = call.args[0] if len(call.args) == 1 else None
            if isinstance(given, ast.Name) and [called(one) for one in made] == ["Linear"]:
                line = f"{given.id} = global_mean_pool({given.id}, batch)"
                pooled = insert_statement_before(crash.code, call.lineno, line)
                yield Offer("Pool each graph by itself", joined(pooled, add_import(crash.code, "torch_geometric.nn", "global_mean_pool")))
                return


def _strides_undone(crash: Crash, given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Offer]:
    """An image made anew that is a little too small: a transposed convolution of stride s gives back the size that a convolution had taken
    only with `output_padding` s - 1, where its kernel is odd."""
    edits: tuple[Edit, ...] = ()
    for call in crash.code.calls("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"):
        written = argument_of(call, 2, "kernel_size"), argument_of(call, 3, "stride")
        kernel, stride = ((evaluate(one, {}) if one is not None else None) or 0 for one in written)
        if kernel % 2 and stride > 1 and argument_of(call, 5, "output_padding") is None:
            edits = joined(edits, add_keyword(crash.code, call, "output_padding", str(stride - 1)))
    if edits and given[:2] == wanted[:2] and all(0 <= want - got < want // 2 for got, want in zip(given[2:], wanted[2:], strict=False)):
        yield Offer("Let the transposed convolutions give back the sizes", edits)


def _resized_as_input(crash: Crash) -> Iterator[Offer]:
    """A map that is enlarged by a factor in `forward`, where it should get the size of the image again."""
    for call in crash.code.calls("interpolate", "upsample"):
        home = crash.function_of(call)
        factor = next((one for one in call.keywords if one.arg == "scale_factor"), None)
        if factor is not None and isinstance(home, ast.FunctionDef) and home.name == "forward" and len(home.args.args) > 1:
            image = home.args.args[1].arg
            rebound = any(one.id == image and isinstance(one.ctx, ast.Store) for one in crash.code.all(ast.Name, home))
            start, end = crash.code.range(crash.code.span(factor))
            if not rebound:
                yield Offer("Give the map the size of the image", (Edit(start, end, f"size={image}.shape[2:]"),))


def _before_flat(crash: Crash, predicted: ast.expr) -> tuple[int, ...]:
    """The shape of the scores in `scores.view(-1, K)`; empty when the run did not show it."""
    inner = bare(predicted)
    value = crash.frame.locals.get(inner.id) if crash.frame and isinstance(inner, ast.Name) else None
    return (value.shape or ()) if value is not None else ()


def _fed_without_last(crash: Crash, predicted: ast.expr, target: ast.expr) -> Iterator[Offer]:
    """Targets without their first step, `tgt[:, 1:]`, beside predictions for every step: the model is fed all but the last."""
    cuts = [one for one in ast.walk(target) if isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name)]
    cut = next((one for one in cuts if crash.text(one.slice).replace(" ", "") == ":,1:"), None)
    scores = bare(predicted)
    given = value_of(crash.code, scores) if isinstance(scores, ast.Name) else None
    call = given[0] if given is not None else scores
    for argument in call.args if isinstance(call, ast.Call) else ():
        if cut is not None and isinstance(argument, ast.Name) and crash.text(argument) == crash.text(cut.value):
            yield Offer("Feed the model all steps but the last", replace_expression(crash.code, argument, f"{argument.id}[:, :-1]"))


def _one_hot_undone(crash: Crash, target: ast.expr) -> Iterator[Offer]:
    """Class numbers that the text makes one-hot just for a loss that takes the numbers: `F.one_hot(y, 3)` is `y` again."""
    birth = crash.born(target) if isinstance(target, ast.Name) else None
    made = birth.value if birth is not None else target
    once = not isinstance(target, ast.Name) or sum(isinstance(one.ctx, ast.Load) for one in crash.code.mentions(target.id)) == 1
    if once and isinstance(made, ast.Call) and called(made) == "one_hot" and made.args:
        yield Offer("Give the class numbers themselves", replace_expression(crash.code, made, crash.text(made.args[0])))


def _steps_in_front(crash: Crash, built: ast.Call, samples: int) -> bool:
    """Whether a recurrent layer was given as many samples as there are targets in its second axis, and another number of steps in its first."""
    outcome = crash.context.outcome
    seen = [call for call in (outcome.calls if outcome else ()) if call.module.built == crash.code.span(built)]
    shapes = [one.shape for call in seen for one in call.inputs[:1] if one.shape]
    return any(len(shape) == 3 and shape[1] == samples != shape[0] for shape in shapes)


def _choices_apart(crash: Crash, given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Offer]:
    """One score for each choice, all questions in a row: `ids.view(b * c, n)` in the forward is undone for its scores, `.view(b, c)`."""
    if len(given) != 2 or given[1] != 1 or len(wanted) != 1 or not wanted[0] or given[0] % wanted[0] or given[0] == wanted[0]:
        return
    for call in crash.code.calls("view", "reshape"):
        home = crash.function_of(call)
        rows = call.args[0] if len(call.args) > 1 else None
        factors = (rows.left, rows.right) if isinstance(rows, ast.BinOp) and isinstance(rows.op, ast.Mult) else ()
        if isinstance(home, ast.FunctionDef) and home.name == "forward" and len(factors) == 2:
            for back in crash.code.all(ast.Return, home):
                if isinstance(back.value, ast.Name | ast.Call):
                    text = f"{{}}.view({crash.text(factors[0])}, {crash.text(factors[1])})"
                    yield Offer("Set the choices of each question apart", wrap_expression(crash.code, back.value, text))
