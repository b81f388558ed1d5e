"""The definitions that take the place of torchtext's, as texts: a text gets those that it needs."""

from __future__ import annotations

__all__ = [
    "BASIC_ENGLISH",
    "BPTT",
    "CHARACTERS",
    "COUNTED_VOCAB",
    "ENDLESS",
    "GLOVE",
    "GLOVE_METHODS",
    "IMDB",
    "ITERATED_VOCAB",
    "LOADERS",
    "LOOKUP",
    "METHODS",
    "NGRAMS",
    "ORDERED_VOCAB",
    "REVERSE",
    "SPACY",
    "SPACY_TOKENIZER",
    "VOCAB",
]

SPACY = {"en": "en_core_web_sm", "de": "de_core_news_sm", "fr": "fr_core_news_sm", "es": "es_core_news_sm"}

VOCAB = '''class {name}:
    """{specials}words by falling frequency, then alphabetically."""

    def __init__(self, counter, specials{parameters}):
        words = sorted(set(counter) - set(specials), key=lambda word: (-counter[word], word))
        self.itos = specials + {words}
        {stoi}

    def __len__(self):
        return len(self.itos)
'''

BASIC_ENGLISH = """def {name}(text):
    text = re.sub(r'"', "", text.lower())
    text = re.sub(r"<br />|[;:]", " ", text)
    return re.sub(r"([.,()!?'])", r" \\1 ", text).split()
"""

BPTT = '''def bptt_batches(words, batch_size, length):
    """Batches of `length` steps over parallel streams, each with its targets one step ahead."""
    ids = [{vocab}.stoi[word] for word in words]
    ids += [{vocab}.stoi[{pad}]] * (-len(ids) % batch_size)
    data = torch.tensor(ids{device}).view(batch_size, -1).t().contiguous()
    last = len(data) - 1
    return [{row}(data[i : min(i + length, last)]{t}, data[i + 1 : i + 1 + length]{t}) for i in range(0, last, length)]
'''

ENDLESS = """def endless(batches):
    while True:
        yield from batches
"""

CHARACTERS = '''def pad_characters(texts, vocab, pad, height=None, width=None):
    """The numbers of the characters of each word of each text, filled up to the most words and the longest word."""
    height = height or max(len(words) for words in texts)
    width = width or max(len(word) for words in texts for word in words)
    ids = torch.full((len(texts), height, width), vocab.stoi[pad])
    for i, words in enumerate(texts):
        for j, word in enumerate(words):
            ids[i, j, : len(word)] = torch.tensor([vocab.stoi[char] for char in word])
    return ids
'''

REVERSE = '''def to_texts(batch, vocab, dropped, end):
    """The texts of a batch of numbers, each up to its end."""
    texts = [[vocab.itos[number] for number in row] for row in batch.tolist()]
    texts = [text[: text.index(end)] if end in text else text for text in texts]
    return ["".join(word for word in text if word not in dropped) for text in texts]
'''

SPACY_TOKENIZER = """def spacy_tokenizer(model):
    nlp = spacy.load(model)
    return lambda text: [token.text for token in nlp.tokenizer(text)]
"""

ITERATED_VOCAB = '''class Vocab:
    """The special tokens, then words by falling frequency, then alphabetically."""

    def __init__(self, token_lists, min_freq=1, specials=(), max_tokens=None):
        counter = Counter(token for tokens in token_lists for token in tokens)
        words = sorted(set(counter) - set(specials), key=lambda word: (-counter[word], word))
        words = [word for word in words if counter[word] >= min_freq]
        self.itos = [*specials, *words][:max_tokens]
        self.stoi = {word: i for i, word in enumerate(self.itos)}
        self.default = None
'''

LOOKUP = """
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
"""

ORDERED_VOCAB = '''class OrderedVocab:
    """The special tokens, then words in the order in which they are given."""

    def __init__(self, counts, min_freq=1, specials=()):
        words = [word for word, count in counts.items() if count >= min_freq and word not in specials]
        self.itos = [*specials, *words]
        self.stoi = {word: i for i, word in enumerate(self.itos)}
        self.default = None
'''

COUNTED_VOCAB = '''class Vocab:
    """The special tokens, then words by falling frequency, then alphabetically."""

    def __init__(self, counter, max_size=None, min_freq=1, specials=("<unk>", "<pad>")):
        words = sorted(set(counter) - set(specials), key=lambda word: (-counter[word], word))
        self.itos = [*specials, *[word for word in words if counter[word] >= min_freq][:max_size]]
        self.stoi = defaultdict(int, {word: i for i, word in enumerate(self.itos)})  # 0: <unk>

    def __len__(self):
        return len(self.itos)

    def __getitem__(self, word):
        return self.stoi[word]
'''

