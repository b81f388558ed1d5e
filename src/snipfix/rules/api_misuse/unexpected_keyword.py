"""A call names a parameter that the callee does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.codemods import edits_between, remove_argument, rename_keyword
from snipfix.model import Applicability, Category, Fix, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword
from snipfix.rules.signatures import FORWARDS, definition, library_meant, nearest_parameter, parameters


class UnexpectedKeyword(CrashRule):
    """A call names a parameter that the callee does not have.

    ## What it does
    Explains calls with a keyword that the function, layer or model does not take.

    ## Why is this bad?
    The program stops at the call. The parameter has another name, was removed, or never existed.

    ## Example
    ```python
    def forward(self, x, mask=None): ...

    model(x, attn_mask=None)
    ```

    ## Use instead
    ```python
    def forward(self, x, mask=None): ...

    model(x, mask=None)
    ```

    ## Fix safety
    The name is taken from the callee's own signature where it is known. Dropping the argument is the last offer.

    ## References
    - torch.nn
    """

    id = "SNF303"
    name = "unexpected-keyword"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("TypeError",)
    MESSAGES = (
        r"([\w.]+?)(?:\(\))? got an unexpected keyword argument '(\w+)'",
        r"([\w.]+)\(\) (?:got|received) an? (?:invalid|unexpected) .*keyword (?:argument )?'(\w+)'",
        r"(\w+)\(\) received an invalid combination of arguments - got \([^)]*?\b(\w+)=",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Conv2d(3, 4, kernel_size=3)\n"),
        Good("import torch\nimport torch.nn as nn\ndef f(**options):\n    return options\n\nf(colour=1)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x, mask=None):\n        return self.fc(x)\n\nNet()(torch.zeros(2, 3), attn_mask=None)\n",
            at=(11, 1),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x, mask=None):\n        return self.fc(x)\n\nNet()(torch.zeros(2, 3), mask=None)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nconv = nn.Conv2d(3, 4, kernal_size=3)\n",
            at=(3, 8),
            fixed="import torch\nimport torch.nn as nn\nconv = nn.Conv2d(3, 4, kernel_size=3)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return f"{crash.found[0]}() has no parameter {crash.found[1]}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        word, code = crash.found[1], crash.code
        call = self._call_with(crash, word)
        if call is None:
            return
        yield from library_meant(crash, call)
        made = definition(crash, crash.found[0])
        free = None
        if made is not None:
            taken = {one.arg for one in call.keywords} | set(parameters(made)[: len(call.args)])
            free = [name for name in parameters(made) if name not in taken]
        elif crash.found[0] in FORWARDS:
            free = FORWARDS[crash.found[0]]
            yield from self._without_strangers(crash, call, free)
        if word in REMOVED:
            yield Offer(f"Drop {word}, which has been removed", remove_argument(code, call, word))
        given = {one.arg for one in call.keywords}
        for name in nearest_parameter(word, free):
            if name not in given:
                yield Offer(f"Name it {name}", rename_keyword(code, call, word, name))
        value = keyword(call, word)
        seen = crash.frame.locals.get(value.id) if crash.frame and isinstance(value, ast.Name) else None
        empty = seen is not None and seen.kind == "none"
        droppable = value is not None and (made is not None or empty or isinstance(value, ast.Constant | ast.UnaryOp))
        if droppable:
            yield Offer(
                f"Drop {word}",
                remove_argument(code, call, word),
                Meaning.KEEPS if ast.unparse(value or ast.Pass()) == "None" else Meaning.RESTORES,
            )

    @staticmethod
    def _without_strangers(crash: Crash, call: ast.Call, known: list[str]) -> Iterator[Offer]:
        """Several keywords that the layer does not take, all of which are None in this run."""
        strangers = [one for one in call.keywords if one.arg and one.arg not in known]
        seen = crash.frame.locals if crash.frame else {}
        empty = [isinstance(one.value, ast.Name) and one.value.id in seen and seen[one.value.id].kind == "none" for one in strangers]
        if len(strangers) > 1 and all(empty):
            text, span = crash.code.text, crash.code.span(call)
            for one in strangers:
                code = Code(text)
                where = next(
                    node
                    for node in code.nodes
                    if isinstance(node, ast.Call)
                    and (code.span(node).line, code.span(node).column) == (span.line, span.column)
                    and keyword(node, one.arg or "") is not None
                )
                text = Fix("", remove_argument(code, where, one.arg or "")).apply(text)
            names = " and ".join(one.arg or "" for one in strangers)
            yield Offer(f"Drop {names}, which the layer does not take", edits_between(crash.code.text, text))

    @staticmethod
    def _call_with(crash: Crash, word: str) -> ast.Call | None:
        if crash.call is not None and keyword(crash.call, word) is not None:
            return crash.call
        calls = [node for node in ast.walk(crash.statement or ast.Pass()) if isinstance(node, ast.Call)]
        return next((call for call in calls if keyword(call, word) is not None), None)


REMOVED = ("verbose", "size_average", "reduce", "retain_variables", "volatile")
