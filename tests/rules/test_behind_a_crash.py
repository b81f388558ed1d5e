"""What another fault hides from the probes is read from the text; and what is read so is mended together with that fault."""

import pytest

from snipfix.model import Severity, Snippet
from snipfix.repair import Repairer

TRANSLATOR = """\
import torch
import torch.nn as nn

class Translator(nn.Module):
    def __init__(self, words, width=16):
        super().__init__()
        self.source = nn.Embedding(words, width)
        self.target = nn.Embedding(words, width)
        self.transformer = nn.Transformer(width, 2, 1, 1, 32)
        self.fc = nn.Linear(width * 2, words)

    def forward(self, src, tgt):
        src = self.source(src)
        tgt = self.target(tgt)
        out = self.transformer(src, tgt)
        return self.fc(out)

model = Translator(50)
src, tgt = torch.randint(0, 50, (7, 4)), torch.randint(0, 50, (9, 4))
out = model(src, tgt)
loss = nn.CrossEntropyLoss()(out.view(-1, 50), tgt.view(-1))
loss.backward()
"""
KNOWING = (
    TRANSLATOR.replace(
        "(src, tgt)\n        return", "(src, tgt, tgt_mask=self.transformer.generate_square_subsequent_mask(len(tgt)))\n        return"
    )
    .replace("self.target =", "self.position = nn.Embedding(64, width)\n        self.target =")
    .replace("self.source(src)", "self.source(src) + self.position(torch.arange(len(src)))[:, None]")
    .replace("self.target(tgt)", "self.target(tgt) + self.position(torch.arange(len(tgt)))[:, None]")
    .replace("= model(src, tgt)", "= model(src, tgt[:-1])")
    .replace("tgt.view(-1)", "tgt[1:].view(-1)")
)
CLASSIFIER = """\
import torch
import torch.nn as nn

class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 5)
        self.fc = nn.Linear(6, 2)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out[:, -1])

Classifier()(torch.randn(6, 3, 4))
"""


def found(engine, text):
    return {one.rule for one in engine.auditor.audit(Snippet("s", "S", "d.md", text)).findings if one.severity is Severity.ERROR}


@pytest.mark.torch
@pytest.mark.parametrize(
    ("text", "rules"),
    [
        pytest.param(TRANSLATOR, {"SNF200", "SNF470", "SNF472", "SNF473"}, id="no positions, no mask, nothing shifted"),
        pytest.param(KNOWING, {"SNF200"}, id="positions, a mask, a shifted target"),
        pytest.param(CLASSIFIER, {"SNF200", "SNF460"}, id="steps along the batch"),
        pytest.param(CLASSIFIER.replace("(4, 5)", "(4, 5, batch_first=True)"), {"SNF200"}, id="steps along dim 1"),
        pytest.param(CLASSIFIER.replace("out[:, -1]", "out[-1]"), {"SNF200"}, id="steps along dim 0"),
    ],
)
def test_behind_a_wrong_width(engine, text, rules):
    assert found(engine, text) == rules


@pytest.mark.torch
def test_all_of_it_is_mended(engine):
    repair = Repairer(engine.auditor).repair(engine.auditor.audit(Snippet("s", "S", "d.md", TRANSLATOR)), "s.py").repair
    assert repair.verdict == "repaired"
    assert [line[1:].strip() for line in repair.diff.splitlines() if line.startswith("+") and line[1:2] != "+"] == [
        "self.position = nn.Embedding(512, width)",
        "self.fc = nn.Linear(width, words)",
        "src = self.source(src) + self.position(torch.arange(src.size(0), device=src.device)).unsqueeze(1)",
        "tgt = self.target(tgt) + self.position(torch.arange(tgt.size(0), device=tgt.device)).unsqueeze(1)",
        "out = self.transformer(src, tgt, tgt_mask=nn.Transformer.generate_square_subsequent_mask(tgt.size(0), device=tgt.device))",
        "out = model(src, tgt[:-1])",
        "loss = nn.CrossEntropyLoss()(out.view(-1, 50), tgt[1:].reshape(-1))",
    ]
