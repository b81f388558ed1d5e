"""fixes/: reviewed patches pinned to one snippet's sha256. Load, check, apply, record.

Loading a patch executes it, so patches come only from the workspace that the user stands in.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snipfix.code import Code
from snipfix.errors import WorkspaceError
from snipfix.files import write_atomic
from snipfix.model import Edit, Fix, Meaning, Snippet
from snipfix.rules.wording import said

__all__ = ["Patch", "Patches", "Step", "load", "record", "step"]

Step = Callable[[Code], Sequence[Edit]]
"""One codemod with its arguments bound: from a Code to the edits that it makes."""


@dataclass(frozen=True, slots=True)
class Patch:
    """The record at the head of a file in fixes/."""

    snippet: str
    """The snippet's stem."""
    sha256: str
    """Of the snippet as it stands: a patch for another text is stale and never applied."""
    answers: str
    """What the document asks for, and how the patched code answers it."""
    why: str
    """What was wrong, and why no rule can infer the author's intent."""
    why_zh: str = ""
    """The same in Chinese, for reports of Chinese documents."""
    meaning: Meaning = Meaning.RESTORES


def step(codemod: Callable[..., Sequence[Edit]], *args: Any, **kwargs: Any) -> Step:
    """A codemod with its arguments, to be applied later: `step(add_import, "math")`."""

    def apply(code: Code) -> Sequence[Edit]:
        return codemod(code, *args, **kwargs)

    return apply


@dataclass(frozen=True, slots=True)
class LoadedPatch:
    """A patch with its transform and the file it came from."""

    patch: Patch
    file: str
    transform: Any

    def apply(self, text: str) -> str:
        """The patched text. TRANSFORM is a LibCST transformer class, or steps applied one after the other.

        Raises:
            WorkspaceError: when a step does not fit the text.
        """
        try:
            if isinstance(self.transform, type):
                return Code(text).cst.visit(self.transform()).code
            for one in self.transform:
                text = Fix("", tuple(one(Code(text)))).apply(text)
        except Exception as error:
            raise WorkspaceError(
                f"the patch does not apply: {type(error).__name__}: {error}",
                place=f"fixes/{self.file}",
                hint="correct the patch's TRANSFORM",
            ) from error
        return text


@dataclass(frozen=True, slots=True)
class Patches:
    """The patches of one workspace, by the sha256 they are pinned to."""

    by_sha256: dict[str, LoadedPatch]

    def for_snippet(self, snippet: Snippet) -> LoadedPatch | None:
        return self.by_sha256.get(snippet.sha256)

    def check(self, snippets: Sequence[Snippet]) -> None:
        """Raise WorkspaceError for a patch whose snippet is there with another text: it is stale."""
        by_id = {(snippet.path and Path(snippet.path).stem) or snippet.id: snippet for snippet in snippets}
        for loaded in self.by_sha256.values():
            snippet = by_id.get(loaded.patch.snippet)
            if snippet is not None and snippet.sha256 != loaded.patch.sha256:
                raise WorkspaceError(
                    f"the patch is stale: it was reviewed for sha256 {loaded.patch.sha256[:12]}…, the snippet is {snippet.sha256[:12]}…",
                    place=f"fixes/{loaded.file}",
                    hint="review it against the snippet and set PATCH.sha256, or delete the file",
                )


def load(folder: Path) -> Patches:
    """The patches in a workspace's fixes/ folder; none when there is no such folder.

    Raises:
        WorkspaceError: for a file that does not load, has no PATCH and TRANSFORM, or repeats a sha256.
    """
    found: dict[str, LoadedPatch] = {}
    for file in sorted(folder.glob("*.py")) if folder.is_dir() else ():
        if file.name.startswith("_"):
            continue
        loaded = _load(file)
        if loaded.patch.sha256 in found:
            raise WorkspaceError(f"repeats the sha256 of fixes/{found[loaded.patch.sha256].file}", place=f"fixes/{file.name}")
        found[loaded.patch.sha256] = loaded
    return Patches(found)


def _load(file: Path) -> LoadedPatch:
    place = f"fixes/{file.name}"
    try:
        names = runpy.run_path(str(file))
    except Exception as error:
        raise WorkspaceError(f"cannot be loaded: {type(error).__name__}: {error}", place=place) from error
    patch, transform = names.get("PATCH"), names.get("TRANSFORM")
    if not isinstance(patch, Patch) or transform is None:
        raise WorkspaceError("a patch defines PATCH = Patch(...) and TRANSFORM", place=place, hint="see CONTRIBUTING.md")
    if not re.fullmatch(r"[0-9a-f]{64}", patch.sha256):
        raise WorkspaceError("PATCH.sha256 is not a sha256", place=place)
    return LoadedPatch(patch, file.name, transform)


def record(folder: Path, snippet: Snippet, corrected: str, fixes: Sequence[Fix]) -> Path:
    """Write the found repair of a snippet as a readable patch and return its path. Replaying it gives the same bytes."""
    stem = Path(snippet.path).stem if snippet.path else re.sub(r"\W+", "_", snippet.id).strip("_")
    why = "; ".join(dict.fromkeys(f"{fix.rule}: {fix.title}" for fix in fixes))
    chinese = "；".join(dict.fromkeys(f"{fix.rule}：{said(fix.title, 'zh', fix.rule)}" for fix in fixes))
    why_zh = f"    why_zh={chinese!r},\n" if chinese else ""
    steps = "".join(f"    step(substitute, {old!r}, {new!r}, line={line}),\n" for line, old, new in _substitutions(snippet.code, corrected))
    text = (
        f'"""{snippet.title}: recorded from a proven search."""\n\n'
        "from snipfix.codemods import substitute\nfrom snipfix.patches import Patch, step\n\n"
        f"PATCH = Patch(\n    snippet={stem!r},\n    sha256={snippet.sha256!r},\n"
        f"    answers={snippet.title!r},\n    why={why!r},\n{why_zh})\n\n"
        f"TRANSFORM = (\n{steps})\n"
    )
    file = folder / f"{stem}.py"
    write_atomic(file, text.encode())
    return file


def _substitutions(old: str, new: str) -> list[tuple[int, str, str]]:
    """Line-wise replacements from the last to the first, so that line numbers stay those of the original."""
    import difflib

    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    found = []
    for tag, a1, a2, b1, b2 in reversed(difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()):
        if tag != "equal":
            found.append((a1 + 1, "".join(a[a1:a2]), "".join(b[b1:b2])))
    return found
