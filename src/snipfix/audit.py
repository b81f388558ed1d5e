"""The stages on one page: parse, static, run, exercise, probe. One snippet in, one Result out.

`Auditor` holds what an audit needs (a way to run jobs, the rules, the options) and is used by the command line, the repair and the plugins alike.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from msgspec import structs

from snipfix.code import Code
from snipfix.config import QUICK_STEPS, Options
from snipfix.documents.sessions import echoed
from snipfix.evidence import Block, Job, Outcome
from snipfix.model import Category, Finding, Result, Severity, Snippet, Stage, StageResult, Verdict
from snipfix.rules.base import Context, Rule, earlier_blocks
from snipfix.rules.observed import randomness

__all__ = ["Auditor", "Runner"]

Runner = Callable[[Job], Outcome]
"""Runs one job in a sandbox and returns what came of it; safe to call from several threads."""

FALLBACK = "SNF9"
"""Rules with this prefix speak only of what no other rule explains."""

ENDED = ("ok", "exited")
"""Kinds of outcome that are no failure by themselves."""

QUIET = (Category.LOSS, Category.TRAINING_LOOP, Category.CAUSALITY, Category.BATCH_LAYOUT)
"""Categories of defects that stop nothing: what a run meets on the same line is another matter."""

PRETENDED = "pretended"
"""The device of a job that runs on the CPU as if it were a GPU."""

ON_A_CARD = re.compile(
    r"Expected all tensors to be on the same device|tensors are not at the same device|can't convert cuda:0 device type tensor to numpy"
)
"""What only a card, real or pretended, has to say."""

IGNORE_MARK = re.compile(r"snipfix:\s*ignore(?:\[([^\]]*)\])?")


@dataclass(frozen=True)
class Auditor:
    """Audits snippets. `run` may be None when the options stop before the run stage."""

    run: Runner | None
    rules: Sequence[Rule]
    options: Options

    @cached_property
    def _by_text(self) -> list[Rule]:
        """The rules that look at the text at all, which is asked of every snippet."""
        return [rule for rule in self.rules if type(rule).static is not Rule.static]

    @cached_property
    def _silent(self) -> frozenset[str]:
        """The rules whose defect stops nothing."""
        return frozenset(rule.id for rule in self.rules if rule.silent or rule.category in QUIET)

    def audit(self, snippet: Snippet, *, fixes: bool = True, quick: bool | None = None) -> Result:
        """The Result of one snippet; `fixes`: findings carry their candidate edits. `quick` overrides the option."""
        started = time.monotonic()
        context = Context(snippet, Code(snippet.code, tuple(one.code for one in snippet.before)))
        findings, outcome, stages = self._look(context, self.options.quick if quick is None else quick)
        findings = self._settled(context, findings)
        if fixes:
            context = replace(context, outcome=outcome)
            findings = [self.with_fixes(context, finding) for finding in findings]
        as_meant = snippet.expect_error and _fails(findings, outcome)
        if as_meant:
            findings = [finding for finding in findings if not finding.is_error]
        verdict, reason = (Verdict.CLEAN, "raises, as the document means it to") if as_meant else _verdict(findings, outcome)
        return Result(
            snippet=snippet,
            verdict=verdict,
            reason=reason,
            stages=_stages(stages, findings, outcome),
            findings=tuple(findings),
            stand_ins=outcome.stand_ins if outcome else (),
            outcome=outcome,
            seconds=time.monotonic() - started,
        )

    def _look(self, context: Context, quick: bool) -> tuple[list[Finding], Outcome | None, dict[Stage, str]]:
        """Every stage that the options ask for and the snippet allows; the dict says why a stage was not reached."""
        code, depth = context.code, self.options.stage.depth
        if (error := code.syntax_error) is not None:
            skipped: dict[Stage, str] = {stage: "the snippet does not parse" for stage in Stage if stage is not Stage.PARSE}
            return [found for rule in self.rules for found in rule.on_syntax(context, error)], None, skipped
        beyond = {stage: f"--stage {self.options.stage}" for stage in Stage if stage.depth > depth}
        if depth < Stage.STATIC.depth:
            return [], None, beyond
        findings = [found for rule in self._by_text for found in rule.static(context)]
        if depth < Stage.RUN.depth or self.run is None:
            return findings, None, beyond
        outcome = self._outcome(self.run, context.snippet, quick)
        if outcome.failure or outcome.kind != "ok":
            beyond.setdefault(Stage.PROBE, f"only up to where the run ended: {outcome.kind}")
        findings += self._judged(replace(context, outcome=outcome), outcome)
        return findings + self._on_a_card(self.run, context), outcome, beyond

    def _outcome(self, run: Runner, snippet: Snippet, quick: bool) -> Outcome:
        """What comes of the snippet. Where its documented output hangs on random numbers, another seed shows what of it is certain."""
        job = self.job(snippet, quick)
        outcome = run(job)
        if snippet.documented_output and outcome.kind == "ok" and randomness(outcome) == (True, False):
            again = run(structs.replace(job, seed=job.seed + 1, stage=Stage.RUN.value))
            outcome = structs.replace(outcome, stdout_again=again.stdout if again.kind == "ok" else None)
        return outcome

    def _on_a_card(self, run: Runner, context: Context) -> list[Finding]:
        """What would be wrong with a GPU where there is none: the snippet is run on a card that is none, and only mixed devices are judged."""
        if self.options.device != "cpu" or not any(
            "cuda" in text for text in (context.snippet.code, *(one.code for one in context.snippet.before))
        ):
            return []
        outcome = run(structs.replace(self.job(context.snippet, quick=True), device=PRETENDED, stage=Stage.RUN.value))
        if outcome.failure is None or outcome.stopped_in or not ON_A_CARD.search(outcome.failure.message):
            return []
        context = replace(context, outcome=outcome)
        rules = [rule for rule in self.rules if rule.category is Category.DEVICE]
        found = [self.with_fixes(context, one) for rule in rules for one in rule.on_failure(context, outcome.failure, None)]
        stopped = [[frame.function, frame.span.line] for frame in outcome.failure.frames if frame.snippet]
        evidence = {"device": PRETENDED, "stopped": stopped}
        return [replace(one, message=f"with a GPU, {one.message}", evidence={**one.evidence, **evidence}) for one in found]

    def job(self, snippet: Snippet, quick: bool) -> Job:
        """What the child is asked to do for a snippet."""
        stage = self.options.stage if self.options.stage.depth > Stage.RUN.depth else Stage.RUN
        return Job(
            code=snippet.code,
            name="snippet.py",
            before=tuple(
                Block(name=name, code=earlier.code, expect_error=earlier.expect_error) for name, earlier in earlier_blocks(snippet).items()
            ),
            stage=stage.value,
            seed=self.options.seed,
            device=self.options.device,
            quick=QUICK_STEPS if quick else 0,
            timeout=self.options.timeout,
            processor=self.options.processor,
            memory_mb=self.options.memory,
            echo=tuple(echoed(snippet.code, snippet.session)),
            shell=snippet.in_shell,
            modules=snippet.modules,
        )

    def _judged(self, context: Context, outcome: Outcome) -> list[Finding]:
        """What the rules say of an outcome. The fallback rules speak only of failures that no other rule explains."""
        if outcome.stopped_in:
            return [found for rule in self.rules for found in rule.on_earlier_failure(context, outcome)]
        findings = [found for rule in self.rules for found in rule.on_outcome(context, outcome)]
        exercises = [exercise for exercise in outcome.exercises if exercise.failure]
        for failure, exercise in [(outcome.failure, None), *((one.failure, one) for one in exercises)]:
            if failure is None:
                continue
            explained: list[Finding] = []
            for rule in sorted(self.rules, key=lambda rule: rule.id):
                if not (explained and rule.id.startswith(FALLBACK)):
                    explained += rule.on_failure(context, failure, exercise)
            findings += explained
        return findings

    def _settled(self, context: Context, findings: Iterable[Finding]) -> list[Finding]:
        """Selected findings in reading order: each once, none that an ignore mark covers or an earlier stage already said."""
        kept: dict[tuple[str, int, int], Finding] = {}
        for finding in sorted(findings, key=_reading_order):
            if self.options.wants(finding) and not _ignored(context.code, finding):
                kept.setdefault(finding.key, finding)
        certain = [one for one in kept.values() if one.stage is Stage.STATIC and one.is_error and one.rule not in self._silent]
        broken = {line for one in certain for line in (one.span.line, *one.evidence.get("hides", ()))}
        said = {(finding.span.line, finding.category) for finding in kept.values() if finding.stage is Stage.STATIC}
        return [
            finding
            for finding in kept.values()
            if not (finding.rule.startswith(FALLBACK) and (finding.span.line, finding.category) in said)
            and not (finding.stage in (Stage.RUN, Stage.EXERCISE) and finding.is_error and finding.span.line in broken)
        ]

    def with_fixes(self, context: Context, finding: Finding) -> Finding:
        """The finding with the candidate edits of its rule, those that apply to the text and change it."""
        if finding.evidence.get("device") == PRETENDED:
            return finding  # has them, from the outcome that it rests on
        rule = next(rule for rule in self.rules if rule.id == finding.rule)
        text = context.code.text
        return replace(finding, fixes=tuple(fix for fix in rule.fixes(context, finding) if fix.apply(text) != text))


def _reading_order(finding: Finding) -> tuple[int, int, int, str]:
    return (finding.span.line, finding.span.column, finding.stage.depth, finding.rule)


def _ignored(code: Code, finding: Finding) -> bool:
    """Whether `# snipfix: ignore[rule] reason` stands on the finding's first or last line."""
    if "snipfix:" not in code.text:
        return False
    for line in {finding.span.line, finding.span.end_line}:
        mark = IGNORE_MARK.search(code.comments.get(line, ""))
        if mark and (mark[1] is None or {finding.rule, finding.name} & {name.strip() for name in mark[1].split(",")}):
            return True
    return False


