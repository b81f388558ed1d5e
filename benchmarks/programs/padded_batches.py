import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset


class SentenceDataset(Dataset):
    def __init__(self, sentences):
        words = sorted({word for sentence in sentences for word in sentence.split()})
        self.vocab = {word: i + 1 for i, word in enumerate(words)}
        self.sentences = [[self.vocab[word] for word in sentence.split()] for sentence in sentences]

    def __len__(self):
        return len(self.sentences)

    def __getitem__(self, index):
        return torch.tensor(self.sentences[index])


def collate(batch):
    lengths = torch.tensor([len(sentence) for sentence in batch])
    return pad_sequence(batch, batch_first=True, padding_value=0), lengths


dataset = SentenceDataset(["the cat sat", "a dog", "the dog sat on a mat"])
loader = DataLoader(dataset, batch_size=2, collate_fn=collate)
for tokens, lengths in loader:
    print(tokens)
    print(lengths)
