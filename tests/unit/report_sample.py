"""One report with everything in it: clean, failing, repaired by search and by patch, not runnable, hostile. The tests of every format use it."""

from __future__ import annotations

from snipfix.diff import unified
from snipfix.evidence import Call, Exercise, Failure, Frame, ModuleRef, Observation, Operation, Outcome, Span, StandIn, Usage, Value
from snipfix.model import (
    Applicability,
    Category,
    Edit,
    Finding,
    Fix,
    Meaning,
    Repair,
    RepairVerdict,
    Result,
    RunReport,
    Severity,
    Skipped,
    Snippet,
    Stage,
    StageResult,
    Verdict,
)

PASSED = tuple(StageResult(stage, "passed") for stage in Stage)
FAILED = (
    *PASSED[:2],
    StageResult(Stage.RUN, "failed"),
    StageResult(Stage.EXERCISE, "passed"),
    StageResult(Stage.PROBE, "skipped", "only up to where the run ended: raised"),
)

NET = """import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 28 * 28, 10)  # 展平后的宽度

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        return torch.softmax(self.fc1(x.view(x.size(0), -1)), dim=1)


net = Net()
print(net(torch.randn(4, 1, 28, 28)).shape)
"""
NET_RIGHT = NET.replace("16 * 28 * 28", "16 * 14 * 14")
EVIL = (
    "print('\x1b[31mred\x1b]0;title\x07')  # \u202eevil\u202c </script><script>alert(1)</script>\n"
    "name = '<img src=x onerror=alert(1)>' + ]]> # | `x` ::error::boo\n"
    "量 = undefined\n"
)


def snippet(name: str, title: str, code: str, language: str = "zh") -> Snippet:
    return Snippet(name[:3], title, ".", code, path=f"snippets/{name}.py", language=language)


def tensor(*shape: int) -> Value:
    return Value(kind="tensor", type="Tensor", shape=shape, dtype="float32")


def module(path: str, type_: str) -> ModuleRef:
    return ModuleRef(path=path, type=type_, parameters=12)


def clean() -> Result:
    return Result(
        snippet("q01_autograd", "autograd 的工作原理是什么？", "import torch\nprint(1)"), Verdict.CLEAN, PASSED, (), seconds=0.123
    )


def repaired() -> Result:
    here = snippet("q02_cnn", "如何实现卷积神经网络（CNN）？", NET)
    start = NET.index("16 * 28 * 28")
    width = Fix(
        "set in_features to 16 * 14 * 14", (Edit(start, start + 12, "16 * 14 * 14"),), Applicability.SAFE, Meaning.RESTORES, "SNF201"
    )
    number = Fix("set in_features to 3136", (Edit(start, start + 12, "3136"),), Applicability.SAFE, Meaning.RESTORES, "SNF201", 2)
    shape = Finding(
        "SNF201", "linear-width-mismatch", Category.SHAPE, Severity.ERROR,
        "Net.fc1 takes 12544 features and is given 3136", Span(10, 30, 10, 42), Stage.RUN,
        {"module": "Net.fc1", "expected": 12544, "given": 3136, "input": [4, 3136]}, (width, number),
    )  # fmt: skip
    loss = Finding(
        "SNF402", "softmax-as-output", Category.LOSS, Severity.WARNING, "the model returns probabilities", Span(14, 16, 14, 69), Stage.PROBE,
        behind="set in_features to 16 * 14 * 14",
    )  # fmt: skip
    calls = (
        Call(module=module("Net.conv1", "Conv2d"), inputs=(tensor(4, 1, 28, 28),), output=tensor(4, 16, 28, 28), span=Span.at(13), depth=1),
        Call(
            module=module("Net.pool", "MaxPool2d"), inputs=(tensor(4, 16, 28, 28),), output=tensor(4, 16, 14, 14), span=Span.at(13), depth=1
        ),
    )
    failure = Failure(
        type="RuntimeError",
        message="mat1 and mat2 shapes cannot be multiplied (4x3136 and 12544x10)",
        frames=(Frame(function="forward", span=Span(14, 30, 14, 60), owner="Net", locals={"x": tensor(4, 16, 14, 14)}),),
        operation=Operation(
            name="torch.nn.functional.linear", args=(tensor(4, 3136), tensor(10, 12544)), module=module("Net.fc1", "Linear")
        ),
    )
    after = (*calls, Call(module=module("Net.fc1", "Linear"), inputs=(tensor(4, 3136),), output=tensor(4, 10), depth=1))
    mended = Outcome(
        kind="ok",
        stdout="torch.Size([4, 10])\n",
        calls=after,
        observations=(Observation(probe="backward", facts={"values": [2.3, 1.9, 1.4, 1.1, 0.7, 0.5], "steps": 6}, span=Span.at(17)),),
    )
    return Result(
        here, Verdict.FAILING, FAILED, (shape, loss), (StandIn(what="MNIST", how="256 learnable images in IDX files"),),
        Outcome(kind="raised", failure=failure, calls=calls, usage=Usage(wall=1.5)),
        Repair(
            RepairVerdict.REPAIRED, NET_RIGHT, unified(NET, NET_RIGHT, "snippets/q02_cnn.py"), (width,),
            findings_after=(Finding("SNF402", "softmax-as-output", Category.LOSS, Severity.WARNING, "the model returns probabilities", Span(14, 16, 14, 69), Stage.PROBE),),
            outcome=mended, alternatives=(number,), tries=7,
        ),
        seconds=1.52,
    )  # fmt: skip


