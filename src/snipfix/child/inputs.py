"""Inputs made to fit: for each parameter of a call a few expressions, most plausible first, and the order in which to try them together."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from layers import Form, Sizes, before, forms, image_sizes, unflattened
from needs import Need

CANDIDATES, AGAIN = 24, 6
ALTERNATIVES = 8
USUAL = Sizes()
OTHERS = (Sizes(time_first=True), Sizes(time=20), Sizes(time=4))
"""For models that take their ids the other way round, or only longer or shorter sequences."""

IDS = re.compile(r"(^|_)(ids?|tokens?|words?|indices|idx|index)$")
TEXT = re.compile(
    r"^(text|texts|sentence|sentences|sents?|captions?|premise|hypothesis|question|src|tgt|trg|source|seq|sequence|chars?)(_seq)?$"
)
LABEL = re.compile(r"^(y|target|targets|labels?|tags?|class_labels?|gold|truth|ground_truth|y_true|(target|tgt|label|tag)_(ids|seqs?))$")
SINGLE = re.compile(r"^(t|time|times|timesteps?|time_steps?|ts|user.*|item.*|labels?|class_labels?|y|movie.*)$")
MOMENT = re.compile(r"^(t|time|times|timesteps?|time_steps?|ts)$")
STATE = re.compile(r"^(h|c|h_?0|c_?0|hx|cx|.*hidden(_states?)?|.*cell(_states?)?|(prev_|init_|initial_)?states?|h_prev|c_prev|prev_[hc])$")
LENGTHS = re.compile(r"(lengths?|lens|seq_lens?)$")
SEQUENCE = re.compile(r"(seq|query|key|value|src|tgt|trg|memory|encoder_out|enc_out|outputs?$|states$|^[qkv]$|hidden_states)")
ADJACENCY = re.compile(r"^(adj|adjacency|adj_matrix|a_hat|A|laplacian)$")
NUMBERS = {
    "temperature": "1.0",
    "alpha": "1.0",
    "beta": "1.0",
    "steps": "2",
    "num_steps": "2",
    "k": "2",
    "n": "5",
    "length": "5",
    "max_len": "5",
    "max_length": "5",
    "batch_size": "3",
    "seq_len": "7",
    "device": "'cpu'",
    "lambd": "0.5",
    "lambda_": "0.5",
}
TIME_NAME = re.compile(r"^(t|l|s|n?_?seq.*|.*len.*|.*time.*|n_?steps?|n_?words|src_l|trg_l)$", re.IGNORECASE)
BATCH_NAME = re.compile(r"^(b|n|bs|bsz|batch.*|n_?batch|.*samples)$", re.IGNORECASE)


IMAGE_SIZES = ("img_size", "image_size", "img_dim", "resolution", "input_resolution")


class Candidate(NamedTuple):
    """One way to call: an expression for each parameter that is given."""

    values: tuple[tuple[str, str], ...]
    """(parameter, expression)"""
    keywords: tuple[str, ...] = ()
    """Those to be given by keyword."""

    @property
    def text(self) -> str:
        return ", ".join(f"{name}={value}" if name in self.keywords else value for name, value in self.values)


class Scene:
    """What the inputs may know: the module, the living namespace, torch, and the sizes to use."""

    def __init__(self, torch: Any, module: Any, namespace: dict[str, Any], sizes: Sizes) -> None:
        self.torch, self.module, self.namespace, self.sizes = torch, module, namespace, sizes
        found = self.number(*IMAGE_SIZES) or self.default(*IMAGE_SIZES)
        self.image_hints = (found,) if found and found <= 512 else ()

    def default(self, *names: str) -> int | None:
        """A whole number that the module's constructor takes under such a name when nobody says otherwise."""
        try:
            parameters = inspect.signature(type(self.module)).parameters
        except (TypeError, ValueError):
            return None
        return next((parameters[name].default for name in names if name in parameters and type(parameters[name].default) is int), None)

    def number(self, *names: str) -> int | None:
        """A whole number of that name on the module or at module level."""
        for name in names:
            for owner in (vars(self.module), self.namespace):
                if type(owner.get(name)) is int and owner[name] > 0:
                    return owner[name]
        return None

    def modules(self, kind: Any) -> list[Any]:
        try:
            return [module for module in self.module.modules() if isinstance(module, kind)]
        except Exception:
            return []

    def tags(self) -> int | None:
        """The number of tags of a CRF inside."""
        found = (getattr(module, "num_tags", None) for module in self.modules(self.torch.nn.Module))
        return next((number for number in found if isinstance(number, int)), None)

    def width(self) -> int:
        """The last dimension of what the module gives or compares, as far as its layers show."""
        linear = self.modules(self.torch.nn.Linear)
        return linear[-1].out_features if linear else 16

    def classes(self) -> int:
        """How many classes the module tells apart."""
        found = self.tags() or self.number("num_classes", "n_classes", "num_labels")
        return found or (self.width() if self.modules(self.torch.nn.Linear) else 2)

    def vocabulary(self) -> int:
        embeddings = self.modules(self.torch.nn.Embedding)
        return embeddings[0].num_embeddings if embeddings else self.number("vocab_size", "vocabulary_size", "num_embeddings") or 100

    def forms(self, need: Need) -> list[Form]:
        use = need.use
        return [] if use is None else forms(self.torch, use.layer, use.name, self.sizes, use.width, self.image_hints)


