"""A call leaves out an argument that the callee needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TypeGuard

from snipfix.codemods import add_argument, add_keyword, insert_statement_before, joined, rename_keyword, replace_expression
from snipfix.model import Applicability, Category, Edit, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called
from snipfix.rules.signatures import SYNONYMS, definition, library_meant


class MissingArgument(CrashRule):
    """A call leaves out an argument that the callee needs.

    ## What it does
    Explains calls of functions, layers, schedulers and models without a required argument.

    ## Why is this bad?
    The program stops at the call.

    ## Example
    ```python
    scheduler = ReduceLROnPlateau(optimizer)
    scheduler.step()
    ```

    ## Use instead
    ```python
    scheduler = ReduceLROnPlateau(optimizer)
    scheduler.step(loss)
    ```

    ## Fix safety
    A variable of the same name is what was meant; a decoder without memory is turned into an encoder with a causal mask, which computes what a decoder-only model computes.

    ## References
    - torch.nn.TransformerDecoder
    - torch.optim.lr_scheduler.ReduceLROnPlateau
    """

    id = "SNF302"
    name = "missing-argument"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("TypeError", "RuntimeError")
    MESSAGES = (r"([\w.]+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.*)", r"example_kwarg_inputs should be a dict")
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Linear(3, out_features=2)\n"),
        Good("import torch\nimport torch.nn as nn\ndef f(a, b=1):\n    return a + b\n\nf(1)\n"),
    )
    BAD = (
        Bad(
            "import torch\nx = torch.zeros(2, 3).transpose(-2 -1)\n",
            at=(2, 5),
            fixed="import torch\nx = torch.zeros(2, 3).transpose(-2, -1)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, n_in, n_out):\n        super().__init__()\n        self.fc = nn.Linear(n_in, n_out)\n\n    def forward(self, x):\n        return self.fc(x)\n\nn_out = 2\nnet = Net(3)\n",
            at=(12, 7),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, n_in, n_out):\n        super().__init__()\n        self.fc = nn.Linear(n_in, n_out)\n\n    def forward(self, x):\n        return self.fc(x)\n\nn_out = 2\nnet = Net(3, n_out)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self, vocab, width):\n        super().__init__()\n        self.embedding = nn.Embedding(vocab, width)\n        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(width, 2, 16), 1)\n\n    def forward(self, ids):\n        embedded = self.embedding(ids)\n        return self.decoder(embedded)\n\nGPT(20, 8)(torch.zeros(2, 5, dtype=torch.long))\n",
            at=(11, 16),
            fixed="import torch\nimport torch.nn as nn\nclass GPT(nn.Module):\n    def __init__(self, vocab, width):\n        super().__init__()\n        self.embedding = nn.Embedding(vocab, width)\n        self.decoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, 2, 16, batch_first=True), 1)\n\n    def forward(self, ids):\n        embedded = self.embedding(ids)\n        causal_mask = torch.ones(embedded.size(1), embedded.size(1), dtype=torch.bool, device=embedded.device).triu(1)\n        return self.decoder(embedded, mask=causal_mask)\n\nGPT(20, 8)(torch.zeros(2, 5, dtype=torch.long))\n",
        ),
        Bad(
            "import torch, torch.nn as nn\ndecoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 1)\n\n"
            "def caption(words, image):\n    return decoder(words, tgt_mask=torch.ones(5, 5).triu(1).bool())\n\n"
            "print(caption(torch.zeros(2, 5, 8), torch.zeros(2, 9, 8)).shape)\n",
            at=(5, 12),
            fixed="import torch, torch.nn as nn\ndecoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 1)\n\n"
            "def caption(words, image):\n    return decoder(words, image, tgt_mask=torch.ones(5, 5).triu(1).bool())\n\n"
            "print(caption(torch.zeros(2, 5, 8), torch.zeros(2, 9, 8)).shape)\n",
        ),
        Bad(
            "import torch, torch.nn as nn\ntraced = torch.jit.trace(nn.Linear(3, 2))\nprint(traced(torch.ones(1, 3)).shape)\n",
            at=(2, 10),
            fixed="import torch, torch.nn as nn\ntraced = torch.jit.trace(nn.Linear(3, 2), torch.ones(1, 3))\nprint(traced(torch.ones(1, 3)).shape)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        if not crash.found:
            return "torch.jit.trace() is called without example_inputs: it records what the model does with them"
        return f"{crash.found[0]}() is called without {crash.found[1]}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if not crash.found:
            yield from _example_of_use(crash)
            return
        call, names = crash.call, re.findall(r"""['"](\w+)['"]""", crash.found[1])
        if call is None or not names:
            return
        yield from library_meant(crash, call)
        seen = set(crash.frame.locals) if crash.frame else set()
        outer = set(crash.frames[0].locals) if crash.frames else set()
        known = [name for name in names if name in seen or name in outer]
        yield from _graphs_of_batch(crash, call, names)
        if len(known) == len(names):
            edits = joined(*(add_keyword(crash.code, call, name, name) for name in names))
            plain = not call.keywords and definition(crash, crash.found[0]) is not None
            yield Offer("Pass the variable of the same name", add_argument(crash.code, call, ", ".join(names)) if plain else edits)
        for name in _alike(names[0], crash, (seen | outer)) if len(names) == 1 and not known else ():
            yield Offer(f"Pass {name} as {names[0]}", add_argument(crash.code, call, name))
        for argument in call.args if len(names) == 1 else ():
            if _run_together(argument):
                at = crash.code.range(crash.code.span(argument.left))[1]
                yield Offer("Add the comma", (Edit(at, at, ","),))
        yield from _of_next_layer(crash, call, names)
        if names == ["memory"]:
            for name in _never_read(crash, call):
                yield Offer(f"Let the decoder attend to {name}", add_argument(crash.code, call, name, 1))
            yield from decoder_only(crash, call)
            yield Offer(
                "Let the decoder attend to its own input", add_argument(crash.code, call, crash.text(call.args[0])), Meaning.CHANGES
            )
        if names == ["dim"] and _flat(crash, call):
            yield Offer("Go along the only dimension", add_keyword(crash.code, call, "dim", "0"))
        elif names == ["dim"] and "softmax" in crash.found[0]:
            yield Offer("Go along the last dimension", add_keyword(crash.code, call, "dim", "-1"))
        yield from _parts_of_graph(crash, call, names)
        for rounds in _rounds(crash) if names == ["T_max"] else ():
            yield Offer(f"Let the schedule end after {rounds} rounds", add_keyword(crash.code, call, "T_max", rounds))
        if names == ["metrics"]:
            losses = (name for name in seen if "loss" in name.lower())
            for name in sorted(losses, key=lambda name: (not set(name.lower().split("_")) & TESTING, name)):
                yield Offer(f"Watch {name}", add_argument(crash.code, call, name))
        if names in (["tgt"], ["target"]):
            for name in (name for name in TARGETS if name in seen):
                yield Offer(f"Pass {name} as the target", add_argument(crash.code, call, name))
        made = definition(crash, crash.found[0])
        if made is not None and len(made.args.args) > len(made.args.defaults):
            last = made.args.args[-1]
            if names == [last.arg] and not made.args.defaults:
                yield Offer(f"Let {last.arg} be None by default", replace_expression(crash.code, last, f"{last.arg}=None"), Meaning.CHANGES)


