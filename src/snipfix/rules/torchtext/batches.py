"""What iterators become: a collate function, and a DataLoader for each data set."""

from __future__ import annotations

import ast

from snipfix.code import Code
from snipfix.rules.torchtext.model import Column, Field, Loader, NotMigratable, Pipeline, piped
from snipfix.rules.torchtext.pieces import BPTT, CHARACTERS, ENDLESS

__all__ = ["HOLE", "BatchWriter", "applied", "quoted"]

HOLE = "\0"
"""Where an expression of tokens takes the text."""


class BatchWriter:
    """Writes the collate function and the loaders. `imports` collects what they need; `taken` are names that a new one must not hide."""

    def __init__(self, code: Code, pipe: Pipeline, taken: set[str]) -> None:
        self.code, self.pipe, self.taken = code, pipe, set(taken)
        self.imports: dict[str, None] = {}
        self.row, self.load, self.collate, self.vocabulary = (self.new(name) for name in ("Row", "load", "collate", "Vocab"))
        self.vocab_names: dict[str, str] = {}

    def new(self, name: str) -> str:
        """A name that the text does not have."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def need(self, statement: str) -> None:
        self.imports[statement] = None

    # The collate function ----------------------------------------------------------------------------------------

    def collate_function(self) -> str:
        """The function that makes a batch of examples, with a tensor for each column."""
        loader = self.pipe.loaders[0]
        device = self.device(loader, ".to({})")
        lines = [f"def {self.collate}(batch):"]
        if sort := self.sorting(loader):
            lines.append(f"    batch = sorted(batch, key={sort}, reverse=True)")
        for column in self.pipe.columns:
            lines += [f"    {line}" for line in self.column(column, device)]
        names = ", ".join(column.name for column in self.pipe.columns)
        nested = any(column.field is not None and column.field.nesting for column in self.pipe.columns)
        return (CHARACTERS + "\n" if nested else "") + "\n".join([*lines, f"    return {self.row}({names})", ""])

    def device(self, loader: Loader, how: str) -> str:
        """Where batches go; `device=-1` was torchtext's word for the CPU."""
        given = self.code.slice(loader.options["device"]) if "device" in loader.options else "None"
        return "" if given in {"-1", "None"} else how.format(given)

    def sorting(self, loader: Loader) -> str:
        """The key to sort a batch by, for texts that pack sequences."""
        within = loader.options.get("sort_within_batch")
        wanted = isinstance(within, ast.Constant) and within.value is True
        lengths = [column for column in self.pipe.columns if column.field and column.field.constant("include_lengths")]
        if not wanted and not (lengths and within is None):
            return ""
        if "sort_key" in loader.options:
            return self.code.slice(loader.options["sort_key"])
        return f"lambda row: len(row.{(lengths or self.pipe.columns)[0].name})"

    def column(self, column: Column, device: str) -> list[str]:
        """The lines that make one column's tensor."""
        field, name = column.field, column.name
        assert field is not None
        if field.kind == "RawField":
            return [f"{name} = [row.{name} for row in batch]"]
        if field.nesting is not None:
            return self.characters(field, field.nesting, name, device)
        if not field.sequential:
            return self.labels(field, name, device)
        if field.options.keys() & {"postprocessing"}:
            return self.processed(field, name, device)
        return self.texts(field, name, device)

    def dtype(self, field: Field) -> str:
        return f", dtype={self.code.slice(field.options['dtype'])}" if "dtype" in field.options else ""

    def labels(self, field: Field, name: str, device: str) -> list[str]:
        """One value for each row."""
        dtype = self.dtype(field)
        number = "float" if "float" in dtype or "double" in dtype else "int"
        value = f"{self.vocab_names[field.name]}.stoi[row.{name}]" if field.has_vocab else f"{number}(row.{name})"
        values = f"[{value} for row in batch]"
        if "postprocessing" in field.options:
            values = self.after(field, values)
        return [f"{name} = torch.tensor({values}{dtype}){device}"]

    def after(self, field: Field, values: str) -> str:
        """What `postprocessing` makes of the values of a batch."""
        node = field.options["postprocessing"]
        vocab = self.vocab_names[field.name] if field.has_vocab else "None"
        one = piped(node)
        if one is not None:
            return f"[{applied(self.code, one, f'one, {vocab}')} for one in {values}]"
        return applied(self.code, node, f"{values}, {vocab}")

    def words(self, field: Field, words: str) -> tuple[str, int | None]:
        """The words of a row between their first and last token, and the length that they are brought to."""
        first, last, fixed = field.constant("init_token"), field.constant("eos_token"), field.constant("fix_length")
        if fixed is not None:
            room = fixed - (first is not None) - (last is not None)
            words += f"[-{room}:]" if field.constant("truncate_first") else f"[:{room}]"
        if first is not None or last is not None:
            words = f"[{f'{quoted(first)}, ' if first is not None else ''}*{words}{f', {quoted(last)}' if last is not None else ''}]"
        return words, fixed

    def number(self, field: Field) -> str:
        """The number of `word`."""
        return f"{self.vocab_names[field.name]}.stoi[word]" if field.has_vocab else "word"

    def filled(self, field: Field, words: str, width: object) -> str:
        """A list of words brought to a width."""
        pad = f"[{quoted(field.pad)}]"
        if isinstance(width, int):
            return f"({pad} * {width} + {words})[-{width}:]" if field.constant("pad_first") else f"({words} + {pad} * {width})[:{width}]"
        missing = f"{pad} * ({width} - len({words}))"
        return f"{missing} + {words}" if field.constant("pad_first") else f"{words} + {missing}"

    def texts(self, field: Field, name: str, device: str) -> list[str]:
        """Texts of numbers, filled up to the longest or to a fixed length."""
        words, fixed = self.words(field, f"row.{name}")
        if not field.has_vocab and not isinstance(field.pad, int | float):
            raise NotMigratable("sequences without a vocabulary")
        dtype = self.dtype(field) or ("" if field.has_vocab else ", dtype=torch.long")
        lengths, ids, batch_first = field.constant("include_lengths"), f"{name}_ids", field.constant("batch_first")
        if fixed is not None:
            rows = "for row in batch"
            lines = []
            if lengths:
                lines, rows, words = [f"{name}_words = [{words} for row in batch]"], f"for words in {name}_words", "words"
            inside = f"[{self.number(field)} for word in {self.filled(field, words, fixed)}]"
            lines.append(f"{ids} = [torch.tensor({inside}{dtype}) {rows}]")
            padded, counted = f"torch.stack({ids}{'' if batch_first else ', dim=1'}){device}", f"{name}_words"
        else:
            self.need("from torch.nn.utils.rnn import pad_sequence")
            inside = f"[{self.number(field)} for word in {words}]"
            lines = [f"{ids} = [torch.tensor({inside}{dtype}) for row in batch]"]
            order = ", batch_first=True" if batch_first else ""
            side = ', padding_side="left"' if field.constant("pad_first") else ""
            value = f"{self.vocab_names[field.name]}.stoi[{quoted(field.pad)}]" if field.has_vocab else quoted(field.pad)
            padded, counted = f"pad_sequence({ids}{order}, padding_value={value}{side}){device}", ids
        if lengths:
            one = "words" if fixed is not None else "ids"
            padded += f", torch.tensor([len({one}) for {one} in {counted}]{self.dtype(field)})"
        return [*lines, f"{name} = {padded}"]

    def processed(self, field: Field, name: str, device: str) -> list[str]:
        """Texts that a function of the text's own sees as numbers, filled up, before they are a tensor."""
        words, fixed = self.words(field, f"row.{name}")
        if field.constant("include_lengths") or not field.has_vocab:
            raise NotMigratable("lengths of numbers that are changed")
        lines = [f"{name}_words = [{words} for row in batch]"]
        if fixed is None:
            lines.append(f"width = max(len(words) for words in {name}_words)")
        inside = f"[{self.number(field)} for word in {self.filled(field, 'words', fixed or 'width')}]"
        turn = "" if field.constant("batch_first") else ".t().contiguous()"
        lines.append(f"{name}_ids = {self.after(field, f'[{inside} for words in {name}_words]')}")
        return [*lines, f"{name} = torch.tensor({name}_ids{self.dtype(field)}){turn}{device}"]

    def characters(self, field: Field, nesting: Field, name: str, device: str) -> list[str]:
        """The characters of each word of each text, in three dimensions."""
        if {"pad_first", "truncate_first", "postprocessing", "dtype"} & (field.options.keys() | nesting.options.keys()):
            raise NotMigratable("characters that are filled up in another way")
        ends = {key: [field.constant(key)] for key in ("init_token", "eos_token") if field.constant(key) is not None}
        words, height = f"row.{name}", field.constant("fix_length")
        if height is not None:
            words += f"[:{height - len(ends)}]"
        if ends:
            first, last = (f"[{quoted(ends[key][0])}]" if key in ends else "" for key in ("init_token", "eos_token"))
            words = f"[{', '.join(filter(None, (first, f'*{words}', last)))}]"
        letters, width = self.words(nesting, "word")
        inner = f"[{letters} for word in {words}]" if letters != "word" else words
        sizes = (f", height={height}" if height is not None else "") + (f", width={width}" if width is not None else "")
        if height is not None and width is None:  # the longest word counts even where it is cut off
            more = sum(nesting.constant(key) is not None for key in ("init_token", "eos_token"))
            sizes += f", width=max(len(word) for row in batch for word in row.{name})" + (f" + {more}" if more else "")
        lines = [f"{name}_words = [{inner} for row in batch]"]
        value = f"pad_characters({name}_words, {self.vocab_names[field.name]}, {quoted(field.pad)}{sizes}){device}"
        if field.constant("include_lengths"):
            self.need("from torch.nn.utils.rnn import pad_sequence")
            if height is not None:
                raise NotMigratable("lengths of a fixed length")
            lengths = f"[torch.tensor([len(word) for word in words]) for words in {name}_words]"
            return [
                *lines,
                f"{name}_lengths = {lengths}",
                f"{name} = {value}, torch.tensor([len(words) for words in {name}_words]), pad_sequence({name}_lengths, batch_first=True)",
            ]
        return [*lines, f"{name} = {value}"]

    # Loaders -----------------------------------------------------------------------------------------------------

    def loader(self, loader: Loader) -> list[str]:
        """The expressions of an iterator, one DataLoader for each data set."""
        if loader.kind == "BPTTIterator":
            if "bptt_len" not in loader.options:
                raise NotMigratable("no bptt_len")
            length = self.code.slice(loader.options["bptt_len"])
            calls = [f"bptt_batches({data}, {size}, {length})" for data, size, _ in loader.parts]
        else:
            self.need("from torch.utils.data import DataLoader")
            calls = [self.data_loader(loader, *part) for part in loader.parts]
        return [f"endless({call})" for call in calls] if loader.repeats else calls

    def data_loader(self, loader: Loader, data: str, size: str, training: bool) -> str:
        shuffle, ordered = loader.options.get("shuffle"), self.in_order(loader, data, training)
        flag = f"shuffle={self.code.slice(shuffle)}, " if shuffle is not None else "shuffle=True, " if training else ""
        return f"DataLoader({ordered}, batch_size={size}, {'' if ordered != data else flag}collate_fn={self.collate})"

    def in_order(self, loader: Loader, data: str, training: bool) -> str:
        """The data, sorted where the iterator sorts all of it: one that is not for training does."""
        wanted, key = loader.options.get("sort"), loader.options.get("sort_key")
        sorts = bool(wanted.value) if isinstance(wanted, ast.Constant) and wanted.value is not None else not training
        return f"sorted({data}, key={self.code.slice(key)})" if sorts and key is not None else data

    def batching(self) -> str:
        """What the iterators need: the collate function, or the batches of a language model."""
        endless = ENDLESS + "\n" if any(loader.repeats for loader in self.pipe.loaders) else ""
        if self.pipe.sources[0].kind != "modelling":
            if any(loader.kind == "BPTTIterator" for loader in self.pipe.loaders):
                raise NotMigratable("a language model over examples")
            return endless + self.collate_function()
        field = self.pipe.columns[0].field
        assert field is not None
        device = self.device(self.pipe.loaders[0], ", device={}")
        turn = ".t()" if field.constant("batch_first") else ""
        return endless + BPTT.format(vocab=self.vocab_names[field.name], pad=quoted(field.pad), device=device, row=self.row, t=turn)


def quoted(value: object) -> str:
    """A literal as the texts here write it."""
    return f'"{value}"' if isinstance(value, str) and '"' not in value and "\\" not in value and value.isprintable() else repr(value)


def applied(code: Code, function: ast.expr, text: str) -> str:
    """A function of the text's own applied to an expression; of a lambda that reads its parameter once, what it gives."""
    source = code.slice(function)
    if not isinstance(function, ast.Lambda):
        return f"{source}({text})"
    parameters, body = function.args, function.body
    names = [one.arg for one in parameters.args]
    reads = [node for node in ast.walk(body) if isinstance(node, ast.Name) and node.id in names]
    simple = isinstance(body, ast.Call | ast.Subscript | ast.Attribute | ast.Name | ast.ListComp | ast.List)
    if len(names) != 1 or parameters.defaults or parameters.vararg or parameters.kwonlyargs or len(reads) != 1 or not simple:
        return f"({source})({text})"
    (start, stop), (read, end) = code.range(code.span(body)), code.range(code.span(reads[0]))
    return code.text[start:read] + text + code.text[end:stop]