def write(form: Form) -> str:
    """A form as Python: `torch.randn(3, 7, 10)`, `torch.randint(0, 100, (3, 7))`."""
    kind, shape = form
    sizes = ", ".join(map(str, shape))
    if isinstance(kind, int):
        return f"torch.randint(0, {max(kind, 1)}, ({sizes}{',' if len(shape) == 1 else ''}))"
    if kind in ("bool", "keep"):
        return f"torch.{'zeros' if kind == 'bool' else 'ones'}({sizes}, dtype=torch.bool)"
    if kind == "ones":
        return f"torch.ones({sizes}, dtype=torch.long)"
    if kind == "offsets":
        return f"torch.tensor({[2 * place for place in range(shape[0])]})"
    return f"torch.randn({sizes})" if shape else "torch.randn(())"


def expressions(scene: Scene, need: Need, parameter: inspect.Parameter) -> list[str]:
    """What a parameter may be given, most plausible first. Empty when nothing is plausible."""
    name = need.name
    simple = _by_annotation(parameter) or NUMBERS.get(name) or ("0.5" if name.endswith(("ratio", "rate")) else "")
    if simple:
        return [simple]
    if "called" in need.roles:
        return ["torch.nn.Identity()"]
    if "mask" in name and not (need.use is not None and isinstance(need.use.layer, scene.torch.nn.Linear)):
        return _masks(scene, need)
    if LENGTHS.search(name) or "lengths" in need.roles:
        return [f"torch.tensor({[scene.sizes.time - place for place in range(scene.sizes.batch)]})"]
    return (
        _graph(scene, need)
        or _target(scene, need)
        or _states(scene, need)
        or [write(form) for form in _tensors(scene, need)][:ALTERNATIVES]
    )


def is_sure(scene: Scene, need: Need | None) -> bool:
    """Whether the text leaves little doubt about what the parameter is: a failure of every alternative is then the module's own."""
    if need is None or "mask" in need.name or "called" in need.roles:
        return False
    known = need.use is not None and need.use.certain and bool(scene.forms(need))
    if known and need.dims is not None and all(len(shape) != need.dims for _, shape in _tensors(scene, need)):
        return False  # the text asks for dimensions that nothing made here has
    return known or bool(IDS.search(need.name)) or "edge_index" in need.attributes or LABEL.match(need.name) is not None


def _by_annotation(parameter: inspect.Parameter) -> str:
    text = parameter.annotation if isinstance(parameter.annotation, str) else getattr(parameter.annotation, "__name__", "")
    return {"int": "3", "float": "0.5", "bool": "True", "str": "'text'"}.get(text, "")


