"""The edits of a migration: every statement of the pipeline in its place, and every use of a field or data set after it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from snipfix.model import Edit
from snipfix.rules.base import Context
from snipfix.rules.torchtext.emit import Emitter
from snipfix.rules.torchtext.model import FIELDS, NotMigratable, Pipeline, read, torchtext_name
from snipfix.rules.torchtext.modern import modern_edits

__all__ = ["migration"]

LITERALS = {"pad_token": "<pad>", "unk_token": "<unk>", "init_token": None, "eos_token": None}


def migration(context: Context) -> tuple[Edit, ...]:
    """The edits that take torchtext out of a text.

    Raises:
        NotMigratable: when the text does something that has no counterpart; the message says what.
    """
    if not any(torchtext_name(context, call.func).partition(".")[0] in FIELDS for call, _ in context.scopes.calls):
        edits, needed, replaced = modern_edits(context)
        _nothing_left(context, replaced)
        return (*edits, *_imports(context, needed))
    pipe = read(context)
    writer = Emitter(context.code, pipe, _names(context))
    edits = [*_statements(context, pipe, writer), *_uses(context, pipe, writer)]
    _nothing_left(context, [*_own(pipe), *(loader.call for loader in pipe.loaders)])
    bound = {one.name for one in context.scopes.imports if one.target.split(".")[0] != "torchtext"}
    edits += _imports(context, [*writer.imports, *(["import torch"] if "torch" not in bound else [])])
    return tuple(edits)


def _names(context: Context) -> set[str]:
    return {name for scope in context.scopes.scopes for name in scope.bindings} | {load.node.id for load in context.scopes.loads}


def _replace(context: Context, node: ast.AST, text: str) -> Edit:
    """The text in the place of a node; a definition has an empty line above it."""
    line = getattr(node, "lineno", 1)
    if (
        text.startswith(("def ", "class "))
        and line > 1
        and context.code.lines[line - 2].strip()
        and not context.code.lines[line - 2].startswith("#")
    ):
        text = f"\n{text}"
    return Edit(*context.code.range(context.code.span(node)), text)


def _remove(context: Context, statement: ast.stmt) -> Edit:
    """The edit that takes a statement's lines away; a comment behind it goes with it only if nothing else would be left of the line."""
    code = context.code
    start, end = code.range(code.span(statement))
    rest = code.text[end : code.offset(code.span(statement).end_line, 1 << 30)].strip()
    if rest:
        return Edit(start, end + (len(code.text[end:]) - len(code.text[end:].lstrip(" "))), "")
    return Edit(start, min(code.offset(code.span(statement).end_line, 1 << 30) + 1, len(code.text)), "")


def _statements(context: Context, pipe: Pipeline, writer: Emitter) -> Iterator[Edit]:
    for field in pipe.fields.values():
        text = writer.field(field)
        yield _replace(context, field.statement, text) if text else _remove(context, field.statement)
    for statement in pipe.dropped:
        yield _remove(context, statement)
    for source in pipe.sources:
        yield _replace(context, source.statement, writer.source(source))
    for build in pipe.vocabs:
        text = writer.vocab(build)
        if "vectors" in build.options and _reads(context, build.field.name, "vectors"):
            text += "\n" + _vectors(build.options["vectors"], writer.vocab_names[build.field.name])
        yield _replace(context, build.statement, text)
    unbuilt = {column.field.name for column in pipe.columns if column.field and column.field.has_vocab} - {
        one.field.name for one in pipe.vocabs
    }
    if unbuilt and pipe.loaders:
        raise NotMigratable("a field without a vocabulary")
    for number, loader in enumerate(sorted(pipe.loaders, key=lambda one: one.call.lineno)):
        definitions = "" if number else writer.batching() + "\n"
        text = writer.loader(loader)
        if loader.statement is not None and loader.target is not None:
            yield _replace(context, loader.statement, f"{definitions}{_assigned(context, loader.target, text)}")
            continue
        yield _replace(context, loader.call, text)
        if definitions:
            top = next(up for up in context.code.ancestors(loader.call) if up in context.code.tree.body)
            line = _above(context, getattr(top, "lineno", 1))
            yield Edit(context.code.offset(line, 1), context.code.offset(line, 1), definitions)


