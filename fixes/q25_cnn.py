"""Text classification without torchtext: the same tokens, the same vocabulary, the same word vectors."""

from snipfix.codemods import add_import, substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q25_cnn",
    sha256="064eb97152fcf717b3a0871945f3f0ee710d392837b36d23e6b86ecc43a5fbd9",
    answers=(
        "Asks for a simple text CNN. Plain Python reads the JSON lines and builds the vocabulary that torchtext built; the convolutions "
        "slide over words, and the loss fits classes."
    ),
    why=(
        "torchtext's Field is gone. Beyond it: JSON cannot be read with a list of fields, the embedding's dimension stands where the "
        "sentence belongs, F is not imported, classes are fed to a binary loss, and the word vectors never reach the model. One pipeline "
        "that answers all of it is more than a rule can infer."
    ),
    why_zh=(
        "torchtext 的 Field 已不存在。此外：JSON 不能用字段列表读取；嵌入维度占了句子长度的位置；"
        "没有导入 F；把类别送进了二元损失；词向量从未进入模型。能同时解决这一切的流程，不是规则能推断的。"
    ),
)

IMPORTS = """\
import json
import spacy
from collections import Counter
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
"""

FIELDS = """\
TEXT = Field(tokenize='spacy', tokenizer_language='en_core_web_sm', lower=True)
LABEL = Field(sequential=False)
train_data, test_data = TabularDataset.splits(path='data', train='train.json', test='test.json',
                                             format='json', fields=[('text', TEXT), ('label', LABEL)])
TEXT.build_vocab(train_data, max_size=25000, vectors="glove.6B.100d")
LABEL.build_vocab(train_data)
train_iterator, test_iterator = BucketIterator.splits((train_data, test_data), batch_size=64)
"""

PLAIN = """\
spacy_en = spacy.load('en_core_web_sm')

def load_data(path):
    with open(path, encoding='utf-8') as f:
        rows = [json.loads(line) for line in f]
    return [([token.text.lower() for token in spacy_en.tokenizer(row['text'])], row['label']) for row in rows]

def build_vocab(tokens, specials, max_size=None):
    counter = Counter(tokens)
    words = sorted(counter, key=lambda word: (-counter[word], word))  # 按词频降序，同频按字母顺序
    return {word: index for index, word in enumerate(specials + words[:max_size])}

def collate(batch):
    texts = [torch.tensor([text_vocab.get(token, 0) for token in tokens]) for tokens, _ in batch]
    labels = torch.tensor([label_vocab.get(label, 0) for _, label in batch])
    return pad_sequence(texts, batch_first=True, padding_value=text_vocab['<pad>']), labels

train_data, test_data = load_data('data/train.json'), load_data('data/test.json')
text_vocab = build_vocab((token for tokens, _ in train_data for token in tokens), ['<unk>', '<pad>'], max_size=25000)
label_vocab = build_vocab((label for _, label in train_data), ['<unk>'])
train_iterator = DataLoader(train_data, batch_size=64, shuffle=True, collate_fn=collate)
test_iterator = DataLoader(test_data, batch_size=64, collate_fn=collate)
"""

VECTORS = """\
with open('.vector_cache/glove.6B.100d.txt', encoding='utf-8') as f:  # 预训练词向量
    for line in f:
        word, *values = line.rstrip().split(' ')
        if word in text_vocab:
            model.embedding.weight.data[text_vocab[word]] = torch.tensor([float(value) for value in values])
"""

TRANSFORM = (
    step(add_import, "torch.nn.functional", alias="F"),
    step(substitute, "import torchtext\nfrom torchtext.data import Field, TabularDataset, BucketIterator\n", IMPORTS),
    step(substitute, "in_channels=embed_dim", "in_channels=1"),
    step(
        substitute,
        "embedded.unsqueeze(2)  # (batch_size, sentence_len, 1, embed_dim)",
        "embedded.unsqueeze(1)  # (batch_size, 1, sentence_len, embed_dim)",
    ),
    step(substitute, FIELDS, PLAIN),
    step(substitute, "len(TEXT.vocab)", "len(text_vocab)"),
    step(substitute, "len(LABEL.vocab)", "len(label_vocab)"),
    step(substitute, "criterion = nn.BCEWithLogitsLoss()\n", VECTORS + "criterion = nn.CrossEntropyLoss()\n"),
    step(substitute, "    for batch in train_iterator:\n", "    for text, labels in train_iterator:\n"),
    step(substitute, "        text = batch.text\n        labels = batch.label\n", ""),
)
