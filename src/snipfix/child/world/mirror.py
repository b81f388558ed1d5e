"""The one list of addresses that the World can answer, whichever library asks.

`fetch` gives the bytes of a small file in the real one's format. Its makers run when first asked; what they make is remembered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import graphs, images, record, texts, vectors

if TYPE_CHECKING:
    from collections.abc import Callable

Made = tuple[str, str, bytes]
"""The name to report, how it was made, the content."""

_MAKERS: tuple[tuple[str, Callable[[re.Match[str]], Made]], ...] = (
    (r"(?P<split>train|t10k)-(?P<part>images-idx3|labels-idx1)-ubyte\.gz$", images.idx_file),
    (r"EMNIST/gzip\.zip$", images.emnist),
    (r"/cifar-(?P<classes>10|100)-python\.tar\.gz$", images.cifar),
    (r"/stl10_binary\.tar\.gz$", images.stl10),
    (r"/glove\.(?P<name>[\w.]+?)(?:\.(?P<dim>\d+)d)?\.zip$", vectors.glove),
    (r"/wiki\.(?P<language>[\w-]+)\.vec$", vectors.fast_text),
    (r"wmt1[67]_files_mmt/(?P<part>training|validation|mmt_task1_test2016)\.tar\.gz$", texts.multi30k),
    (r"/texts/(?P<src>\w+)/(?P<trg>\w+)/(?P=src)-(?P=trg)\.tgz$", texts.iwslt),
    (r"id=0B_bZck-ksdkpM25jRUN2X2UxMm8", texts.wmt14),
    (r"/aclImdb_v1\.tar\.gz$", texts.imdb),
    (r"/(?P<name>wikitext-(?:2|103))-v1\.zip$", texts.wikitext),
    (r"/ptb\.(?P<split>train|valid|test)\.txt$", texts.penn),
    (r"/(?P<name>train_5500|TREC_10)\.label$", texts.trec),
    (r"/en-ud-v2\.zip$", texts.udpos),
    (r"id=(?P<id>0Bz8a_Dbh9Qh\w+)", texts.news),
    (r"/ind\.(?P<name>cora|citeseer|pubmed)\.(?P<part>x|tx|allx|y|ty|ally|graph|test\.index)$", graphs.planetoid),
    (r"(?:graphkerneldatasets|graph_datasets/master/datasets)/(?P<name>[\w-]+)\.zip$", graphs.tu),
)

_made: dict[str, bytes] = {}


def fetch(url: str) -> bytes | None:
    """The content of the stand-in for an address, noted as used; None for an address that has none."""
    if url in _made:
        return _made[url]
    for pattern, make in _MAKERS:
        found = re.search(pattern, url)
        if found:
            what, how, content = make(found)
            record.note(what, how)
            _made[url] = record.own(content)
            return content
    return None


def answers(url: str) -> bool:
    """Whether `fetch` has a file for this address."""
    return any(re.search(pattern, url) for pattern, _ in _MAKERS)
