import torch
import torch.nn as nn


class EmbeddingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(1 * 8 * 8, 32),
            nn.PReLU(),
            nn.Linear(32, 4),
        )

    def forward(self, x):
        return self.layers(x)


net = EmbeddingNet()
criterion = nn.TripletMarginLoss(margin=1.0)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)

anchor = torch.randn(10, 1, 8, 8)
positive = anchor + 0.05 * torch.randn_like(anchor)
negative = torch.randn(10, 1, 8, 8)
for epoch in range(5):
    optimizer.zero_grad()
    loss = criterion(net(anchor), net(positive), net(negative))
    loss.backward()
    optimizer.step()
    print("epoch {}: {:.4f}".format(epoch, loss.item()))
