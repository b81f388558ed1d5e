"""The style of torchtext 0.9 to 0.18: get_tokenizer and build_vocab_from_iterator, with the few definitions that replace them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Edit
from snipfix.rules.base import Context
from snipfix.rules.torchtext.emit import BASIC_ENGLISH, SPACY
from snipfix.rules.torchtext.model import NotMigratable, torchtext_name

__all__ = ["modern_edits"]

SPACY_TOKENIZER = """def spacy_tokenizer(model):
    nlp = spacy.load(model)
    return lambda text: [token.text for token in nlp.tokenizer(text)]
"""

VOCAB = '''class Vocab:
    """The special tokens, then words by falling frequency, then alphabetically."""

    def __init__(self, token_lists, min_freq=1, specials=(), max_tokens=None):
        counter = Counter(token for tokens in token_lists for token in tokens)
        words = sorted(set(counter) - set(specials), key=lambda word: (-counter[word], word))
        words = [word for word in words if counter[word] >= min_freq]
        self.itos = [*specials, *words][:max_tokens]
        self.stoi = {word: i for i, word in enumerate(self.itos)}
        self.default = None

    def __len__(self):
        return len(self.itos)

    def __contains__(self, token):
        return token in self.stoi

    def __getitem__(self, token):
        return self.stoi[token] if token in self or self.default is None else self.default

    def __call__(self, tokens):
        return [self[token] for token in tokens]

    def set_default_index(self, index):
        self.default = index
'''

METHODS = {
    "get_default_index": "\n    def get_default_index(self):\n        return self.default\n",
    "get_itos": "\n    def get_itos(self):\n        return list(self.itos)\n",
    "get_stoi": "\n    def get_stoi(self):\n        return dict(self.stoi)\n",
    "lookup_token": "\n    def lookup_token(self, index):\n        return self.itos[index]\n",
    "lookup_tokens": "\n    def lookup_tokens(self, indices):\n        return [self.itos[index] for index in indices]\n",
    "lookup_indices": "\n    def lookup_indices(self, tokens):\n        return self(tokens)\n",
}
"""Methods of a vocabulary that are written out only if the text uses them."""


def modern_edits(context: Context) -> tuple[list[Edit], list[str], list[ast.AST]]:
    """The edits but for the imports, the imports that they need, and what they rewrite.

    Raises:
        NotMigratable: when the text uses anything else of torchtext.
    """
    edits: list[Edit] = []
    definitions: dict[str, str] = {}
    imports: list[str] = []
    rewritten: list[ast.AST] = []
    first: ast.stmt | None = None
    taken = set(context.scopes.module.bindings)
    for call, _ in context.scopes.calls:
        name = torchtext_name(context, call.func)
        if not name:
            continue
        rewritten.append(call.func)
        if name in {"utils.get_tokenizer", "get_tokenizer"}:
            text, definition, needed = _tokenizer(call)
            edits.append(Edit(*context.code.range(context.code.span(call)), text))
        elif name == "vocab.build_vocab_from_iterator":
            if not {keyword.arg for keyword in call.keywords} <= {"iterator", "min_freq", "specials", "max_tokens"}:
                raise NotMigratable("special_first")
            definition, needed = _vocab(context), ["from collections import Counter"]
            edits.append(Edit(*context.code.range(context.code.span(call.func)), "Vocab"))
            edits += [
                Edit(*context.code.range(context.code.span(one)), f"token_lists={context.code.slice(one.value)}")
                for one in call.keywords
                if one.arg == "iterator"
            ]
        else:
            raise NotMigratable(name)
        if definition:
            key = definition.split("(")[0].split()[1].rstrip(":")
            if key in taken:
                raise NotMigratable(f"the text has a {key} of its own")
            definitions[key] = definition
            top = next((up for up in context.code.ancestors(call) if up in context.code.tree.body), None)
            if isinstance(top, ast.stmt) and (first is None or top.lineno < first.lineno):
                first = top
        imports += [line for line in needed if line not in imports]
    return edits + list(_placed(context, first, definitions)), imports, rewritten


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


def _vocab(context: Context) -> str:
    used = {node.attr for node in context.code.by_type[ast.Attribute] if isinstance(node, ast.Attribute)}
    return VOCAB + "".join(text for name, text in METHODS.items() if name in used)


def _placed(context: Context, first: ast.stmt | None, definitions: dict[str, str]) -> Iterator[Edit]:
    """The definitions above the first statement that needs one."""
    if first is None or not definitions:
        return
    line = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", ()))])
    while line > 1 and context.code.lines[line - 2].startswith("#"):
        line -= 1
    at = context.code.offset(line, 1)
    yield Edit(at, at, "\n".join(definitions.values()) + "\n")
