"""An output in the text that the code does not give."""

from __future__ import annotations

from collections.abc import Iterator

from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Severity, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.documented_output.comments import beside, mended
from snipfix.rules.documented_output.compare import Difference, differences, lines_of, shapes, shows_error, sizes, tells_of_machine
from snipfix.rules.observed import items, place, randomness, text

UNWRITTEN = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "skip_init"})
"""Functions that give memory as they find it: its numbers are others each time."""


class DocumentedOutputRefuted(Rule):
    """The document shows an output that running the code refutes.

    ## What it does
    Compares the documented output with what the code printed, line by line, as a reader would: blanks, rounding, addresses and timings do not
    count. So are values in a comment behind a print that ran once, or right below it. Numbers that come from unseeded random generators are not compared, only the shapes among them; an error shown on purpose is left alone.

    ## Why is this bad?
    The reader learns something false about what the code does, or doubts a correct installation.

    ## Example
    ```python
    x = torch.tensor([1.0, 2.0, 3.0])
    print(x * x + 2 * x + 1)  # documented: tensor(14.)
    ```

    ## Use instead
    Show what is printed: `tensor([ 4.,  9., 16.])`.

    ## Fix safety
    No fix in the code: the document's output, or the comment, is what must change, unless the code was meant otherwise.

    ## References
    - doctest, for the idea.
    """

    id = "SNF490"
    name = "documented-output-refuted"
    category = Category.DOCUMENTED_OUTPUT
    GOOD = (
        Good("import torch\nprint(torch.tensor([1.0, 2.0]) * 2)\n"),
        Good("print(1 / 3)\n"),
        Good(
            "import torch\nx = torch.ones(2, requires_grad=True)\nprint(x * 2)  # tensor([2., 2.])\nprint((x / 3).sum().item())  # 0.667\n"
        ),
        Good("import torch\nx = torch.randn(2)\nprint(x)  # tensor([0.1, 0.2])\nprint(len(x))  # 1\nprint(x.shape)  # (N,)\n"),
        Good("import torch\nfor n in (2, 3):\n    print(torch.ones(n).shape)  # torch.Size([2])\n"),
        Good("import torch\nprint(torch.arange(100.))  # tensor([0., 1., ..., 99.])\n"),
    )
    BAD = (
        Bad("import torch\nx = torch.tensor([1.0, 2.0])\nprint(x * x)\n", at=(3, 1), documented_output="tensor(5.)"),
        Bad("import torch\nprint('first')\nprint(torch.zeros(2, 3).shape)\n", at=(3, 1), documented_output="first\ntorch.Size([3, 2])\n"),
        Bad("import torch\nx = torch.randn(2, 3)\nprint(x.T.shape)\n", at=(3, 1), documented_output="torch.Size([2, 3])\n"),
        Bad(
            "import torch\nx = torch.randn(2, 3)\nprint('transposed', x.T.shape)  # torch.Size([2, 3])\n",
            at=(3, 1),
            fixed="import torch\nx = torch.randn(2, 3)\nprint('transposed', x.T.shape)  # torch.Size([3, 2])\n",
        ),
        Bad(
            "import torch\nx = torch.ones(2, requires_grad=True)\nprint(x * 2)\n# tensor([1.,\n#         1.])\n",
            at=(3, 1),
            fixed="import torch\nx = torch.ones(2, requires_grad=True)\nprint(x * 2)\n# tensor([2., 2.], grad_fn=<MulBackward0>)\n",
        ),
        Bad(
            "import torch\nprint((torch.ones(3) / 3).sum() == 2)  # 输出：tensor(True)\n",
            at=(2, 1),
            fixed="import torch\nprint((torch.ones(3) / 3).sum() == 2)  # 输出：tensor(False)\n",
        ),
        Bad("import torch\nx = torch.randn(2, 3)\nprint(tuple(x.T.shape))\n", at=(3, 1), documented_output="(2, 3)\n"),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        if outcome.kind in {"ok", "raised"} and not outcome.truncated and not outcome.quick:
            yield from self._comments(context, outcome)
        documented = context.snippet.documented_output
        if not documented or not documented.strip() or not outcome.stdout.strip() or shows_error(documented):
            return
        if outcome.kind not in {"ok", "raised"} or outcome.truncated or outcome.quick:
            return
        drawn, seeded = randomness(outcome)
        finished = outcome.kind == "ok"
        if drawn and not seeded:
            yield from self._of_sizes(context, outcome, documented, finished)
            return
        for difference in differences(documented, outcome.stdout, finished=finished):
            if tells_of_machine(context.code.text, difference) or (difference.numbers_only and context.code.calls(*UNWRITTEN)):
                continue
            severity = Severity.WARNING if drawn and difference.numbers_only else None
            yield self._report(context, outcome, difference, severity)

    def _comments(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        """The values that comments beside the prints tell; of what is drawn without a seed, the sizes alone."""
        drawn, seeded = randomness(outcome)
        for one in beside(context.code, outcome):
            if drawn and not seeded and not sizes(one.documented):
                continue
            for difference in differences(one.documented, one.true, finished=True):
                if not tells_of_machine(context.code.text, difference):
                    message = f"the documented output is `{_short(difference.documented)}`, but it prints `{_short(difference.true)}`"
                    evidence = {"documented": one.shown, "true": one.value, "output_line": one.line}
                    severity = Severity.WARNING if drawn and difference.numbers_only and not sizes(one.documented) else None
                    yield self.finding(message, one.span, stage=Stage.PROBE, evidence=evidence, severity=severity)

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        """The true value in the comment that tells another; what the document shows below the code is mended there."""
        shown, value, line = (finding.evidence.get(name) for name in ("documented", "true", "output_line"))
        told = context.snippet.documented_output is None and isinstance(shown, str) and isinstance(value, str) and isinstance(line, int)
        edits = mended(context.code, str(shown), str(value), int(line or 0)) if told else ()
        if edits:
            yield self.fix("write what is printed", *edits)

    def _of_sizes(self, context: Context, outcome: Outcome, documented: str, finished: bool) -> Iterator[Finding]:
        certain = outcome.stdout_again is not None and shapes(outcome.stdout_again) == shapes(outcome.stdout)
        kind = shapes if certain else sizes
        claimed, given = kind(documented), kind(outcome.stdout)
        if finished and len(claimed) != len(given):
            return
        for one, other in zip(claimed, given, strict=False):
            if one != other:
                line = next((n for n, true in enumerate(lines_of(outcome.stdout)) if other in true.replace(" ", "")), 0)
                yield self._report(context, outcome, Difference(line, one, other, numbers_only=False), None)
                return

    def _report(self, context: Context, outcome: Outcome, difference: Difference, severity: Severity | None) -> Finding:
        true = f"it prints `{_short(difference.true)}`" if difference.true else "nothing more is printed"
        message = f"the documented output is `{_short(difference.documented)}`, but {true}"
        evidence = {"documented": difference.documented, "true": difference.true, "output_line": difference.line + 1}
        span = printed_at(context, outcome, difference.line) or Span.at(len(context.code.lines))
        return self.finding(message, span, stage=Stage.PROBE, evidence=evidence, severity=severity)


def printed_at(context: Context, outcome: Outcome, wanted: int) -> Span | None:
    """The print that gave the true output's line `wanted` (lines counted without empty ones, wrapped brackets as one)."""
    last: Span | None = None
    printed = ""
    for observation in outcome.seen("printed"):
        for one in items(observation.facts, "printed"):
            printed += text({"p": one}, "p", "text")
            last = place(context.code, {"p": one}, "p", "span") or last
            if len(lines_of(printed)) > wanted:
                return last
    return last


def _short(line: str) -> str:
    return line if len(line) <= 80 else line[:79] + "…"