GLOVE = '''class GloVe:
    """Word vectors; zeros for words that have none."""

    def __init__(self, name, dim):
        self.itos, rows = [], []
        with open(f".vector_cache/glove.{name}.{dim}d.txt", encoding="utf-8") as file:
            for line in file:
                word, *values = line.rstrip().split(" ")
                self.itos.append(word)
                rows.append([float(value) for value in values])
        self.stoi = {word: i for i, word in enumerate(self.itos)}
        self.vectors, self.dim = torch.tensor(rows), dim

    def __getitem__(self, word):
        return self.vectors[self.stoi[word]] if word in self.stoi else torch.zeros(self.dim)
'''

GLOVE_METHODS = {
    "get_vecs_by_tokens": """
    def get_vecs_by_tokens(self, tokens, lower_case_backup=False):
        if isinstance(tokens, str):
            return self[tokens.lower() if lower_case_backup and tokens not in self.stoi else tokens]
        return torch.stack([self.get_vecs_by_tokens(token, lower_case_backup) for token in tokens])
""",
}

NGRAMS = """def ngrams(tokens, n):
    for size in range(1, n + 1):
        yield from (" ".join(tokens[i : i + size]) for i in range(len(tokens) - size + 1))
"""

TOPICS = """def {function}(split):
    with open(f".data/{name}/{{split}}.csv", encoding="utf-8", newline="") as file:
        return [(int(label), " ".join(texts)) for label, *texts in csv.reader(file)]
"""

IMDB = """def imdb(split):
    files = [(number, path) for number, label in ((1, "neg"), (2, "pos")) for path in Path(".data/aclImdb", split, label).glob("*.txt")]
    return [(label, path.read_text(encoding="utf-8")) for label, path in files]
"""

LINES = """def {function}(split):
    with open(f"{path}", encoding="utf-8") as file:
        return list(file)
"""

MULTI30K = """def multi30k(split, languages=("de", "en")):
    name = {"valid": "val", "test": "test2016"}.get(split, split)
    one, two = (open(f".data/multi30k/{name}.{language}", encoding="utf-8") for language in languages)
    with one, two:
        return [(source.rstrip("\\n"), target.rstrip("\\n")) for source, target in zip(one, two)]
"""

SST2 = """def sst2(split):
    with open(f".data/SST2/{split}.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\\t"))
    if split == "test":
        return [(row["sentence"].strip(),) for row in rows]
    return [(row["sentence"].strip(), int(row["label"])) for row in rows]
"""

WITH_TOPICS = "AG_NEWS SogouNews DBpedia YelpReviewPolarity YelpReviewFull YahooAnswers AmazonReviewPolarity AmazonReviewFull".split()

LOADERS: dict[str, tuple[str, tuple[str, ...], str, tuple[str, ...]]] = {
    "SST2": ("sst2", ("train", "dev", "test"), SST2, ("import csv",)),
    "IMDB": ("imdb", ("train", "test"), IMDB, ("from pathlib import Path",)),
    "Multi30k": ("multi30k", ("train", "valid", "test"), MULTI30K, ()),
    **{name: (name.lower(), ("train", "test"), TOPICS.format(function=name.lower(), name=name), ("import csv",)) for name in WITH_TOPICS},
    **{
        name: (name.lower(), ("train", "valid", "test"), LINES.format(function=name.lower(), path=path), ())
        for name, path in {
            "WikiText2": ".data/wikitext-2/wiki.{split}.tokens",
            "WikiText103": ".data/wikitext-103/wiki.{split}.tokens",
            "PennTreebank": ".data/penn-treebank/ptb.{split}.txt",
        }.items()
    },
}
"""By name: the function that reads it, its splits, the definition of that function, imports."""

METHODS = {
    "get_default_index": "\n    def get_default_index(self):\n        return self.default\n",
    "get_itos": "\n    def get_itos(self):\n        return list(self.itos)\n",
    "get_stoi": "\n    def get_stoi(self):\n        return dict(self.stoi)\n",
    "lookup_token": "\n    def lookup_token(self, index):\n        return self.itos[index]\n",
    "lookup_tokens": "\n    def lookup_tokens(self, indices):\n        return [self.itos[index] for index in indices]\n",
    "lookup_indices": "\n    def lookup_indices(self, tokens):\n        return self(tokens)\n",
}
"""Methods of a vocabulary that are written out only if the text uses them."""
