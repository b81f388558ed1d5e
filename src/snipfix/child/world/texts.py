"""Small text corpora in the archives and layouts of the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import archives
from .grammar import news as news_lines
from .grammar import pairs, reviews

if TYPE_CHECKING:
    import re

_SIZES = {"train": (64, 1), "valid": (32, 2), "test": (32, 3)}
_BY_ID = {
    "UDNpeUdjb0wxRms": ("ag_news", "AG_NEWS", 4),
    "UkVqNEszd0pHaFE": ("sogou_news", "SogouNews", 5),
    "Q2Vic1kxMmZZQ1k": ("dbpedia", "DBpedia", 14),
    "NUpYQ2N3SGlFaDg": ("yelp_review_polarity", "YelpReviewPolarity", 2),
    "ZlU4dXhHTFhZQU0": ("yelp_review_full", "YelpReviewFull", 5),
    "d2JNdDBsQUdocVU": ("yahoo_answers", "YahooAnswers", 10),
    "aW12WVVZS2drcnM": ("amazon_review_polarity", "AmazonReviewPolarity", 2),
    "ZVhsUnRWRDhETzA": ("amazon_review_full", "AmazonReviewFull", 5),
}
_QUESTIONS = (
    ("DESC:def", "What is a {} ?"),
    ("HUM:ind", "Who made the first {} ?"),
    ("LOC:other", "Where can I see a {} ?"),
    ("NUM:count", "How many people own a {} ?"),
    ("ENTY:other", "Which animal looks like a {} ?"),
    ("ABBR:exp", "What does the letter in {} stand for ?"),
)
_THINGS = ("car", "book", "house", "garden", "river", "ship", "clock", "bridge")


def parallel(split: str, language: str) -> bytes:
    """One side of a split, a sentence on each line. Languages other than German read as English."""
    side = 0 if language == "de" else 1
    return "".join(f"{pair[side]}\n" for pair in pairs(*_SIZES[split])).encode()


def multi30k(found: re.Match[str]) -> tuple[str, str, bytes]:
    split, name = {"training": ("train", "train"), "validation": ("valid", "val")}.get(found["part"], ("test", "test2016"))
    members = {f"{name}.{language}": parallel(split, language) for language in ("de", "en")}
    return "Multi30k", _parallel_how(), archives.tar_gz(members)


def _parallel_how() -> str:
    return f"{_SIZES['train'][0]} training sentence pairs, German and English, made by rule"


def iwslt(found: re.Match[str]) -> tuple[str, str, bytes]:
    src, trg = found["src"], found["trg"]
    folder, members = f"{src}-{trg}", {}
    for language in (src, trg):
        members[f"{folder}/train.tags.{folder}.{language}"] = b"<url>x</url>\n" + parallel("train", language)
        for name, split in (("tst2013", "valid"), ("tst2014", "test")):
            lines = parallel(split, language).decode().splitlines()
            segments = "".join(f'<seg id="{number}">{line}</seg>' for number, line in enumerate(lines, 1))
            text = f'<mteval><srcset><doc docid="1">{segments}</doc></srcset></mteval>'
            members[f"{folder}/IWSLT16.TED.{name}.{folder}.{language}.xml"] = text.encode()
    return "IWSLT", _parallel_how(), archives.tar_gz(members)


def wmt14(_found: re.Match[str]) -> tuple[str, str, bytes]:
    members = {}
    for name, split in (("train.tok.clean", "train"), ("newstest2013.tok", "valid"), ("newstest2014.tok", "test")):
        for language in ("de", "en"):
            members[f"{name}.bpe.32000.{language}"] = parallel(split, language)
    return "WMT14", _parallel_how(), archives.tar_gz(members)


def imdb(_found: re.Match[str]) -> tuple[str, str, bytes]:
    members = {f"aclImdb/{split}/{name}": text for split in ("train", "test") for name, text in film_reviews(split).items()}
    return "IMDB", FILM_REVIEWS, archives.tar_gz(members)


FILM_REVIEWS = "200 training and 60 test reviews made by rule, in its folders"


def film_reviews(split: str) -> dict[str, bytes]:
    """The files of one split of IMDB, `pos/0_9.txt`."""
    drawn = enumerate(reviews(200 if split == "train" else 60, len(split)))
    return {f"{mood}/{index}_{9 if mood == 'pos' else 2}.txt": text.encode() for index, (text, mood) in drawn}


SENTIMENT = "200 training and 60 other reviews of a sentence made by rule, in its TSV files"


def sentiment(split: str) -> bytes:
    """One file of SST-2: a sentence and its mood on each line, behind a header; in the test split a number and a sentence."""
    drawn = list(reviews(200 if split == "train" else 60, {"train": 5, "dev": 6}.get(split, 7)))
    sentences = [(text.partition(".")[0].lower() + " ", mood) for text, mood in drawn]
    if split == "test":
        return "".join(["index\tsentence\n", *(f"{number}\t{text}\n" for number, (text, _) in enumerate(sentences))]).encode()
    return "".join(["sentence\tlabel\n", *(f"{text}\t{int(mood == 'pos')}\n" for text, mood in sentences)]).encode()


def wikitext(found: re.Match[str]) -> tuple[str, str, bytes]:
    name = found["name"]
    members = {f"{name}/wiki.{split}.tokens": prose(split) for split in _SIZES}
    return (
        {"wikitext-2": "WikiText2"}.get(name, "WikiText103"),
        f"{_SIZES['train'][0]} training lines made by rule",
        archives.zipped(members),
    )


def penn(found: re.Match[str]) -> tuple[str, str, bytes]:
    text = prose(found["split"]).decode().lower().encode()
    return "PennTreebank", f"{_SIZES['train'][0]} training lines made by rule", text


def prose(split: str) -> bytes:
    return "".join(f" {english[:-1]} . \n" for _, english in pairs(*_SIZES[split])).encode()


def trec(found: re.Match[str]) -> tuple[str, str, bytes]:
    return "TREC", QUESTIONS, questions(found["name"])


QUESTIONS = "240 training and 60 test questions made by rule"


def questions(name: str) -> bytes:
    """One file of TREC: a label and a question on each line."""
    number = 240 if name.startswith("train") else 60
    rows = ((*_QUESTIONS[index % 6], _THINGS[index * 7 % len(_THINGS)]) for index in range(number))
    return "".join(f"{label} {question.format(thing)}\n" for label, question, thing in rows).encode()


def news(found: re.Match[str]) -> tuple[str, str, bytes]:
    stem, name, classes = _BY_ID[found["id"][13:]]
    members = {f"{stem}_csv/{split}.csv": topics(classes, split) for split in ("train", "test")}
    return name, f"280 training and 70 test lines of {classes} topics made by rule, in its CSV files", archives.tar_gz(members)


def udpos(_found: re.Match[str]) -> tuple[str, str, bytes]:
    members = {f"en-ud-v2/en-ud-tag.v2.{name}.txt": tagged(name) for name in ("train", "dev", "test")}
    return "UDPOS", TAGGED, archives.zipped(members)


TAGGED = "64 training sentences made by rule, each word with its part of speech"
_PARTS = {
    **dict.fromkeys(("a", "an", "the"), ("DET", "DT")),
    **dict.fromkeys(("two", "three"), ("NUM", "CD")),
    **dict.fromkeys(("is", "are"), ("AUX", "VBZ")),
    **dict.fromkeys(("little", "young", "red", "many"), ("ADJ", "JJ")),
    **dict.fromkeys(("in", "on", "at", "with", "of", "to", "next"), ("ADP", "IN")),
    ".": ("PUNCT", "."),
}


def tagged(split: str) -> bytes:
    """One split of a corpus of tagged words: a word on each line with its two tags, an empty line behind each sentence."""
    sentences = [f"{english[:-1]} .".split() for _, english in pairs(*_SIZES[{"dev": "valid"}.get(split, split)])]
    lines = [[f"{word}\t{tag}\t{finer}" for word in words for tag, finer in [_part(word)]] for words in sentences]
    return "".join("\n".join(one) + "\n\n" for one in lines).encode()


def _part(word: str) -> tuple[str, str]:
    return _PARTS.get(word.lower()) or (("VERB", "VBG") if word.endswith("ing") else ("NOUN", "NN"))


def topics(classes: int, split: str) -> bytes:
    """One split of a corpus of topics: class, title and text in quotes."""
    rows = news_lines(280 if split == "train" else 70, classes, len(split))
    return "".join(f'"{topic}","{line}","{line} ."\n' for topic, line in rows).encode()


def corpora() -> list[str]:
    """The names of the corpora of topics."""
    return [corpus for _, corpus, _ in _BY_ID.values()]


def topical(name: str) -> tuple[str, int] | None:
    """The corpus of topics that a folder is named after, `AG_NEWS` or `ag_news_csv`, with its number of classes."""
    for stem, corpus, classes in _BY_ID.values():
        if name in (stem, f"{stem}_csv", corpus):
            return corpus, classes
    return None


def served_name(url: str) -> str:
    """The file name that a file host sends along, for addresses that do not show it."""
    stem = next((stem for ending, (stem, _, _) in _BY_ID.items() if url.endswith(ending)), None)
    return f"{stem}_csv.tar.gz" if stem else "wmt16_en_de.tar.gz"
