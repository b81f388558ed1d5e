"""Vocabularies in the layouts of the real tokenizers, with common words in them and unused names to fill the real size."""

from __future__ import annotations

import re
from typing import Any

from .grammar import vocabulary


def word_pieces(size: int, *, chinese: bool) -> list[str]:
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


def byte_pairs(size: int, *, gpt: bool) -> tuple[list[str], list[str]]:
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
    first, last = ([], ["<|endoftext|>"]) if gpt else (["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"])
    filling = (f"<unused{n}>" for n in range(size))
    return [*first, *tokens, *(next(filling) for _ in range(size - len(first) - len(tokens) - len(last))), *last], list(merges)


def unigrams(size: int) -> dict[str, Any]:
    """T5's tokenizer.json: pieces with a leading mark for the space, and their log-probabilities."""
    words = [f"▁{word}" for word in (*_COMMON, *vocabulary()) if word.isalpha()]
    pieces = {"<pad>": 0.0, "</s>": 0.0, "<unk>": 0.0, **dict.fromkeys(words, -10.0)}
    pieces.update(dict.fromkeys(["▁", *(chr(code) for code in range(33, 127))], -20.0))
    pieces.update((f"<unused{n}>", -100.0) for n in range(size - len(pieces)))
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    model = {"type": "Unigram", "unk_id": 2, "vocab": list(pieces.items()), "byte_fallback": False}
    return {"version": "1.0", "added_tokens": [], "pre_tokenizer": space, "decoder": space, "model": model}
