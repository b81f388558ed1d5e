"""A fault that shows in one block and was born in an earlier one: the blocks are repaired as the one program they are, and the earlier one is mended.

That is tried only where the block's own code gives no handle on the fault. The mend holds when the block then passes, and the mended block and the
others that build on it are as sound as they were.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from snipfix.audit import Auditor
from snipfix.model import RepairVerdict, Result, Snippet, Stage
from snipfix.repair import Repairer

__all__ = ["changes", "mend_where_born", "on"]


def changes(results: Sequence[Result]) -> tuple[dict[str, str], dict[str, str]]:
    """What proven repairs change in a document: new code and new documented outputs, both by snippet id."""
    proven = [(one.snippet, one.repair) for one in results if one.repair and one.repair.verdict is RepairVerdict.REPAIRED]
    codes = {snippet.id: repair.corrected for snippet, repair in proven if repair.corrected != snippet.code}
    for _, repair in proven:  # a later block's mend of an earlier one rests on that one's own
        codes |= repair.earlier
    return codes, {snippet.id: repair.output for snippet, repair in proven if repair.output is not None}


def mend_where_born(auditor: Auditor, result: Result, others: Iterable[Result]) -> Result:
    """The result with a repair that touches earlier blocks, or as it was.

    `others` are the results of the document's earlier snippets.
    """
    snippet = result.snippet
    if not _may_be_born_earlier(result):
        return result
    program = replace(snippet, code="".join(_texts(snippet)), before=(), documented_output=None, line=1, indents=(), places=())
    joined = Repairer(auditor).repair(auditor.audit(program)).repair
    if joined is None or joined.verdict is not RepairVerdict.REPAIRED:
        return result
    mended = _earlier_changes(snippet, joined.corrected)
    if not mended:
        return result
    own = Repairer(auditor).repair(auditor.audit(on(snippet, mended))).repair
    if own is None or own.verdict not in (RepairVerdict.UNCHANGED, RepairVerdict.REPAIRED):
        return result
    touched = [one for one in others if one.snippet.id in mended or any(block.id in mended for block in one.snippet.before)]
    if not all(_as_sound_as_before(auditor, one, mended) for one in touched):
        return result
    lines = ", ".join(str(block.line) for block in snippet.before if block.id in mended)
    said = {fix.title for fix in own.fixes}
    fixes = tuple(replace(fix, edits=()) for fix in joined.fixes if fix.title not in said)
    reason = f"mended where the fault was born: in the block at line {lines}"
    return replace(
        result, repair=replace(own, verdict=RepairVerdict.REPAIRED, fixes=fixes + own.fixes, earlier=tuple(mended.items()), reason=reason)
    )


def on(snippet: Snippet, mended: Mapping[str, str]) -> Snippet:
    """The snippet on top of blocks with new code, by id."""
    return replace(snippet, before=tuple(replace(block, code=mended.get(block.id, block.code)) for block in snippet.before))


def _may_be_born_earlier(result: Result) -> bool:
    """Whether a document's block fails by itself, for something that running shows, and was not repaired."""
    snippet, repair, outcome = result.snippet, result.repair, result.outcome
    if repair is None or repair.verdict not in (RepairVerdict.UNREPAIRED, RepairVerdict.PARTLY_REPAIRED) or repair.patch:
        return False
    if not snippet.before or snippet.path or outcome is None or outcome.stopped_in:
        return False
    if snippet.expect_error or any(block.expect_error for block in snippet.before):
        return False
    return any(finding.is_error and finding.stage.depth >= Stage.RUN.depth for finding in result.findings)


def _texts(snippet: Snippet) -> list[str]:
    """The blocks and the snippet's own code, each ending with its line."""
    return [code if code.endswith("\n") else code + "\n" for code in (*(block.code for block in snippet.before), snippet.code)]


def _earlier_changes(snippet: Snippet, corrected: str) -> dict[str, str]:
    """The new code of the blocks that a repair of the whole program changed, by id; none when it cannot be told apart, or is not to be seen."""
    old = _texts(snippet)
    new = _parted([text.splitlines(keepends=True) for text in old], corrected.splitlines(keepends=True))
    changed = {}
    for block, before, after in zip(snippet.before, old, new, strict=False):
        if before != after:
            if block.hidden:
                return {}
            changed[block.id] = after if block.code.endswith("\n") else after.removesuffix("\n")
    return changed


def _parted(blocks: Sequence[Sequence[str]], new: Sequence[str]) -> list[str]:
    """The new lines of each block; none at all when one change spans two of them."""
    owner = [number for number, block in enumerate(blocks) for _ in block]
    parts = [""] * len(blocks)
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(
        None, [line for block in blocks for line in block], new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            for line, number in zip(new[b1:b2], owner[a1:a2], strict=True):
                parts[number] += line
            continue
        of = set(owner[a1:a2]) or {owner[max(a1 - 1, 0)]}
        if len(of) > 1:
            return []
        parts[of.pop()] += "".join(new[b1:b2])
    return parts


def _as_sound_as_before(auditor: Auditor, other: Result, mended: Mapping[str, str]) -> bool:
    """Whether another snippet of the document has no more errors on the mended blocks, or as one of them, than it had."""
    repaired = other.repair if other.repair and other.repair.verdict is RepairVerdict.REPAIRED else None
    code = mended.get(other.snippet.id, repaired.corrected if repaired else other.snippet.code)
    output = repaired.output if repaired and repaired.output is not None else other.snippet.documented_output
    after = auditor.audit(on(replace(other.snippet, code=code, documented_output=output), mended))
    errors = sum(finding.is_error for finding in (repaired.findings_after if repaired else other.findings))
    return sum(finding.is_error for finding in after.findings) <= errors
