"""Data files that the snippet opens but nobody has: made when opened, where the snippet's own text says what they hold.

Two kinds: tables of a train, validation or test split (JSON, CSV, TSV) with the columns that the snippet names, and files of well-known
corpora in their well-known place. Any other missing file stays missing.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from . import record, tables, texts, vectors

_TABLE = re.compile(r"(?:^|[/_.-])(?P<split>train|training|valid|validation|val|dev|test|testing)\.(?P<kind>jsonl?|csv|tsv)$")
_LINES = re.compile(r"(?P<corpus>wikitext-2|wikitext-103|penn-?treebank|ptb)/(?:.*[/.])?(?P<split>train|valid|test)\.(?:tokens|txt)$")
_QUESTIONS = re.compile(r"trec/(?P<name>train_5500|TREC_10)\.label$")
_TAGGED = re.compile(r"en-ud-tag\.v2\.(?P<split>train|dev|test)\.txt$")
_SENTIMENT = re.compile(r"SST-?2/(?P<split>train|dev|test)\.tsv$")
_TOPICS = re.compile(r"(?P<corpus>\w+)/(?P<split>train|test)\.csv$")
_MULTI30K = re.compile(r"multi30k/(?P<split>train|val|test2016)\.(?P<language>de|en)$")
_GLOVE = re.compile(r"glove\.(?P<name>[\w.]+?)\.(?P<dim>\d{2,3})d\.txt$")

# Compiled here, once for all jobs, rather than at the first search of each.
_NAMES_A_TABLE = re.compile(r"\.(?:jsonl?|csv|tsv)\b")
_NAMES_A_CORPUS = re.compile(r"multi30k|glove|SST-?2|trec/|en-ud-tag|wikitext|penn|ptb|_csv|" + "|".join(texts.corpora()))
_REVIEWS = re.compile(r"""["']((?:[\w.-]+/)*aclImdb)\b""")


def install(code: str) -> None:
    """Watch the opening of files, if the code names one of those that can be made."""
    _make_folders(code)
    table = tables.read(code) if _NAMES_A_TABLE.search(code) else None
    if table is None and not _NAMES_A_CORPUS.search(code):
        return
    busy = False

    def watch(event: str, arguments: Any) -> None:
        nonlocal busy
        if event != "open" or busy or not isinstance(arguments[0], (str, bytes)) or _writes(arguments[1]):
            return
        busy = True
        try:
            _make(os.fsdecode(arguments[0]), table)
        finally:
            busy = False

    sys.addaudithook(watch)


def _writes(mode: Any) -> bool:
    return isinstance(mode, str) and not mode.startswith("r")


def _make(path: str, table: tables.Table | None) -> None:
    made = None if os.path.lexists(path) else _content(path, table)
    if made is None:
        return
    how, content = made
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    record.note(os.path.basename(path), how)


def _make_folders(code: str) -> None:
    """The folders of IMDB that the code names, before they are looked for: nobody is told of a folder that is not there."""
    for root in dict.fromkeys(_REVIEWS.findall(code)):
        if os.path.lexists(root):
            continue
        for split in ("train", "test"):
            for name, content in texts.film_reviews(split).items():
                file = f"{root}/{split}/{name}"
                os.makedirs(os.path.dirname(file), exist_ok=True)
                with open(file, "wb") as stream:
                    stream.write(content)
        record.note("IMDB", texts.FILM_REVIEWS)


def _content(path: str, table: tables.Table | None) -> tuple[str, bytes] | None:
    path = path.replace(os.sep, "/")
    found = _LINES.search(path)
    if found:
        return "lines made by rule, as the corpus's own archive holds here", texts.prose(found["split"])
    found = _QUESTIONS.search(path)
    if found:
        return texts.QUESTIONS, texts.questions(found["name"])
    found = _TAGGED.search(path)
    if found:
        return texts.TAGGED, texts.tagged(found["split"])
    found = _SENTIMENT.search(path)
    if found:
        return texts.SENTIMENT, texts.sentiment(found["split"])
    found = _TOPICS.search(path)
    if found and (known := texts.topical(found["corpus"])):
        return f"lines of {known[1]} topics made by rule, as {known[0]}'s archive holds here", texts.topics(known[1], found["split"])
    found = _TABLE.search(path)
    if found and table is not None:
        return table.file(found["kind"], training=found["split"].startswith("train"))
    found = _MULTI30K.search(path)
    if found:
        split = {"train": "train", "val": "valid", "test2016": "test"}[found["split"]]
        return "sentences made by rule, the same that Multi30k's archive holds here", texts.parallel(split, found["language"])
    found = _GLOVE.search(path)
    if found:
        return "random vectors in GloVe's text format", vectors.table(int(found["dim"]))
    return None