# By role --------------------------------------------------------------------------------------------------------------


def _masks(scene: Scene, need: Need) -> list[str]:
    batch, time = scene.sizes.batch, scene.sizes.time
    known = [write(form) for form in scene.forms(need) if form[0] != "float"]
    keeping = [f"torch.ones({batch}, {time}, dtype=torch.long)", f"torch.ones({batch}, {time}, dtype=torch.bool)"]
    square = [f"torch.tril(torch.ones({time}, {time}))", f"torch.zeros({time}, {time})"]
    wide = [f"torch.ones({batch}, 1, {time}, {time})", f"torch.ones({batch}, {time}, {time})", f"torch.ones({batch}, 1, 1, {time})"]
    if known:
        return known
    if "padding" in need.name:
        return [f"torch.zeros({batch}, {time}, dtype=torch.bool)", *keeping]
    if need.name == "attention_mask":
        return keeping + wide[:2] + square
    return [*square, *wide, *keeping][:ALTERNATIVES]


def _graph(scene: Scene, need: Need) -> list[str]:
    name, sizes = need.name, scene.sizes
    if "edge_index" in need.attributes or ("x" in need.attributes and name in ("data", "batch", "graph", "g")):
        return [_data(scene, need)]
    if name == "edge_index":
        return [write((sizes.nodes, (2, sizes.edges)))]
    if name in ("edge_weight", "edge_attr", "edge_weights"):
        return [write(("float", (sizes.edges,))), write(("float", (sizes.edges, scene.number("edge_dim") or 1)))]
    if name == "batch_index" or (name == "batch" and need.use is None):
        return [f"torch.zeros({sizes.nodes}, dtype=torch.long)"]
    if ADJACENCY.match(name):
        return [f"torch.eye({sizes.nodes})"]
    return []


def _data(scene: Scene, need: Need) -> str:
    sizes, width = scene.sizes, 16
    for use in need.uses:
        if ("attribute", "x") in use.moves:
            found = forms(scene.torch, use.layer, use.name, sizes)
            width = found[0][1][-1] if found else width
            break
    parts = [f"x=torch.randn({sizes.nodes}, {width})", f"edge_index=torch.randint(0, {sizes.nodes}, (2, {sizes.edges}))"]
    extra = {
        "batch": f"torch.zeros({sizes.nodes}, dtype=torch.long)",
        "edge_attr": f"torch.randn({sizes.edges}, {scene.number('edge_dim', 'num_edge_features') or 1})",
        "edge_weight": f"torch.rand({sizes.edges})",
        "y": f"torch.randint(0, 2, ({sizes.nodes},))",
        "pos": f"torch.randn({sizes.nodes}, 3)",
        "train_mask": f"torch.ones({sizes.nodes}, dtype=torch.bool)",
    }
    return "Data(" + ", ".join([*parts, *(f"{name}={value}" for name, value in extra.items() if name in need.attributes)]) + ")"


def _target(scene: Scene, need: Need) -> list[str]:
    """Labels, by the loss they go into; not where a layer reads them."""
    use, sizes = need.use, scene.sizes
    in_loss = use is not None and isinstance(use.layer, scene.torch.nn.modules.loss._Loss) and use.name != "input"
    role = (
        type(use.layer).__name__ if use is not None and in_loss else next((role for role in need.roles if role.startswith("target ")), "")
    )
    tagged = use is not None and use.name == "tags"
    if not role and not tagged and not (use is None and LABEL.match(need.name)):
        return []
    classes, width = scene.classes(), scene.width()
    ids: list[Form] = [(classes, (sizes.batch,)), (classes, sizes.ids)]
    if tagged or (use is None and scene.tags()):
        return [write(form) for form in reversed(ids)]
    shapes = (f"{sizes.batch}, {width}", f"{sizes.batch}, 1", f"{sizes.batch}", f"{sizes.batch}, {sizes.time}, {width}")
    real = [f"torch.rand({shape})" for shape in shapes]
    if any(word in role.lower() for word in ("mse", "l1", "bce", "binary", "huber")):
        return real
    return [write(form) for form in ids] + ([] if "cross" in role.lower() or "nll" in role.lower() else real[:2])


