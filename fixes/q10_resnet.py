"""The residual block takes the stride and the shortcut that the network hands it."""

from snipfix.codemods import substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q10_resnet",
    sha256="6b4710c6af3971d91548658a8748c11baf5ab70ad22e2d406abdfa101fd2d067",
    answers="Asks for a simple ResNet. Its later stages now halve the image, and each shortcut follows.",
    why=(
        "The network hands the block a stride and a shortcut that it does not take, and reads an expansion that it does not have. "
        "That the block's own shortcut stays for callers who give none is intent."
    ),
    why_zh=("网络传给残差块步幅和捷径，残差块却不接受；又读取它没有的 expansion。调用者不传捷径时保留残差块自己的捷径，这是作者的意图。"),
)

TRANSFORM = (
    step(
        substitute,
        "    def __init__(self, in_channels, out_channels):\n",
        "    expansion = 1  # 输出通道数与 out_channels 之比\n\n    def __init__(self, in_channels, out_channels, stride=1, downsample=None):\n",
    ),
    step(
        substitute,
        "self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=1, padding=1)",
        "self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)",
    ),
    step(substitute, "self.downsample = None\n", "self.downsample = downsample\n"),
    step(substitute, "if in_channels != out_channels:\n", "if downsample is None and (stride != 1 or in_channels != out_channels):\n"),
    step(substitute, "out_channels, kernel_size=1, stride=1)", "out_channels, kernel_size=1, stride=stride)"),
)
