import torch
import torch.nn as nn
import torch.nn.functional as F

# a ring of six nodes
num_nodes = 6
adj = torch.zeros(num_nodes, num_nodes)
for i in range(num_nodes):
    adj[i, (i + 1) % num_nodes] = 1
    adj[(i + 1) % num_nodes, i] = 1


class GraphConv(nn.Module):
    def __init__(self, in_dim, out_dim):
        super().__init__()
        self.linear = nn.Linear(in_dim, out_dim)

    def forward(self, features, adj):
        adj = adj + torch.eye(adj.size(0))
        degree = adj.sum(1, keepdim=True)
        return self.linear(adj @ features / degree)


class GCN(nn.Module):
    def __init__(self, in_dim, hidden_dim, num_classes):
        super().__init__()
        self.conv1 = GraphConv(in_dim, hidden_dim)
        self.conv2 = GraphConv(hidden_dim, num_classes)

    def forward(self, features, adj):
        hidden = F.relu(self.conv1(features, adj))
        return self.conv2(hidden, adj)


features = torch.randn(num_nodes, 4)
labels = torch.tensor([0, 0, 0, 1, 1, 1])
model = GCN(4, 8, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)

for epoch in range(10):
    optimizer.zero_grad()
    logits = model(features, adj)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    optimizer.step()
print(loss.item())