def _stages(skipped: dict[Stage, str], findings: Sequence[Finding], outcome: Outcome | None) -> tuple[StageResult, ...]:
    errors = {finding.stage for finding in findings if finding.is_error}
    if outcome is not None and outcome.kind not in ENDED:
        errors.add(Stage.RUN)
    if outcome is not None and any(exercise.failure for exercise in outcome.exercises):
        errors.add(Stage.EXERCISE)
    return tuple(
        StageResult(stage, "failed", "")
        if stage in errors
        else StageResult(stage, "skipped", skipped[stage])
        if stage in skipped
        else StageResult(stage, "passed")
        for stage in Stage
    )


def _fails(findings: Sequence[Finding], outcome: Outcome | None) -> bool:
    """Whether a snippet fails by itself, where what it defines is called, or on a card; without a run, whether the text alone tells."""
    if outcome is None:
        return any(finding.is_error for finding in findings)
    ended = outcome.kind == "raised" or (outcome.kind == "exited" and outcome.exit_code != 0)
    return not outcome.stopped_in and (ended or bool(outcome.failures) or any(one.evidence.get("device") == PRETENDED for one in findings))


def _verdict(findings: Sequence[Finding], outcome: Outcome | None) -> tuple[Verdict, str]:
    """The verdict and, when not runnable, why."""
    errors = [finding for finding in findings if finding.is_error]
    if outcome is not None and outcome.stopped_in and not errors:
        return Verdict.NOT_RUNNABLE, "a block that it builds on fails"
    if outcome is not None and outcome.kind == "refused":
        return Verdict.NOT_RUNNABLE, outcome.detail
    if errors and all(finding.category is Category.ENVIRONMENT for finding in errors):
        return Verdict.NOT_RUNNABLE, errors[0].message
    if errors:
        return Verdict.FAILING, ""
    if outcome is not None and outcome.kind not in ENDED:
        return Verdict.NOT_RUNNABLE, f"it ended as {outcome.kind}, and no selected rule says why"
    warned = any(finding.severity is Severity.WARNING for finding in findings)
    return (Verdict.SUSPECT if warned else Verdict.CLEAN), ""
