"""Corpora: a column of code or of Markdown in, one record per row out, by the million, in constant memory."""

from __future__ import annotations

from snipfix.corpus.run import Totals, run

__all__ = ["Totals", "run"]
