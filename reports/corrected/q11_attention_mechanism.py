import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

# 定义注意力层
class AttentionLayer(nn.Module):
    def __init__(self, hidden_size):
        super(AttentionLayer, self).__init__()
        self.hidden_size = hidden_size
        self.attn = nn.Linear(hidden_size, 1)

    def forward(self, hidden_states, hidden_state):
        attn_weights = self.attn(hidden_states).squeeze(2)
        attn_weights = F.softmax(attn_weights, dim=1)
        context = (attn_weights.unsqueeze(-1) * hidden_states).sum(1)
        return context, attn_weights

# 定义模型
class TextClassifier(nn.Module):
    def __init__(self, embedding_dim, hidden_size, vocab_size, num_classes):
        super(TextClassifier, self).__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.attn = AttentionLayer(embedding_dim)
        self.fc = nn.Linear(embedding_dim, num_classes)

    def forward(self, text, hidden_state):
        embedded = self.embedding(text)
        context, attn_weights = self.attn(embedded, hidden_state)
        output = self.fc(context)
        return output, attn_weights

# 实例化模型、损失函数和优化器
model = TextClassifier(embedding_dim=128, hidden_size=512, vocab_size=10000, num_classes=10)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

# 假设的输入文本和隐藏状态
text = torch.randint(0, 10000, (64, 20))  # 64个文本序列，每个序列20个单词
hidden_state = torch.randn(64, 512)  # 64个隐藏状态

# 训练模型
for epoch in range(100):
    optimizer.zero_grad()
    outputs, attn_weights = model(text, hidden_state)
    loss = criterion(outputs, torch.randint(0, 10, (64,)))
    loss.backward()
    optimizer.step()
