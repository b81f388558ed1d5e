"""The edits of a migration: every statement of the pipeline in its place, and every use of a field or data set after it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from snipfix.model import Edit
from snipfix.rules.base import Context
from snipfix.rules.observed import called
from snipfix.rules.torchtext.batches import HOLE
from snipfix.rules.torchtext.emit import Emitter
from snipfix.rules.torchtext.model import FIELDS, NotMigratable, Pipeline, Source, Split, VocabBuild, torchtext_name
from snipfix.rules.torchtext.modern import modern_edits
from snipfix.rules.torchtext.pieces import REVERSE
from snipfix.rules.torchtext.read import home, read
from snipfix.rules.torchtext.time_for_batch import misread

__all__ = ["migration", "uses_fields"]

LITERALS = {"pad_token": "<pad>", "unk_token": "<unk>", "init_token": None, "eos_token": None}


def migration(context: Context) -> tuple[Edit, ...]:
    """The edits that take torchtext out of a text.

    Raises:
        NotMigratable: when the text does something that has no counterpart; the message says what.
    """
    if not uses_fields(context):
        edits, needed, replaced = modern_edits(context)
        _nothing_left(context, replaced)
        return (*edits, *_imports(context, needed))
    pipe = read(context)
    for name in misread(context):  # the layout that the model reads
        if name in pipe.fields:
            pipe.fields[name].options["batch_first"] = ast.Constant(value=True)
    writer = Emitter(context.code, pipe, _names(context))
    edits = [*_statements(context, pipe, writer), *_uses(context, pipe, writer)]
    _nothing_left(context, [*_own(pipe), *pipe.rows, *(loader.call for loader in pipe.loaders)])
    bound = {one.name for one in context.scopes.imports if one.target.split(".")[0] != "torchtext"}
    edits += _imports(context, [*writer.imports, *(["import torch"] if "torch" not in bound else [])])
    return tuple(edits)


def uses_fields(context: Context) -> bool:
    """Whether a text is in the style of fields and iterators, the one before 0.9."""
    return any(torchtext_name(context, call.func).partition(".")[0] in FIELDS for call, _ in context.scopes.calls)


def _names(context: Context) -> set[str]:
    return {name for scope in context.scopes.scopes for name in scope.bindings} | {load.node.id for load in context.scopes.loads}


def _replace(context: Context, node: ast.AST, text: str) -> Edit:
    """The text in the place of a node; a definition has an empty line above it."""
    line = getattr(node, "lineno", 1)
    start, end = context.code.range(context.code.span(node))
    above = context.code.lines[line - 2] if line > 1 else ""
    if text.startswith(("def ", "class ")) and above.strip() and not above.lstrip().startswith("#"):
        start = context.code.offset(line, 1)
        return Edit(start, end, _indented(context, line, f"\n{text}"))
    return Edit(start, end, _indented(context, line, text))


def _indented(context: Context, line: int, text: str) -> str:
    """All lines but the first as deep as a line of the text."""
    written = context.code.lines[line - 1]
    blanks = written[: len(written) - len(written.lstrip())]
    first, *rest = text.split("\n")
    return "\n".join([first, *(blanks + one if one.strip() else one for one in rest)]) if blanks else text


def _remove(context: Context, statement: ast.stmt) -> Edit:
    """The edit that takes a statement's lines away; a comment behind it stays, and so does its line."""
    code, line = context.code, statement.lineno
    start, end = code.range(code.span(statement))
    behind = code.offset(code.span(statement).end_line, 1 << 30)
    if code.text[end:behind].strip():
        return Edit(start, end + (len(code.text[end:]) - len(code.text[end:].lstrip(" "))), "")
    if not code.text[code.offset(line, 1) : start].strip():
        start = code.offset(line, 1)
    return Edit(start, min(behind + 1, len(code.text)), "")


