"""What snipfix's static stage finds and mends beside TorchFix, on code of our own: one program per rule of TorchFix and per weak point.

"runs" says whether the mended program ends without an exception; a program that neither changes is run as it stands.
Left out: TOR102, because what it asks for is what `torch.load` does by itself since 2.6; TOR401, because workers slow down data that is in
memory; TOR901, which is for PyTorch's own tests.
TorchFix is not needed: without it its columns stay empty. To have it, install it apart and name the folder:
`pip install --no-deps --target FOLDER torchfix libcst pyyaml`, then `python benchmarks/torchfix.py --torchfix FOLDER`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from snipfix.code import Code
from snipfix.config import Options
from snipfix.engines.local import LocalEngine
from snipfix.model import Finding, Fix, Snippet, Stage
from snipfix.rules.base import Context
from snipfix.rules.registry import rules

ROUNDS = 12
"""Fixes of one program, before it is said that they do not end."""

EYE = "import torch\n\nA = torch.eye(3)\n"
LAYERS = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"
PROGRAMS = {
    "TOR001 torch.solve": EYE + "x, factors = torch.solve(torch.ones(3, 1), A)\nprint(x)\n",
    "TOR001 torch.symeig": EYE + "values, vectors = torch.symeig(A, eigenvectors=True)\nprint(values)\n",
    "TOR001 torch.lstsq": EYE + "x, _ = torch.lstsq(torch.ones(3, 1), A)\nprint(x)\n",
    "TOR001 torch.matrix_rank": EYE + "print(torch.matrix_rank(A))\n",
    "TOR002 require_grad": EYE + "A.require_grad = True\nprint(A)\n",
    "TOR003 checkpoint": EYE + "from torch.utils.checkpoint import checkpoint\n\nprint(checkpoint(torch.sin, A.requires_grad_()))\n",
    "TOR004 from torch import symeig": "import torch\nfrom torch import symeig\n\nprint(symeig(torch.eye(2), eigenvectors=True))\n",
    "TOR101 torch.qr": EYE + "q, r = torch.qr(A)\n",
    "TOR101 torch.chain_matmul": EYE + "print(torch.chain_matmul(A, A, A))\n",
    "TOR101 torch.cholesky": EYE + "print(torch.cholesky(A))\n",
    "TOR101 torch.ger": EYE + "print(torch.ger(A[0], A[1]))\n",
    "TOR101 torch.lu_solve": EYE + "lu, pivots = torch.linalg.lu_factor(A)\nprint(torch.lu_solve(A, lu, pivots))\n",
    "TOR101 torch.norm": EYE + "print(torch.norm(A))\n",
    "TOR101 torch.range": "import torch\n\nprint(torch.range(0, 4))\n",
    "TOR101 torch.svd": EYE + "u, s, v = torch.svd(A)\n",
    "TOR101 torch.triangular_solve": EYE + "x, _ = torch.triangular_solve(torch.ones(3, 1), A)\n",
    "TOR101 torch.lu": EYE + "print(torch.lu(A))\n",
    "TOR101 UpsamplingNearest2d": LAYERS + "print(nn.UpsamplingNearest2d(scale_factor=2)(torch.ones(1, 1, 2, 2)))\n",
    "TOR101 UpsamplingBilinear2d": LAYERS + "print(nn.UpsamplingBilinear2d(scale_factor=2)(torch.ones(1, 1, 2, 2)))\n",
    "TOR101 assert_allclose": EYE + "torch.testing.assert_allclose(A, A)\n",
    "TOR101 weight_norm": LAYERS + "layer = nn.utils.weight_norm(nn.Linear(2, 2))\n",
    "TOR101 sdp_kernel": "import torch\n\nwith torch.backends.cuda.sdp_kernel(enable_flash=False):\n    pass\n",
    "TOR101 torch.cuda.amp": "import torch\n\nwith torch.cuda.amp.autocast(enabled=False):\n    pass\n",
    "TOR101 size_average": LAYERS + "print(F.mse_loss(torch.ones(3), torch.zeros(3), size_average=False))\n",
    "TOR101 register_pytree_node": "import torch\nfrom torch.utils import _pytree\n\nprint(_pytree._register_pytree_node)\n",
    "TOR103 functorch": "from functorch import vmap, vjp, jvp, jacfwd, hessian\n\nprint(vmap, vjp, jvp, jacfwd, hessian)\n",
    "TOR104 default_collate": "import torch\n\nprint(torch.utils.data._utils.collate.default_collate([1, 2]))\n",
    "TOR105 default_convert": "from torch.utils.data._utils.collate import default_convert\n\nprint(default_convert)\n",
    "TOR106 log(1 + x)": EYE + "print(torch.log(1 + A))\n",
    "TOR107 exp(x) - 1": EYE + "print(torch.exp(A) - 1)\n",
    "TOR108 log(sum(exp(x)))": EYE + "print(torch.log(torch.sum(torch.exp(A), dim=1)))\n",
    "TOR201 pretrained=": "from torchvision import models\n\nmodel = models.resnet18(pretrained=False)\n",
    "TOR201 pretrained_backbone=": "from torchvision.models import segmentation\n\n"
    "model = segmentation.fcn_resnet50(weights=None, pretrained_backbone=False)\n",
    "TOR202 v2.ToTensor": "import torch\nfrom torchvision.transforms import v2\n\ntransform = v2.Compose([v2.ToTensor()])\n",
    "TOR203 import ... as": "import torchvision.transforms as transforms\n\nprint(transforms.CenterCrop(2))\n",
    "weak: one call in another": EYE + "print(torch.qr(torch.qr(A)[0]))\n",
    "weak: argument is no literal": EYE + "full = 1\nq, r = torch.qr(A, some=not full)\n",
    "weak: dtype of range": "import torch\n\nids = torch.range(0, 4)\nprint(ids / 2, ids.dtype)\nassert ids.dtype is torch.float32\n",
    "weak: requires_grad on a module": LAYERS + "net = nn.Linear(2, 2)\nnet.requires_grad = False\nassert not net.weight.requires_grad\n",
    "weak: several in one line": EYE + "print(torch.ger(A[0], A[1]) + torch.ger(A[1], A[0]), torch.cholesky(A))\n",
    "weak: name imported": "import torch\nfrom torch import chain_matmul as product\n\nprint(product(torch.eye(2), torch.eye(2)))\n",
}


def static(text: str) -> list[tuple[Finding, list[Fix]]]:
    """What the static stage says of a text, with the fixes."""
    context = Context(Snippet("a", "a", "a.md", text), Code(text))
    return [(finding, list(rule.fixes(context, finding))) for rule in rules() for finding in rule.static(context)]


def by_snipfix(text: str) -> tuple[bool, str]:
    """Whether it is found, and the text after every fix, to the point where nothing is left to do."""
    found = bool(static(text))
    for _ in range(ROUNDS):
        fix = next((fixes[0] for _, fixes in static(text) if fixes), None)
        if fix is None:
            break
        text = fix.apply(text)
    return found, text


def by_torchfix(texts: list[str], where: str) -> list[tuple[bool, str]]:
    """The same by TorchFix, over all programs at once, run until their texts stay."""
    environment = {**os.environ, "PYTHONPATH": where}
    command = [sys.executable, "-c", "from torchfix.__main__ import main; main()", "--select", "ALL"]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"program_{number:02}.py") for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([*command, folder], env=environment, capture_output=True, text=True, check=False)
        for _ in range(3):
            subprocess.run([*command, "--fix", folder], env=environment, capture_output=True, input="y\n", text=True, check=False)
        return [(f"{path.name}:" in done.stdout, path.read_text(encoding="utf-8")) for path in paths]


def run(texts: list[str]) -> list[bool]:
    """Which programs end without an exception, each in snipfix's sandbox, where torchvision loads beside any torch."""
    with LocalEngine(Options(jobs=1, stage=Stage.RUN)) as engine:
        outcomes = [engine.auditor.audit(Snippet("a", "a", "a.md", text), fixes=False).outcome for text in texts]
    return [outcome is not None and outcome.kind == "ok" for outcome in outcomes]


def table(sides: dict[str, list[tuple[bool, str]]]) -> str:
    """A row per program; per side: found, mended, runs then."""
    lines = ["| program | " + " | ".join(f"{side}: found | mended | runs" for side in sides) + " |", "|---|" + "---|" * 3 * len(sides)]
    ran = {side: run([text for _, text in results]) for side, results in sides.items()}
    sums = {side: [0, 0, 0] for side in sides}
    for number, (name, before) in enumerate(PROGRAMS.items()):
        cells = []
        for side, results in sides.items():
            found, after = results[number]
            facts = [found, after != before, ran[side][number]]
            sums[side] = [total + fact for total, fact in zip(sums[side], facts, strict=True)]
            cells += ["yes" if fact else "-" for fact in facts]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append(f"| of {len(PROGRAMS)} | " + " | ".join(str(one) for side in sides for one in sums[side]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torchfix", metavar="FOLDER", help="where TorchFix is installed")
    folder = parser.parse_args().torchfix
    sides = {"snipfix": [by_snipfix(text) for text in PROGRAMS.values()]}
    if folder:
        sides["TorchFix"] = by_torchfix(list(PROGRAMS.values()), folder)
    print(table(sides))


if __name__ == "__main__":
    main()
