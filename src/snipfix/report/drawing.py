"""What all pictures of the report share: one SVG element with its words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

__all__ = ["svg"]


def svg(parts: Sequence[str], width: int, height: int, label: str) -> Markup:
    """The picture made of the parts, every text of which is escaped."""
    head = f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704 - every text in the parts was escaped
