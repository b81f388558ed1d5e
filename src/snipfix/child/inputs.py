"""Inputs made to fit: for each parameter of a call a few expressions, most plausible first, and the order in which to try them together."""

from __future__ import annotations

import inspect
import itertools
import re
from typing import Any, Iterator, List, NamedTuple, Optional

from dataflow import Need
from layers import BATCH, EDGES, NODES, TIME, Form, before, forms, image_sizes, unflattened

CANDIDATES = 24
ALTERNATIVES = 8
IDS = re.compile(r"(^|_)(ids?|tokens?|words?|indices|idx|index)$")
TEXT = re.compile(r"^(text|texts|sentence|sentences|sents?|captions?|premise|hypothesis|question|src|tgt|trg|source|seq|sequence|chars?)(_seq)?$")
LABEL = re.compile(r"^(y|target|targets|labels?|tags?|class_labels?|gold|truth|ground_truth|y_true|(target|tgt|label|tag)_(ids|seqs?)|user.*|item.*)$")
STATE = re.compile(r"^(h|c|h_?0|c_?0|hx|cx|.*hidden(_states?)?|.*cell(_states?)?|(prev_|init_|initial_)?states?|h_prev|c_prev|prev_[hc])$")
LENGTHS = re.compile(r"(lengths?|lens|seq_lens?)$")
MOMENT = re.compile(r"^(t|time|times|timesteps?|time_steps?|ts)$")
SEQUENCE = re.compile(r"(seq|query|key|value|src|tgt|trg|memory|encoder_out|enc_out|outputs?$|states$|^[qkv]$|hidden_states)")
NUMBERS = {"ratio": "0.5", "temperature": "1.0", "alpha": "1.0", "beta": "1.0", "max_len": "5", "max_length": "5", "steps": "2", "num_steps": "2"}
NUMBERS |= {"k": "2", "n": "5", "length": "5", "batch_size": str(BATCH), "seq_len": str(TIME), "teacher_forcing_ratio": "0.5", "device": "'cpu'"}
TIME_NAME = re.compile(r"^(t|l|s|n?_?seq.*|.*len.*|.*time.*|n_?steps?|n_?words|src_l|trg_l)$", re.IGNORECASE)
BATCH_NAME = re.compile(r"^(b|n|bs|bsz|batch.*|n_?batch|.*samples)$", re.IGNORECASE)


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
    """What the inputs may know: the module, the living namespace, and torch."""

    def __init__(self, torch: Any, module: Any, namespace: dict[str, Any]) -> None:
        self.torch, self.module, self.namespace = torch, module, namespace
        self.sizes = self._image_hints()

    def number(self, *names: str) -> Optional[int]:
        """A whole number of that name on the module or at module level."""
        for name in names:
            for owner in (vars(self.module), self.namespace):
                if type(owner.get(name)) is int and owner[name] > 0:
                    return owner[name]
        return None

    def _image_hints(self) -> tuple:
        found = self.number("img_size", "image_size", "img_dim", "resolution", "input_resolution")
        return (found,) if found and found <= 512 else ()

    def modules(self, kind: Any) -> List[Any]:
        try:
            return [module for module in self.module.modules() if isinstance(module, kind)]
        except Exception:
            return []

    def classes(self) -> int:
        """How many classes the module tells apart, as far as its layers show."""
        for module in self.modules(self.torch.nn.Module):
            if isinstance(getattr(module, "num_tags", None), int):
                return module.num_tags
        linear = self.modules(self.torch.nn.Linear)
        return self.number("num_classes", "n_classes", "num_labels") or (linear[-1].out_features if linear else 2)

    def vocabulary(self) -> int:
        embeddings = self.modules(self.torch.nn.Embedding)
        return embeddings[0].num_embeddings if embeddings else self.number("vocab_size", "vocabulary_size", "num_embeddings") or 100


def write(form: Form) -> str:
    """A form as Python: `torch.randn(3, 5, 10)`, `torch.randint(0, 100, (3, 5))`."""
    kind, shape = form
    sizes = ", ".join(map(str, shape))
    if isinstance(kind, int):
        return f"torch.randint(0, {max(kind, 1)}, ({sizes}{',' if len(shape) == 1 else ''}))"
    if kind == "bool":
        return f"torch.zeros({sizes}, dtype=torch.bool)"
    if kind == "mask":
        return f"torch.ones({sizes}, dtype=torch.long)"
    return f"torch.randn({sizes})" if shape else "torch.randn(())"


