"""How often is snipfix wrong about right code? The examples in the docstrings of installed libraries, audited as a corpus; every error is printed.

An example that only lacks a name which its page leaves to the reader is counted apart, as incomplete, and named; those of `torch.optim` and
`torch_geometric`, which all speak of a model, data and a graph that the reader has, are completed by a stated preamble.

python -m benchmarks.false_alarms [PACKAGE...] [--limit N] [--jobs N]
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from snipfix.config import Options
from snipfix.documents.collect import parse
from snipfix.documents.source import Source
from snipfix.engines.local import LocalEngine
from snipfix.model import Result, Snippet

PACKAGES = (
    "torch.nn.modules",
    "torch.nn.functional",
    "torch.optim",
    "torch.utils.data",
    "torch.distributions",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch._torch_docs",
    "torch._tensor_docs",
    "torch_geometric.nn",
    "torchcrf",
)
ADDING = ("_add_docstr", "add_docstr", "add_docstr_all")
"""What gives a docstring to a function written in C++."""

EXAMPLES = (">>>", "code-block:: python", "code:: python", "code-block::python")
SKIPPED = re.compile(r"^ *>>> # xdoctest:.*\n", re.MULTILINE)
"""The mark by which torch keeps an example that lacks its data out of its own doctests: here the preamble gives them."""
LEFT_TO_THE_READER = frozenset({"SNF100", "SNF379"})
"""Names without a value: undefined ones, and those that Python has a function of its own for."""
LOADER = re.compile(r"\b(?:torch\.utils\.data\.)?DataLoader\(\.\.\.\)")
HEADING = re.compile(r"^( *Examples?): *\n", re.MULTILINE)

SETUP = (
    "import math\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom torch import optim\nfrom torch.nn import *\n"
    "from torch.distributions import *\nfrom torch.utils.data import *\nfrom torch.optim.lr_scheduler import *\nfrom torch import linalg, tensor\n"
    "import itertools\nimport numpy\nimport numpy as np\nimport torch.distributions as D\nfrom collections import namedtuple\nfrom typing import *\n"
)

PREAMBLE = {
    "torch.optim": (
        "model = nn.Linear(10, 2)\nloss_fn = nn.MSELoss()\ninput, target = torch.randn(4, 10), torch.randn(4, 2)\n"
        "dataset = loader = [(input, target)] * 3\noptimizer = optim.SGD([{'params': [model.weight]}, {'params': [model.bias]}], lr=0.1)\n\n\n"
        "def train(*_):\n    optimizer.zero_grad()\n    loss_fn(model(input), target).backward()\n    optimizer.step()\n\n\n"
        "def validate(*_):\n    return 1.0\n\n\ntrain_batch = train\n"
    ),
    "torch_geometric": (
        "import torch_geometric\nfrom torch_geometric.nn import *\nfrom torch_geometric.nn.aggr import *\nfrom torch_geometric.nn.conv import *\n"
        "from torch_geometric.nn.dense import *\nfrom torch_geometric.nn.encoding import *\nfrom torch_geometric.nn.kge import *\n"
        "from torch_geometric.nn.models import *\nfrom torch_geometric.nn.norm import *\nfrom torch_geometric.nn.pool import *\n"
        "from torch_geometric.nn.unpool import *\nfrom torch_geometric.nn import Sequential, to_hetero, to_hetero_with_bases\nfrom torch_geometric.data import Data, HeteroData\n"
        "x = torch.randn(6, 16)\nedge_index = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])\n"
        "edge_attr, edge_weight = torch.randn(6, 8), torch.rand(6)\nbatch = torch.tensor([0, 0, 0, 1, 1, 1])\n"
        "data = Data(x=x, edge_index=edge_index)\nx_dict = {'paper': x, 'author': x}\n"
        "edge_index_dict = {('paper', 'cites', 'paper'): edge_index, ('author', 'writes', 'paper'): edge_index,\n"
        "                   ('paper', 'written_by', 'author'): edge_index}\nmodel = GCN(16, 32, num_layers=2, out_channels=4)\n"
    ),
}
"""What the pages of a package leave to their reader, by the beginning of its name."""


def files(package: str) -> Iterator[Path]:
    """The Python files of an installed package, found without importing it."""
    top, _, rest = package.partition(".")
    spec = importlib.util.find_spec(top)
    assert spec is not None, f"{top} is not installed"
    assert spec.origin is not None
    place = Path(spec.origin).parent.joinpath(*rest.split("."))
    yield from [place.with_suffix(".py")] if place.with_suffix(".py").is_file() else sorted(place.rglob("*.py"))


def readable(text: str) -> str:
    """A docstring as Sphinx shows it: `Example:` is a heading of what stands indented below it, and marks for doctest are not shown.

    `train(...)` leaves out what the preamble's function does without, `DataLoader(...)` what the preamble has made.
    """
    shown = HEADING.sub(r"\1::\n\n", SKIPPED.sub("", textwrap.dedent(text)))
    return LOADER.sub("loader", shown).replace("(...)", "()")


def docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Each docstring of a file that has examples, under the name of what it describes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text and any(mark in text for mark in EXAMPLES):
                yield f"{path.stem}.{node.name}", readable(text)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute) and node.targets[0].attr == "__doc__":
            texts = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))
            for text in (one for one in texts if ">>>" in one):
                yield f"{path.stem}.{ast.unparse(node.targets[0].value)}", readable(text)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ADDING and node.args:
            texts = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))
            for text in (one for one in texts if ">>>" in one):
                yield f"{path.stem}.{ast.unparse(node.args[0]).removeprefix('torch.')}", textwrap.dedent(text)


def examples(package: str) -> Iterator[Snippet]:
    """The examples of a package, each on top of the usual imports; one that spells out an error on purpose is left out."""
    completed = next((text for start, text in PREAMBLE.items() if package.startswith(start)), "")
    setup = Snippet(id="setup", title="", document="setup.py", code=SETUP + completed)
    for path in files(package):
        for name, text in docstrings(path):
            for snippet in parse(Source.decode(f"{name}.rst", text.encode()), "rst").snippets:
                yield replace(snippet, id=f"{name}:{snippet.line}", title=name, before=(setup, *snippet.before), documented_output=None)


def incomplete(result: Result) -> bool:
    """Whether names that the page leaves to the reader are all that is wrong."""
    errors = [finding for finding in result.findings if finding.is_error]
    return bool(errors) and all(finding.rule in LEFT_TO_THE_READER for finding in errors)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    parser.add_argument("--limit", type=int, default=None, help="at most so many examples of each package")
    parser.add_argument("--jobs", type=int, default=0)
    chosen = parser.parse_args()
    print(
        "| package | examples | audited | clean | suspect | not runnable | incomplete | failing |\n| --- | --: | --: | --: | --: | --: | --: | --: |"
    )
    wrong: list[Result] = []
    left_out: list[Result] = []
    with LocalEngine(Options(jobs=chosen.jobs, cache=False, timeout=30)) as engine:
        for package in chosen.packages:
            results = list(engine.results(islice(examples(package), chosen.limit)))
            verdicts = Counter("incomplete" if incomplete(result) else str(result.verdict) for result in results)
            row = [verdicts[name] for name in ("clean", "suspect", "not runnable", "incomplete", "failing")]
            left_out += [result for result in results if incomplete(result)]
            audited = len(results) - verdicts["incomplete"] - verdicts["not runnable"]
            print(f"| {package} | {len(results)} | {audited} | {' | '.join(map(str, row))} |", flush=True)
            wrong += [result for result in results if any(finding.is_error for finding in result.findings) and not incomplete(result)]
    for result in left_out:
        print(
            f"incomplete: {result.snippet.id}: {', '.join(sorted({one.message.split('`')[1] for one in result.findings if one.is_error}))}"
        )
    for result in wrong:
        for finding in (one for one in result.findings if one.is_error):
            line = result.snippet.code.splitlines()[finding.span.line - 1].strip()
            print(f"{result.snippet.id} {finding.rule} {finding.name}: {finding.message}\n    {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
