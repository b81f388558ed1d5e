"""A fault that shows in one block and was born in an earlier one is mended where it was born, and only if nothing else suffers."""

import pytest

from snipfix.born import changes
from snipfix.documents import writeback
from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.model import RepairVerdict

pytestmark = pytest.mark.torch

DATA = "```python\nimport torch\nimport torch.nn as nn\nx = torch.randn(4, 10)\n```\n"
MODEL = "\n> 模型 😀\n>\n> ```python\n> model = nn.Linear(8, 3)\n> ```\n"
USE = "\n```python\nprint(model(x).shape)\n```\n"
OTHER = "\n```python\nprint(model(torch.zeros(2, 8)).shape)\n```\n"


@pytest.fixture
def repair(engine):
    """The document's results and its new bytes after a repair."""

    def repair(text):
        document = parse(Source.decode("a.md", text.encode()), "markdown")
        results = list(engine.results(document.snippets, repair=True))
        return results, writeback.rewrite(document, *changes(results)).decode()

    return repair


def test_the_block_where_the_fault_was_born_is_mended(repair):
    text = (DATA + MODEL + USE).replace("\n", "\r\n")
    results, new = repair(text)
    assert new == text.replace("Linear(8, 3)", "Linear(10, 3)")
    assert [one.repair.verdict for one in results] == [RepairVerdict.UNCHANGED, RepairVerdict.UNCHANGED, RepairVerdict.REPAIRED]
    assert results[2].repair.reason == "mended where the fault was born: in the block at line 10"
    assert not [finding for finding in results[2].repair.findings_after if finding.is_error]


def test_a_block_that_is_content_with_it_as_it_is_stays_content(repair):
    """One of the two must fail. It is not the one that ran: its author saw it run."""
    text = DATA + MODEL + OTHER + USE
    results, new = repair(text)
    assert [one.repair.verdict for one in results][2:] == [RepairVerdict.UNCHANGED, RepairVerdict.UNREPAIRED]
    assert new == text


def test_made_up_data_that_follows_is_made_to_fit_the_mend(repair):
    results, new = repair(DATA + MODEL + USE + OTHER)
    assert new == DATA + MODEL.replace("8", "10") + USE + OTHER.replace("8", "10")
    assert [one.repair.verdict for one in results][2:] == [RepairVerdict.REPAIRED, RepairVerdict.REPAIRED]


def test_blocks_that_follow_build_on_the_mend(repair):
    after = "\n```python\nprint(model.weight.shape)\n```\n\nOutput:\n\n```\ntorch.Size([3, 8])\n```\n"
    _, new = repair(DATA + MODEL + USE + after)
    assert "Linear(10, 3)" in new
    assert "torch.Size([3, 10])" in new


def test_a_mend_rests_on_the_blocks_own(repair):
    text = DATA + MODEL.replace("Linear(8, 3)", "Linear(8, 3") + USE
    _, new = repair(text)
    assert new == text.replace("Linear(8, 3", "Linear(10, 3)")


def test_what_readers_do_not_see_is_not_mended(repair):
    hidden = "\n<!-- snipfix: setup\nmodel = nn.Linear(8, 3)\n-->\n"
    _, new = repair(DATA + hidden + USE)
    assert hidden in new


def test_a_mend_knows_the_device_that_an_earlier_block_names(repair):
    _, new = repair(
        "```python\nimport torch\ndevice_id = 'cuda' if torch.cuda.is_available() else 'cpu'\nnet = torch.nn.Linear(3, 2).to(device_id)\n```\n\n"
        "```python\nx = torch.ones(4, 3)\nprint(net(x).shape)\n```\n"
    )
    assert new.endswith("```python\nx = torch.ones(4, 3).to(device_id)\nprint(net(x).shape)\n```\n")
