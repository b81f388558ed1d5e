import torch
import torch.nn as nn

# 多标签分类：一张图片可以同时有多个标签
class MultiLabelNet(nn.Module):
    def __init__(self, in_features, num_labels):
        super(MultiLabelNet, self).__init__()
        self.fc1 = nn.Linear(in_features, 64)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(64, num_labels)

    def forward(self, x):
        x = self.relu(self.fc1(x))
        return self.fc2(x)  # 输出 logits


model = MultiLabelNet(20, 5)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

inputs = torch.randn(32, 20)
targets = torch.randint(0, 2, (32, 5)).float()

for epoch in range(10):
    optimizer.zero_grad()
    outputs = model(inputs)
    loss = criterion(outputs, targets)
    loss.backward()
    optimizer.step()

print("损失:", loss.item())
probs = torch.sigmoid(model(inputs))
print("预测标签数:", (probs > 0.5).sum().item())
