"""Translation without torchtext: causal, padding ignored, each language with its own vocabulary."""

from snipfix.codemods import replace_method, substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q26_transformer",
    sha256="685c8158a84bc94185ef0ebc731dcb3acdcc5b4586c6df6264764929b8b8dc0f",
    answers=(
        "Asks for a simple Transformer for machine translation. It now learns to predict the next target word from the source sentence "
        "and the words before it."
    ),
    why=(
        "torchtext's Field is gone, and Batch never was an iterator. Beyond it: the arguments of nn.Transformer are in the wrong places, "
        "two languages share one vocabulary size, positions, masks and the shift of the target are missing. One pipeline that answers "
        "all of it is more than a rule can infer."
    ),
    why_zh=(
        "torchtext 的 Field 已不存在，Batch 也从来不是迭代器。此外："
        "nn.Transformer 的参数位置不对；两种语言共用一个词表大小；缺少位置编码、掩码和目标序列的错位。"
        "能同时解决这一切的流程，不是规则能推断的。"
    ),
)

IMPORTS = """\
import spacy
from collections import Counter
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
"""

FORWARD = """\
def forward(self, src, tgt):
    src_padding, tgt_padding = src == self.pad_idx, tgt == self.pad_idx
    # 因果掩码：每个位置只能看到自己和之前的位置
    tgt_mask = torch.ones(tgt.size(1), tgt.size(1), dtype=torch.bool, device=tgt.device).triu(1)
    src = self.encoder(src) + self.position(torch.arange(src.size(1), device=src.device))
    tgt = self.decoder(tgt) + self.position(torch.arange(tgt.size(1), device=tgt.device))
    output = self.transformer(src, tgt, tgt_mask=tgt_mask, src_key_padding_mask=src_padding,
                              tgt_key_padding_mask=tgt_padding, memory_key_padding_mask=src_padding)
    output = self.fc(output)
    return output
"""

FIELDS = """\
SRC = Field(tokenize='spacy', tokenizer_language='de', lower=True)
TRG = Field(tokenize='spacy', tokenizer_language='en', lower=True)
train_data, valid_data, test_data = Multi30k.splits(exts=('.de', '.en'), fields=(SRC, TRG))
SRC.build_vocab(train_data, min_freq=2)
TRG.build_vocab(train_data, min_freq=2)
"""

PLAIN = """\
spacy_de, spacy_en = spacy.load('de_core_news_sm'), spacy.load('en_core_web_sm')

def tokenize(nlp, line):
    return [token.text.lower() for token in nlp.tokenizer(line.strip())]

def load_data(path):
    with open(path + '.de', encoding='utf-8') as src_file, open(path + '.en', encoding='utf-8') as tgt_file:
        return [(tokenize(spacy_de, src), tokenize(spacy_en, tgt)) for src, tgt in zip(src_file, tgt_file)]

def build_vocab(sentences, specials, min_freq):
    counter = Counter(token for sentence in sentences for token in sentence)
    words = sorted(counter, key=lambda word: (-counter[word], word))  # 按词频降序，同频按字母顺序
    return {word: index for index, word in enumerate(specials + [word for word in words if counter[word] >= min_freq])}

def encode(tokens, vocab):
    return torch.tensor([vocab.get(token, vocab['<unk>']) for token in tokens])

def collate(batch):
    src = [encode(src_tokens, src_vocab) for src_tokens, _ in batch]
    tgt = [encode(['<sos>'] + tgt_tokens + ['<eos>'], tgt_vocab) for _, tgt_tokens in batch]
    return pad_sequence(src, batch_first=True, padding_value=pad_idx), pad_sequence(tgt, batch_first=True, padding_value=pad_idx)

train_data = load_data('.data/multi30k/train')
valid_data = load_data('.data/multi30k/val')
test_data = load_data('.data/multi30k/test2016')
src_vocab = build_vocab([src for src, _ in train_data], ['<unk>', '<pad>'], min_freq=2)
tgt_vocab = build_vocab([tgt for _, tgt in train_data], ['<unk>', '<pad>', '<sos>', '<eos>'], min_freq=2)
pad_idx = tgt_vocab['<pad>']  # 在两个词表中编号相同
"""

TRANSFORM = (
    step(substitute, "from torchtext.datasets import Multi30k\nfrom torchtext.data import Field, Batch\n", IMPORTS),
    step(
        substitute,
        "num_heads, num_layers, vocab_size):\n",
        "num_heads, num_layers, src_vocab_size, tgt_vocab_size, pad_idx, max_len=512):\n",
    ),
    step(
        substitute,
        "        self.encoder = nn.Embedding(vocab_size, embed_dim)\n        self.decoder = nn.Embedding(vocab_size, embed_dim)\n",
        "        self.pad_idx = pad_idx\n"
        "        self.encoder = nn.Embedding(src_vocab_size, embed_dim)\n"
        "        self.decoder = nn.Embedding(tgt_vocab_size, embed_dim)\n"
        "        self.position = nn.Embedding(max_len, embed_dim)\n",
    ),
    step(
        substitute,
        "nn.Transformer(embed_dim, hidden_dim, num_heads, num_layers)",
        "nn.Transformer(embed_dim, num_heads, num_layers, num_layers, hidden_dim, batch_first=True)",
    ),
    step(substitute, "nn.Linear(hidden_dim, vocab_size)", "nn.Linear(embed_dim, tgt_vocab_size)"),
    step(replace_method, "TransformerModel.forward", FORWARD),
    step(substitute, FIELDS, PLAIN),
    step(substitute, "vocab_size = len(SRC.vocab)", "vocab_size = len(tgt_vocab)"),
    step(substitute, "num_layers, vocab_size)\ncriterion", "num_layers, len(src_vocab), vocab_size, pad_idx)\ncriterion"),
    step(substitute, "nn.CrossEntropyLoss()", "nn.CrossEntropyLoss(ignore_index=pad_idx)"),
    step(
        substitute,
        "    for batch in Batch(train_data, batch_size=64):\n",
        "    for batch in DataLoader(train_data, batch_size=64, shuffle=True, collate_fn=collate):\n",
    ),
    step(
        substitute,
        "        src, tgt = batch.src, batch.trg\n        output = model(src, tgt)\n",
        "        src, tgt = batch\n        output = model(src, tgt[:, :-1])  # 输入前面的词，预测下一个词\n",
    ),
    step(substitute, "tgt.view(-1))", "tgt[:, 1:].reshape(-1))"),
)
