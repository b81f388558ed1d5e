"""Comparing what a document says is printed with what is."""

import pytest

from snipfix.rules.documented_output.compare import differences, mended, tells_of_machine


@pytest.mark.parametrize(
    ("documented", "true"),
    [
        ("tensor(...)", "tensor(2.)"),
        ("tensor([0.1, ..., 0.3])", "tensor([0.1000, 0.2000, 0.3000])"),
        ("[1, 2, …, 9]", "[1, 2, 3, 9]"),
        ("...", "anything"),
        ("tensor([135., 1.])", "tensor([135.0001, 1.0000])"),
        ("loss: ... (done)", "loss: 0.25 (done)"),
        ("Using cuda:0 device", "Using cpu device"),
        ("device(type='cuda', index=0)", "device(type='cpu')"),
        ("tensor([1.], device='cuda:0')", "tensor([1.])"),
        ("<stdin>:1: UserWarning: mind this\n  warnings.warn(text)\ntensor([1.])", "tensor([1.])"),
    ],
)
def test_what_is_left_out_may_be_anything(documented, true):
    assert list(differences(documented, true, finished=True)) == []


@pytest.mark.parametrize(
    ("documented", "true"), [("tensor(...)", "array(2.)"), ("a...b", "ab c"), ("ab...ba", "aba"), ("x", "x..."), ("135.", "135.1")]
)
def test_what_is_there_must_fit(documented, true):
    assert len(list(differences(documented, true, finished=True))) == 1


@pytest.mark.parametrize(
    ("code", "documented", "true", "machine"),
    [
        ("print(torch.__version__)\n", "1.13.1+cu117\n", "2.1.0\n", True),
        ("import torch\ntorch.cuda.is_available()\n", "True\n", "False\n", True),
        ("print(torch.cuda.device_count())\n", "2\n", "0\n", True),
        ("d = 'cuda' if torch.cuda.is_available() else 'cpu'\nprint(x.shape)\n", "torch.Size([1])\n", "torch.Size([2])\n", False),
        ("print(torch.__version__)\nprint(x.shape)\n", "torch.Size([1])\n", "torch.Size([2])\n", False),
        ("print(x == y)\n", "True\n", "False\n", False),
    ],
)
def test_what_another_machine_shows_refutes_nothing(code, documented, true, machine):
    (difference,) = differences(documented, true, finished=True)
    assert tells_of_machine(code, difference) == machine


def test_what_the_machine_shows_stays_as_it_is():
    code = "print(torch.__version__)\nprint(x.shape)\n"
    assert mended("1.13.1\ntorch.Size([3])\n", "2.1.0\ntorch.Size([2])\n", code=code, drawn=False) == "1.13.1\ntorch.Size([2])\n"


@pytest.mark.parametrize(
    ("documented", "true", "drawn", "after"),
    [
        ("a\n1.23\n", "b\n1.2345\n", False, "b\n1.23\n"),
        ("a\n1.5\n", "b\n1.2\n", False, "b\n1.2\n"),
        ("a\n1.5\n", "b\n1.2\n", True, "b\n1.5\n"),
        ("torch.Size([3])\n0.5\n", "torch.Size([2])\n0.7\n", True, "torch.Size([2])\n0.5\n"),
        ("<f at 0x1>\na\n", "<f at 0x2>\nb\n", False, "<f at 0x1>\nb\n"),
        ("a\n", "b\nc\n", False, "b\nc\n"),
    ],
)
def test_only_what_is_false_is_told_anew(documented, true, drawn, after):
    assert mended(documented, true, drawn=drawn) == after
