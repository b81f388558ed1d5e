"""torchtext: archived, and its fields and iterators gone long before."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.model import Applicability, Category, Finding, Fix, Meaning
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.torchtext.migrate import migration, uses_fields
from snipfix.rules.torchtext.model import NotMigratable, torchtext_name

ROWS = 'with open("train.json", "w") as out:\n    out.write(\'{"text": "b a b", "label": "pos"}\\n{"text": "c", "label": "neg"}\\n\')\n'


class TorchtextPipeline(Rule):
    """The text imports torchtext, which is archived and cannot be imported beside a current torch.

    ## What it does
    Reports the first import of torchtext. Where the text uses fields, data sets and iterators in a way that is understood, the fix rewrites them in
    plain Python and torch: `Counter`, a list of named tuples, `DataLoader` with a collate function, `pad_sequence`.

    ## Why is this bad?
    `Field`, `TabularDataset`, `BucketIterator` and their kin moved to `torchtext.legacy` in 0.9 and were removed in 0.12. The last release, 0.18, is
    built for torch 2.3 and does not load beside a later one.

    ## Example
    ```python
    from torchtext.data import BucketIterator, Field, TabularDataset
    ```

    ## Use instead
    ```python
    from torch.nn.utils.rnn import pad_sequence
    from torch.utils.data import DataLoader
    ```

    ## Fix safety
    The vocabulary, its order and the ids of a batch are torchtext's own. Batches are shuffled, and not gathered by length as `BucketIterator` does, so
    there is more padding. Vectors that the text never reads are not loaded.

    ## References
    - github.com/pytorch/text, README, "WARNING: TorchText development is stopped", and the release notes of 0.9 and 0.12.
    """

    id = "SNF180"
    name = "torchtext-pipeline"
    category = Category.DEPRECATED
    applicability = Applicability.SAFE
    GOOD = (
        Good("from collections import Counter\n\nprint(Counter('abca').most_common(1))"),
        Good("torchtext = 1\nprint(torchtext)"),
        Good("try:\n    import torchtext\nexcept ImportError:\n    torchtext = None", runs=False),
    )
    BAD = (
        Bad(
            "import torch\nfrom torchtext.data import BucketIterator, Field, TabularDataset\n\n"
            + ROWS
            + "# 加载数据集\nTEXT = Field(lower=True)\nLABEL = Field(sequential=False)\n"
            "train = TabularDataset(path='train.json', format='json', fields={'text': ('text', TEXT), 'label': ('label', LABEL)})\n"
            "TEXT.build_vocab(train, max_size=100)\nLABEL.build_vocab(train)\nbatches = BucketIterator(train, batch_size=2)\n"
            "for batch in batches:\n    print(batch.text, batch.label, len(TEXT.vocab))\n",
            at=(2, 1),
            fixed="import torch\nimport json\nfrom collections import Counter, defaultdict, namedtuple\nfrom torch.nn.utils.rnn import pad_sequence\n"
            "from torch.utils.data import DataLoader\n\n" + ROWS + "# 加载数据集\n"
            'Row = namedtuple("Row", ["text", "label"])\n\ndef load(path):\n    with open(path, encoding="utf-8") as file:\n'
            "        rows = [json.loads(line) for line in file]\n"
            '    return [Row(row["text"].lower().split(), row["label"]) for row in rows]\n\ntrain = load(\'train.json\')\n\n'
            'class Vocab:\n    """The special tokens, then words by falling frequency, then alphabetically."""\n\n'
            "    def __init__(self, counter, specials, max_size=None):\n"
            "        words = sorted(set(counter) - set(specials), key=lambda word: (-counter[word], word))\n"
            "        self.itos = specials + words[:max_size]\n"
            "        self.stoi = defaultdict(int, {word: i for i, word in enumerate(self.itos)})  # 0: <unk>\n\n"
            "    def __len__(self):\n        return len(self.itos)\n\n"
            'text_vocab = Vocab(Counter(word for row in train for word in row.text), ["<unk>", "<pad>"], max_size=100)\n'
            'label_vocab = Vocab(Counter(row.label for row in train), ["<unk>"])\n\n'
            "def collate(batch):\n    text_ids = [torch.tensor([text_vocab.stoi[word] for word in row.text]) for row in batch]\n"
            '    text = pad_sequence(text_ids, padding_value=text_vocab.stoi["<pad>"])\n'
            "    label = torch.tensor([label_vocab.stoi[row.label] for row in batch])\n    return Row(text, label)\n\n"
            "batches = DataLoader(train, batch_size=2, shuffle=True, collate_fn=collate)\n"
            "for batch in batches:\n    print(batch.text, batch.label, len(text_vocab))\n",
            runs=False,
        ),
        Bad(  # rows made in the line of the data set itself
            "import torch\nfrom torchtext.data import Dataset, Example, Field\n\nTEXT = Field()\nfields = [('text', TEXT)]\n"
            "data = Dataset([Example.fromlist([line], fields) for line in ('a b', 'c')], fields)\nprint(data[0].text)\n",
            at=(2, 1),
            fixed='import torch\nfrom collections import namedtuple\n\nRow = namedtuple("Row", ["text"])\n\n'
            "data = [Row(line.split()) for line in ('a b', 'c')]\nprint(data[0].text)\n",
            runs=False,
        ),
        Bad("import math\nimport torchtext\n\nprint(math.pi)\n", at=(2, 1), fixed="import math\n\nprint(math.pi)\n", runs=False),
        Bad("from torchtext.datasets import AG_NEWS\n\nprint(AG_NEWS(split='train'))\n", at=(1, 1), runs=False,
            fixed='import csv\n\ndef ag_news(split):\n    with open(f".data/AG_NEWS/{split}.csv", encoding="utf-8", newline="") as file:\n'
            '        return [(int(label), " ".join(texts)) for label, *texts in csv.reader(file)]\n\nprint(ag_news("train"))\n'),
        Bad("from torchtext.data import SubwordField\n\nTEXT = SubwordField()\n", at=(1, 1), runs=False),
        Bad("from torchtext.datasets import SQuAD1\n\nprint(SQuAD1(split='train'))\n", at=(1, 1), runs=False),
    )  # fmt: skip

    def static(self, context: Context) -> Iterator[Finding]:
        if "torchtext" not in context.scopes.packages:
            return
        statements = [one.node for one in context.scopes.imports if one.target.split(".")[0] == "torchtext"]
        statements = [node for node in dict.fromkeys(statements) if not any(isinstance(up, ast.Try) for up in context.code.ancestors(node))]
        if not statements:
            return
        lines = sorted(
            {load.node.lineno for load in context.scopes.loads if (context.scopes.qualified(load.node) or "").startswith("torchtext")}
        )
        lines += [node.lineno for node in statements[1:]]
        message = "torchtext is archived and cannot be imported beside a current torch"
        if subwords := _cut_by_revtok(context):
            message += f"; `{subwords}` needs the package revtok too: train a tokenizer of the tokenizers library, and let a collate function pad its ids"
        evidence = {"also": sorted(set(lines))} if lines else {}
        if not uses_fields(context):  # what its last release in plain Python says of the later style is no fault of the text
            evidence["hides"] = sorted(set(lines))
        yield self.finding(message, context.code.span(statements[0]), evidence=evidence)

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        from snipfix.codemods.imports import remove_import

        used = any((context.scopes.qualified(load.node) or "").split(".")[0] == "torchtext" for load in context.scopes.loads)
        if not used:
            yield self.fix("Remove the import", *remove_import(context.code, "torchtext"), meaning=Meaning.KEEPS)
            return
        try:
            edits = migration(context)
        except NotMigratable:
            return
        yield self.fix("Rewrite the pipeline in plain Python and torch", *edits, meaning=Meaning.KEEPS)


def _cut_by_revtok(context: Context) -> str:
    """The field of a text that cuts words up, or puts them together again, with a package of its own."""
    for call, _ in context.scopes.calls:
        name = torchtext_name(context, call.func)
        tokenize = next((keyword.value for keyword in call.keywords if keyword.arg == "tokenize"), None)
        if name == "SubwordField" or (name == "ReversibleField" and not (isinstance(tokenize, ast.Name) and tokenize.id == "list")):
            return name
    return ""
