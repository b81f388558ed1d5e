"""What the text of a `forward` says of its parameters: into which layer each one goes first, how often it is unpacked, what it is called.

A small abstract interpreter over the function's AST. It follows a parameter through assignments and shape methods up to its first
consumer, looks the layer up on the living module, and walks into the snippet's own sub-modules and helper methods.
"""

from __future__ import annotations

import ast
import sys
from typing import Any

from layers import argument_names, shaping, width_of
from needs import Flow, Joined, Layer, Made, Need, Texts, Use

DEPTH = 6
RESHAPES = {"view", "reshape", "flatten", "permute", "transpose", "unsqueeze", "squeeze", "t", "swapaxes"}
ELEMENTWISE = {
    *("relu", "gelu", "sigmoid", "tanh", "softmax", "log_softmax", "dropout", "leaky_relu", "elu", "silu", "exp", "log", "sqrt", "abs"),
    *("contiguous", "float", "double", "half", "long", "int", "to", "cuda", "cpu", "type", "type_as", "clone", "detach", "clamp", "bool"),
    *("requires_grad_", "masked_fill", "pack_padded_sequence", "normalize", "relu_", "add", "mul", "expand"),
}
LOSSES = {"cross_entropy", "nll_loss", "mse_loss", "l1_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "smooth_l1_loss"}


class Reader:
    """Reads one call of one method of one module."""

    def __init__(self, texts: Texts, sources: Any, needs: dict[str, Need], depth: int = 0) -> None:
        self.texts, self.sources, self.needs, self.depth = texts, sources, needs, depth
        self.names: dict[str, Any] = {}
        self.owner: Any = None
        self.self_name = "self"
        self.torch = sys.modules["torch"]

    def read(self, owner: Any, function: ast.FunctionDef, arguments: dict[str, Any]) -> Any:
        """Follows `arguments` (what is known of each parameter) through the function; gives what is known of its result."""
        self.owner = owner
        self.names = dict(arguments)
        parameters = function.args.posonlyargs + function.args.args
        self.self_name = parameters[0].arg if parameters else "self"
        self.result: Any = Made()
        self.block(function.body)
        return self.result

    # Statements ------------------------------------------------------------------------------------------------------

    def block(self, statements: list) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            value = self.value(node.value)
            for target in node.targets:
                self.bind(target, value, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self.bind(node.target, self.value(node.value), node.value)
        elif isinstance(node, ast.AugAssign):
            self.value(node.value)
        elif isinstance(node, ast.Return):
            self.result = self.value(node.value) if node.value is not None else Made()
        elif isinstance(node, ast.Expr):
            self.value(node.value)
        elif isinstance(node, ast.For):
            self.bind(node.target, self.element(node.iter), node.iter)
            self.block(node.body + node.orelse)
        elif isinstance(node, (ast.If, ast.While)):
            self.value(node.test)
            self.block(node.body + node.orelse)
        elif isinstance(node, (ast.With, ast.Try)):
            self.block(node.body)

    def bind(self, target: ast.expr, value: Any, source: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            names = tuple(item.id if isinstance(item, ast.Name) else "_" for item in target.elts)
            whole = not any(isinstance(item, ast.Starred) for item in target.elts)
            measured = self.measured(source)
            if measured is not None and whole:
                self.measure(measured, names)
            elif isinstance(value, Flow) and whole:
                self.need(value).parts = len(names)
            for index, item in enumerate(target.elts):
                if isinstance(value, tuple) and type(value) is tuple:
                    self.bind(item, value[index] if index < len(value) else Made(), source)
                else:
                    self.bind(item, value.then("item", index) if isinstance(value, Flow) and measured is None else Made(), ast.Constant(0))

    def measured(self, node: ast.expr) -> Flow | None:
        """The parameter whose whole size an expression is: `x.size()`, `x.shape`."""
        if isinstance(node, ast.Call) and not node.args and isinstance(node.func, ast.Attribute) and node.func.attr == "size":
            node = node.func
        elif not (isinstance(node, ast.Attribute) and node.attr == "shape"):
            return None
        found = self.value(node.value)
        return found if isinstance(found, Flow) else None

    def measure(self, flow: Flow, names: tuple) -> None:
        need = self.need(flow)
        if not flow.moves and need.dims is None:
            need.dims, need.names = len(names), names

    def need(self, flow: Flow) -> Need:
        return self.needs.setdefault(flow.parameter, Need(flow.parameter))

    def element(self, node: ast.expr) -> Any:
        """What a loop over an expression binds."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            if node.func.id == "enumerate":
                return (Made(), self.element(node.args[0]))
            if node.func.id == "zip":
                return tuple(self.element(item) for item in node.args)
            if node.func.id in ("reversed", "list", "tqdm"):
                return self.element(node.args[0])
        found = self.value(node)
        if isinstance(found, Layer):
            inner = next(iter(found.module.children()), None)
            return Layer(inner) if inner is not None else Made()
        if isinstance(found, Flow):
            self.need(found).roles.add("iterated")
        return Made()

    def count(self, node: ast.expr) -> int:
        """How many layers a loop goes over; 0 when it is not over layers."""
        if isinstance(node, ast.Call) and node.args:
            node = node.args[0]
        found = self.value(node)
        return len(list(found.module.children())) if isinstance(found, Layer) else 0

    # Expressions -----------------------------------------------------------------------------------------------------

    def value(self, node: Any) -> Any:
        if isinstance(node, ast.Name):
            return self.names.get(node.id, Made())
        if isinstance(node, ast.Attribute):
            return self.attribute(node)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.BinOp):
            return self.operator(node)
        if isinstance(node, ast.Subscript):
            return self.subscript(node)
        if isinstance(node, (ast.Tuple, ast.List)):
            return tuple(self.value(item) for item in node.elts)
        if isinstance(node, ast.IfExp):
            found = self.value(node.body)
            other = self.value(node.orelse)
            return found if isinstance(found, Flow) else other
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            count = self.count(node.generators[0].iter)
            for part in node.generators:
                self.bind(part.target, self.element(part.iter), part.iter)
            found = self.value(node.elt)
            return (found,) * count if count else (found, Made())
        for child in ast.iter_child_nodes(node) if isinstance(node, ast.AST) else ():
            if isinstance(child, ast.expr):
                self.value(child)
        return Made()

    def living(self, node: ast.expr) -> Any:
        """The living object behind `self.a.b[0]`, or None."""
        if isinstance(node, ast.Name):
            if node.id == self.self_name:
                return self.owner
            found = self.names.get(node.id)
            return found.module if isinstance(found, Layer) else None
        if isinstance(node, ast.Attribute):
            owner = self.living(node.value)
            return None if owner is None else getattr(owner, node.attr, None)
        if isinstance(node, ast.Subscript):
            owner = self.living(node.value)
            if isinstance(owner, (self.torch.nn.ModuleList, self.torch.nn.ModuleDict, self.torch.nn.Sequential)):
                index = node.slice.value if isinstance(node.slice, ast.Constant) else 0
                try:
                    return owner[index]
                except Exception:
                    return next(iter(owner.children()), None)
        return None

    def attribute(self, node: ast.Attribute) -> Any:
        living = self.living(node)
        if isinstance(living, self.torch.nn.Module):
            return Layer(living)
        if isinstance(living, self.torch.Tensor):
            return Made(living.shape[-1] if living.dim() else None)
        owner = self.value(node.value)
        if isinstance(owner, Flow):
            if node.attr in ("shape", "device", "dtype", "is_cuda", "ndim", "requires_grad"):
                return Made()
            if node.attr in ("T", "mT"):
                return owner.then("transpose", -1, -2)
            if node.attr == "data":
                return owner
            need = self.need(owner)
            if node.attr not in need.attributes:
                need.attributes.append(node.attr)
            return owner.then("attribute", node.attr)
        return Made()

    def operator(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if type(left) is tuple or type(right) is tuple:
            return (*(left if type(left) is tuple else (left,)), *(right if type(right) is tuple else (right,)))
        if isinstance(node.op, ast.MatMult):
            return self.product(left, right, self.living(node.right))
        for one in (left, right):
            if isinstance(one, Flow):
                self.need(one).roles.add("number")
        return left if isinstance(left, (Flow, Joined)) else right if isinstance(right, Flow) else left

    def product(self, left: Any, right: Any, weight: Any) -> Made:
        if isinstance(left, Flow) and isinstance(weight, self.torch.Tensor) and weight.dim() >= 2:
            self.need(left).uses.append(Use(weight, "input", left.moves))
        return Made()

    def subscript(self, node: ast.Subscript) -> Any:
        index = self.value(node.slice)
        for part in index if type(index) is tuple else (index,):
            if isinstance(part, Flow):
                self.need(part).roles.add("index")
        found = self.value(node.value)
        if type(found) is tuple and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            return found[node.slice.value] if abs(node.slice.value) < len(found) else Made()
        if isinstance(found, Flow):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if not found.moves:
                self.need(found).least = max(self.need(found).least, len(parts))
            return found.then("pick", *[place for place, part in enumerate(parts) if number_of(part) is not None])
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            self.value(node.value)
            owner = self.value(node.value.value)
            self.index_size(owner, number_of(node.slice))
        return Made()

    def index_size(self, owner: Any, number: int | None) -> None:
        if isinstance(owner, Flow) and not owner.moves and number is not None:
            need = self.need(owner)
            need.least = max(need.least, number + 1 if number >= 0 else -number)

    # Calls -----------------------------------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> Any:
        arguments = [self.value(item.value if isinstance(item, ast.Starred) else item) for item in node.args]
        keywords = {item.arg: self.value(item.value) for item in node.keywords if item.arg}
        function = node.func
        living = self.living(function)
        if isinstance(living, self.torch.nn.Module):
            return self.into(living, arguments, keywords)
        definition = self.texts.of(living, self.sources) if living is not None else None
        if definition is not None:
            return self.enter(getattr(living, "__self__", None), definition, arguments, keywords)
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if isinstance(function, ast.Attribute) and living is None:
            owner = self.value(function.value)
            if isinstance(owner, (Flow, Joined)):
                return self.method(owner, name, node, arguments)
        bound = getattr(living, "__self__", None)
        if isinstance(bound, self.torch.nn.Module) and bound is not self.owner:
            return self.into(bound, arguments, keywords)
        if isinstance(function, ast.Name) and isinstance(self.names.get(name), Flow):
            self.need(self.names[name]).roles.add("called")
        return self.function(name, node, arguments, keywords)

    def method(self, owner: Any, name: str, node: ast.Call, arguments: list) -> Any:
        if isinstance(owner, Joined):
            return owner if name in RESHAPES or name in ELEMENTWISE else Made()
        if name == "size" and node.args:
            self.index_size(owner, number_of(node.args[0]))
            return Made()
        if name in RESHAPES:
            return owner.then(name, *[number_of(item) for item in node.args])
        if name in ELEMENTWISE:
            return owner
        if name in ("matmul", "mm", "bmm"):
            return self.product(owner, arguments[0] if arguments else None, self.living(node.args[0]) if node.args else None)
        return Made()

    def function(self, name: str, node: ast.Call, arguments: list, keywords: dict) -> Any:
        first = arguments[0] if arguments else keywords.get("input", Made())
        if name in LOSSES and len(arguments) > 1 and isinstance(arguments[1], Flow):
            self.need(arguments[1]).roles.add(f"target {name}")
            return Made()
        if name in ("cat", "concat", "hstack") and type(first) is tuple:
            return Joined(first)
        if name == "pack_padded_sequence" and len(arguments) > 1 and isinstance(arguments[1], Flow):
            self.need(arguments[1]).roles.add("lengths")
        if name in ("one_hot", "embedding") and isinstance(first, Flow):
            self.need(first).roles.add("index")
            return Made()
        if name in ("matmul", "mm", "bmm", "linear") and len(node.args) > 1:
            weight = self.living(node.args[1])
            if name == "linear" and isinstance(weight, self.torch.Tensor):
                weight = weight.t()
            return self.product(first, arguments[1], weight)
        if name in RESHAPES and isinstance(first, Flow):
            return first.then(name, *[number_of(item) for item in node.args[1:]])
        if name in ELEMENTWISE or name in RESHAPES:
            return first
        return Made()

    def enter(self, owner: Any, definition: ast.FunctionDef, arguments: list, keywords: dict) -> Any:
        """Into a helper method of the snippet."""
        if self.depth >= DEPTH:
            return Made()
        names = [item.arg for item in definition.args.posonlyargs + definition.args.args]
        known = dict(zip(names[1:] if owner is not None else names, arguments))  # noqa: B905
        known.update(keywords)
        return Reader(self.texts, self.sources, self.needs, self.depth + 1).read(owner, definition, known)

    def into(self, module: Any, arguments: list, keywords: dict) -> Any:
        """Into a layer: the snippet's own ones are read on, the others are consumers."""
        definition = self.texts.of(type(module).forward, self.sources)
        if definition is not None:
            return self.enter(module, definition, arguments, keywords)
        layer, moves = shaping(self.torch, module)
        if layer is None:
            return arguments[0] if arguments else Made()
        names = argument_names(layer)
        for position, value in enumerate(arguments):
            self.consume(layer, names[position] if position < len(names) else "input", value, moves)
        for keyword, value in keywords.items():
            self.consume(layer, keyword, value, moves)
        if layer is not module and self.texts.of(type(layer).forward, self.sources) is not None:
            return self.into(layer, arguments, keywords)
        return Made(width_of(self.torch, module))

    def consume(self, layer: Any, name: str, value: Any, moves: tuple) -> None:
        if isinstance(value, Flow):
            self.need(value).uses.append(Use(layer, name, (*value.moves, *moves)))
        elif type(value) is tuple:
            for item in value:
                if isinstance(item, Flow):
                    self.need(item).uses.append(Use(layer, name, (*item.moves, ("part",))))
        elif isinstance(value, Joined):
            self.consume_joined(layer, name, value)

    def consume_joined(self, layer: Any, name: str, value: Joined) -> None:
        """Shares the layer's width among the parameters joined: what a state is known to have, the rest to the others."""
        total = next(
            (size for size in (getattr(layer, word, None) for word in ("in_features", "input_size")) if isinstance(size, int)), None
        )
        flows = [part for part in value.parts if isinstance(part, Flow)]
        widths = {flow: self.state_width(flow) for flow in flows}
        known = sum(part.width or 0 for part in value.parts if isinstance(part, Made)) + sum(width or 0 for width in widths.values())
        open_ones = sum(width is None for width in widths.values())
        for flow in flows:
            left = (total - known) // open_ones if total is not None and total > known and open_ones else None
            certain = open_ones <= 1 and all(part.width for part in value.parts if isinstance(part, Made))
            self.need(flow).uses.append(Use(layer, name, flow.moves, widths[flow] or left, certain))

    def state_width(self, flow: Flow) -> int | None:
        """The width of a hidden state, where the module keeps it."""
        if "hidden" not in flow.parameter and flow.parameter not in ("h", "h_prev", "state"):
            return None
        names = ("hidden_size", "hidden_dim", "hid_dim", "dec_hid_dim")
        return next((size for size in (getattr(self.owner, name, None) for name in names) if isinstance(size, int)), None)


def number_of(node: ast.expr) -> Any:
    """A literal number, or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return -node.operand.value if isinstance(node.operand.value, int) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


def read_forward(module: Any, texts: Texts, sources: Any) -> dict[str, Need]:
    """The needs of the parameters of a module's forward, in order. Empty needs when its text is not the snippet's."""
    definition = texts.of(type(module).forward, sources)
    if definition is None:
        return {}
    parameters = [item.arg for item in definition.args.posonlyargs + definition.args.args][1:]
    parameters += [item.arg for item in definition.args.kwonlyargs]
    needs = {name: Need(name) for name in parameters}
    Reader(texts, sources, needs).read(module, definition, {name: Flow(name) for name in parameters})
    return needs
