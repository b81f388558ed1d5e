import torch
import torch.nn as nn
import torch.nn.functional as F

# 知识蒸馏：小模型学习大模型的输出分布
teacher = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 5))
student = nn.Linear(10, 5)
teacher.eval()

optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
T = 2.0
x = torch.randn(40, 10)
labels = torch.randint(0, 5, (40,))

for epoch in range(6):
    with torch.no_grad():
        teacher_logits = teacher(x)
    student_logits = student(x)
    soft_loss = F.kl_div(
        F.log_softmax(student_logits / T, dim=1),
        F.softmax(teacher_logits / T, dim=1),
        reduction="batchmean",
    ) * T * T
    hard_loss = F.cross_entropy(student_logits, labels)
    loss = 0.7 * soft_loss + 0.3 * hard_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print('epoch', epoch, 'loss', loss.item())
