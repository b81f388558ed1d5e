"""The style of torchtext 0.9 to 0.18: get_tokenizer and build_vocab_from_iterator, with the few definitions that replace them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from snipfix.model import Edit
from snipfix.rules.base import Context
from snipfix.rules.torchtext.datapipes import chains, inside_chains
from snipfix.rules.torchtext.model import NotMigratable, torchtext_name
from snipfix.rules.torchtext.pieces import (
    BASIC_ENGLISH,
    COUNTED_VOCAB,
    GLOVE,
    GLOVE_METHODS,
    ITERATED_VOCAB,
    LOADERS,
    LOOKUP,
    METHODS,
    NGRAMS,
    ORDERED_VOCAB,
    SPACY,
    SPACY_TOKENIZER,
)
from snipfix.rules.torchtext.transforms import TRANSFORMS, transform

__all__ = ["modern_edits"]


def modern_edits(context: Context) -> tuple[list[Edit], list[str], list[ast.AST]]:
    """The edits but for the imports, the imports that they need, and what they rewrite.

    Raises:
        NotMigratable: when the text uses anything else of torchtext.
    """
    written = [(call, name) for call, _ in context.scopes.calls if (name := torchtext_name(context, call.func))]
    pieces = _in_chains(context, [(call, _piece(context, call, name), name) for call, name in written])
    taken, definitions, imports = set(context.scopes.module.bindings), dict[str, str](), list[str]()
    for _, piece in pieces:
        imports += [line for line in piece.imports if line not in imports]
        for definition in piece.definitions:
            key = definition.split("(")[0].split()[1].rstrip(":")
            if key in taken - _imported(context):
                raise NotMigratable(f"the text has a {key} of its own")
            if definitions.setdefault(key, definition) != definition:
                raise NotMigratable(f"several kinds of {key}")
    defined = [_top(context, call) for call, piece in pieces if piece.definitions]
    first = min(defined, key=lambda one: one.lineno) if defined else None
    edits = [edit for _, piece in pieces for edit in piece.edits]
    return edits + list(_placed(context, first, definitions)), imports, [call.func for call, _ in written]


@dataclass(frozen=True)
class Piece:
    """What becomes of one call: its edits, a definition that it needs, imports."""

    edits: tuple[Edit, ...]
    definition: str = ""
    imports: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Definitions that the definition itself calls."""

    @property
    def definitions(self) -> tuple[str, ...]:
        return (*self.others, *([self.definition] if self.definition else []))


def _in_chains(context: Context, pieces: list[tuple[ast.Call, Piece, str]]) -> list[tuple[ast.Call, Piece]]:
    """The pieces, where those of corpora inside a chain of data pipes give their text to the chain."""
    corpora = {call: piece for call, piece, name in pieces if name in LOADERS}
    outer = chains(context, set(corpora))
    within = {node for call in outer for node in ast.walk(call)}

    def of_corpus(call: ast.Call) -> str:
        if call not in corpora:
            raise NotMigratable("a pipe of something else than a corpus")
        return corpora[call].edits[0].text

    found = [(call, replace(piece, edits=()) if call in corpora and call in within else piece) for call, piece, _ in pieces]
    for call, (edit, needed, imports) in zip(outer, inside_chains(context, outer, of_corpus), strict=True):
        found.append((call, Piece((edit,), imports=tuple(imports), others=tuple(needed))))
    return found


def _piece(context: Context, call: ast.Call, name: str) -> Piece:
    if name in {"utils.get_tokenizer", "get_tokenizer"}:
        text, definition, needed = _tokenizer(call)
        return Piece((_instead(context, call, text),), definition, tuple(needed))
    if name == "vocab.build_vocab_from_iterator":
        if not {keyword.arg for keyword in call.keywords} <= {"iterator", "min_freq", "specials", "max_tokens", "special_first"}:
            raise NotMigratable("a vocabulary with options of its own")
        renamed = [_instead(context, one, f"token_lists={context.code.slice(one.value)}") for one in call.keywords if one.arg == "iterator"]
        edits = (_instead(context, call.func, "Vocab"), *renamed, *_special_first(context, call))
        return Piece(edits, _methods(context, ITERATED_VOCAB), ("from collections import Counter",))
    if name == "vocab.vocab":
        if not {keyword.arg for keyword in call.keywords} <= {"ordered_dict", "min_freq", "specials", "special_first"}:
            raise NotMigratable("a vocabulary with options of its own")
        edits = (_instead(context, call.func, "OrderedVocab"), *_special_first(context, call))
        return Piece(edits, _methods(context, ORDERED_VOCAB))
    if name == "vocab.Vocab" and {keyword.arg for keyword in call.keywords} <= {"counter", "min_freq", "max_size", "specials"}:
        return Piece((_instead(context, call.func, "Vocab"),), COUNTED_VOCAB, ("from collections import defaultdict",))
    if name == "vocab.GloVe":
        return _vectors(context, call)
    if name in {"utils.ngrams_iterator", "ngrams_iterator"}:
        return Piece((_instead(context, call.func, "ngrams"),), NGRAMS)
    if name in {"functional.to_map_style_dataset", "to_map_style_dataset"}:
        return Piece((_instead(context, call.func, "list"),))
    if name in LOADERS:
        return _corpus(context, call, name)
    if name in TRANSFORMS:
        return _transform(context, call, name)
    raise NotMigratable(name)


