"""Files of pretrained models: real widths and vocabulary layout, two layers, random weights, a tokenizer of the right kind."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

from . import record
from .grammar import vocabulary

_LAYERS = 2
_LARGE = {"large": (1024, 16, 24), "xl": (1600, 25, 48), "medium": (1024, 16, 24), "tiny": (128, 2, 2), "mini": (256, 4, 4)}


@dataclass(frozen=True)
class Family:
    """One model on the hub, as far as its name tells."""

    name: str
    kind: str
    """The `model_type` of its configuration."""
    hidden: int
    heads: int
    depth: int
    """Of the real one."""
    words: int
    """Size of the vocabulary."""

    @property
    def layers(self) -> int:
        return min(_LAYERS, self.depth)

    def config(self) -> dict[str, Any]:
        widths: dict[str, Any] = {"vocab_size": self.words}
        if self.kind == "gpt2":
            widths.update(
                n_embd=self.hidden, n_head=self.heads, n_layer=self.layers, n_inner=self.hidden, bos_token_id=50256, eos_token_id=50256
            )
        elif self.kind == "distilbert":
            widths.update(dim=self.hidden, n_heads=self.heads, n_layers=self.layers, hidden_dim=self.hidden)
        else:
            widths.update(hidden_size=self.hidden, num_attention_heads=self.heads, num_hidden_layers=self.layers)
            widths.update(intermediate_size=self.hidden)
        if self.kind == "roberta":
            widths.update(max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2)
        if "sst-2" in self.name:
            widths.update(id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1})
        return {"model_type": self.kind, "dtype": "float32", "architectures": [_ARCHITECTURES[self.kind]], **widths}

    def write_config(self, folder: str) -> None:
        record.note(self.name, f"random weights, {self.layers} of {self.depth} layers, feed-forward {self.hidden} wide")
        self._write_config(folder)

    def _write_config(self, folder: str) -> None:
        _write(folder, "config.json", json.dumps(self.config()))

    def write_tokenizer(self, folder: str) -> None:
        lower = self.kind in ("bert", "distilbert", "electra") and "-cased" not in self.name
        limit = 1024 if self.kind == "gpt2" else 512
        _write(folder, "tokenizer_config.json", json.dumps({"do_lower_case": lower, "model_max_length": limit}))
        if self.kind in ("gpt2", "roberta"):
            words, merges = _byte_pairs(self.kind, self.words)
            _write(folder, "vocab.json", json.dumps({word: index for index, word in enumerate(words)}))
            _write(folder, "merges.txt", "#version: 0.2\n" + "".join(f"{merge}\n" for merge in merges))
        else:
            _write(folder, "vocab.txt", "".join(f"{word}\n" for word in _word_pieces(self.words, chinese="chinese" in self.name)))

    def write_weights(self, folder: str) -> None:
        """Make the model once from its configuration and save it as the hub keeps it. The snippet's random state is left alone."""
        if os.path.exists(os.path.join(folder, "model.safetensors")):
            return
        import torch
        import transformers

        config = transformers.AutoConfig.from_pretrained(folder)
        progress = transformers.utils.logging
        shown = progress.is_progress_bar_enabled()
        progress.disable_progress_bar()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            getattr(transformers, _ARCHITECTURES[self.kind])(config).half().save_pretrained(folder)  # half the disk
        self._write_config(folder)
        if shown:
            progress.enable_progress_bar()


_ARCHITECTURES = {
    "bert": "BertForPreTraining",
    "distilbert": "DistilBertForMaskedLM",
    "electra": "ElectraForPreTraining",
    "gpt2": "GPT2LMHeadModel",
    "roberta": "RobertaForMaskedLM",
}


def family_of(name: str) -> Family | None:
    """What a hub name stands for; None for names of families that are not known here."""
    stem = name.rpartition("/")[2].lower()
    kind = next((kind for mark, kind in _MARKS if re.search(mark, stem)), None)
    if kind is None:
        return None
    size = next((size for size in _LARGE if re.search(rf"(?:^|-){size}(?:-|$)", stem)), "")
    hidden, heads, depth = _LARGE.get(size, (768, 12, 12))
    if "distil" in stem:
        depth = 6
    words = {"gpt2": 50257, "roberta": 50265}.get(kind, 21128 if "chinese" in stem else 28996 if "-cased" in stem else 30522)
    return Family(name, kind, hidden, heads, depth, words)


_MARKS = (
    (r"^(?:chinese-)?distilbert|^distilbert", "distilbert"),
    (r"^xlm|^deberta|^albert|^mobilebert|^camembert|^modernbert", None),
    (r"roberta-wwm|^(?:chinese-)?bert|^(?:\w+-)*bert-(?:base|large|tiny|mini)", "bert"),
    (r"^(?:distil)?roberta", "roberta"),
    (r"^electra", "electra"),
    (r"^(?:distil)?gpt-?2", "gpt2"),
)


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def _word_pieces(size: int, *, chinese: bool) -> list[str]:
    """BERT's order: [PAD], unused, [UNK] at 100, [CLS], [SEP], [MASK], then characters, words and endings."""
    words = ["[PAD]", *(f"[unused{n}]" for n in range(1, 100)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [chr(code) for code in range(33, 127)]
    if chinese:
        words += [chr(code) for code in range(0x3001, 0x3003)] + [chr(code) for code in range(0x4E00, 0x9FA6)] + list("！？，：；（）")
    else:
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        words += [word for word in (*vocabulary(), *_COMMON) if len(word) > 1]
        words += [f"##{letter}" for letter in letters] + [
            f"##{ending}" for ending in ("ing", "ed", "er", "ly", "es", "est", "tion", "ness")
        ]
        words += [f"##{letter.upper()}" for letter in letters if letter.isalpha()]
    words = list(dict.fromkeys(words))[:size]
    return words + [f"[unused{n}]" for n in range(100, 100 + size - len(words))]


_COMMON = tuple(
    re.findall(
        r"\w+",
        """
        hello world this that is are was were be been have has had do does did not yes no you he she it we they my your his her its our
        their me him them and or but if then else when what who how why which all some any many much more most very can could will would
        should may language model models data learning deep machine natural processing text token sentence word paris france london
        capital city good bad new old first last long short big small time day year life work home love like want make made go come see
        know think take give use find
        """,
    )
)


def _byte_letters() -> list[str]:
    """GPT-2's letters for the 256 bytes, in its order: printable bytes stand for themselves, the others for letters from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def _byte_pairs(kind: str, size: int) -> tuple[list[str], list[str]]:
    """A vocabulary and merges that build common words with a leading space; the rest is filled with unused names."""
    merges: dict[str, None] = {}
    tokens = _byte_letters()
    for word in (*_COMMON, *(word for word in vocabulary() if word.isascii() and word.isalpha())):
        built = "Ġ"
        for letter in word:
            merges[f"{built} {letter}"] = None
            built += letter
            tokens.append(built)
    tokens = list(dict.fromkeys(tokens))
    first, last = ([], ["<|endoftext|>"]) if kind == "gpt2" else (["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"])
    filling = (f"<unused{n}>" for n in range(size))
    return [*first, *tokens, *(next(filling) for _ in range(size - len(first) - len(tokens) - len(last))), *last], list(merges)