def _states(scene: Scene, need: Need) -> list[str]:
    """Hidden states: of the recurrent layer that takes them, else by the width of the module."""
    nn, use = scene.torch.nn, need.use
    if use is not None and use.name == "hx" and isinstance(use.layer, (nn.RNNBase, nn.RNNCellBase)):
        form = scene.forms(need)[0]
        alone = ("part",) in use.moves
        before_moves = before(form, use.moves, scene.sizes) if alone else form
        one = write(before_moves or form)
        pair = isinstance(use.layer, (nn.LSTM, nn.LSTMCell)) and not alone
        return [f"({one}, {one})" if pair else one]
    if use is not None or not STATE.match(need.name):
        return []
    recurrent, batch = scene.modules(nn.RNNBase), scene.sizes.batch
    if recurrent:
        one = write(forms(scene.torch, recurrent[-1], "hx", scene.sizes)[0])
        return [f"({one}, {one})"] if need.parts == 2 else [one]
    width = scene.number("hidden_size", "hidden_dim", "hid_dim", "dec_hid_dim", "d_model") or 16
    one = write(("float", (batch, width)))
    return (
        [f"({one}, {one})"]
        if need.parts == 2
        else [one, write(("float", (1, batch, width))), write(("float", (batch, scene.sizes.time, width)))]
    )


# Tensors --------------------------------------------------------------------------------------------------------------


def _tensors(scene: Scene, need: Need) -> list[Form]:
    """The tensors that fit the first layer, those with the dimensions that forward unpacks first."""
    found = _plain(scene, need)
    if IDS.search(need.name) or ("index" in need.roles and not need.uses):
        # A name that promises ids is given ids: that a layer wants numbers there is the author's error.
        found = [form for form in found if isinstance(form[0], int)]
        if not found:
            bound, sizes = scene.vocabulary(), scene.sizes
            found = [(bound, sizes.ids), (bound, (sizes.batch,)), (bound, (sizes.time,))]
    return sorted(dict.fromkeys(found), key=lambda form: _misfit(scene.sizes, need, form))


def _misfit(sizes: Sizes, need: Need, form: Form) -> int:
    """How badly a form goes with the text: 0 for a good fit. Sorting is stable, so plausibility decides among equals."""
    shape, cost = form[1], 0
    if need.dims is not None:
        cost += 4 * (len(shape) != need.dims)
    cost += 2 * (len(shape) < need.least)
    if need.names and len(shape) > 1 and len(need.names) == len(shape):
        if TIME_NAME.match(need.names[0]) and BATCH_NAME.match(need.names[1]):
            cost += shape[0] != sizes.time
        elif BATCH_NAME.match(need.names[0]):
            cost += shape[0] == sizes.time
    return cost


def _plain(scene: Scene, need: Need) -> list[Form]:
    use, nn, sizes = need.use, scene.torch.nn, scene.sizes
    natural = scene.forms(need)
    if use is not None and isinstance(use.layer, nn.modules.loss._Loss):
        return [("float", shape) for shape in ((sizes.batch, scene.width()), (sizes.batch,), (sizes.batch, sizes.time, scene.width()))]
    if use is None or not natural:
        return _without_layer(scene, need)
    if any(move[0] in ("view", "reshape", "flatten") for move in use.moves):
        return _reshaped(scene, use, natural)
    direct = [form for form in (before(form, use.moves, sizes) for form in natural) if form is not None] or natural
    if isinstance(use.layer, nn.Linear) and SEQUENCE.search(need.name.lower()):
        direct.sort(key=lambda form: len(form[1]) != 3)
    if isinstance(use.layer, nn.Embedding) and SINGLE.match(need.name):
        direct.sort(key=lambda form: len(form[1]) != 1)
    return direct