def _transform(context: Context, call: ast.Call, name: str) -> Piece:
    """A transform: the call of a function that makes one, or does the same."""
    function, renamed = transform(call, name)
    words = tuple(_instead(context, keyword, f"{new}={context.code.slice(keyword.value)}") for keyword, new in renamed)
    _, _, (*others, definition), imports = TRANSFORMS[name]
    return Piece((_instead(context, call.func, function), *words), definition, imports, tuple(others))


def _instead(context: Context, node: ast.AST, text: str) -> Edit:
    return Edit(*context.code.range(context.code.span(node)), text)


def _imported(context: Context) -> set[str]:
    """The names that the text imports from torchtext: they go."""
    return {one.name for one in context.scopes.imports if one.target.split(".")[0] == "torchtext"}


def _top(context: Context, call: ast.Call) -> ast.stmt:
    return next(up for up in context.code.ancestors(call) if up in context.code.tree.body and isinstance(up, ast.stmt))


def _vectors(context: Context, call: ast.Call) -> Piece:
    """`GloVe(name="6B", dim=100)`: the same call of a class of the text's own."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    given |= dict(zip(("name", "dim"), call.args, strict=False))
    if not set(given) <= {"name", "dim", "cache"}:
        raise NotMigratable("vectors with options of their own")
    name, dim = (context.code.slice(given[key]) if key in given else default for key, default in (("name", '"840B"'), ("dim", "300")))
    used = {node.attr for node in context.code.all(ast.Attribute)}
    methods = "".join(text for method, text in GLOVE_METHODS.items() if method in used)
    if context.code.calls("len"):
        methods += "\n    def __len__(self):\n        return len(self.itos)\n"
    return Piece((_instead(context, call, f"GloVe({name}, {dim})"),), GLOVE + methods, ("import torch",))


def _corpus(context: Context, call: ast.Call, name: str) -> Piece:
    """A corpus by splits: `AG_NEWS(split="train")` is `ag_news("train")`; without a split, or with several, a tuple of them."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    given |= dict(zip(("root", "split"), call.args, strict=False))
    function, splits, definition, needed = LOADERS[name]
    if not set(given) <= {"root", "split", "language_pair"}:
        raise NotMigratable(f"{name} with options of its own")
    chosen = given.get("split")
    texts = [repr(one) for one in splits] if chosen is None else [context.code.slice(chosen)]
    if isinstance(chosen, ast.Tuple | ast.List):
        texts = [context.code.slice(one) for one in chosen.elts]
    read = [f"{function}({_quoted(text)})" for text in texts]
    if name == "Multi30k" and "language_pair" in given:
        read = [f"{one[:-1]}, {context.code.slice(given['language_pair'])})" for one in read]
    text = ", ".join(f"iter({one})" if _stepped(context, call) else one for one in read)
    if len(read) > 1 and not isinstance(context.code.parents.get(call), ast.Assign):
        text = f"({text})"
    if name == "IMDB" and re.search(r"""["'](pos|neg)["']""", context.code.text):
        definition = definition.replace("number, path", "path.parent.name, path")
    return Piece((_instead(context, call, text),), definition, needed)


def _quoted(text: str) -> str:
    return text.replace("'", '"') if text.startswith("'") else text


def _stepped(context: Context, call: ast.Call) -> bool:
    """Whether the text takes examples from the corpus with `next`."""
    up = context.code.parents.get(call)
    names = {ast.unparse(target) for target in up.targets} if isinstance(up, ast.Assign) else set()
    return any(one.args and ast.unparse(one.args[0]) in names for one in context.code.calls("next"))


def _tokenizer(call: ast.Call) -> tuple[str, str, list[str]]:
    """The expression that replaces get_tokenizer(...), a definition it needs, and imports."""
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    chosen = call.args[0] if call.args else options.get("tokenizer")
    language = call.args[1] if len(call.args) > 1 else options.get("language")
    if not isinstance(chosen, ast.Constant):
        raise NotMigratable("a tokenizer of the text's own")
    if chosen.value is None:
        return "str.split", "", []
    if chosen.value == "basic_english":
        return "basic_english", BASIC_ENGLISH.format(name="basic_english"), ["import re"]
    if chosen.value == "spacy" and (language is None or isinstance(language, ast.Constant)):
        short = str(language.value) if isinstance(language, ast.Constant) else "en"
        return f'spacy_tokenizer("{SPACY.get(short, short)}")', SPACY_TOKENIZER, ["import spacy"]
    raise NotMigratable(f"the tokenizer {chosen.value!r}")


def _methods(context: Context, vocab: str) -> str:
    """A vocabulary with those of its methods that the text uses."""
    used = {node.attr for node in context.code.all(ast.Attribute)}
    return vocab + LOOKUP + "".join(text for name, text in METHODS.items() if name in used)


def _special_first(context: Context, call: ast.Call) -> Iterator[Edit]:
    """Takes `special_first=True` away: it is what the class does."""
    for keyword in call.keywords:
        if keyword.arg == "special_first":
            if not (isinstance(keyword.value, ast.Constant) and keyword.value.value is True):
                raise NotMigratable("special_first")
            start, end = context.code.range(context.code.span(keyword))
            written = context.code.text[:start].rstrip()
            yield Edit(len(written) - written.endswith(","), end, "")


def _placed(context: Context, first: ast.stmt | None, definitions: dict[str, str]) -> Iterator[Edit]:
    """The definitions above the first statement that needs one."""
    if first is None or not definitions:
        return
    line = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", ()))])
    while line > 1 and context.code.lines[line - 2].startswith("#"):
        line -= 1
    at = context.code.offset(line, 1)
    apart = "\n" if line > 1 and context.code.lines[line - 2].strip() else ""
    yield Edit(at, at, apart + "\n".join(definitions.values()) + "\n")