def expressions(scene: Scene, need: Need, parameter: inspect.Parameter) -> List[str]:
    """What a parameter may be given, most plausible first. Empty when nothing is plausible."""
    name, use = need.name, need.use
    simple = _by_annotation(parameter) or NUMBERS.get(name)
    if simple:
        return [simple]
    if name.endswith("ratio") or name.endswith("rate"):
        return ["0.5"]
    if "mask" in name and not (use is not None and isinstance(use.layer, scene.torch.nn.Linear)):
        return _masks(scene, need)
    if LENGTHS.search(name) or "lengths" in need.roles:
        return [f"torch.tensor({[TIME, TIME - 1, TIME - 2][:BATCH]})"]
    graph = _graph(scene, need)
    if graph:
        return graph
    target = _target(scene, need)
    if target:
        return target
    if STATE.match(name) or _is_state(scene, need):
        found = _states(scene, need)
        if found:
            return found
    return [write(form) for form in _tensors(scene, need)][:ALTERNATIVES]


def _by_annotation(parameter: inspect.Parameter) -> str:
    text = parameter.annotation if isinstance(parameter.annotation, str) else getattr(parameter.annotation, "__name__", "")
    return {"int": "3", "float": "0.5", "bool": "True", "str": "'text'"}.get(text, "")


# By role --------------------------------------------------------------------------------------------------------------


def _masks(scene: Scene, need: Need) -> List[str]:
    use = need.use
    known = forms(scene.torch, use.layer, use.position, use.keyword, None) if use is not None and use.keyword else []
    keeping = [f"torch.ones({BATCH}, {TIME}, dtype=torch.long)", f"torch.ones({BATCH}, {TIME}, dtype=torch.bool)"]
    square = [f"torch.tril(torch.ones({TIME}, {TIME}))", f"torch.zeros({TIME}, {TIME})"]
    wide = [f"torch.ones({BATCH}, 1, {TIME}, {TIME})", f"torch.ones({BATCH}, {TIME}, {TIME})", f"torch.ones({BATCH}, 1, 1, {TIME})"]
    if "padding" in need.name:
        return [f"torch.zeros({BATCH}, {TIME}, dtype=torch.bool)", *keeping]
    if need.name == "attention_mask" or (use is not None and not use.keyword):
        return keeping + wide[:2] + square
    return [*map(write, known), *square, *wide, *keeping][:ALTERNATIVES]


def _graph(scene: Scene, need: Need) -> List[str]:
    name = need.name
    if "edge_index" in need.attributes or ("x" in need.attributes and name in ("data", "batch", "graph", "g")):
        return [_data(scene, need)]
    if name == "edge_index":
        return [write((NODES, (2, EDGES)))]
    if name in ("edge_weight", "edge_attr", "edge_weights"):
        return [write(("float", (EDGES,))), write(("float", (EDGES, scene.number("edge_dim") or 1)))]
    if name == "batch" and need.use is None or name == "batch_index":
        return [f"torch.zeros({NODES}, dtype=torch.long)"]
    if name in ("adj", "adjacency", "a_hat", "A"):
        return [f"torch.eye({NODES})"]
    return []


def _data(scene: Scene, need: Need) -> str:
    width = 16
    for use in need.uses:
        if ("attribute", "x") in use.moves:
            found = forms(scene.torch, use.layer, 0, "x", None)
            width = found[0][1][-1] if found else width
            break
    parts = [f"x=torch.randn({NODES}, {width})", f"edge_index=torch.randint(0, {NODES}, (2, {EDGES}))"]
    extra = {
        "batch": f"torch.zeros({NODES}, dtype=torch.long)",
        "edge_attr": f"torch.randn({EDGES}, {scene.number('edge_dim', 'num_edge_features') or 1})",
        "edge_weight": f"torch.rand({EDGES})",
        "y": f"torch.randint(0, 2, ({NODES},))",
        "pos": f"torch.randn({NODES}, 3)",
        "train_mask": f"torch.ones({NODES}, dtype=torch.bool)",
    }
    return "Data(" + ", ".join([*parts, *(f"{name}={value}" for name, value in extra.items() if name in need.attributes)]) + ")"


