"""Fourier transforms whose complex numbers were pairs of real ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, joined, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Meaning
from snipfix.rules.base import Bad, Good
from snipfix.rules.deprecated.rewrites import fourier
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import passed
from snipfix.rules.observed import called

__all__ = ["SpectrumOfPairs"]

SIGNAL = "import torch\nx = torch.randn(400)\n"


class SpectrumOfPairs(CrashRule):
    """A Fourier transform is used as when complex numbers were pairs of real ones.

    ## What it does
    Explains `stft` without `return_complex`, `istft` of pairs, and `torch.fft(x, n)`, which was a function before it became a module.

    ## Why is this bad?
    The program stops. torch has complex numbers since 1.8; before, a spectrum had a last dimension of two.

    ## Example
    ```python
    spectrum = torch.stft(signal, 64)
    ```

    ## Use instead
    ```python
    spectrum = torch.view_as_real(torch.stft(signal, 64, return_complex=True))
    ```

    ## Fix safety
    Safe: the spectrum is shown as the pairs it was. That the complex numbers themselves be used is offered second.

    ## References
    - torch.stft, "return_complex"; release notes of PyTorch 1.8, torch.fft.
    """

    id = "SNF147"
    name = "spectrum-of-pairs"
    category = Category.DEPRECATED
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError", "TypeError")
    MESSAGES = (
        r"(stft) requires the return_complex parameter",
        r"(istft) requires a complex-valued input",
        r"'module' object is not callable",
    )
    GOOD = (
        Good(SIGNAL + "print(torch.stft(x, 64, return_complex=True).abs().shape)\n"),
        Good(SIGNAL + "print(torch.fft.fft(x).shape)\n"),
    )
    BAD = (
        Bad(
            SIGNAL + "s = torch.stft(x, n_fft=64)  # 频谱\nprint(s.shape)\n",
            at=(3, 5),
            fixed=SIGNAL + "s = torch.view_as_real(torch.stft(x, n_fft=64, return_complex=True))  # 频谱\nprint(s.shape)\n",
        ),
        Bad(
            SIGNAL + "s = x.stft(64, return_complex=False)\ny = torch.istft(s, 64)\n",
            at=(4, 5),
            fixed=SIGNAL + "s = x.stft(64, return_complex=False)\ny = torch.istft(torch.view_as_complex(s), 64)\n",
        ),
        Bad(
            SIGNAL + "pairs = torch.stack([x, 0 * x], dim=-1)\nprint(torch.fft(pairs, 1).shape)\n",
            at=(4, 7),
            fixed=SIGNAL
            + "pairs = torch.stack([x, 0 * x], dim=-1)\nprint(torch.view_as_real(torch.fft.fft(torch.view_as_complex(pairs))).shape)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return bool(crash.found[:1]) or (crash.call is not None and crash.context.scopes.qualified(crash.call.func) == "torch.fft")

    def says(self, crash: Crash) -> str:
        if crash.found[:1] == ("istft",):
            return "`istft` is given a spectrum of pairs: it takes complex numbers"
        return "complex numbers were pairs when this was written" if crash.found else "`torch.fft` is a module since torch 1.8"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code, call = crash.code, crash.call
        if call is None:
            return
        if not crash.found:
            text = fourier(crash.context, call, "fft")
            if text:
                yield Offer("Use the function of the module", replace_expression(code, call, text), Meaning.KEEPS)
        elif called(call) == "istft":
            given = passed(crash, 0, "input")
            if isinstance(given, ast.expr):
                yield Offer("Make the pairs complex", wrap_expression(code, given, "torch.view_as_complex({})"), Meaning.KEEPS)
        elif called(call) == "stft":
            complexly = add_keyword(code, call, "return_complex", "True")
            wrapped = joined(complexly, wrap_expression(code, call, "torch.view_as_real({})"))
            yield Offer("Show the complex numbers as pairs", wrapped, Meaning.KEEPS)
            yield Offer("Return complex numbers", complexly, Meaning.CHANGES)
