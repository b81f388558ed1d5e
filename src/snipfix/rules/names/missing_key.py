"""A dictionary is asked for a key that it does not have, but one much like it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import SequenceMatcher

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer

__all__ = ["MissingKey"]

ALIKE = 0.75
HEAD = "state = {'epoch': 3, 'model_state_dict': {}, 'optimizer_state_dict': {}}\n"


class MissingKey(CrashRule):
    """A dictionary is asked for a key that it does not have; the text writes one much like it.

    ## What it does
    Explains a `KeyError` for a written key where a dictionary of the same text is built with a key that contains it, is contained in it, or is spelt almost like it.

    ## Why is this bad?
    The program stops. What is saved under one name in a checkpoint, a batch or a vocabulary is looked up under another.

    ## Example
    ```python
    torch.save({"model_state_dict": model.state_dict()}, path)
    model.load_state_dict(torch.load(path)["state_dict"])
    ```

    ## Use instead
    ```python
    torch.save({"model_state_dict": model.state_dict()}, path)
    model.load_state_dict(torch.load(path)["model_state_dict"])
    ```

    ## Fix safety
    The nearest keys are tried, best first; which is meant shows where the program goes on.

    ## References
    - Python, KeyError
    - PyTorch tutorial "Saving and Loading Models"
    """

    id = "SNF103"
    name = "missing-key"
    category = Category.UNDEFINED_NAME
    applicability = Applicability.UNSAFE
    TYPES = ("KeyError",)
    MESSAGES = (r"^'([^']+)'$",)
    GOOD = (
        Good(HEAD + "state['model_state_dict']\n"),
        Good(HEAD + "state.get('state_dict')\n"),
    )
    BAD = (
        Bad(HEAD + "state['state_dict']\n", at=(2, 1), fixed=HEAD + "state['model_state_dict']\n"),
        Bad(HEAD + "state['epochs']  # 轮数\n", at=(2, 1), fixed=HEAD + "state['epoch']  # 轮数\n"),
    )

    def explains(self, crash: Crash) -> bool:
        return _asked(crash) is not None and bool(_near(crash))

    def says(self, crash: Crash) -> str:
        return f"there is no key `{crash.found[0]}`, but `{_near(crash)[0]}`"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        asked = _asked(crash)
        for key in _near(crash) if asked is not None else ():
            quote = crash.text(asked)[0] if asked is not None else "'"
            if asked is not None:
                yield Offer(f"Ask for `{key}`", replace_expression(crash.code, asked, f"{quote}{key}{quote}"))


def _asked(crash: Crash) -> ast.Constant | None:
    """The key as it is written in the failing look-up."""
    for node in ast.walk(crash.node) if crash.node is not None else ():
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == crash.found[0]:
            return node.slice
    return None


def _near(crash: Crash) -> list[str]:
    """The keys that the text writes which are like the one asked for, the likest first."""
    asked = crash.found[0]
    written = [key.value for made in crash.code.all(ast.Dict) for key in made.keys if isinstance(key, ast.Constant)]
    written += [
        node.slice.value
        for node in crash.code.all(ast.Subscript)
        if isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Constant)
    ]
    keys = [key for key in dict.fromkeys(written) if isinstance(key, str) and key.isidentifier() and key != asked]

    def likeness(key: str) -> float:
        within = len(min(asked, key, key=len)) > 3 and (asked in key or key in asked)
        return SequenceMatcher(None, asked.lower(), key.lower()).ratio() + within

    # Of two keys equally like it the first one written is meant: the model is saved before its optimizer.
    return sorted((key for key in keys if likeness(key) >= ALIKE), key=likeness, reverse=True)[:4]