def _of_next_layer(crash: Crash, call: ast.Call, missing: list[str]) -> Iterator[Offer]:
    """The width that a layer of the text's own was not told: the next layer of the same kind is built for what it gives."""
    width = re.fullmatch(r"(?:out|output|hidden)(?:_?(?:dim|features|channels|size|width))?|dim_out|n_out", missing[0])
    if width is None or len(missing) > 1 or len(call.args) != 1 or definition(crash, crash.found[0]) is None:
        return
    home = crash.function_of(call)
    later = [
        one for one in crash.code.calls(ast.unparse(call.func).rpartition(".")[2], inside=home) if one.lineno > call.lineno and one.args
    ]
    for one in later[:1]:
        yield Offer("Give it the width that the next layer takes", add_argument(crash.code, call, crash.text(one.args[0])))


def _run_together(argument: ast.expr) -> TypeGuard[ast.BinOp]:
    """Whether an argument is `-2 -1`: two numbers whose comma was lost."""

    def is_number(node: ast.expr) -> bool:
        return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)

    return isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Sub) and is_number(argument.left) and is_number(argument.right)


def _rounds(crash: Crash) -> Iterator[str]:
    """How often a loop runs in which the scheduler steps: `range(epochs)`."""
    made = crash.code.parents.get(crash.call) if crash.call is not None else None
    name = crash.text(made.targets[0]) if isinstance(made, ast.Assign) else ""
    for step in crash.code.calls("step"):
        if isinstance(step.func, ast.Attribute) and crash.text(step.func.value) == name:
            loop = crash.code.around(step, ast.For)
            if loop is not None and isinstance(loop.iter, ast.Call) and crash.text(loop.iter.func) == "range" and len(loop.iter.args) == 1:
                yield crash.text(loop.iter.args[0])


def _flat(crash: Crash, call: ast.Call) -> bool:
    """Whether what a call is given first is known to have one dimension."""
    name = crash.text(call.args[0]) if call.args else ""
    value = crash.frame.locals.get(name) if crash.frame else None
    return len(crash.shape(0) or (value.shape if value is not None and value.shape else ())) == 1


