"""What a result depends on, as the key under which it is kept."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from snipfix import __version__
from snipfix.config import Options
from snipfix.engines.target import source_digest
from snipfix.model import Snippet
from snipfix.patches import Patches

__all__ = ["LASTING", "Keys"]

_NO_PART = {"jobs", "python", "cache", "patches", "require_sandbox"}
"""Options that decide nothing of a result by themselves; interpreter and sandbox are part of the environment."""

LASTING = frozenset({"ok", "raised", "exited", "output-flood"})
"""Kinds of outcome that another run would have too. The rest may be the machine's doing."""


class Keys:
    """Keys of one run: what all its snippets share, and what each of them adds."""

    def __init__(self, options: Options, environment: Mapping[str, Any], patches: Patches | None, *, repair: bool) -> None:
        self.repair, self.patches = repair, patches
        shared = {name: value for name, value in asdict(options).items() if name not in _NO_PART}
        versions = [__version__, source_digest(), sys.version, metadata.version("libcst")]
        self.shared = _json([versions, shared, environment, repair])

    def of(self, snippet: Snippet) -> bytes:
        """The key of a snippet's result. Names and places count only for a repair: its diff carries them."""
        parts = [
            self.shared, snippet.code, snippet.documented_output, snippet.expect_error, snippet.language, snippet.info,
            snippet.in_shell, snippet.modules, snippet.session,
            [(earlier.id, earlier.line, earlier.code, earlier.expect_error) for earlier in snippet.before],
        ]  # fmt: skip
        if self.repair:
            parts += [snippet.path or snippet.document, self._patch(snippet)]
        return hashlib.sha256(_json(parts).encode()).digest()

    def _patch(self, snippet: Snippet) -> str:
        loaded = self.patches.for_snippet(snippet) if self.patches else None
        return f"{loaded.file}\n{Path('fixes', loaded.file).read_text(encoding='utf-8')}" if loaded else ""


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
