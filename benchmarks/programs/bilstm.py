import torch
from torch import nn


class BiLSTM(nn.Module):
    def __init__(self, input_size, hidden_size, num_layers, num_classes):
        super().__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(hidden_size * 2, num_classes)

    def forward(self, x):
        h0 = torch.zeros(self.num_layers * 2, x.size(0), self.hidden_size)
        c0 = torch.zeros(self.num_layers * 2, x.size(0), self.hidden_size)
        out, (h, _) = self.lstm(x, (h0, c0))
        return self.fc(torch.cat((h[-2], h[-1]), dim=1))


model = BiLSTM(input_size=6, hidden_size=10, num_layers=2, num_classes=3)
x = torch.randn(4, 7, 6)
print(model(x))