def _graphs_of_batch(crash: Crash, call: ast.Call, missing: list[str]) -> Iterator[Offer]:
    """A pooling over graphs that is not told which node is of which graph: `data.batch`, where `data.edge_index` is read beside it."""
    if missing != ["batch"] or not crash.found[0].startswith("global_"):
        return
    home = crash.function_of(call)
    held = [one.value for one in crash.code.all(ast.Attribute, home) if one.attr == "edge_index" and isinstance(one.value, ast.Name)]
    for name in dict.fromkeys(one.id for one in held):
        yield Offer("Say which graph each node belongs to", add_argument(crash.code, call, f"{name}.batch"))


def _parts_of_graph(crash: Crash, call: ast.Call, missing: list[str]) -> Iterator[Offer]:
    """A whole graph for a model that takes its parts: `model(data)` becomes `model(data.x, data.edge_index)`."""
    made = definition(crash, crash.found[0])
    given = call.args[0] if len(call.args) == 1 and not call.keywords else None
    if made is None or not isinstance(given, ast.Name) or "edge_index" not in missing:
        return
    needed = [arg.arg for arg in made.args.args if arg.arg != "self"]
    needed = needed[: len(needed) - len(made.args.defaults)]
    if set(needed) <= {"x", "edge_index", "edge_attr", "edge_weight", "batch", "pos"}:
        parts = ", ".join(f"{given.id}.{name}" for name in needed)
        yield Offer("Pass the parts of the graph", replace_expression(crash.code, given, parts))


def _example_of_use(crash: Crash) -> Iterator[Offer]:
    """For a trace without an example: what the model, or a traced copy, is called with elsewhere in the text."""
    made = {name: values for name, values in crash.code.assigned.items() if any(called(one) in ("trace", "load") for one in values)}
    traced = crash.call.args[0] if crash.call is not None and crash.call.args else None
    for use in crash.code.all(ast.Call):
        known = isinstance(use.func, ast.Name) and (use.func.id in made or (traced is not None and crash.text(traced) == use.func.id))
        if crash.call is not None and known and len(use.args) == 1 and not use.keywords:
            yield Offer("Give an example to trace with", add_argument(crash.code, crash.call, crash.text(use.args[0])))


def _alike(wanted: str, crash: Crash, names: set[str]) -> list[str]:
    """Variables with the parameter's name as a word of theirs: `test_loader` for `loader`, in `evaluate` before `train_loader`."""
    words = set(crash.found[0].lower().replace(".", "_").split("_"))
    testing = bool(words & TESTING)
    fitting = [name for name in names if wanted in name.split("_") or name in SYNONYMS.get(wanted, ())]
    return sorted(fitting, key=lambda name: (testing != bool(set(name.split("_")) & TESTING), len(name), name))


TESTING = {"test", "testing", "evaluate", "eval", "val", "validate", "valid", "validation"}
TARGETS = ("target", "targets", "tgt", "trg", "label", "labels", "y", "y_true", "y_train")


def _never_read(crash: Crash, call: ast.Call) -> Iterator[str]:
    """The one argument that the function around a call is given and never reads: the encoder's output, or the features of an image."""
    home = crash.function_of(call)
    given = [one.arg for one in home.args.args if one.arg not in {"self", "cls"}] if isinstance(home, ast.FunctionDef) else []
    read = {one.id for one in crash.code.all(ast.Name, home)}
    unread = [name for name in given if name not in read]
    if len(unread) == 1 and "mask" not in unread[0]:
        yield unread[0]


def decoder_only(crash: Crash, call: ast.Call) -> Iterator[Offer]:
    """A decoder without an encoder: an encoder whose mask hides what comes later."""
    code = crash.code
    edits: list[tuple[Edit, ...]] = []
    for node in code.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        if name in ("TransformerDecoder", "TransformerDecoderLayer"):
            end = code.range(code.span(node.func))[1]
            edits.append((Edit(end - len(name), end, name.replace("Decoder", "Encoder")),))
        if name == "TransformerDecoderLayer" and keyword(node, "batch_first") is None:
            edits.append(add_keyword(code, node, "batch_first", "True"))
    statement = crash.statement
    if not edits or statement is None or not call.args or not isinstance(call.args[0], ast.Name | ast.Call):
        return
    text = crash.text(call.args[0])
    given = keyword(call, "tgt_mask")
    if given is None and not isinstance(call.args[0], ast.Name):
        edits.append(replace_expression(code, call.args[0], "embedded"))
        edits.append(insert_statement_before(code, statement.lineno, f"embedded = {text}\n{MASK.format('embedded')}"))
    elif given is None:
        edits.append(insert_statement_before(code, statement.lineno, MASK.format(text)))
    edits.append(rename_keyword(code, call, "tgt_mask", "mask") if given is not None else add_keyword(code, call, "mask", "causal_mask"))
    yield Offer("Use an encoder with a causal mask: a decoder without memory", joined(*edits))


MASK = "causal_mask = torch.ones({0}.size(1), {0}.size(1), dtype=torch.bool, device={0}.device).triu(1)"
"""Of truth values, as masks of padding are: the two kinds may not be mixed."""
