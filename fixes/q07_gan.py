"""The generator makes 28 x 28 images, and both players learn in the right direction."""

from snipfix.codemods import substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q07_gan",
    sha256="459f4cdb5a048681ff32d31ea0fdf12c9ef576bd2078b1080fc41b8f98369011",
    answers=(
        "Asks for a simple GAN that generates handwritten digits. Generator and discriminator now train on 3 x 28 x 28 images, "
        "with the non-saturating loss."
    ),
    why=(
        "The generator's layers cannot make an image of the size given, both networks put a ReLU before their sigmoid (which then never "
        "says less than one half), the discriminator's step sends gradients into the generator, and the generator's loss has the wrong "
        "sign. That the 784 features are 16 maps of 7 x 7 is a choice of architecture."
    ),
    why_zh=(
        "生成器的各层生成不出指定大小的图像；两个网络都在 sigmoid 之前用了 ReLU，输出因此永远不会小于二分之一；"
        "判别器的更新把梯度传进了生成器；生成器损失的符号反了。"
        "784 个特征是 16 张 7 × 7 的特征图，这是架构上的选择。"
    ),
)

TRANSFORM = (
    step(
        substitute,
        "        self.conv_transpose_1 = nn.ConvTranspose2d(1, 32, kernel_size=4, stride=2)\n",
        "        self.init_size = img_size // 4  # 两次上采样：7 -> 14 -> 28\n"
        "        self.conv_transpose_1 = nn.ConvTranspose2d(16, 32, kernel_size=4, stride=2, padding=1)\n",
    ),
    step(
        substitute, "nn.ConvTranspose2d(32, 16, kernel_size=4, stride=2)", "nn.ConvTranspose2d(32, 16, kernel_size=4, stride=2, padding=1)"
    ),
    step(substitute, "nn.ConvTranspose2d(16, 3, kernel_size=4, stride=2)", "nn.ConvTranspose2d(16, 3, kernel_size=3, padding=1)"),
    step(substitute, "x.view(x.size(0), 1, 1, 1)", "x.view(x.size(0), 16, self.init_size, self.init_size)"),
    step(substitute, "self.relu(self.conv_transpose_3(x))", "self.conv_transpose_3(x)"),
    step(substitute, "nn.Linear(64 * 6 * 6, 1)", "nn.Linear(64 * 5 * 5, 1)"),
    step(substitute, "self.relu(self.fc(x))", "self.fc(x)"),
    step(
        substitute,
        "    d_fake = discriminator(fake_images)\n    d_loss",
        "    d_fake = discriminator(fake_images.detach())  # 不更新生成器\n    d_loss",
    ),
    step(substitute, "g_loss = -torch.mean(torch.log(1. - d_fake))", "g_loss = -torch.mean(torch.log(d_fake))"),
)
