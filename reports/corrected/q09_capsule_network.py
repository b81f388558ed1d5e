import torch
import torch.nn as nn
import torch.nn.functional as F

# 定义胶囊层
class CapsuleLayer(nn.Module):
    def __init__(self, num_capsules, num_route_nodes, in_channels, out_channels, kernel_size=None, stride=None,
                 with_routing=True, num_iterations=3):
        super(CapsuleLayer, self).__init__()
        self.num_capsules = num_capsules
        self.out_channels = out_channels
        self.with_routing = with_routing
        self.num_iterations = num_iterations

        if with_routing:
            # 每个输入胶囊到每个输出胶囊各有一个变换矩阵
            self.route_weights = nn.Parameter(0.1 * torch.randn(num_capsules, num_route_nodes, in_channels, out_channels))
        else:
            # 初级胶囊由卷积得到：num_capsules 种，每种 out_channels 维
            self.conv = nn.Conv2d(in_channels, num_capsules * out_channels, kernel_size=kernel_size, stride=stride)

    def forward(self, x):
        if not self.with_routing:
            outputs = self.conv(x).view(x.size(0), self.num_capsules, self.out_channels, -1)
            return self.squash(outputs.transpose(2, 3).flatten(1, 2))

        # priors: (num_capsules, batch, num_route_nodes, 1, out_channels)
        priors = x[None, :, :, None, :] @ self.route_weights[:, None, :, :, :]
        logits = torch.zeros_like(priors[..., :1])
        for _ in range(self.num_iterations):  # 动态路由
            probs = F.softmax(logits, dim=0)
            outputs = self.squash((probs * priors).sum(dim=2, keepdim=True))
            logits = logits + (priors * outputs).sum(dim=-1, keepdim=True)
        return outputs[:, :, 0, 0].transpose(0, 1)

    def squash(self, tensor):
        squared_norm = (tensor ** 2).sum(dim=-1, keepdim=True)
        scale = squared_norm / (1 + squared_norm)
        return scale * tensor / torch.sqrt(squared_norm + 1e-8)

# 定义模型
class CapsuleNet(nn.Module):
    def __init__(self, in_channels, num_classes):
        super(CapsuleNet, self).__init__()
        self.conv1 = nn.Conv2d(in_channels, 256, kernel_size=9, stride=1)
        self.conv2 = nn.Conv2d(256, 256, kernel_size=9, stride=1)
        self.primary_capsules = CapsuleLayer(32, None, 256, 8, kernel_size=9, stride=2, with_routing=False)
        # 28x28 的图像：28 -> 20 -> 12 -> 2，共 32 * 2 * 2 个初级胶囊
        self.capsules = CapsuleLayer(num_classes, 32 * 2 * 2, 8, 16)
        
    def forward(self, x):
        x = F.relu(self.conv1(x), inplace=True)
        x = F.relu(self.conv2(x), inplace=True)
        x = self.primary_capsules(x)
        x = self.capsules(x)  # 每类一个 16 维胶囊，其长度表示概率
        return x

# 实例化模型
model = CapsuleNet(in_channels=1, num_classes=10)
