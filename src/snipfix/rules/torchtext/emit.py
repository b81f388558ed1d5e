"""The plain Python and torch that a torchtext pipeline becomes: only the pieces that the text needs."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from snipfix.code import Code
from snipfix.rules.observed import called
from snipfix.rules.torchtext.batches import HOLE, BatchWriter, applied, quoted
from snipfix.rules.torchtext.model import Column, Field, NotMigratable, Pipeline, Source, Split, VocabBuild, piped
from snipfix.rules.torchtext.pieces import BASIC_ENGLISH, SPACY, VOCAB

__all__ = ["Emitter"]


class Emitter(BatchWriter):
    """Writes the pieces of a pipeline, but for its batches."""

    def __init__(self, code: Code, pipe: Pipeline, taken: Iterable[str]) -> None:
        super().__init__(code, pipe, set(taken))
        self.counts = False
        """Whether the text reads how often each word occurs."""
        self.spacy: dict[str, str] = {}
        self.tokenizers: dict[str, str] = {}
        """By field: the expression of its tokens, with a hole for the text."""
        outer = {field.nesting.name: field.name for field in pipe.fields.values() if field.nesting}
        own = {name: self.new(f"{name.lower()}_vocab") for name in pipe.fields if name not in outer}
        self.vocab_names = own | {name: own[by] for name, by in outer.items()}

    # Fields ------------------------------------------------------------------------------------------------------

    def field(self, field: Field) -> str:
        """What stands in the place of a field's definition: its tokenizer, if that needs a function."""
        if not field.sequential:
            self.tokenizers[field.name] = self.preprocessed(field, f"{HOLE}.lower()" if field.constant("lower") else HOLE)
            return ""
        lower = bool((field.nesting or field).constant("lower"))
        tokenize = _chosen(field.options.get("tokenize"))
        text, template = "", f"{HOLE}.lower().split()" if lower else f"{HOLE}.split()"
        if isinstance(tokenize, ast.Constant) and tokenize.value == "spacy":
            text, template = self.spacy_tokenizer(field, lower=lower)
        elif isinstance(tokenize, ast.Constant) and tokenize.value == "basic_english":
            self.need("import re")
            name = self.new("tokenize")
            text, template = BASIC_ENGLISH.format(name=name), f"{name}({HOLE})"
        elif tokenize is not None and not (isinstance(tokenize, ast.Constant) and tokenize.value is None):
            if isinstance(tokenize, ast.Constant):
                raise NotMigratable(f"the tokenizer {tokenize.value!r}")
            template = f"{HOLE}.split()" if self.code.slice(tokenize) == "str.split" else applied(self.code, tokenize, HOLE)
            template = f"[word.lower() for word in {template}]" if lower else template
        if "stop_words" in field.options:
            template = f"[word for word in {template} if word not in {self.code.slice(field.options['stop_words'])}]"
        template = self.preprocessed(field, template)
        if field.nesting is not None:
            inner = self.tokenizers[field.nesting.name].replace(HOLE, "word")
            template = f"[{inner} for word in {template}]"
        self.tokenizers[field.name] = template
        return text

    def preprocessed(self, field: Field, template: str) -> str:
        """The expression of the tokens with the text's own function around it; a Pipeline sees each token."""
        node = field.options.get("preprocessing")
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            return template
        one = piped(node)
        if one is not None and field.sequential:
            return f"[{applied(self.code, one, 'word')} for word in {template}]"
        return applied(self.code, node if one is None else one, template)

    def spacy_tokenizer(self, field: Field, *, lower: bool) -> tuple[str, str]:
        self.need("import spacy")
        language = str(field.constant("tokenizer_language", "en"))
        model = SPACY.get(language, language)
        key = f"{model} {lower}"
        if key in self.spacy:
            return "", f"{self.spacy[key]}({HOLE})"
        many = sum("spacy" in ast.dump(one.options["tokenize"]) for one in self.pipe.fields.values() if "tokenize" in one.options) > 1
        short = model.partition("_")[0]
        nlp = self.new(f"spacy_{short}" if many else "nlp")
        name = self.spacy[key] = self.new(f"tokenize_{short}" if many else "tokenize")
        word = "token.text.lower()" if lower else "token.text"
        return (
            f'{nlp} = spacy.load("{model}")\n\ndef {name}(text):\n    return [{word} for token in {nlp}.tokenizer(text)]\n',
            f"{name}({HOLE})",
        )

    def tokens(self, column: Column, text: str) -> str:
        assert column.field is not None
        return self.tokenizers[column.field.name].replace(HOLE, text)

    # Data --------------------------------------------------------------------------------------------------------

    def source(self, source: Source) -> str:
        """The statements that load a data set; the first one brings what loads it."""
        if source.kind == "examples":
            return "\n".join(f"{name} = {examples}" for name, examples in source.parts)
        first = source is self.pipe.sources[0]
        if any(path.startswith("os.path") for _, path in source.parts):
            self.need("import os")
        if first:
            definitions = self.namedtuple() + {
                "table": self.table, "translation": self.translation, "modelling": self.modelling, "imdb": self.imdb,
                "questions": self.questions, "tagged": self.tagged,
            }[source.kind](source)  # fmt: skip
        elif source.kind != self.pipe.sources[0].kind or source.format != self.pipe.sources[0].format:
            raise NotMigratable("data sets of several kinds")
        else:
            definitions = ""
        lines = [f"{name} = {self.load}({path})" for name, path in source.parts]
        return (f"{definitions}\n" if definitions else "") + "\n".join(lines)

    def split(self, split: Split) -> str:
        self.need("from torch.utils.data import random_split")
        generator = f", generator=torch.Generator().manual_seed({split.seed})" if split.seed else ""
        return f"{', '.join(split.targets)} = random_split({split.data}, [{', '.join(split.ratios)}]{generator})"

    def example(self, call: ast.Call) -> str:
        """One row from a list of its cells, in the order of the fields."""
        given = call.args[0] if call.args else next((one.value for one in call.keywords if one.arg == "data"), None)
        columns = self.pipe.sources[0].columns
        keys = list(dict.fromkeys(column.key for column in columns))
        if isinstance(given, ast.List | ast.Tuple) and len(given.elts) == len(keys):
            cells = [self.code.slice(given.elts[keys.index(column.key)]) for column in columns]
        elif isinstance(given, ast.Name):
            cells = [f"{given.id}[{keys.index(column.key)}]" for column in columns]
        else:
            raise NotMigratable("an example of something else than a list")
        return f"{self.row}({', '.join(self.tokens(column, cell) for column, cell in zip(columns, cells, strict=True) if column.field)})"

    def numbers(self, field: Field, call: ast.Call, words: str) -> str:
        """The ids of one text, as a batch of one."""
        device = next((f", device={self.code.slice(one.value)}" for one in call.keywords if one.arg == "device"), "")
        turn = "" if field.constant("batch_first") else ".t()"
        return f"torch.tensor([[{self.vocab_names[field.name]}.stoi[word] for word in {words}]]{device}){turn}"

    def reversal(self, field: Field, call: ast.Call) -> str:
        """The texts of a batch of numbers."""
        ids = self.code.slice(call.args[0]) + ("" if field.constant("batch_first") else ".t()")
        ends = [quoted(field.constant(key)) for key in ("init_token",) if field.constant(key) is not None]
        dropped = ", ".join([*ends, quoted(field.pad)])
        end = quoted(field.constant("eos_token"))
        return f"to_texts({ids}, {self.vocab_names[field.name]}, [{dropped}], {end})"

    def namedtuple(self) -> str:
        names = [column.name for column in self.pipe.columns]
        if self.pipe.sources[0].kind == "modelling":
            if not any(loader.kind == "BPTTIterator" for loader in self.pipe.loaders):
                return ""
            names = ["text", "target"]
        self.need("from collections import namedtuple")
        return f'{self.row} = namedtuple("{self.row}", {names!r})\n\n'.replace("'", '"')

    def table(self, source: Source) -> str:
        keyed = source.format == "json" or all(isinstance(column.key, str) for column in source.columns)
        cells = []
        for column in source.columns:
            if column.field is not None:
                key = column.key if isinstance(column.key, str) else column.name if keyed else column.key
                cells.append(self.tokens(column, f'row["{key}"]' if keyed else f"row[{key}]"))
        if source.format == "json":
            self.need("import json")
            rows, opening = "[json.loads(line) for line in file]", ""
        else:
            self.need("import csv")
            delimiter = ', delimiter="\\t"' if source.format == "tsv" else ""
            reader = f"csv.DictReader(file{delimiter})" if keyed else f"csv.reader(file{delimiter})"
            rows, opening = f"list({reader})" + ("[1:]" if source.header and not keyed else ""), ', newline=""'
        return (
            f"def {self.load}(path):\n"
            f'    with open(path, encoding="utf-8"{opening}) as file:\n'
            f"        rows = {rows}\n"
            f"    return [{self.row}({', '.join(cells)}) for row in rows]\n"
        )

    def translation(self, source: Source) -> str:
        src, trg = (self.tokens(column, f"{name}.strip()") for column, name in zip(source.columns, ("src", "trg"), strict=True))
        one, two = source.exts
        return (
            f"def {self.load}(path):\n"
            f'    with open(path + "{one}", encoding="utf-8") as src_file, open(path + "{two}", encoding="utf-8") as trg_file:\n'
            f"        pairs = [(src, trg) for src, trg in zip(src_file, trg_file) if src.strip() and trg.strip()]\n"
            f"    return [{self.row}({src}, {trg}) for src, trg in pairs]\n"
        )

    def modelling(self, source: Source) -> str:
        column = source.columns[0]
        return (
            f"def {self.load}(path):\n"
            f'    with open(path, encoding="utf-8") as file:\n'
            f'        return [word for line in file for word in [*{self.tokens(column, "line")}, "<eos>"]]\n'
        )

    def imdb(self, source: Source) -> str:
        self.need("from pathlib import Path")
        text, label = source.columns
        return (
            f"def {self.load}(folder):\n"
            f'    files = [(path, label) for label in ("pos", "neg") for path in sorted(Path(folder, label).glob("*.txt"))]\n'
            f"    return [{self.row}({self.tokens(text, 'path.read_text(encoding=' + repr('utf-8') + ')')}, {self.tokens(label, 'label')}) "
            "for path, label in files]\n"
        )

    def questions(self, source: Source) -> str:
        text, label = source.columns
        kind = self.tokens(label, "label" if source.fine else 'label.split(":")[0]')
        return (
            f"def {self.load}(path):\n"
            f'    with open(path, "rb") as file:  # one byte of it is no UTF-8\n'
            f'        pairs = [line.replace(b"\\xf0", b" ").decode().strip().split(" ", 1) for line in file]\n'
            f"    return [{self.row}({self.tokens(text, 'text')}, {kind}) for label, text in pairs]\n"
        )

    def tagged(self, source: Source) -> str:
        keys = {column.key: column.name if column.field else "_" for column in reversed(source.columns)}
        names = [keys[key] for key in sorted(keys, key=str)]
        cells = [self.tagged_words(column.field, keys[column.key]) for column in source.columns if column.field]
        return (
            f"def {self.load}(path):\n"
            f'    with open(path, encoding="utf-8") as file:\n'
            f'        sentences = [block.splitlines() for block in file.read().split("\\n\\n") if block.strip()]\n'
            f'    columns = [zip(*(line.split("\\t") for line in sentence)) for sentence in sentences]\n'
            f"    return [{self.row}({', '.join(cells)}) for {', '.join(names)}, *_ in columns]\n"
        )

    def tagged_words(self, field: Field, words: str) -> str:
        """A column of words that need no tokenizer."""
        lower = (field.nesting or field).constant("lower")
        words = f"[word.lower() for word in {words}]" if lower else words if field.nesting else f"list({words})"
        return f"[{self.tokenizers[field.nesting.name].replace(HOLE, 'word')} for word in {words}]" if field.nesting else words

    # Vocabularies ------------------------------------------------------------------------------------------------

    def vocab(self, build: VocabBuild) -> str:
        """The vocabulary of a field; the first one brings the class."""
        self.need("from collections import Counter")
        text = self.vocab_class() if build is self.pipe.vocabs[0] else ""
        specials = ", ".join(quoted(token) for token in build.field.specials)
        extra = build.options.get("specials")
        listed = f"[{specials}]" + (f" + {self.code.slice(extra)}" if extra is not None else "")
        limits = "".join(f", {name}={self.code.slice(build.options[name])}" for name in ("max_size", "min_freq") if name in build.options)
        name = self.vocab_names[build.field.name]
        text += f"{name} = {self.vocabulary}(Counter({self.counted(build)}), {listed}{limits})"
        return text

    def counted(self, build: VocabBuild) -> str:
        """The generator of what the vocabulary counts."""
        data = build.sources[0] if len(build.sources) == 1 else f"[*{', *'.join(build.sources)}]"
        if self.pipe.sources[0].kind == "modelling":
            return data
        names = [column.name for column in self.pipe.columns if column.field is build.field]
        if not names:
            raise NotMigratable("a vocabulary of a field without a column")
        if not build.field.sequential:
            return f"row.{names[0]} for row in {data}"
        if build.field.nesting is not None:
            return f"char for row in {data} for word in row.{names[0]} for char in word"
        words = f"row.{names[0]}" if len(names) == 1 else "(" + " + ".join(f"row.{name}" for name in names) + ")"
        return f"word for row in {data} for word in {words}"

    def vocab_class(self) -> str:
        used = {name for build in self.pipe.vocabs for name in build.options}
        parameters = (", max_size=None" if "max_size" in used else "") + (", min_freq=1" if "min_freq" in used else "")
        words = "words"
        if "min_freq" in used:
            words = "[word for word in words if counter[word] >= min_freq]"
        if "max_size" in used:
            words += "[:max_size]"
        counts = "self.freqs = counter\n        " if self.counts else ""
        unknown = any("<unk>" in build.field.specials for build in self.pipe.vocabs)
        pairs = "{word: i for i, word in enumerate(self.itos)}"
        stoi = f"self.stoi = {pairs}"
        if unknown:
            self.need("from collections import defaultdict")
            if all(build.field.specials[:1] == ["<unk>"] for build in self.pipe.vocabs):
                stoi = f"self.stoi = defaultdict(int, {pairs})  # 0: <unk>"
            else:
                stoi = f'self.stoi = {pairs}\n        if "<unk>" in self.stoi:\n            self.stoi = defaultdict(lambda: specials.index("<unk>"), self.stoi)'
        return (
            VOCAB.format(name=self.vocabulary, specials="The special tokens, then ", parameters=parameters, words=words, stoi=counts + stoi)
            + "\n"
        )


def _chosen(tokenize: ast.expr | None) -> ast.expr | None:
    """The name in `get_tokenizer("basic_english")`, which says the same as the name alone."""
    if isinstance(tokenize, ast.Call) and called(tokenize) == "get_tokenizer" and len(tokenize.args) == 1 and not tokenize.keywords:
        return tokenize.args[0]
    return tokenize
