"""A method or attribute of an older release, or of a package of nearly the same name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import rename_attribute, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer

METHODS: dict[str, tuple[str, str]] = {
    "encode_plus": ("transformers", ""),
    "batch_encode_plus": ("transformers", ""),
    "max_len": ("transformers", "model_max_length"),
    "viterbi_decode": ("torchcrf", "decode"),
}
"""By old name: the package that it is of, and what it is called today; nothing where the object itself is called."""

TOKENIZER = (
    "from transformers import BertTokenizer\n\nwith open('vocab.txt', 'w') as file:\n"
    "    file.write('\\n'.join(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'b']))\ntokenizer = BertTokenizer('vocab.txt')\n"
)
CRF = "import torch\nfrom torchcrf import CRF\n\ncrf = CRF(3, batch_first=True)\nscores, mask = torch.randn(2, 4, 3), torch.ones(2, 4).bool()\n"


class RemovedMethod(CrashRule):
    """A method is called that its class no longer has, or that a class of the same name in another package has.

    ## What it does
    Explains `tokenizer.encode_plus(...)`, `tokenizer.batch_encode_plus(...)` and `tokenizer.max_len` of transformers, and `crf.viterbi_decode(...)`,
    which the package TorchCRF has and pytorch-crf, imported as `torchcrf`, has not.

    ## Why is this bad?
    The program stops. The tokenizer itself is called today, with one text or with many.

    ## Example
    ```python
    encoded = tokenizer.encode_plus(text, return_tensors="pt")
    ```

    ## Use instead
    ```python
    encoded = tokenizer(text, return_tensors="pt")
    ```

    ## Fix safety
    Safe for a tokenizer. `decode` of pytorch-crf returns the same tags in lists.

    ## References
    - Migration guide of transformers 5; documentation of pytorch-crf, `CRF.decode`.
    """

    id = "SNF152"
    name = "removed-method"
    category = Category.DEPRECATED
    applicability = Applicability.SAFE
    TYPES = ("AttributeError",)
    MESSAGES = (rf"(\w+)'? (?:object )?has no attribute '?({'|'.join(METHODS)})\b",)
    GOOD = (
        Good(TOKENIZER + "print(tokenizer('a b')['input_ids'], tokenizer.model_max_length > 0)\n", runs=False),
        Good(CRF + "print(len(crf.decode(scores, mask=mask)))\n"),
    )
    BAD = (
        Bad(TOKENIZER + "print(tokenizer.encode_plus('a', 'b')['input_ids'])  # 编码\n", at=(6, 7), fixed=TOKENIZER + "print(tokenizer('a', 'b')['input_ids'])  # 编码\n"),
        Bad(TOKENIZER + "print(tokenizer.batch_encode_plus(['a', 'b'])['input_ids'])\n", at=(6, 7), fixed=TOKENIZER + "print(tokenizer(['a', 'b'])['input_ids'])\n"),
        Bad(CRF + "tags = crf.viterbi_decode(scores, mask)\n", at=(6, 8), fixed=CRF + "tags = crf.decode(scores, mask)\n"),
    )  # fmt: skip

    def explains(self, crash: Crash) -> bool:
        package, _ = METHODS[crash.found[1]]
        return package in crash.context.scopes.packages

    def says(self, crash: Crash) -> str:
        _, new = METHODS[crash.found[1]]
        return (
            f"{crash.found[0]} has no `{crash.found[1]}`: it is called `{new}`"
            if new
            else f"{crash.found[0]} has no `{crash.found[1]}`: call it itself"
        )

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        node = crash.node
        if isinstance(node, ast.Call):
            node = node.func
        if not isinstance(node, ast.Attribute) or node.attr != crash.found[1]:
            return
        _, new = METHODS[node.attr]
        if new:
            yield Offer(f"Use {new}", rename_attribute(crash.code, node, new))
        elif isinstance(crash.code.parents.get(node), ast.Call):
            yield Offer("Call the tokenizer", replace_expression(crash.code, node, crash.text(node.value)))
