"""Probes report facts about what happened; each case runs in a process of its own."""

import child_run
import pytest

HEAD = "import torch, torch.nn as nn, torch.nn.functional as F\n"


def facts(code: str, probe: str) -> list[dict]:
    outcome = child_run.run(HEAD + code, stage="probe")
    assert outcome.kind == "ok", outcome.failure
    return [observation.facts for observation in outcome.seen(probe)]


def test_a_loss_knows_how_its_input_was_made_and_where():
    (seen,) = facts(
        "p = torch.softmax(nn.Linear(2, 3)(torch.ones(4, 2)), 1)\nF.cross_entropy(p.view(4, 3), torch.zeros(4).long())\n", "loss"
    )
    assert (seen["head"]["op"], seen["head"]["dim"], seen["head"]["span"][0]) == ("Softmax", 1, 2)
    assert seen["input"]["sums"] == [1]


@pytest.mark.parametrize(
    ("clear", "stale"),
    [
        ("o.zero_grad()", 0),
        ("o.zero_grad(set_to_none=False)", 0),
        ("m.zero_grad()", 0),
        ("m.weight.grad = m.bias.grad = None", 0),
        ("pass", 1),
    ],
)
def test_gradients_are_stale_only_when_nobody_clears_them(clear: str, stale: int):
    loop = f"for _ in range(3):\n    m(torch.ones(2, 3)).pow(2).mean().backward()\n    o.step()\n    {clear}\n"
    assert len(facts("m = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters(), lr=0.1)\n" + loop, "stale-gradient")) == stale


def test_leftovers_cleared_before_their_owner_steps_are_not_stale():
    code = (
        "a, b = nn.Linear(2, 2), nn.Linear(2, 1)\noa, ob = (torch.optim.SGD(m.parameters(), lr=0.1) for m in (a, b))\n"
        "for _ in range(3):\n    ob.zero_grad()\n    b(a(torch.ones(3, 2))).mean().backward()\n    ob.step()\n"
        "    oa.zero_grad()\n    b(a(torch.ones(3, 2))).mean().backward()\n    oa.step()\n"
    )
    assert facts(code, "stale-gradient") == []


@pytest.mark.parametrize(
    ("layer", "mixes"), [("nn.GRU(4, 4)", True), ("nn.GRU(4, 4, batch_first=True)", False), ("nn.Linear(4, 4)", False)]
)
def test_which_outputs_move_with_one_sample(layer: str, mixes: bool):
    (seen,) = facts(f"net = {layer}\nnet(torch.randn(5, 3, 4))\n", "batch")
    assert seen["dims"]["0"]["mixes"] is mixes
    assert seen["dims"]["0"]["index"] in seen["dims"]["0"]["moved"]["0"]


@pytest.mark.parametrize(("mask", "earlier"), [("None", True), ("nn.Transformer.generate_square_subsequent_mask(6)", False)])
def test_which_positions_move_with_a_later_one(mask: str, earlier: bool):
    code = f"layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\nlayer(torch.randn(2, 6, 8), src_mask={mask})\n"
    (seen,) = facts(code, "order")
    assert bool(seen["arguments"]["src"]["future"]["1"]["earlier"]) is earlier


@pytest.mark.parametrize(
    ("layer", "given", "moved"),
    [
        ("nn.GRU(4, 4)", "torch.randn(3, 2, 4)", [[0, 1, 2], [1, 2], [2]]),
        ("nn.GRU(4, 4, batch_first=True)", "torch.randn(3, 2, 4)", [[0], [1], [2]]),
        ("nn.GRU(4, 4, batch_first=True)", "torch.randn(30, 2, 4), torch.zeros(1, 30, 4)", [[n] for n in range(8)]),
        (
            "nn.LSTM(4, 4, batch_first=True)",
            "torch.randn(30, 2, 4), (torch.zeros(1, 30, 4), torch.zeros(1, 30, 4))",
            [[n] for n in range(8)],
        ),
        ("nn.TransformerEncoderLayer(4, 2, 8)", "torch.randn(20, 2, 4)", [list(range(8))] * 8),
    ],
)
def test_each_sample_is_tried_against_each_other(layer: str, given: str, moved: list[list[int]]):
    (seen,) = facts(f"net = {layer}\nnet({given})\n", "batch")
    assert seen["dims"]["0"]["pattern"]["moved"] == moved


