"""A method is used that belongs to another library, another version or another type."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import rename_attribute, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import value_offers, wrapped


class ForeignMethod(CrashRule):
    """A method is used that belongs to another library, another version or another type.

    ## What it does
    Explains missing methods with a known counterpart: NumPy's on tensors, tensors' on arrays and lists, Python 2's on iterators, fields of named results.

    ## Why is this bad?
    The program stops at the call.

    ## Example
    ```python
    x = torch.zeros(3).astype('float64')
    ```

    ## Use instead
    ```python
    x = torch.zeros(3).to(torch.float64)
    ```

    ## Fix safety
    Each counterpart does the same thing; for the result of `max` over a dimension both fields are offered.

    ## References
    - torch.Tensor
    """

    id = "SNF309"
    name = "foreign-method"
    category = Category.API_MISUSE
    applicability = Applicability.SAFE
    TYPES = ("AttributeError", "TypeError")
    MESSAGES = (
        r"'([\w.]+)' object has no attribute '(\w+)'",
        r"'(torch\.Size)' object is not (callable)?(?<!callable)|'(torch\.Size)' object is not callable()",
        r"'(builtin_function_or_method|method)' object is not subscriptable()",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nx = torch.zeros(3).to(torch.float64)\nn = x.shape[0]\n"),
        Good(
            "import torch\nimport torch.nn as nn\nclass Box:\n    def astype(self, kind):\n        return self\n\nBox().astype('float64')\n"
        ),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.zeros(3)\ny = x.astype('float64')\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nx = torch.zeros(3)\ny = x.to(torch.float64)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.zeros(3, 2)\nn = x.shape(0)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nx = torch.zeros(3, 2)\nn = x.shape[0]\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.zeros(3, 2)\ny = x.max(1).float()\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nx = torch.zeros(3, 2)\ny = x.max(1).values.float()\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        return next(self._mended(crash), None) is not None

    def says(self, crash: Crash) -> str:
        if crash.found[1]:
            return f"a {crash.found[0].rpartition('.')[2]} has no {crash.found[1]}"
        return crash.failure.message.splitlines()[0].rstrip(".").replace("'", "")

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        yield from self._mended(crash)

    @staticmethod
    def _mended(crash: Crash) -> Iterator[Offer]:
        code, node, call = crash.code, crash.node, crash.call
        kind, name = crash.found[0], crash.found[1]
        if isinstance(call, ast.Call) and not name and isinstance(call.func, ast.Attribute) and len(call.args) == 1:
            yield Offer("Index the shape", replace_expression(code, call, f"{code.slice(call.func)}[{code.slice(call.args[0])}]"))
        if isinstance(node, ast.Subscript) and not name and isinstance(node.value, ast.Attribute) and node.value.attr in ("size", "dim"):
            yield Offer("Call the method", replace_expression(code, node, f"{code.slice(node.value)}({code.slice(node.slice)})"))
        if not isinstance(node, ast.Attribute):
            return
        parent = code.parents.get(node)
        owner = code.slice(node.value)
        if name == "next" and isinstance(parent, ast.Call):
            yield Offer("Use the built-in next", replace_expression(code, parent, f"next({owner})"))
        if kind == "Tensor" and name == "astype" and isinstance(parent, ast.Call) and parent.args:
            yield Offer("Use to", replace_expression(code, parent, f"{owner}.to({_torch_type(code.slice(parent.args[0]))})"))
        if (kind, name) in RENAMED:
            yield Offer(f"Use {RENAMED[kind, name]}", rename_attribute(code, node, RENAMED[kind, name]))
        if kind.startswith("torch.return_types"):
            yield from wrapped(crash, node.value, "{}.values", "Take the values")
            yield from wrapped(crash, node.value, "{}.indices", "Take the indices")
        if kind in ("numpy.ndarray", "ndarray"):
            yield from wrapped(crash, node.value, "torch.from_numpy({})", "Make the array a tensor")
        if kind in ("list", "int", "float") and name in TENSOR_ONLY:
            yield from value_offers(crash, node.value, "torch.tensor({})", "Make it a tensor")
        if kind == "Tensor" and name in ("to_numpy", "as_numpy"):
            yield Offer("Use numpy", rename_attribute(code, node, "numpy"))


RENAMED = {
    ("Tensor", "copy"): "clone",
    ("Tensor", "concat"): "cat",
    ("Tensor", "ndims"): "ndim",
    ("Tensor", "fill"): "fill_",
    ("Tensor", "dims"): "ndim",
    ("Tensor", "sizes"): "shape",
    ("Tensor", "is_grad"): "requires_grad",
    ("Tensor", "repeat_elements"): "repeat_interleave",
    ("Tensor", "swap_axes"): "swapaxes",
    ("Tensor", "expand_dims"): "unsqueeze",
    ("Tensor", "tolists"): "tolist",
    ("Tensor", "gradient"): "grad",
    ("dict", "has_key"): "__contains__",
    ("dict", "iteritems"): "items",
    ("dict", "itervalues"): "values",
    ("dict", "iterkeys"): "keys",
    ("Sequential", "add"): "append",
    ("ModuleList", "add"): "append",
}
TENSOR_ONLY = ("to", "shape", "size", "view", "unsqueeze", "float", "long", "mean", "cuda", "dim", "squeeze", "permute", "reshape", "sum")


def _torch_type(text: str) -> str:
    name = text.strip("'\"").rpartition(".")[2]
    return f"torch.{ {'float': 'float64', 'int': 'int64'}.get(name, name) }"
