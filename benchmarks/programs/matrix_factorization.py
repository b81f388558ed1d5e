import torch
from torch import nn


class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, n_factors=8):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.item_factors = nn.Embedding(n_items, n_factors)

    def forward(self, user, item):
        return (self.user_factors(user) * self.item_factors(item)).sum(dim=1)


users = torch.randint(0, 10, (40,))
items = torch.randint(0, 15, (40,))
ratings = torch.randint(1, 6, (40,)).float()

model = MatrixFactorization(10, 15)
loss_func = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

for epoch in range(10):
    prediction = model(users, items)
    loss = loss_func(prediction, ratings)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print("RMSE: %.4f" % loss.item() ** 0.5)