def test_a_causal_mask_leaves_a_triangle():
    code = "layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)\nm = nn.Transformer.generate_square_subsequent_mask(12)\nlayer(torch.randn(2, 12, 8), src_mask=m)\n"
    (seen,) = facts(code, "order")
    assert seen["arguments"]["src"]["future"]["1"]["pattern"] == {"of": 12, "moved": [list(range(n, 8)) for n in range(8)]}


def test_a_model_of_a_fixed_batch_is_not_tried_on_less_of_it():
    code = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.f = nn.Linear(2, 2)\n"
    code += "    def forward(self, x):\n        return self.f(x).view(20, 2)\nNet()(torch.randn(20, 2))\n"
    (seen,) = facts(code, "batch")
    assert seen["dims"]["0"]["pattern"] is None
    assert seen["dims"]["0"]["moved"]["0"] == [10]


def test_the_direction_in_which_each_step_pushes_the_score():
    code = (
        "G, D = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1), nn.Sigmoid())\n"
        "g, d = (torch.optim.SGD(m.parameters(), lr=0.1) for m in (G, D))\nz, real = torch.randn(4, 2), torch.randn(4, 3)\n"
        "d.zero_grad()\nfake = G(z)\n(D(fake.detach()).log().mean() - D(real).log().mean()).backward()\nd.step()\n"
        "g.zero_grad()\n(-D(fake).log().mean()).backward()\ng.step()\n"
    )
    steps = {(one["step"], one["sign"]) for one in facts(code, "adversary") if one["judge"]["type"] == "Sequential"}
    assert steps == {("judge", 1), ("real", -1), ("maker", -1)}


def test_prints_are_placed():
    (seen,) = facts("print('a')\nfor n in range(2):\n    print(n, end=';')\n", "printed")
    assert [(one["span"][0], one["text"]) for one in seen["printed"]] == [(2, "a\n"), (4, "0;"), (4, "1;")]


@pytest.mark.parametrize(
    ("code", "drawn", "seeded"),
    [
        ("x = torch.ones(2)\n", [], False),
        ("x = torch.rand(2)\n", ["torch"], False),
        ("torch.manual_seed(0)\nx = torch.rand(2)\n", ["torch"], True),
    ],
)
def test_random_numbers_are_noticed(code: str, drawn: list[str], seeded: bool):
    (seen,) = facts(code, "randomness")
    assert (seen["drawn"], seen["seeded"]) == (drawn, seeded)


EVERYTHING_IS_SLOW = "from probes import rerun\nrerun.QUICK = 0.0\n"
SLOW = (
    f"{EVERYTHING_IS_SLOW}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.e, self.o = nn.Embedding(9, 4), nn.Linear(4, 9)\n"
    "    def forward(self, src, tgt):\n        return self.o(self.e(tgt) + self.e(src).mean(0))\n"
    "net = Net()\nsrc, tgt = torch.randint(0, 9, (7, 32)), torch.randint(0, 9, (8, 32))\n"
    "F.cross_entropy(net(src, tgt).view(-1, 9), tgt.view(-1)).backward()\n"
)


def test_a_slow_module_is_called_again_on_fewer_samples_and_its_targets_are_still_known():
    (seen,) = facts(SLOW, "order")
    assert seen["output"] == [8, 4, 9]
    assert seen["arguments"]["tgt"]["target"] == "same"


def test_a_slow_module_is_called_again_on_fewer_samples_and_its_batch_keeps_its_size():
    """What is found must not hang on the machine's speed: rules compare the size with what a comment says of the batch."""
    (seen,) = facts(f"{EVERYTHING_IS_SLOW}net = nn.GRU(4, 4)\nnet(torch.randn(64, 3, 4))\n", "batch")
    assert (seen["input"], seen["dims"]["0"]["size"], seen["dims"]["0"]["mixes"]) == ([64, 3, 4], 4, True)


@pytest.mark.parametrize(("passes", "kept", "every"), [(5, 5, 1), (128, 64, 2), (300, 75, 4)])
def test_losses_are_kept_of_the_whole_training_however_long_it_is(passes: int, kept: int, every: int):
    code = f"import torch\nw = torch.ones(1, requires_grad=True)\nfor step in range({passes}):\n    (w * step).sum().backward()\n"
    seen = facts(code, "backward")[0]
    assert seen["passes"] == passes
    assert seen["values"] == [float(every * step) for step in range(kept)]