def _target(scene: Scene, need: Need) -> List[str]:
    """Labels, by the loss they go into; not where a layer reads them."""
    use = need.use
    loss = type(use.layer).__name__ if use is not None and isinstance(use.layer, scene.torch.nn.modules.loss._Loss) else ""
    role = next((role[7:] for role in need.roles if role.startswith("target ")), "")
    tagged = use is not None and isinstance(getattr(use.layer, "num_tags", None), int)
    if not (loss and use is not None and use.position == 1) and not role and not tagged and not (LABEL.match(need.name) and use is None):
        return []
    classes, numbers = scene.classes(), (loss + role).lower()
    ids: List[Form] = [(classes, (BATCH,)), (classes, (BATCH, TIME))]
    if tagged or (use is None and scene.modules(scene.torch.nn.Module) and any(hasattr(m, "num_tags") for m in scene.module.modules())):
        return [write(form) for form in (ids[1], ids[0])]
    real = [f"torch.rand({BATCH}, {classes})", f"torch.rand({BATCH}, 1)", f"torch.rand({BATCH})", f"torch.rand({BATCH}, {TIME}, {classes})"]
    if any(word in numbers for word in ("mse", "l1", "bce", "binary", "huber")):
        return real
    return [write(form) for form in ids] + ([] if "cross" in numbers or "nll" in numbers else real[:2])


def _is_state(scene: Scene, need: Need) -> bool:
    return need.use is not None and isinstance(need.use.layer, scene.torch.nn.RNNBase) and need.use.position > 0


def _states(scene: Scene, need: Need) -> List[str]:
    """Hidden states: of the recurrent layer that takes them, else by the width of whatever does."""
    nn, use = scene.torch.nn, need.use
    recurrent = [use.layer] if _is_state(scene, need) and use is not None else scene.modules(nn.RNNBase)
    if use is not None and isinstance(use.layer, nn.RNNCellBase) and use.position > 0:
        one = f"torch.zeros({BATCH}, {use.layer.hidden_size})"
        pair = isinstance(use.layer, nn.LSTMCell) and ("part",) not in use.moves
        return [f"({one}, {one})" if pair else one]
    if use is not None and not _is_state(scene, need):
        return [write(form) for form in _tensors(scene, need)]
    if not recurrent:
        width = scene.number("hidden_size", "hidden_dim", "hid_dim", "dec_hid_dim", "d_model") or 16
        return [write(("float", shape)) for shape in ((BATCH, width), (1, BATCH, width), (BATCH, TIME, width))]
    layer = recurrent[-1]
    size = (layer.num_layers * (2 if layer.bidirectional else 1), BATCH, getattr(layer, "proj_size", 0) or layer.hidden_size)
    one = write(("float", size))
    alone = use is not None and ("part",) in use.moves
    if isinstance(layer, nn.LSTM) and not alone and (use is not None or need.parts == 2):
        return [f"({one}, {one})"]
    return [one] if need.dims != 2 else [write(("float", size[1:]))]


# Tensors --------------------------------------------------------------------------------------------------------------


def _tensors(scene: Scene, need: Need) -> List[Form]:
    """The tensors that fit the first layer, those with the dimensions that forward unpacks first."""
    found = _plain(scene, need)
    if _means_ids(need):
        count = next((kind for kind, _ in found if isinstance(kind, int)), None)
        found = [form for form in found if isinstance(form[0], int)]
        if not found:
            bound = count or scene.vocabulary()
            found = [(bound, (BATCH, TIME)), (bound, (BATCH,)), (bound, (TIME,))]
    unique = list(dict.fromkeys(found))
    return sorted(unique, key=lambda form: _misfit(need, form))


def _means_ids(need: Need) -> bool:
    return bool(IDS.search(need.name)) or ("index" in need.roles and not need.uses)


def _misfit(need: Need, form: Form) -> int:
    """How badly a form goes with the text: 0 for a good fit. Sorting is stable, so plausibility decides among equals."""
    shape, cost = form[1], 0
    if need.dims is not None:
        cost += 4 * (len(shape) != need.dims)
    cost += 2 * (len(shape) < need.least)
    if need.names and len(shape) > 1 and len(need.names) == len(shape):
        if TIME_NAME.match(need.names[0]) and BATCH_NAME.match(need.names[1]):
            cost += shape[0] != TIME
        elif BATCH_NAME.match(need.names[0]):
            cost += shape[0] == TIME
    return cost