def _statements(context: Context, pipe: Pipeline, writer: Emitter) -> Iterator[Edit]:
    writer.counts = any(_reads(context, name, "freqs") for name in pipe.fields)
    for field in pipe.fields.values():
        text = writer.field(field)
        yield _replace(context, field.statement, text) if text else _remove(context, field.statement)
    for statement in pipe.dropped:
        yield _remove(context, statement)
    rows = {call: writer.example(call) for call in pipe.rows}
    for source in pipe.sources:
        text = writer.source(source)
        for call in [call for call in rows if source.statement in context.code.ancestors(call)]:  # made in the same line
            text = text.replace(context.code.slice(call), rows.pop(call))
        yield _replace(context, source.statement, text)
    for split in pipe.splits:
        yield _replace(context, split.statement, writer.split(split))
    for call, text in rows.items():
        yield _replace(context, call, text)
    if pipe.sources[0].kind == "examples":
        yield _above_all(context, [*pipe.rows, *(source.statement for source in pipe.sources)], writer.namedtuple())
    for build in pipe.vocabs:
        text = writer.vocab(build)
        if build is pipe.vocabs[0] and any(_calls(context, name, "reverse") for name in pipe.fields):
            text = f"{REVERSE}\n{text}"
        if "vectors" in build.options and _reads(context, build.field.name, "vectors"):
            text += "\n" + _vectors(context, build.options, writer.vocab_names[build.field.name])
        yield _replace(context, build.statement, text)
    unbuilt = {column.field.name for column in pipe.columns if column.field and column.field.has_vocab} - {
        one.field.name for one in pipe.vocabs
    }
    if unbuilt and pipe.loaders:
        raise NotMigratable("a field without a vocabulary")
    for number, loader in enumerate(sorted(pipe.loaders, key=lambda one: one.call.lineno)):
        definitions = "" if number else writer.batching() + "\n"
        calls = writer.loader(loader)
        if loader.statement is not None and loader.target is not None:
            yield _replace(context, loader.statement, f"{definitions}{_assigned(context, loader.target, calls)}")
            continue
        yield _replace(context, loader.call, ", ".join(calls))
        if definitions:
            yield _above_all(context, [loader.call], definitions)


def _above_all(context: Context, nodes: Sequence[ast.AST], text: str) -> Edit:
    """Definitions above the first statement of the module, or of the function that holds the pipeline, with one of the nodes in it."""
    body = home(context).body
    tops = [up for node in nodes for up in (node, *context.code.ancestors(node)) if up in body]
    line = _above(context, min(getattr(top, "lineno", 1) for top in tops))
    start = context.code.offset(line, 1)
    return Edit(start, start, _indented(context, line, f"\n{text}").lstrip("\n"))


def _above(context: Context, line: int) -> int:
    """The first of the comment lines right above a line."""
    while line > 1 and context.code.lines[line - 2].startswith("#"):
        line -= 1
    return line


def _assigned(context: Context, target: ast.expr, values: list[str]) -> str:
    """One assignment a line, where there are several names."""
    names = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    if len(names) != len(values):
        return f"{context.code.slice(target)} = {', '.join(values)}"
    return "\n".join(f"{context.code.slice(name)} = {value}" for name, value in zip(names, values, strict=True))


def _calls(context: Context, field: str, method: str) -> bool:
    return any(ast.unparse(call.func) == f"{field}.{method}" for call in context.code.calls(method))


def _reads(context: Context, field: str, attribute: str) -> bool:
    return any(node.attr == attribute and context.code.slice(node.value) == f"{field}.vocab" for node in context.code.all(ast.Attribute))


def _vectors(context: Context, options: dict[str, ast.expr], vocab: str) -> str:
    """Pretrained vectors in the order of the vocabulary; words that have none get zeros, or what `unk_init` draws."""
    name = _glove(context, options["vectors"])
    size = name.rpartition(".")[2].rstrip("d")
    init = ast.unparse(options["unk_init"]) if "unk_init" in options else ""
    if init and not init.endswith(("Tensor.normal_", "Tensor.zero_", "init.normal_", "init.zeros_")):
        raise NotMigratable("vectors that are drawn in another way")
    start = "randn" if "normal_" in init else "zeros"
    return (
        f"{vocab}.vectors = torch.{start}(len({vocab}), {size})\n"
        f'with open(".vector_cache/{name}.txt", encoding="utf-8") as file:\n'
        f'    for word, *values in (line.rstrip().split(" ") for line in file):\n'
        f"        if word in {vocab}.stoi:\n"
        f"            {vocab}.vectors[{vocab}.stoi[word]] = torch.tensor([float(value) for value in values])"
    )


def _glove(context: Context, node: ast.expr) -> str:
    """`glove.6B.100d` for the name or the call of GloVe that stands for these vectors."""
    if isinstance(node, ast.Name):
        bound = context.scopes.bindings(node)
        statement = context.code.parents.get(bound[0].node) if len(bound) == 1 else None
        node = statement.value if isinstance(statement, ast.Assign) else node
    if isinstance(node, ast.Constant) and str(node.value).startswith("glove."):
        return str(node.value)
    if isinstance(node, ast.Call) and torchtext_name(context, node.func) == "vocab.GloVe":
        given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg} | dict(
            zip(("name", "dim"), node.args, strict=False)
        )
        name, dim = given.get("name", ast.Constant("840B")), given.get("dim", ast.Constant(300))
        if isinstance(name, ast.Constant) and isinstance(dim, ast.Constant):
            return f"glove.{name.value!s}.{dim.value!s}d"
    raise NotMigratable("vectors that are not GloVe's")


