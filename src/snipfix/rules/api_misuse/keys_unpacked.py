"""A mapping is unpacked into names, which then hold its keys."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import wrap_expression
from snipfix.evidence import Value
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer

MODEL = (
    "import torch\nfrom transformers import BertConfig, BertForSequenceClassification\n\n"
    "config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)\n"
    "model = BertForSequenceClassification(config)\nids = torch.tensor([[1, 2, 3], [4, 5, 6]])\n"
    "loss, logits = model(ids, labels=torch.tensor([0, 1])){}\nloss.backward()\n"
)
NET = (
    "import torch, torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n"
    "    def forward(self, x):\n        return {{'scores': self.fc(x), 'hidden': x}}\n\nscores, hidden = Net()(torch.ones(4, 3)){}\n"
    "print(torch.relu(scores).shape)\n"
)


class KeysUnpacked(CrashRule):
    """A mapping is unpacked into names, which then hold its keys.

    ## What it does
    Explains failures at a string that was taken for a tensor, where the string is a key of what was unpacked: the output of a model of
    transformers, or a dictionary.

    ## Why is this bad?
    The program stops at the first use of the names. Models of transformers return an output that is indexed like a tuple and unpacked like a
    dictionary; up to version 3 it was a tuple.

    ## Example
    ```python
    loss, logits = model(ids, labels=labels)
    loss.backward()
    ```

    ## Use instead
    ```python
    loss, logits = model(ids, labels=labels)[:2]
    loss.backward()
    ```

    ## Fix safety
    The values are those of the keys that were unpacked, in the same order.

    ## References
    - transformers, Model outputs: "when considering our outputs object as tuple, it only considers the attributes that don't have None values".
    """

    id = "SNF226"
    name = "keys-unpacked"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("AttributeError", "TypeError", "ValueError")
    MESSAGES = (
        r"'str' object has no attribute",
        r"\bnot str\b",
        r"\bgot str\b",
        r"unsupported operand type\(s\).*'str'",
        r"string indices must be integers",
        r"can only concatenate str",
        r"too many values to unpack",
    )
    GOOD = (
        Good(MODEL.format("[:2]")),
        Good("first, second = {'a': 1, 'b': 2}\nprint(first.upper())\n"),
    )
    BAD = (
        Bad(MODEL.format(""), at=(8, 1), fixed=MODEL.format("[:2]")),
        Bad(NET.format(""), at=(12, 7), fixed=NET.format(".values()")),
    )

    def explains(self, crash: Crash) -> bool:
        return _unpacking(crash) is not None

    def says(self, crash: Crash) -> str:
        found = _unpacking(crash)
        return f"{' and '.join(f'`{name}`' for name in _names(found))} hold keys: what was unpacked is a mapping" if found else ""

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        found = _unpacking(crash)
        if found is None:
            return
        count, title = len(_names(found)), "Unpack the values"
        sliced, values = (
            wrap_expression(crash.code, found.value, f"{{}}[:{count}]"),
            wrap_expression(crash.code, found.value, "{}.values()"),
        )
        seen = _output(crash, found)
        plain = seen is not None and seen.type == "dict"
        for edits in (values, sliced) if plain else (sliced, values):
            yield Offer(title, edits)


def _names(statement: ast.Assign | None) -> list[str]:
    target = statement.targets[0] if statement is not None else None
    return [part.id for part in target.elts if isinstance(part, ast.Name)] if isinstance(target, ast.Tuple | ast.List) else []


def _unpacking(crash: Crash) -> ast.Assign | None:
    """The assignment that unpacks a mapping into names: the one that fails, or the one that gave a name in the failing expression a key."""
    if "unpack" in crash.failure.message:
        statement = crash.statement
        seen = _output(crash, statement) if isinstance(statement, ast.Assign) else None
        return statement if isinstance(statement, ast.Assign) and seen is not None and seen.kind == "mapping" else None
    known = crash.frame.locals if crash.frame else {}
    used = {one.id for one in ast.walk(crash.node) if isinstance(one, ast.Name)} if crash.node is not None else set()
    held = {name for name in used if name in known and known[name].kind == "str" and known[name].text.strip("'\"").isidentifier()}
    for name in (one for one in crash.code.all(ast.Name, crash.node) if one.id in held) if crash.node is not None else ():
        for statement in reversed(crash.binders(name)):
            names = _names(statement) if isinstance(statement, ast.Assign) else []
            keys = [known[one].kind == "str" for one in names if one in known]
            if (
                isinstance(statement, ast.Assign)
                and name.id in names
                and len(names) > 1
                and all(keys)
                and _may_be_mapping(crash, statement)
            ):
                return statement
    return None


def _may_be_mapping(crash: Crash, statement: ast.Assign) -> bool:
    """Whether what is unpacked was seen to be a mapping; where it was not seen, whether it is the result of a call."""
    seen = _output(crash, statement)
    return isinstance(statement.value, ast.Call | ast.Name | ast.Dict) if seen is None else seen.kind == "mapping"


def _output(crash: Crash, statement: ast.Assign) -> Value | None:
    """What the module that an assignment calls was seen to return; None when that was not seen."""
    place = crash.code.span(statement.value)
    calls = [call for call in (crash.context.outcome.calls if crash.context.outcome else ()) if call.span == place]
    return min(calls, key=lambda call: call.depth).output if calls else None
