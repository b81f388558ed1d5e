"""Reading a text's pipeline: from the statements of its module, or of the one function that makes all its fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from snipfix.rules.base import Context
from snipfix.rules.torchtext.model import FIELDS, Column, Field, Loader, NotMigratable, Pipeline, Source, Split, VocabBuild, torchtext_name

__all__ = ["home", "read"]

EXAMPLES = frozenset({"Example.fromlist"})
ITERATORS = frozenset({"Iterator", "BucketIterator", "Batch"})
TRANSLATIONS = {"Multi30k": (".data/multi30k/", ("train", "val", "test2016"))}
MODELLING = {
    "WikiText2": tuple(f".data/wikitext-2/wikitext-2/wiki.{split}.tokens" for split in ("train", "valid", "test")),
    "WikiText103": tuple(f".data/wikitext-103/wikitext-103/wiki.{split}.tokens" for split in ("train", "valid", "test")),
    "PennTreebank": tuple(f".data/penn-treebank/ptb.{split}.txt" for split in ("train", "valid", "test")),
}

TAGGED = {"UDPOS": tuple(f".data/udpos/en-ud-v2/en-ud-tag.v2.{split}.txt" for split in ("train", "dev", "test"))}
QUESTIONS = {"TREC": (".data/trec/train_5500.label", ".data/trec/TREC_10.label")}


def read(context: Context) -> Pipeline:
    """The pipeline of a text.

    Raises:
        NotMigratable: when it has none, or more than this understands.
    """
    pipe = Pipeline()
    for statement in home(context).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call) and len(statement.targets) == 1:
            _assignment(context, pipe, statement, statement.value)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            _build_vocab(pipe, statement, statement.value)
    pipe.rows = [call for call, _ in context.scopes.calls if torchtext_name(context, call.func) in EXAMPLES]
    known = {loader.call for loader in pipe.loaders}
    for call, _ in context.scopes.calls:
        if torchtext_name(context, call.func) in ITERATORS and call not in known:
            pipe.loaders.append(_loader(context, pipe, call, torchtext_name(context, call.func)))
    if not pipe.sources or not pipe.fields:
        raise NotMigratable("no data set that can be read without torchtext")
    schemas = {tuple((column.name, column.field) for column in source.columns if column.field) for source in pipe.sources}
    if len(schemas) != 1:
        raise NotMigratable("several kinds of examples")
    return pipe


def home(context: Context) -> ast.Module | ast.FunctionDef:
    """Where the pipeline is: the module, or the one function that makes all its fields."""
    made = [call for call, _ in context.scopes.calls if torchtext_name(context, call.func) in FIELDS]
    homes = {context.code.around(call, ast.FunctionDef) or context.code.tree for call in made}
    return homes.pop() if len(homes) == 1 else context.code.tree


def _assignment(context: Context, pipe: Pipeline, statement: ast.Assign, call: ast.Call) -> None:
    name = torchtext_name(context, call.func)
    target = statement.targets[0]
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    head = name.partition(".")[0]
    if name in FIELDS and isinstance(target, ast.Name):
        pipe.fields[target.id] = _made(pipe, target.id, name, statement, call, options)
    elif head == "TabularDataset":
        pipe.sources.append(_tabular(context, pipe, statement, call, splits=name.endswith(".splits")))
    elif name == "Dataset":
        pipe.sources.append(_of_examples(context, pipe, statement, call))
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "split" and ast.unparse(call.func.value) in pipe.data:
        pipe.splits.append(_split(context, statement, call))
    elif head in TRANSLATIONS or head == "TranslationDataset":
        pipe.sources.append(_translation(pipe, statement, call, head))
    elif head in MODELLING and name.endswith(".splits"):
        chosen = call.args[0] if call.args else options.get("text_field")
        column = Column("text", "text", _field(pipe, chosen))
        pipe.sources.append(Source(statement, "modelling", [column], _parts(statement, [repr(path) for path in MODELLING[head]])))
    elif head == "IMDB" and name.endswith(".splits"):
        paths = tuple(f".data/imdb/aclImdb/{split}" for split in ("train", "test"))
        pipe.sources.append(_text_and_label(pipe, statement, call, "imdb", paths))
    elif head in QUESTIONS and name.endswith(".splits"):
        source = _text_and_label(pipe, statement, call, "questions", QUESTIONS[head])
        source.fine = isinstance(fine := options.get("fine_grained"), ast.Constant) and fine.value is True
        pipe.sources.append(source)
    elif head in TAGGED and name.endswith(".splits"):
        columns = _columns(context, pipe, call.args[0] if call.args else options.get("fields", call))
        pipe.sources.append(Source(statement, "tagged", columns, _parts(statement, [repr(path) for path in TAGGED[head]])))
    elif head in ITERATORS | {"BPTTIterator"} and name in {head, f"{head}.splits"}:
        loader = _loader(context, pipe, call, name)
        loader.target, loader.statement = target, statement
        pipe.loaders.append(loader)


def _made(pipe: Pipeline, name: str, kind: str, statement: ast.stmt, call: ast.Call, options: dict[str, ast.expr]) -> Field:
    """A field as the text makes it; a nested one comes with the field of its words."""
    given = [*call.args, *(options.pop(key) for key in ("nesting_field",) if key in options)]
    if len(given) != (kind == "NestedField") or any(keyword.arg is None for keyword in call.keywords):
        raise NotMigratable("a field with positional arguments")
    if kind == "ReversibleField" and not (isinstance(tokenize := options.get("tokenize"), ast.Name) and tokenize.id == "list"):
        raise NotMigratable("the tokenizer revtok")
    nesting = _field(pipe, given[0]) if given else None
    if nesting is not None and (nesting.kind != "Field" or not nesting.sequential):
        raise NotMigratable("a field nested in another way")
    return Field(name, kind, options, statement, nesting)


def _text_and_label(pipe: Pipeline, statement: ast.Assign, call: ast.Call, kind: str, paths: tuple[str, ...]) -> Source:
    """A classic data set of texts with a label each: `IMDB.splits(TEXT, LABEL)`."""
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    given = [*call.args, *(options[key] for key in ("text_field", "label_field") if key in options)]
    if len(given) != 2 or {"root", "path", "train", "test"} & set(options):
        raise NotMigratable("a data set in a folder of its own")
    columns = [Column(key, key, _field(pipe, node)) for key, node in zip(("text", "label"), given, strict=True)]
    return Source(statement, kind, columns, _parts(statement, [repr(path) for path in paths]))


def _of_examples(context: Context, pipe: Pipeline, statement: ast.Assign, call: ast.Call) -> Source:
    """`Dataset(examples, fields)`, where the examples are made by Example.fromlist."""
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for name, node in zip(("examples", "fields"), call.args, strict=False):
        options.setdefault(name, node)
    if not {"examples", "fields"} <= set(options) or len(statement.targets) != 1:
        raise NotMigratable("a data set without examples")
    columns = _columns(context, pipe, options["fields"])
    return Source(statement, "examples", columns, _parts(statement, [context.code.slice(options["examples"])]))


def _split(context: Context, statement: ast.Assign, call: ast.Call) -> Split:
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for name, node in zip(("split_ratio", "stratified", "strata_field", "random_state"), call.args, strict=False):
        options.setdefault(name, node)
    stratified = options.get("stratified")
    if stratified is not None and not (isinstance(stratified, ast.Constant) and stratified.value is False):
        raise NotMigratable("a stratified split")
    state, seed = options.get("random_state"), ""
    if isinstance(state, ast.Call) and ast.unparse(state.func) == "random.seed" and len(state.args) == 1:
        seed = context.code.slice(state.args[0])
    ratios = _ratios(options.get("split_ratio"))
    assert isinstance(call.func, ast.Attribute)
    targets = [name for name, _ in _parts(statement, ratios)]
    return Split(statement, ast.unparse(call.func.value), targets, ratios, seed)


def _ratios(node: ast.expr | None) -> list[str]:
    """The shares of the parts in the order in which they are returned: training, validation, test."""
    if node is None:
        return ["0.7", "0.3"]
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return [repr(node.value), repr(round(1 - node.value, 6))]
    numbers = [one.value for one in node.elts if isinstance(one, ast.Constant)] if isinstance(node, ast.List) else []
    shares = [float(one) for one in numbers if isinstance(one, int | float)]
    if len(shares) not in (2, 3) or not isinstance(node, ast.List) or len(shares) != len(node.elts):
        raise NotMigratable("shares that are not a literal")
    first, *others = [round(share / sum(shares), 6) for share in shares]
    return [repr(share) for share in (first, *reversed(others))]


def _field(pipe: Pipeline, node: ast.expr | None) -> Field | None:
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Name) and node.id in pipe.fields:
        return pipe.fields[node.id]
    raise NotMigratable("a field that is not assigned to a name")


def _parts(statement: ast.Assign, paths: list[str]) -> list[tuple[str, str]]:
    """The variables of an assignment, each with the file that fills it."""
    target = statement.targets[0]
    names = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    if len(names) != len(paths) or not all(isinstance(name, ast.Name) for name in names):
        raise NotMigratable("data sets are not unpacked into one name each")
    return [(name.id, path) for name, path in zip(names, paths, strict=True) if isinstance(name, ast.Name)]


def _tabular(context: Context, pipe: Pipeline, statement: ast.Assign, call: ast.Call, *, splits: bool) -> Source:
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for name, node in zip(
        ("path", "root", "train", "validation", "test") if splits else ("path", "format", "fields"), call.args, strict=False
    ):
        options.setdefault(name, node)
    if "csv_reader_params" in options or "fields" not in options or "path" not in options:
        raise NotMigratable("a table with options of its own")
    path, text = options["path"], context.code.slice
    files = [options[name] for name in ("train", "validation", "test") if name in options] if splits else []
    paths = [_joined(path, file, text(path), text(file)) for file in files if not _is_none(file)] if splits else [text(path)]
    shape = options.get("format")
    if not isinstance(shape, ast.Constant) or str(shape.value).lower() not in {"json", "csv", "tsv"}:
        raise NotMigratable("a format that is not a literal")
    columns = _columns(context, pipe, options["fields"])
    skip = options.get("skip_header")
    header = isinstance(skip, ast.Constant) and bool(skip.value)
    return Source(statement, "table", columns, _parts(statement, paths), str(shape.value).lower(), header)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _joined(path: ast.expr, file: ast.expr, path_text: str, file_text: str) -> str:
    if isinstance(path, ast.Constant) and isinstance(file, ast.Constant):
        folder = str(path.value).rstrip("/")
        return repr(f"{folder}/{file.value!s}" if folder else str(file.value))
    return f"os.path.join({path_text}, {file_text})"


def _columns(context: Context, pipe: Pipeline, node: ast.expr) -> list[Column]:
    """The columns that a literal list or dict of fields names, also through one variable."""
    if isinstance(node, ast.Name):
        bound = context.scopes.bindings(node)
        statement = context.code.parents.get(bound[0].node) if len(bound) == 1 else None
        if not isinstance(statement, ast.Assign):
            raise NotMigratable("fields that are not a literal")
        if statement not in pipe.dropped:
            pipe.dropped.append(statement)
        return _columns(context, pipe, statement.value)
    found: list[Column] = []
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            found += _pair(pipe, key.value if isinstance(key, ast.Constant) else None, value)
    elif isinstance(node, ast.List | ast.Tuple):
        for number, value in enumerate(node.elts):
            found += _pair(pipe, number, value)
    if not found:
        raise NotMigratable("fields that are not a literal")
    return found


def _pair(pipe: Pipeline, key: Any, value: ast.expr) -> Iterator[Column]:
    """The columns that one cell fills: one, or several as `[("word", WORD), ("char", CHAR)]` or `(("word", "char"), (WORD, CHAR))`."""
    if isinstance(value, ast.List):
        for one in value.elts:
            yield from _pair(pipe, key, one)
        return
    if isinstance(value, ast.Tuple) and len(value.elts) == 2 and all(isinstance(one, ast.Tuple) for one in value.elts):
        names, fields = (one.elts for one in value.elts if isinstance(one, ast.Tuple))
        for name, field in zip(names, fields, strict=False):
            yield from _pair(pipe, key, ast.Tuple([name, field], ast.Load()))
        return
    if not isinstance(value, ast.Tuple) or len(value.elts) != 2 or not isinstance(value.elts[0], ast.Constant):
        raise NotMigratable("fields that are not a literal")
    yield Column(key, str(value.elts[0].value), _field(pipe, value.elts[1]))


def _translation(pipe: Pipeline, statement: ast.Assign, call: ast.Call, head: str) -> Source:
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for name, node in zip(("exts", "fields"), call.args, strict=False):
        options.setdefault(name, node)
    exts, fields = options.get("exts"), options.get("fields")
    if (
        not isinstance(exts, ast.Tuple | ast.List)
        or not isinstance(fields, ast.Tuple | ast.List)
        or len(exts.elts) != 2
        or len(fields.elts) != 2
    ):
        raise NotMigratable("languages that are not a literal")
    one, two = (node.value if isinstance(node, ast.Constant) else None for node in exts.elts)
    folder: str
    names: tuple[str, ...]
    folder, names = TRANSLATIONS.get(head, ("", ()))
    if head == "TranslationDataset":
        folder = str(_text(options.get("path")))
        names = tuple(str(_text(options[name])) for name in ("train", "validation", "test") if name in options)
    elif {"root", "path"} & set(options):
        raise NotMigratable("a data set in a folder of its own")
    columns = [Column(side, side, _field(pipe, node)) for side, node in zip(("src", "trg"), fields.elts, strict=True)]
    parts = _parts(statement, [repr(f"{folder}{name}") for name in names])
    return Source(statement, "translation", columns, parts, exts=(str(one), str(two)))


def _text(node: ast.expr | None) -> object:
    if not isinstance(node, ast.Constant):
        raise NotMigratable("a path that is not a literal")
    return node.value


def _build_vocab(pipe: Pipeline, statement: ast.stmt, call: ast.Call) -> None:
    func = call.func
    if not (
        isinstance(func, ast.Attribute) and func.attr == "build_vocab" and isinstance(func.value, ast.Name) and func.value.id in pipe.fields
    ):
        return
    names = [node.id for node in call.args if isinstance(node, ast.Name) and node.id in pipe.data]
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    if (
        len(names) != len(call.args)
        or not names
        or not set(options) <= {"max_size", "min_freq", "specials", "vectors", "unk_init", "vectors_cache"}
    ):
        raise NotMigratable("a vocabulary of something else than a data set")
    pipe.vocabs.append(VocabBuild(statement, pipe.fields[func.value.id], names, options))


def _loader(context: Context, pipe: Pipeline, call: ast.Call, name: str) -> Loader:
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    text = context.code.slice
    data = call.args[0] if call.args else options.get("datasets", options.get("dataset"))
    nodes = data.elts if isinstance(data, ast.Tuple | ast.List) else [data]
    names = [node.id for node in nodes if isinstance(node, ast.Name) and node.id in pipe.data]
    repeat = options.get("repeat")
    if not names or len(names) != len(nodes) or not isinstance(repeat, ast.Constant | None) or "batch_size_fn" in options:
        raise NotMigratable("an iterator over something else than a data set")
    if len(call.args) > 1:
        options.setdefault("batch_size", call.args[1])
    sizes: list[str]
    if "batch_sizes" in options:
        many = options["batch_sizes"]
        if not isinstance(many, ast.Tuple | ast.List) or len(many.elts) != len(names):
            raise NotMigratable("batch sizes that are not a literal")
        sizes = [text(node) for node in many.elts]
    elif "batch_size" in options:
        sizes = [text(options["batch_size"])] * len(names)
    else:
        raise NotMigratable("no batch size")
    train = options.get("train")
    first = not (isinstance(train, ast.Constant) and train.value is False)
    parts = [(part, size, number == 0 and first) for number, (part, size) in enumerate(zip(names, sizes, strict=True))]
    return Loader(call, name.partition(".")[0], parts, options)