def _reshaped(scene: Scene, use: Any, natural: list[Form]) -> list[Form]:
    """Before a `view`: the images that flatten to what the layer wants, else what it wants."""
    layer, nn, batch = use.layer, scene.torch.nn, scene.sizes.batch
    if isinstance(layer, nn.Linear):
        width = use.width or layer.in_features
        return [*unflattened(scene.sizes, width), ("float", (batch, width)), *natural]
    if isinstance(layer, nn.modules.conv._ConvNd) and len(layer.kernel_size) == 2:
        sizes = image_sizes(layer.in_channels, scene.image_hints)
        return [*natural, *(("float", (batch, layer.in_channels * size * size)) for size in sizes[:4])]
    return natural


def _without_layer(scene: Scene, need: Need) -> list[Form]:
    """No layer takes the parameter as it is: by its name, then by the first layer of the module."""
    name, nn, batch, time = need.name, scene.torch.nn, scene.sizes.batch, scene.sizes.time
    width = scene.number("d_model", "embed_dim", "embedding_dim", "hidden_dim", "hidden_size", "input_dim", "in_features", "dim") or 16
    if MOMENT.match(name):
        return [(10, (batch,)), ("float", (batch,)), ("float", (batch, 1))]
    if TEXT.match(name) and scene.modules(nn.Embedding) and "number" not in need.roles:
        return [(scene.vocabulary(), scene.sizes.ids)]
    if SEQUENCE.search(name.lower()):
        return [("float", shape) for shape in ((batch, time, width), (batch, 2, time, width), (batch, width))]
    first = next((m for m in scene.modules(nn.Module) if m is not scene.module and any(True for _ in m.parameters(recurse=False))), None)
    found = forms(scene.torch, first, "input", scene.sizes, None, scene.image_hints) if first is not None else []
    usual = ((batch, width), (batch, time, width), (batch, 3, 32, 32), (batch, 16, 8, 8))
    names = ("in_channels", "in_features", "num_features")
    channels = next((size for size in (getattr(first, name, None) for name in names) if isinstance(size, int)), None)
    maps = [("float", (batch, channels, 8, 8))] if channels and need.dims == 4 else []
    return [*maps, *found[:4], *(("float", shape) for shape in usual)]


# Together -------------------------------------------------------------------------------------------------------------


def candidates(
    torch: Any, module: Any, namespace: dict[str, Any], needs: dict[str, Need], given: list[inspect.Parameter]
) -> Iterator[Candidate]:
    """The combinations to try, in order of plausibility; nothing when some parameter has no plausible value.

    First with the usual sizes; then, a few, with others.
    """
    seen = set()
    for usual in (USUAL, *OTHERS):
        sizes = usual
        if any(ADJACENCY.match(item.name) or item.name == "edge_index" for item in given):
            sizes = sizes._replace(batch=sizes.nodes)
        scene = Scene(torch, module, namespace, sizes)
        options = [expressions(scene, needs.get(item.name) or Need(item.name), item) for item in given]
        limit = CANDIDATES if usual is USUAL else AGAIN
        for candidate in _ranked(given, options, limit):
            if candidate.values not in seen:
                seen.add(candidate.values)
                yield candidate


def _ranked(given: list[inspect.Parameter], options: list[list[str]], limit: int) -> Iterator[Candidate]:
    # By keyword: what stands behind a parameter that is left out, or can be given no other way.
    keywords = tuple(item.name for item in given if item.kind is item.KEYWORD_ONLY or item.default is not item.empty)
    every = itertools.islice(itertools.product(*(range(len(option)) for option in options)), 4_000)
    for ranks in sorted(every, key=lambda ranks: (sum(ranks), ranks))[:limit]:
        values = [(item.name, options[place][rank]) for place, (item, rank) in enumerate(zip(given, ranks))]  # noqa: B905
        yield Candidate(tuple(values), keywords)
