"""Sets of names are walked in another order in every process; findings and fixes must not hang on it."""

import os
import subprocess
import sys

DUMP = """
import hashlib
from snipfix.code import Code
from snipfix.model import Snippet
from snipfix.rules.base import Context
from snipfix.rules.registry import rules

for rule in rules():
    for bad in rule.BAD:
        context = Context(Snippet(id="a", title="", document="a.md", code=bad.code, documented_output=bad.documented_output), Code(bad.code))
        error = context.code.syntax_error
        found = list(rule.on_syntax(context, error) if error else rule.static(context))
        said = [(finding.message, str(finding.span), repr(finding.evidence), [repr(fix) for fix in rule.fixes(context, finding)]) for finding in found]
        print(rule.id, bad.at, hashlib.sha256(repr(said).encode()).hexdigest(), said[:1])
"""
SEEDS = ("1", "2", "3")


def test_findings_and_fixes_are_the_same_whatever_the_hash_seed():
    first, *others = [
        subprocess.run(
            [sys.executable, "-c", DUMP], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for seed in SEEDS
    ]
    assert len(first) > 200
    for other in others:
        assert other == first