def _above(context: Context, line: int) -> int:
    """The first of the comment lines right above a line."""
    while line > 1 and context.code.lines[line - 2].startswith("#"):
        line -= 1
    return line


def _assigned(context: Context, target: ast.expr, text: str) -> str:
    """One assignment a line, where there are several names."""
    values = text.split(", DataLoader(") if "DataLoader(" in text else text.split(", bptt_batches(")
    head = "DataLoader(" if "DataLoader(" in text else "bptt_batches("
    values = [values[0], *(head + value for value in values[1:])]
    names = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    if len(names) != len(values):
        return f"{context.code.slice(target)} = {text}"
    return "\n".join(f"{context.code.slice(name)} = {value}" for name, value in zip(names, values, strict=True))


def _reads(context: Context, field: str, attribute: str) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == attribute and context.code.slice(node.value) == f"{field}.vocab"
        for node in context.code.by_type[ast.Attribute]
    )


def _vectors(node: ast.expr, vocab: str) -> str:
    """Pretrained vectors in the order of the vocabulary, zeros for words that have none."""
    if not isinstance(node, ast.Constant) or not str(node.value).startswith("glove."):
        raise NotMigratable("vectors that are not GloVe's")
    name = str(node.value)
    size = name.rpartition(".")[2].rstrip("d")
    return (
        f"{vocab}.vectors = torch.zeros(len({vocab}), {size})\n"
        f'with open(".vector_cache/{name}.txt", encoding="utf-8") as file:\n'
        f'    for word, *values in (line.rstrip().split(" ") for line in file):\n'
        f"        if word in {vocab}.itos:\n"
        f"            {vocab}.vectors[{vocab}.stoi[word]] = torch.tensor([float(value) for value in values])"
    )


def _uses(context: Context, pipe: Pipeline, writer: Emitter) -> Iterator[Edit]:
    """Uses outside the pipeline's own statements: `TEXT.vocab`, `TEXT.pad_token`, `data.examples`."""
    own: list[ast.AST] = [*_own(pipe), *pipe.dropped, *(loader.statement or loader.call for loader in pipe.loaders)]
    inside = {node for statement in own for node in ast.walk(statement)}
    data = {name for source in pipe.sources for name, _ in source.parts}
    for load in context.scopes.loads:
        node, up = load.node, context.code.parents.get(load.node)
        if node in inside or node.id not in {*pipe.fields, *data}:
            continue
        if node.id in data:
            if isinstance(up, ast.Attribute) and up.attr == "examples":
                yield _replace(context, up, node.id)
            elif isinstance(up, ast.Attribute):
                raise NotMigratable(f"{node.id}.{up.attr}")
            continue
        field = pipe.fields[node.id]
        if isinstance(up, ast.Attribute) and up.attr == "vocab":
            yield _replace(context, up, writer.vocab_names[node.id])
        elif isinstance(up, ast.Attribute) and up.attr in LITERALS:
            value = field.constant(up.attr, LITERALS[up.attr])
            yield _replace(context, up, f'"{value}"' if value is not None else "None")
        elif isinstance(up, ast.Attribute) and up.attr in {"preprocess", "tokenize"}:
            call = context.code.parents.get(up)
            if not isinstance(call, ast.Call) or len(call.args) != 1:
                raise NotMigratable(f"{node.id}.{up.attr}")
            yield _replace(context, call, writer.tokenizers[node.id].format(context.code.slice(call.args[0])))
        else:
            raise NotMigratable(f"the field {node.id} is passed on")


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
    return [*fields, *(source.statement for source in pipe.sources), *(build.statement for build in pipe.vocabs)]


def _nothing_left(context: Context, rewritten: Sequence[ast.AST]) -> None:
    """Raises NotMigratable when a name of torchtext is read outside what is rewritten."""
    inside = {node for one in rewritten for node in ast.walk(one)}
    for load in context.scopes.loads:
        if load.node not in inside and (context.scopes.qualified(load.node) or "").split(".")[0] == "torchtext":
            raise NotMigratable(f"`{load.node.id}` on line {load.node.lineno}")
