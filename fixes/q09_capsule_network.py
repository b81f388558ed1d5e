"""A capsule network that routes and squashes."""

from snipfix.codemods import replace_class, substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q09_capsule_network",
    sha256="2b9e7b1797e5ece9d87839e3e40c27764e28baa9add4efad8bc44e64af532fd9",
    answers=(
        "Asks for a simple capsule network for image classification. It now has primary capsules, dynamic routing by agreement and one "
        "16-dimensional capsule for each class, for images of 28 x 28."
    ),
    why=(
        "A parenthesis is missing, the layer has no weights where it uses them, nothing routes and the squash is not one: the network was "
        "never finished. Routing and squash follow Sabour, Frosst and Hinton (2017)."
    ),
    why_zh=(
        "缺少一个括号；该层在需要权重的地方没有权重；没有任何路由；squash 也不是真正的 squash：这个网络没有写完。"
        "路由和 squash 依照 Sabour、Frosst 和 Hinton（2017）。"
    ),
)

CAPSULE_LAYER = """\
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
"""

TRANSFORM = (
    step(substitute, "* out_channels))\n", "* out_channels)))\n"),
    step(replace_class, "CapsuleLayer", CAPSULE_LAYER),
    step(
        substitute,
        "        self.capsules = CapsuleLayer(num_classes, 32, 256, 16, kernel_size=9, stride=2, with_routing=False)\n",
        "        self.primary_capsules = CapsuleLayer(32, None, 256, 8, kernel_size=9, stride=2, with_routing=False)\n"
        "        # 28x28 的图像：28 -> 20 -> 12 -> 2，共 32 * 2 * 2 个初级胶囊\n"
        "        self.capsules = CapsuleLayer(num_classes, 32 * 2 * 2, 8, 16)\n",
    ),
    step(
        substitute,
        "        x = self.capsules(x)\n",
        "        x = self.primary_capsules(x)\n        x = self.capsules(x)  # 每类一个 16 维胶囊，其长度表示概率\n",
    ),
)