def _plain(scene: Scene, need: Need) -> List[Form]:
    use, torch = need.use, scene.torch
    if use is None:
        return _without_layer(scene, need)
    natural = forms(torch, use.layer, use.position, use.keyword, use.width, scene.sizes)
    if isinstance(use.layer, torch.nn.modules.loss._Loss):
        return [("float", (BATCH, scene.classes())), ("float", (BATCH,)), ("float", (BATCH, TIME, scene.classes()))]
    if not natural:
        return _without_layer(scene, need)
    if any(move[0] in ("view", "reshape", "flatten") for move in use.moves):
        return _reshaped(torch, use, natural)
    direct = [form for form in (before(form, use.moves) for form in natural) if form is not None] or natural
    if isinstance(use.layer, torch.nn.Linear) and SEQUENCE.search(need.name):
        direct.sort(key=lambda form: len(form[1]) != 3)
    if isinstance(use.layer, torch.nn.Embedding) and (LABEL.match(need.name) or MOMENT.match(need.name)):
        direct.sort(key=lambda form: len(form[1]) != 1)
    return direct


def _reshaped(torch: Any, use: Any, natural: List[Form]) -> List[Form]:
    """Before a `view`: the images that flatten to what the layer wants, else what it wants."""
    layer = use.layer
    if isinstance(layer, torch.nn.Linear):
        flat = unflattened(layer.in_features)
        return [*flat, ("float", (BATCH, layer.in_features)), *natural]
    if isinstance(layer, torch.nn.modules.conv._ConvNd) and len(layer.kernel_size) == 2:
        sizes = image_sizes(layer.in_channels)
        return [*natural, *(("float", (BATCH, layer.in_channels * size * size)) for size in sizes[:4])]
    return natural


def _without_layer(scene: Scene, need: Need) -> List[Form]:
    """No layer takes the parameter as it is: by its name, then by the first layer of the module."""
    name, torch = need.name, scene.torch
    width = scene.number("d_model", "embed_dim", "embedding_dim", "hidden_dim", "hidden_size", "input_dim", "in_features", "dim") or 16
    if MOMENT.match(name):
        return [(10, (BATCH,)), ("float", (BATCH,)), ("float", (BATCH, 1))]
    if TEXT.match(name) and scene.modules(torch.nn.Embedding) and "number" not in need.roles:
        return [(scene.vocabulary(), (BATCH, TIME))]
    if SEQUENCE.search(name):
        return [("float", (BATCH, TIME, width)), ("float", (BATCH, 2, TIME, width)), ("float", (BATCH, width))]
    first = next((m for m in scene.modules(torch.nn.Module) if m is not scene.module and any(True for _ in m.parameters(recurse=False))), None)
    found = forms(torch, first, 0, "", None, scene.sizes) if first is not None else []
    usual: List[Form] = [("float", (BATCH, width)), ("float", (BATCH, TIME, width)), ("float", (BATCH, 3, 32, 32)), ("float", (BATCH, 16, 8, 8))]
    return [*found[:4], *usual]


# Together -------------------------------------------------------------------------------------------------------------


def candidates(scene: Scene, needs: dict[str, Need], given: List[inspect.Parameter]) -> Iterator[Candidate]:
    """The combinations to try, in order of plausibility; nothing when some parameter has no plausible value."""
    options = [expressions(scene, needs.get(parameter.name) or Need(parameter.name), parameter) for parameter in given]
    if not all(options):
        return
    # By keyword: what stands behind a parameter that is left out, or can be given no other way.
    keywords = tuple(item.name for item in given if item.kind is item.KEYWORD_ONLY or item.default is not item.empty)
    ranked = sorted(itertools.islice(itertools.product(*(range(len(option)) for option in options)), 4_000), key=lambda ranks: (sum(ranks), ranks))
    for ranks in ranked[:CANDIDATES]:
        yield Candidate(tuple((item.name, option[rank]) for item, option, rank in zip(given, options, ranks)), keywords)