def patched() -> Result:
    old = "import torch\nencoder = torch.nn.TransformerEncoderLayer(8, 2)\n"
    new = old.replace("(8, 2)", "(8, 2, batch_first=True)")
    here = snippet("q03_mix", "批次中的样本会互相影响吗？", old)
    facts = {"dims": {"0": {"size": 4, "index": 2, "moved": {"0": [0, 1, 2, 3]}, "kept": True, "mixes": True, "alive": True}}}
    mixing = Finding(
        "SNF501", "samples-mixed", Category.BATCH_LAYOUT, Severity.ERROR, "sample 2 changes the output of samples 0, 1, 3", Span(2, 1, 2, 50), Stage.PROBE,
        {"size": 4},
    )  # fmt: skip
    exercise = Exercise(
        target="encoder", kind="module", call="encoder(torch.randn(4, 6, 8))", inputs={"src": tensor(4, 6, 8)}, output=tensor(4, 6, 8)
    )
    outcome = Outcome(kind="ok", exercises=(exercise,), observations=(Observation(probe="batch", facts=facts),))
    kept = {"dims": {"0": {"size": 4, "index": 2, "moved": {"0": [2]}, "kept": True, "mixes": False, "alive": True}}}
    better = Outcome(kind="ok", exercises=(exercise,), observations=(Observation(probe="batch", facts=kept),))
    why = Fix("say that the batch comes first", (), Applicability.UNSAFE, Meaning.RESTORES)
    repair = Repair(RepairVerdict.REPAIRED, new, unified(old, new, "snippets/q03_mix.py"), (why,), "q03_mix.py", outcome=better, tries=1)
    return Result(
        here, Verdict.FAILING, (*PASSED[:4], StageResult(Stage.PROBE, "failed")), (mixing,), outcome=outcome, repair=repair, seconds=0.4
    )


def hostile() -> Result:
    here = snippet("q04_evil", "T\x1b[2J|<b>`\u202e title](javascript:alert(1))", EVIL, "en")
    finding = Finding(
        "SNF001", "syntax-error", Category.SYNTAX, Severity.ERROR, "odd\n::error::text <script>alert(2)</script> | \x1b[31m %0A ]]>", Span(2, 1, 2, 5), Stage.PARSE,
        {"text": "\x00\ud800 ]]> </script>", "nan": float("nan")},
    )  # fmt: skip
    wide = Finding(
        "SNF100", "undefined-name", Category.UNDEFINED_NAME, Severity.ERROR, "`undefined` is not defined", Span(3, 5, 3, 14), Stage.STATIC
    )
    repair = Repair(
        RepairVerdict.UNREPAIRED,
        EVIL,
        "",
        reason="no candidate mends it: `undefined` is not defined",
        findings_after=(finding, wide),
        tries=2,
    )
    stages = (
        StageResult(Stage.PARSE, "failed"),
        *(StageResult(stage, "skipped", "the snippet does not parse") for stage in list(Stage)[1:]),
    )
    return Result(here, Verdict.FAILING, stages, (finding, wide), repair=repair)


def unrunnable() -> Result:
    here = Snippet("d01", "A quoted fence", "docs/guide.md", "import gone\n", line=42, indents=(4,))
    finding = Finding(
        "SNF901", "missing-package", Category.ENVIRONMENT, Severity.ERROR, "no package `gone` here", Span(1, 8, 1, 12), Stage.RUN
    )
    failure = Failure(type="ModuleNotFoundError", message="No module named 'gone' at 0x7f3a2b1c9d00 in /tmp/scratch-1/snippet.py")
    repair = Repair(RepairVerdict.UNREPAIRED, here.code, "", reason="no candidate mends it", findings_after=(finding,))
    return Result(
        here,
        Verdict.NOT_RUNNABLE,
        FAILED,
        (finding,),
        outcome=Outcome(kind="raised", failure=failure),
        repair=repair,
        reason=finding.message,
    )


def report(command: str = "repair") -> RunReport:
    results = (clean(), repaired(), patched(), hostile(), unrunnable())
    if command == "audit":
        from dataclasses import replace

        results = tuple(replace(result, repair=None) for result in results)
    return RunReport(
        results,
        (Skipped("guide.md", 7, "bash", "not Python"),),
        {
            "python": "3.11.7",
            "torch": "2.13.0",
            "device": "cpu",
            "isolation": "full",
            "layers": {"namespaces": "own user, pid, mount", "cgroups": "off: no such controller"},
        },
        command,
        3.2,
    )
