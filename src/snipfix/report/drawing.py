"""What all pictures of the report share: one SVG element with its words for those who cannot see it, and how wide its texts are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from snipfix.report.bilingual import Words

__all__ = ["CHARACTER", "svg"]

CHARACTER = 7.4
"""Width of a character of the pictures' texts; a Chinese one has two of them."""


def svg(parts: Sequence[str], width: float, height: int, words: Words, label: Callable[[Mapping[str, str]], str]) -> Markup:
    """The picture made of the parts, every text of which is escaped. `label`: what it shows, in the words of one language."""
    size = f'viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" style="--w:{width:.0f}px"'
    return Markup(f'<svg role="img" {words.spoken("aria-label", label)} {size}>{"".join(parts)}</svg>')  # noqa: S704 - every text in the parts was escaped
