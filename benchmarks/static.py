"""How many snippets a second the static stage looks at on one core: parse, scopes, every rule, nothing cached between snippets.

python benchmarks/static.py [DOCUMENT] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from snipfix import documents
from snipfix.audit import Auditor
from snipfix.config import Options
from snipfix.model import Snippet, Stage
from snipfix.rules.base import Context, Rule
from snipfix.rules.registry import rules

ROUNDS, SECONDS = 7, 1.0


def speeds(auditor: Auditor, snippets: list[Snippet]) -> list[float]:
    """Snippets a second in each of ROUNDS rounds of SECONDS or more, slowest first: a machine that others use too is never equally fast."""
    for snippet in snippets:
        auditor.audit(snippet, fixes=False)
    return sorted(_speed(auditor, snippets) for _ in range(ROUNDS))


def _speed(auditor: Auditor, snippets: list[Snippet]) -> float:
    done, started = 0, time.process_time()
    while time.process_time() - started < SECONDS:
        for snippet in snippets:
            auditor.audit(snippet, fixes=False)
        done += len(snippets)
    return done / (time.process_time() - started)


def costs(snippets: list[Snippet], rounds: int = 20) -> dict[str, float]:
    """Milliseconds a snippet by part: parsing, walking, scopes, and each rule on top of these."""
    spent: dict[str, float] = defaultdict(float)

    def timed(name: str, step: object) -> None:
        assert callable(step)
        started = time.perf_counter()
        step()
        spent[name] += time.perf_counter() - started

    for _ in range(rounds):
        for snippet in snippets:
            from snipfix.code import Code

            code = Code(snippet.code)
            context = Context(snippet, code)
            timed("parse", lambda code=code: code.syntax_error)
            if code.syntax_error is not None:
                continue
            timed("walk", lambda code=code: code.nodes)
            timed("parents", lambda code=code: code.parents)
            timed("scopes", lambda context=context: context.scopes)
            for rule in rules():
                timed(f"{rule.id} {rule.name}", lambda rule=rule, context=context: list(Rule.static(rule, context) or rule.static(context)))
    return {name: 1000 * total / rounds / len(snippets) for name, total in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", nargs="?", type=Path, default=Path("snippets"), help="a document or folder; default: snippets/")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    chosen = parser.parse_args()
    snippets = [snippet for document in documents.collect([chosen.document]) for snippet in document.snippets]
    auditor = Auditor(None, rules(), Options(stage=Stage.STATIC))
    found = speeds(auditor, snippets)
    spread = f"median of {ROUNDS} rounds, {found[0]:.0f} to {found[-1]:.0f}"
    print(f"{len(snippets)} snippets, {len(rules())} rules: {median(found):.0f} snippets a second and core ({spread}; budget: 500)")
    for name, cost in sorted(costs(snippets).items(), key=lambda item: -item[1])[:12]:
        print(f"  {cost:7.3f} ms  {name}")
    if chosen.profile:
        profile = cProfile.Profile()
        profile.enable()
        for snippet in snippets * 10:
            auditor.audit(snippet, fixes=False)
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(20)


if __name__ == "__main__":
    main()
