"""A CRF that is not told which positions are padding."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import add_keyword
from snipfix.evidence import Outcome
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.fields import enclosing_function, field_calls
from snipfix.rules.observed import each, flag


class FieldWithoutMask(Rule):
    """A model is given a mask and does not hand it to its CRF.

    ## What it does
    Reports calls of a `CRF`, its forward and its `decode`, without a mask inside a function that has a mask among its parameters.

    ## Why is this bad?
    The field scores the padding as if it were text: the loss depends on how long the padding is, the transitions learn it, and `decode`
    returns tags for positions that do not exist.

    ## Example
    ```python
    def forward(self, ids, attention_mask, tags):
        return -self.crf(self.emissions(ids), tags)
    ```

    ## Use instead
    ```python
    def forward(self, ids, attention_mask, tags):
        return -self.crf(self.emissions(ids), tags, mask=attention_mask.bool())
    ```

    ## Fix safety
    Unsafe: assumes that the mask is 1 for real tokens and that its first column is never 0, as the field demands.

    ## References
    - pytorch-crf, CRF.forward: argument `mask`.
    """

    id = "SNF409"
    name = "field-without-mask"
    category = Category.LOSS
    GOOD = (
        Good(
            "import torch, torchcrf\ncrf = torchcrf.CRF(3, batch_first=True)\ndef loss(e, y, mask):\n    return -crf(e, y, mask=mask)\n"
            "loss(torch.randn(2, 4, 3), torch.zeros(2, 4, dtype=torch.long), torch.ones(2, 4).bool())\n"
        ),
        Good(
            "import torch, torchcrf\ncrf = torchcrf.CRF(3, batch_first=True)\ndef loss(e, y):\n    return -crf(e, y)\n"
            "loss(torch.randn(2, 4, 3), torch.zeros(2, 4, dtype=torch.long))\n"
        ),
    )
    BAD = (
        Bad(
            "import torch, torchcrf\ncrf = torchcrf.CRF(3, batch_first=True)\ndef loss(e, y, mask):\n    return -crf(e, y)\n"
            "print(loss(torch.randn(2, 4, 3), torch.zeros(2, 4, dtype=torch.long), torch.ones(2, 4)))\n",
            at=(4, 13),
            fixed="import torch, torchcrf\ncrf = torchcrf.CRF(3, batch_first=True)\ndef loss(e, y, mask):\n    return -crf(e, y, mask=mask.bool())\n"
            "print(loss(torch.randn(2, 4, 3), torch.zeros(2, 4, dtype=torch.long), torch.ones(2, 4)))\n",
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call in [*field_calls(context), *field_calls(context, "decode", "viterbi_decode")]:
            decodes = isinstance(call.func, ast.Attribute) and call.func.attr.endswith("decode")
            if len(call.args) > (1 if decodes else 2) or any(one.arg in {"mask", None} for one in call.keywords):
                continue
            name, optional = self._mask(context, call)
            if name:
                message = f"`{ast.unparse(call.func)}` is not given `{name}`: the padding is {'tagged' if decodes else 'scored'} as if it were text"
                yield self.finding(message, context.code.span(call), evidence={"mask": name, "optional": optional})

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        """The same where the field is not made in the text, so that only the run shows what it is."""
        for observation, span in each(outcome, context.code, "likelihood"):
            call = context.code.node_at(span, ast.Call)
            if isinstance(call, ast.Call) and not flag(observation.facts, "mask") and len(call.args) == 2 and not call.keywords:
                name, optional = self._mask(context, call)
                if name:
                    message = f"`{ast.unparse(call.func)}` is not given `{name}`: the padding is scored as if it were text"
                    evidence = {"mask": name, "optional": optional}
                    yield self.finding(message, context.code.span(call), stage=Stage.PROBE, evidence=evidence)

    def _mask(self, context: Context, call: ast.Call) -> tuple[str, bool]:
        """The parameter that is a mask of tokens, and whether it may be None."""
        function = enclosing_function(context, call)
        if function is None:
            return "", False
        arguments = function.args.args
        optional = {one.arg for one in arguments[len(arguments) - len(function.args.defaults) :]}
        for one in arguments:
            if "mask" in one.arg.lower() and not any(word in one.arg.lower() for word in ("src", "attn", "key_padding")):
                return one.arg, one.arg in optional
        return "", False

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        name = finding.evidence.get("mask")
        if isinstance(node, ast.Call) and isinstance(name, str):
            text = f"None if {name} is None else {name}.bool()" if finding.evidence.get("optional") else f"{name}.bool()"
            yield self.fix("hand the mask to the field", *add_keyword(context.code, node, "mask", text))