def _uses(context: Context, pipe: Pipeline, writer: Emitter) -> Iterator[Edit]:
    """Uses outside the pipeline's own statements: `TEXT.vocab`, `TEXT.pad_token`, `data.examples`."""
    own: list[ast.AST] = [*_own(pipe), *pipe.dropped, *pipe.rows, *(loader.statement or loader.call for loader in pipe.loaders)]
    inside = {node for statement in own for node in ast.walk(statement)}
    loads = [load.node for load in context.scopes.loads if load.node not in inside]
    for node in (one for one in loads if one.id in pipe.fields):
        replaced, text = _of_field(context, pipe, writer, node)
        inside |= set(ast.walk(replaced))
        yield _replace(context, replaced, text)
    yield from _of_loaders(context, pipe, loads)
    handed = _handed_on(context, pipe)
    for node in loads:
        if node not in inside and (node in handed or node.id in pipe.data):
            yield from _of_data(context, pipe, node)


def _of_loaders(context: Context, pipe: Pipeline, loads: list[ast.Name]) -> Iterator[Edit]:
    """What a text does with iterators that a DataLoader does not know: `init_epoch()` goes, what has no counterpart is refused."""
    targets = [loader.target for loader in pipe.loaders if loader.target is not None]
    names = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    endless = {
        one.id
        for loader in pipe.loaders
        if loader.repeats and loader.target
        for one in ast.walk(loader.target)
        if isinstance(one, ast.Name)
    }
    for node in (one for one in loads if one.id in names):
        up = context.code.parents.get(node)
        if up is not None and called(up) == "len" and node.id in endless:
            raise NotMigratable("the length of an endless iterator")
        if not isinstance(up, ast.Attribute):
            continue
        call = context.code.parents.get(up)
        statement = context.code.parents.get(call) if call is not None else None
        if up.attr == "init_epoch" and isinstance(statement, ast.Expr):
            yield _remove(context, statement)
        elif up.attr not in {"dataset", "batch_size"} or node.id in endless:
            raise NotMigratable(f"{node.id}.{up.attr}")


def _handed_on(context: Context, pipe: Pipeline) -> set[ast.Name]:
    """The names in functions of the text that stand for a data set: parameters that are given nothing else."""
    found: set[ast.Name] = set()
    for function in (one for one in context.code.tree.body if isinstance(one, ast.FunctionDef)):
        calls = [call for call in context.code.calls(function.name) if isinstance(call.func, ast.Name)]
        for place, parameter in enumerate(function.args.args):
            given = [call.args[place] for call in calls if len(call.args) > place]
            if given and len(given) == len(calls) and all(isinstance(one, ast.Name) and one.id in pipe.data for one in given):
                found |= _before_change(context, function, parameter.arg)
    return found


def _before_change(context: Context, function: ast.FunctionDef, name: str) -> set[ast.Name]:
    """The reads of a parameter up to the statement that binds its name anew, with that statement's own."""
    names = [one for one in context.code.all(ast.Name, function) if one.id == name]
    lines = [one.lineno for one in names if isinstance(one.ctx, ast.Store)]
    return {one for one in names if isinstance(one.ctx, ast.Load) and one.lineno <= min(lines, default=one.lineno)}


def _of_data(context: Context, pipe: Pipeline, node: ast.Name) -> Iterator[Edit]:
    """`data.examples` is the data itself; `vars(data.examples[0])` a row as a dict; `data.examples[0].text` of one long text all its words."""
    code = context.code
    up = code.parents.get(node)
    whole: ast.AST = node
    if isinstance(up, ast.Attribute):
        if up.attr != "examples":
            raise NotMigratable(f"{node.id}.{up.attr}")
        whole, up = up, code.parents.get(up)
    row = up if isinstance(up, ast.Subscript) and up.value is whole else None
    of_row = code.parents.get(row) if row is not None else None
    if row is not None and pipe.sources[0].kind == "modelling":
        if not isinstance(of_row, ast.Attribute):
            raise NotMigratable(f"{node.id}[...]")
        yield _replace(context, of_row, node.id)
    elif (
        row is not None
        and of_row is not None
        and (called(of_row) == "vars" or (isinstance(of_row, ast.Attribute) and of_row.attr == "__dict__"))
    ):
        asked = code.parents.get(of_row)
        key = asked.slice if isinstance(asked, ast.Subscript) and asked.value is of_row else None
        if isinstance(asked, ast.Subscript) and isinstance(key, ast.Constant) and str(key.value).isidentifier():
            yield _replace(context, asked, f"{node.id}[{code.slice(row.slice)}].{key.value!s}")
        else:
            yield _replace(context, of_row, f"{node.id}[{code.slice(row.slice)}]._asdict()")
    elif whole is not node:
        yield _replace(context, whole, node.id)


