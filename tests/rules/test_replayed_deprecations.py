"""Every entry of the table of changed names: what is installed says the same, and old and new agree on the same seeded arguments."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from replays import CANNOT, HEAD, REPLAYS

import snipfix
from snipfix.code import Code
from snipfix.model import Snippet
from snipfix.rules.base import Context
from snipfix.rules.deprecated.api import edits, table, uses
from snipfix.rules.wording import said

CHILD = Path(snipfix.__file__).parent / "child"
WORLD = "import json, sys, warnings\nsys.path.insert(0, sys.argv[1])\nimport world\nworld.install({'code': ''})\n"
ASK = f"""{WORLD}
import importlib

def there(name):
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        try:
            for part in parts[n:]:
                found = getattr(found, part)
        except AttributeError:
            return False
        return True
    return False

def stub(name):
    "Some names of torch are still there and only raise."
    import torch
    function = getattr(torch, name.rpartition(".")[2])
    try:
        function(torch.eye(2), *([torch.eye(2)] if name in {{"torch.solve", "torch.lstsq"}} else []))
    except RuntimeError as error:
        return "is now removed" in str(error)
    return False

warnings.simplefilter("ignore")
names, stubs = json.load(sys.stdin)
print(json.dumps({{name: [there(name), name in stubs and stub(name)] for name in names}}))
"""
STUBS = ["torch.symeig", "torch.eig", "torch.solve", "torch.lstsq", "torch.matrix_rank"]
COMPARE = f"""{WORLD}
import torch

torch.set_warn_always(True)

def run(code):
    space = {{}}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(code, space)
    return space["result"], [str(one.message) for one in caught if issubclass(one.category, (DeprecationWarning, FutureWarning, UserWarning))]

def facts(value):
    if isinstance(value, torch.Tensor):
        return [str(value.dtype), list(value.shape), value.detach()]
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return [str(value.dtype), list(value.shape), torch.tensor(value.tolist())]
    if isinstance(value, (tuple, list)):
        return [facts(one) for one in value]
    return value

def same(one, two):
    if isinstance(one, torch.Tensor):
        return torch.allclose(one.double(), two.double(), equal_nan=True)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two

answers = []
for old, new in json.load(sys.stdin):
    try:
        (before, warned), (after, _) = run(old), run(new)
    except Exception as error:
        answers.append([False, False, repr(error) + " in " + old + new])
        continue
    answers.append([same(facts(before), facts(after)), bool(warned), repr((facts(before), facts(after), warned))[:600]])
print(json.dumps(answers))
"""


def child(code: str, given: object):
    done = subprocess.run([sys.executable, "-c", code, str(CHILD)], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.torch
def test_the_table_says_what_is_installed():
    entries = {name: entry for name, entry in table().items() if not name.startswith("pytorch_")}
    facts = child(ASK, [[*entries, *(one for entry in entries.values() for one in (entry.new, entry.module) if one)], STUBS])
    for name, entry in entries.items():
        present, raises = facts[name]
        assert present is (entry.state != "removed" or name in STUBS), name
        assert name not in STUBS or raises, name
        for new in filter(None, (entry.new, entry.module)):
            assert facts[new][0], new


def with_result(code: str) -> str:
    """The code, with its last expression called `result`."""
    last = ast.parse(code).body[-1]
    assert isinstance(last, ast.Expr)
    lines = code.splitlines(keepends=True)
    return HEAD + "".join(lines[: last.lineno - 1]) + "result = " + "".join(lines[last.lineno - 1 :]) + "\n"


def brought_up_to_date(code: str, name: str) -> str:
    """The code after the edits for every use of one entry."""
    for _ in range(4):
        context = Context(Snippet("a", "a", "a.md", code), Code(code))
        mine = [use for use in uses(context) if use.entry.name == name or name.startswith(f"{use.entry.name}.")]
        if not mine:
            return code
        changed = edits(context, mine[0])
        assert changed, f"no edit for {name}"
        for edit in sorted(changed, key=lambda one: one.start, reverse=True):
            code = code[: edit.start] + edit.text + code[edit.end :]
    raise AssertionError(f"{name} is still used:\n{code}")


REPLAYED = [(name, code) for name, codes in REPLAYS.items() for code in codes]


@pytest.fixture(scope="module")
def answers():
    return child(COMPARE, [(with_result(code), brought_up_to_date(with_result(code), name)) for name, code in REPLAYED])


@pytest.mark.torch
@pytest.mark.parametrize("number", range(len(REPLAYED)), ids=[f"{name}-{number}" for number, (name, _) in enumerate(REPLAYED)])
def test_old_and_new_agree_in_values_and_dtypes(answers, number: int):
    same, warned, facts = answers[number]
    assert same, facts
    assert warned is (table()[REPLAYED[number][0]].state == "warns"), facts


@pytest.mark.parametrize("entry", table().values(), ids=table())
def test_an_entry_is_replayed_or_says_why_not(entry):
    runs_on_both_sides = entry.state != "removed" and (entry.new or entry.text or entry.module)
    assert (entry.name in REPLAYS) + bool(CANNOT.get(entry.name)) == bool(runs_on_both_sides)


@pytest.mark.parametrize("entry", table().values(), ids=table())
def test_what_an_entry_says_is_whole_in_chinese(entry):
    message = said(f"`{entry.name}` is deprecated since {entry.since}; {entry.instead}", "zh", "SNF131")
    assert not re.findall(r"\b[a-z]{2,} [a-z]{2,}\b", re.sub(r"`[^`]*`|the `datasets`", "", message)), message


def test_no_replay_is_of_a_name_that_left_the_table():
    assert set(REPLAYS) | set(CANNOT) <= set(table())
