"""A call gives more arguments than the callee takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, add_parameter, add_statement_to_init, joined, remove_argument, replace_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.signatures import definition, library_meant, parameters

HOOKED = (
    "import torch, torch.nn as nn\nseen = {{}}\ndef keep(name):\n    def hook({}):  # 钩子\n        seen[name] = output\n    return hook\n"
    "net = nn.Linear(3, 2); net.register_forward_hook(keep('fc'))\nnet(torch.zeros(1, 3))\n"
)


class TooManyArguments(CrashRule):
    """A call gives more arguments than the callee takes.

    ## What it does
    Explains calls of functions, methods and constructors with too many positional arguments; often `self` or a parameter is missing in the definition.

    ## Why is this bad?
    The program stops at the call.

    ## Example
    ```python
    class Net(nn.Module):
        def forward(x):
            return x
    ```

    ## Use instead
    ```python
    class Net(nn.Module):
        def forward(self, x):
            return x
    ```

    ## Fix safety
    Where the definition is clearly short of a parameter it gets it; otherwise the surplus is dropped, which the author may not have meant.

    ## References
    - Python, Calls
    """

    id = "SNF304"
    name = "too-many-arguments"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("TypeError",)
    MESSAGES = (
        r"((?:[\w.]|<locals>)+)\(\) takes ((?:from \d+ to )?\d+) positional arguments? but (\d+) (?:positional arguments \(and \d+ keyword-only arguments?\) )?(?:was|were) given",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nnn.Linear(3, 2)(torch.zeros(1, 3))\n"),
        Good("import torch\nimport torch.nn as nn\ndef f(*values):\n    return values\n\nf(1, 2, 3)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n    def forward(x):\n        return self.fc(x)\n\nNet()(torch.zeros(2, 3))\n",
            at=(11, 1),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n\n    def forward(self, x):\n        return self.fc(x)\n\nNet()(torch.zeros(2, 3))\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.fc = nn.Linear(width, 2)\n\n    def forward(self, x):\n        return self.fc(x)\n\nnet = Net(3, 2)\n",
            at=(11, 7),
            fixed="import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.fc = nn.Linear(width, 2)\n\n    def forward(self, x):\n        return self.fc(x)\n\nnet = Net(3)\n",
        ),
        Bad(
            HOOKED.format("module, output"),
            at=(8, 1),
            fixed=HOOKED.format("module, inputs, output"),
        ),
        Bad(
            HOOKED.format("inp, output"),
            at=(8, 1),
            fixed=HOOKED.format("module, inp, output"),
        ),
    )

    def says(self, crash: Crash) -> str:
        function, taken, given = crash.found
        arguments = "argument" if taken == "1" else "arguments"
        return f"{function.rpartition('<locals>.')[2]}() takes {taken} positional {arguments}, it is given {given}"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        code, call, made = crash.code, crash.call, definition(crash, crash.found[0])
        takes, given = int(crash.found[1].split()[-1]), int(crash.found[2])
        owner = crash.class_named(crash.found[0].rpartition(".")[0])
        misspelt = (
            [node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name in ("__int__", "_init_", "init", "__inti__")]
            if owner
            else []
        )
        if made is None and misspelt:
            at = code.text.index(misspelt[0].name, code.range(code.span(misspelt[0]))[0])
            yield Offer("Name the constructor __init__", (Edit(at, at + len(misspelt[0].name), "__init__"),))
            return
        if made is not None and "." in crash.found[0] and not made.decorator_list and [arg.arg for arg in made.args.args[:1]] != ["self"]:
            at = code.text.index("(", code.range(code.span(made))[0]) + 1
            yield Offer("Give the method its self", (Edit(at, at, "self, " if made.args.args else "self"),))
        if made is not None and given == takes + 1 and made.name == "forward":
            free = [name.id for name in ast.walk(made) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)]
            bound = {name.id for name in ast.walk(made) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
            likely = [name for name in ("x", "input", "inputs", "data", "batch", "ids", "input_ids") if name in free and name not in bound]
            for name in likely or ["x"]:
                yield Offer(f"Let forward take {name}", add_parameter(code, crash.found[0], name))
        yield from _hook(crash, takes, given)
        if call is None or _is_of_another(crash, call):
            return
        yield from library_meant(crash, call)
        surplus = call.args[takes - given :] if given > takes else []
        names = [arg.id for arg in surplus if isinstance(arg, ast.Name)]
        if made is not None and made.name == "__init__":
            own = [one for one in ("stride", "downsample") if given - takes == 2]
            yield from extended_block(crash, made, names if len(names) == len(surplus) else own)
        if surplus and len(call.args) >= len(surplus):
            edits = (
                joined(*(remove_argument(code, call, len(call.args) - 1 - number) for number in range(len(surplus))))
                if len(surplus) == 1
                else (_without_last(crash, call, len(surplus)))
            )
            yield Offer("Drop what is too many", edits)


HOOKS = {
    "register_forward_hook": ("module", "inputs", "output"),
    "register_forward_pre_hook": ("module", "inputs"),
    "register_full_backward_hook": ("module", "grad_input", "grad_output"),
    "register_full_backward_pre_hook": ("module", "grad_output"),
    "register_backward_hook": ("module", "grad_input", "grad_output"),
}
"""What PyTorch gives a hook, by how it is registered."""
MODULES = frozenset("module mod m layer net model self _ name".split())
INPUTS = frozenset("input inputs inp inps args x in_ i".split())


def _hook(crash: Crash, takes: int, given: int) -> Iterator[Offer]:
    """A hook that lacks one of what PyTorch gives it: the module comes first, its inputs come before its output."""
    name = crash.found[0].rpartition(".")[2]
    made = next((one for one in crash.code.all(ast.FunctionDef) if one.name == name), None)
    registered = next((names for how, names in HOOKS.items() if crash.code.calls(how)), ())
    if made is None or given != takes + 1 or len(registered) != given:
        return
    taken = [arg.arg for arg in made.args.args]
    first = taken[0] if taken else ""
    inputs = INPUTS if registered[1] == "inputs" else {"grad_input", "grad_in"}
    at = 0 if first not in MODULES else 1 if len(taken) < 2 or taken[1] not in inputs else 2
    if registered[at] in taken or at > len(taken):
        return
    start = (
        crash.code.range(crash.code.span(made.args.args[at]))[0]
        if at < len(taken)
        else crash.code.range(crash.code.span(made.args.args[-1]))[1]
    )
    text = f"{registered[at]}, " if at < len(taken) else f", {registered[at]}"
    yield Offer(f"Let the hook take `{registered[at]}` as well", (Edit(start, start, text),))


def _is_of_another(crash: Crash, call: ast.Call) -> bool:
    """Whether the failing call calls something else, which in turn calls the function that is given too much, as a model does its hooks."""
    name = crash.found[0].rpartition(".")[2]
    return ("<locals>" in crash.found[0] or bool(crash.code.calls(*HOOKS))) and crash.code.slice(call.func).rpartition(".")[2] != name


DEFAULTS = {
    "stride": "1",
    "padding": "0",
    "dilation": "1",
    "groups": "1",
    "bias": "True",
    "dropout": "0.0",
    "kernel_size": "3",
    "expansion": "1",
}


def _without_last(crash: Crash, call: ast.Call, count: int) -> tuple[Edit, ...]:
    kept, last = call.args[-count - 1] if len(call.args) > count else None, call.args[-1]
    start = crash.code.range(crash.code.span(kept))[1] if kept is not None else crash.code.range(crash.code.span(call.args[0]))[0]
    return (Edit(start, crash.code.range(crash.code.span(last))[1], ""),)


def extended_block(crash: Crash, made: ast.FunctionDef, names: list[str]) -> Iterator[Offer]:
    """A constructor that takes what its callers give: stride into the first convolution, a downsampling path in place of its own."""
    code, owner = crash.code, crash.class_of(made)
    if not names or owner is None or set(names) & set(parameters(made)):
        return
    taken = ", ".join(f"{name}={DEFAULTS.get(name, 'None')}" for name in names)
    edits = [add_parameter(code, f"{owner.name}.__init__", taken)]
    used = set[str]()
    convolutions = [node for node in ast.walk(made) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Conv2d", "Conv1d"))]
    if "stride" in names and convolutions:
        edits.append(add_keyword(code, convolutions[0], "stride", "stride"))
        used.add("stride")
    for name in names:
        own = [node for node in made.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == f"self.{name}"]
        if own:
            edits.append(replace_expression(code, own[0].value, name))
            used.add(name)
            for node in made.body:
                # The block's own way of making it stays, for callers that give none.
                if isinstance(node, ast.If) and f"self.{name} =" in code.slice(node) and "stride" in names:
                    edits.append((Edit(*code.range(code.span(node.test)), f"{name} is None and (stride != 1 or {code.slice(node.test)})"),))
                    inner = [
                        one for one in ast.walk(node) if isinstance(one, ast.Call) and ast.unparse(one.func).endswith(("Conv2d", "Conv1d"))
                    ]
                    edits += [add_keyword(code, one, "stride", "stride") for one in inner[:1]]
    edits += [add_statement_to_init(code, owner.name, f"self.{name} = {name}") for name in names if name not in used]
    yield Offer(f"Let {owner.name} take {' and '.join(names)}", joined(*edits))
