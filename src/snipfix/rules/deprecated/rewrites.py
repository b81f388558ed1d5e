"""Calls that became another expression altogether when they were renamed."""

from __future__ import annotations

import ast
from collections.abc import Callable

from snipfix.rules.base import Context

__all__ = ["REWRITES", "fourier"]

FOURIER = ("input", "signal_ndim", "normalized", "onesided", "signal_sizes")
"""The parameters of the old transforms, in order; `fft` and `ifft` have the first three."""


def fourier(context: Context, call: ast.Call, name: str) -> str:
    """`torch.rfft(x, 1)` gave pairs of numbers in a last dimension of two: the transform of today, with its complex numbers shown as pairs.

    Empty where the number of dimensions or a switch is no literal.
    """
    given = _arguments(call, FOURIER)
    torch = context.code.slice(call.func).rpartition(".")[0]
    ndim, normalized, onesided = (_literal(given.get(key), default) for key, default in zip(FOURIER[1:4], (None, False, True), strict=True))
    if given.keys() - set(FOURIER) or "input" not in given or ndim not in (1, 2, 3) or None in (normalized, onesided) or not torch:
        return ""
    x = context.code.slice(given["input"])
    modern = name if onesided else name.replace("r", "", 1)
    ending, further = {1: ("", ""), 2: ("2", ""), 3: ("n", ", dim=(-3, -2, -1)")}[ndim]
    if "signal_sizes" in given and onesided:
        sizes = given["signal_sizes"]
        last = sizes.elts[-1] if isinstance(sizes, ast.Tuple | ast.List) and sizes.elts else None
        text = context.code.slice(sizes)
        further += f", s={text}" if ndim > 1 else f", n={context.code.slice(last)}" if last is not None else f", n={text}[-1]"
    if normalized:
        further += ', norm="ortho"'
    text = f"{torch}.fft.{modern}{ending}({x if name == 'rfft' else f'{torch}.view_as_complex({x})'}{further})"
    if name == "irfft":
        return text if onesided else f"{text}.real"
    return f"{torch}.view_as_real({text})"


def _eigenvalues(context: Context, call: ast.Call, name: str) -> str:  # noqa: ARG001  (rewrites share a signature)
    """eig(A, eigenvectors=True) is linalg.eig(A); without the vectors it gave the values as pairs, and nothing beside them."""
    given = _arguments(call, ("input", "eigenvectors"))
    torch = context.code.slice(call.func).rpartition(".")[0]
    if given.keys() - {"input", "eigenvectors"} or "input" not in given or not torch:
        return ""
    return f"{torch}.linalg.eig({context.code.slice(given['input'])})" if _literal(given.get("eigenvectors"), False) is True else ""


def _arguments(call: ast.Call, names: tuple[str, ...]) -> dict[str, ast.expr]:
    """The arguments by name; one that cannot be told has a name that no signature has."""
    if any(isinstance(one, ast.Starred) for one in call.args) or len(call.args) > len(names):
        return {"*": call}
    return {**dict(zip(names, call.args, strict=False)), **{one.arg or "*": one.value for one in call.keywords}}


def _literal(node: ast.expr | None, default: object) -> object:
    """The value of a constant, the default where nothing is given; None for any other expression."""
    return default if node is None else node.value if isinstance(node, ast.Constant) else None


def _default_type(context: Context, call: ast.Call, name: str) -> str:  # noqa: ARG001
    """set_default_tensor_type("torch.cuda.DoubleTensor") said two things: the dtype, and where new tensors live."""
    given = _arguments(call, ("t",)).get("t")
    torch = context.code.slice(call.func).rpartition(".")[0]
    written = given.value if isinstance(given, ast.Constant) else context.code.slice(given) if given is not None else ""
    parts = str(written).split(".")
    dtype = {"FloatTensor": "float32", "DoubleTensor": "float64", "HalfTensor": "float16", "BFloat16Tensor": "bfloat16"}.get(parts[-1])
    if dtype is None or not torch or not 1 < len(parts) < 4:
        return ""
    says = [f"{torch}.set_default_dtype({torch}.{dtype})"] * (dtype != "float32" or "cuda" not in parts)
    says += [f'{torch}.set_default_device("cuda")'] * ("cuda" in parts)
    alone = isinstance(context.code.parents.get(call), ast.Expr)
    return "\n".join(says) if len(says) == 1 else f"\n{' ' * call.col_offset}".join(says) if alone else ""


def _to_tensor(context: Context, call: ast.Call, name: str) -> str:  # noqa: ARG001
    """v2.ToTensor() is two transforms today: into an image tensor, and into floats between 0 and 1."""
    v2 = context.code.slice(call.func).rpartition(".")[0]
    torch = context.scopes.alias("torch")
    if not v2 or not torch or call.args or call.keywords:
        return ""
    text = f"{v2}.ToImage(), {v2}.ToDtype({torch}.float32, scale=True)"
    return text if isinstance(context.code.parents.get(call), ast.List) else f"{v2}.Compose([{text}])"


def _norm(context: Context, call: ast.Call, name: str) -> str:  # noqa: ARG001
    """norm(x, p, dim, keepdim) was a vector's norm for every number p, and for "fro"; without `dim` it took no notice of `keepdim`."""
    given = _arguments(call, ("input", "p", "dim", "keepdim"))
    torch, order = context.code.slice(call.func).rpartition(".")[0], _literal(given.get("p"), "fro")
    known = order == "fro" or (isinstance(order, int | float) and not isinstance(order, bool))
    if (
        given.keys() - {"input", "p", "dim", "keepdim"}
        or "input" not in given
        or not torch
        or not known
        or {"keepdim"} == given.keys() - {"input", "p"}
    ):
        return ""
    further = [context.code.slice(given["p"])] if order not in ("fro", 2) else []
    further += [f"{key}={context.code.slice(given[key])}" for key in ("dim", "keepdim") if key in given]
    return f"{torch}.linalg.vector_norm({', '.join([context.code.slice(given['input']), *further])})"


KERNELS = {
    "enable_flash": "FLASH_ATTENTION",
    "enable_math": "MATH",
    "enable_mem_efficient": "EFFICIENT_ATTENTION",
    "enable_cudnn": "CUDNN_ATTENTION",
}
"""The switches of sdp_kernel in order, all on by default, and what each is called in SDPBackend."""


def _attention_kernels(context: Context, call: ast.Call, name: str) -> str:  # noqa: ARG001
    """sdp_kernel(enable_flash=False, ...) named what is off; sdpa_kernel is given what is on."""
    given = _arguments(call, tuple(KERNELS))
    torch = context.code.slice(call.func).partition(".backends")[0]
    switches = {key: _literal(given.get(key), True) for key in KERNELS}
    on = [f"{torch}.nn.attention.SDPBackend.{KERNELS[key]}" for key, value in switches.items() if value is True]
    plain = not given.keys() - KERNELS.keys() and all(isinstance(value, bool) for value in switches.values())
    return f"{torch}.nn.attention.sdpa_kernel([{', '.join(on)}])" if on and plain else ""


REWRITES: dict[str, Callable[[Context, ast.Call, str], str]] = {
    "fourier": fourier,
    "eigenvalues": _eigenvalues,
    "default-type": _default_type,
    "to-tensor": _to_tensor,
    "norm": _norm,
    "attention-kernels": _attention_kernels,
}
"""What a shape of the table makes of a call, given the old last name: the text of the new expression, empty where it cannot tell."""
