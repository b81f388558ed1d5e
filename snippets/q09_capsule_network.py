import torch
import torch.nn as nn
import torch.nn.functional as F

# 定义胶囊层
class CapsuleLayer(nn.Module):
    def __init__(self, num_capsules, num_route_nodes, in_channels, out_channels, kernel_size=None, stride=None,
                 length_shape=None, with_routing=True, activation='squash'):
        super(CapsuleLayer, self).__init__()
        self.num_route_nodes = num_route_nodes
        self.length_shape = length_shape
        self.with_routing = with_routing
        self.activation = activation
        
        if with_routing:
            self.route_weights = nn.Parameter(torch.randn(num_capsules, num_route_nodes, in_channels, out_channels))
        
        if activation == 'squash':
            self.scale = nn.Parameter(torch.sqrt(torch.FloatTensor([0.5 * (1 + 0.01)] * out_channels))
            self.shift = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x):
        if self.with_routing:
            priors = x[None, :, :, None, :] @ self.route_weights[:, None, :, :, :]
            outputs = self.squash(priors)
        else:
            outputs = x * self.route_weights[None, :, :, None, :]

        return outputs

    def squash(self, tensor):
        squared_norm = (tensor ** 2).sum(dim = 2, keepdim = True)
        scale = self.scale[:, None, None, :] * (1 / (1 + squared_norm) ** 0.5)
        shift = self.shift[:, None, None, :]
        outputs = scale * tensor * (1 - squared_norm)
        return outputs

# 定义模型
class CapsuleNet(nn.Module):
    def __init__(self, in_channels, num_classes):
        super(CapsuleNet, self).__init__()
        self.conv1 = nn.Conv2d(in_channels, 256, kernel_size=9, stride=1)
        self.conv2 = nn.Conv2d(256, 256, kernel_size=9, stride=1)
        self.capsules = CapsuleLayer(num_classes, 32, 256, 16, kernel_size=9, stride=2, with_routing=False)
        
    def forward(self, x):
        x = F.relu(self.conv1(x), inplace=True)
        x = F.relu(self.conv2(x), inplace=True)
        x = self.capsules(x)
        return x

# 实例化模型
model = CapsuleNet(in_channels=1, num_classes=10)
