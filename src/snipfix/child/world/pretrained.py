"""Files of pretrained models: real widths and vocabulary layout, two layers, random weights, a tokenizer of the right kind."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

from . import record, vocabularies

_LAYERS = 2
_SIZES = {
    "small": (512, 8, 6),
    "base": (768, 12, 12),
    "medium": (1024, 16, 24),
    "large": (1024, 16, 24),
    "xl": (1600, 25, 48),
    "mini": (256, 4, 4),
    "tiny": (128, 2, 2),
}
"""Width, attention heads and depth by the word in the name."""
_ARCHITECTURES = {
    "bart": "BartForConditionalGeneration",
    "bert": "BertForPreTraining",
    "distilbert": "DistilBertForMaskedLM",
    "electra": "ElectraForPreTraining",
    "gpt2": "GPT2LMHeadModel",
    "roberta": "RobertaForMaskedLM",
    "t5": "T5ForConditionalGeneration",
}
_WORDS = {"bart": 50265, "gpt2": 50257, "roberta": 50265, "t5": 32128}
_MARKS = (
    (r"^xlm|^deberta|^albert|^mobilebert|^camembert|^modernbert", None),
    (r"^distilbert", "distilbert"),
    (r"roberta-wwm|^(?:chinese-)?bert|^(?:\w+-)*bert-(?:base|large|tiny|mini)", "bert"),
    (r"^(?:distil)?roberta", "roberta"),
    (r"^electra", "electra"),
    (r"^(?:distil)?gpt-?2", "gpt2"),
    (r"^bart-", "bart"),
    (r"^t5-", "t5"),
)


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
        """The contents of config.json."""
        labels = {"id2label": {0: "NEGATIVE", 1: "POSITIVE"}, "label2id": {"NEGATIVE": 0, "POSITIVE": 1}} if "sst-2" in self.name else {}
        common = {"model_type": self.kind, "dtype": "float32", "architectures": [_ARCHITECTURES[self.kind]], "vocab_size": self.words}
        return {**common, **self._widths(), **labels}

    def _widths(self) -> dict[str, Any]:
        hidden, heads, layers = self.hidden, self.heads, self.layers
        if self.kind == "gpt2":
            return {"n_embd": hidden, "n_head": heads, "n_layer": layers, "n_inner": hidden, "bos_token_id": 50256, "eos_token_id": 50256}
        if self.kind == "distilbert":
            return {"dim": hidden, "n_heads": heads, "n_layers": layers, "hidden_dim": hidden}
        if self.kind == "t5":
            special = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
            return {"d_model": hidden, "d_kv": 64, "num_heads": heads, "num_layers": layers, "d_ff": hidden, **special}
        if self.kind == "bart":
            sides = {
                f"{side}_{name}": value
                for side in ("encoder", "decoder")
                for name, value in (("layers", layers), ("ffn_dim", hidden), ("attention_heads", heads))
            }
            return {"d_model": hidden, **sides}
        widths = {"hidden_size": hidden, "num_attention_heads": heads, "num_hidden_layers": layers, "intermediate_size": hidden}
        if self.kind == "roberta":
            widths.update(max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2)
        return widths

    def write_config(self, folder: str) -> None:
        record.note(self.name, f"random weights, {self.layers} of {self.depth} layers, feed-forward {self.hidden} wide")
        self._write_config(folder)

    def _write_config(self, folder: str) -> None:
        _write(folder, "config.json", json.dumps(self.config()))

    def write_tokenizer(self, folder: str) -> None:
        settings: dict[str, Any] = {"model_max_length": 1024 if self.kind in ("gpt2", "bart") else 512}
        if self.kind == "t5":
            settings.update(tokenizer_class="T5Tokenizer", extra_ids=100)
            _write(folder, "tokenizer.json", json.dumps(vocabularies.unigrams(self.words - 128)))
        elif self.kind in ("gpt2", "roberta", "bart"):
            words, merges = vocabularies.byte_pairs(self.words, gpt=self.kind == "gpt2")
            _write(folder, "vocab.json", json.dumps({word: index for index, word in enumerate(words)}))
            _write(folder, "merges.txt", "#version: 0.2\n" + "".join(f"{merge}\n" for merge in merges))
        else:
            settings.update(do_lower_case="-cased" not in self.name)
            words = vocabularies.word_pieces(self.words, chinese="chinese" in self.name)
            _write(folder, "vocab.txt", "".join(f"{word}\n" for word in words))
        _write(folder, "tokenizer_config.json", json.dumps(settings))

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


def family_of(name: str) -> Family | None:
    """What a hub name stands for; None for names of families that are not known here."""
    stem = name.rpartition("/")[2].lower()
    kind = next((kind for mark, kind in _MARKS if re.search(mark, stem)), None)
    if kind is None:
        return None
    size = next((size for size in _SIZES if re.search(rf"(?:^|-){size}(?:-|$)", stem)), "base")
    hidden, heads, depth = _SIZES[size]
    if "distil" in stem or kind == "bart":
        depth //= 2
    words = _WORDS.get(kind) or (21128 if "chinese" in stem else 28996 if "-cased" in stem else 30522)
    return Family(name, kind, hidden, heads, depth, words)


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)