def _of_field(context: Context, pipe: Pipeline, writer: Emitter, node: ast.Name) -> tuple[ast.AST, str]:
    """What a read of a field is part of, and what takes the place of it."""
    code, field = context.code, pipe.fields[node.id]
    up = code.parents.get(node)
    call = code.parents.get(up) if up is not None else None
    if not isinstance(up, ast.Attribute):
        raise NotMigratable(f"the field {node.id} is passed on")
    if up.attr == "vocab":
        return up, writer.vocab_names[node.id]
    if up.attr in LITERALS:
        value = field.constant(up.attr, LITERALS[up.attr])
        return up, f'"{value}"' if value is not None else "None"
    if up.attr in {"preprocess", "tokenize"} and isinstance(call, ast.Call) and len(call.args) == 1:
        return call, writer.tokenizers[node.id].replace(HOLE, code.slice(call.args[0]))
    if up.attr == "reverse" and field.kind == "ReversibleField" and isinstance(call, ast.Call) and len(call.args) == 1:
        return call, writer.reversal(field, call)
    if (
        up.attr == "numericalize"
        and isinstance(call, ast.Call)
        and len(call.args) == 1
        and {one.arg for one in call.keywords} <= {"device"}
    ):
        return call, writer.numbers(field, call, _rows_of(context, pipe, call.args[0]))
    raise NotMigratable(f"{node.id}.{up.attr}")


def _rows_of(context: Context, pipe: Pipeline, node: ast.expr) -> str:
    """The one list of words that is turned into ids: `[words]`; `[data.examples[0].text]` is all of a long text."""
    if not isinstance(node, ast.List | ast.Tuple) or len(node.elts) != 1:
        raise NotMigratable("several texts turned into ids")
    words = node.elts[0]
    if pipe.sources[0].kind == "modelling" and isinstance(words, ast.Attribute):
        return next(one.id for one in ast.walk(words) if isinstance(one, ast.Name))
    return context.code.slice(words)


def _imports(context: Context, imports: list[str]) -> Iterator[Edit]:
    """The imports that the new statements need, in the place of the first import of torchtext; the others go."""
    statements = list(dict.fromkeys(one.node for one in context.scopes.imports if one.target.split(".")[0] == "torchtext"))
    have = {context.code.slice(one.node) for one in context.scopes.imports}
    needed = [line for line in _merged(imports) if line not in have]
    for number, statement in enumerate(statements):
        if statement not in context.code.tree.body or any(
            alias.name.split(".")[0] != "torchtext" for alias in statement.names if isinstance(statement, ast.Import)
        ):
            raise NotMigratable("an import in a strange place")
        if number == 0 and needed:
            yield _replace(context, statement, "\n".join(needed))
        else:
            yield _remove(context, statement)


def _merged(imports: list[str]) -> list[str]:
    """Import lines: plain ones of the standard library, its `from` imports as one line a module, spacy, torch."""
    plain = sorted(line for line in imports if line.startswith("import ") and line not in {"import spacy", "import torch"})
    modules: dict[str, list[str]] = {}
    for line in imports:
        if line.startswith("from "):
            module, _, name = line[5:].partition(" import ")
            modules.setdefault(module, []).append(name)
    froms = {module: f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())}
    standard = [line for module, line in froms.items() if not module.startswith("torch")]
    third = [line for line in ("import spacy", "import torch") if line in imports]
    return [*plain, *standard, *third, *(line for module, line in froms.items() if module.startswith("torch"))]


def _own(pipe: Pipeline) -> list[ast.stmt]:
    """The statements that are rewritten as a whole."""
    fields: list[ast.stmt] = [field.statement for field in pipe.fields.values()]
    parts: list[Source | Split | VocabBuild] = [*pipe.sources, *pipe.splits, *pipe.vocabs]
    return [*fields, *(part.statement for part in parts)]


def _nothing_left(context: Context, rewritten: Sequence[ast.AST]) -> None:
    """Raises NotMigratable when a name of torchtext is read outside what is rewritten."""
    inside = {node for one in rewritten for node in ast.walk(one)}
    for load in context.scopes.loads:
        if load.node not in inside and (context.scopes.qualified(load.node) or "").split(".")[0] == "torchtext":
            raise NotMigratable(f"`{load.node.id}` on line {load.node.lineno}")
