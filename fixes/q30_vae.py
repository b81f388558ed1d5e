"""The two terms of the loss are on one scale, and the variance is what it says."""

from snipfix.codemods import replace_method, substitute
from snipfix.patches import Patch, step

PATCH = Patch(
    snippet="q30_vae",
    sha256="751ff7661eaa7b3a80fb26e73a655bea9b93222ad305cb15ac4ea2ec1eb38eb9",
    answers="Asks for a simple VAE that generates images. It now trains on flattened images, reconstruction and KL divergence both summed.",
    why=(
        "Images reach a linear layer unflattened, the loss reads a name that lives in another function, and a mean over pixels is added to "
        "a sum over the batch, so that the KL term drowns the images. That both are to be summed is the convention of Kingma and Welling "
        "(2014), not a fact of the code."
    ),
    why_zh=(
        "图像未展平就进入线性层；损失读取了另一个函数里的名称；对像素取平均再与对批次求和的项相加，KL 项因此盖过了图像。"
        "两项都应求和，这是 Kingma 和 Welling（2014）的约定，而不是代码中的事实。"
    ),
)

ENCODE = """\
def encode(self, x):
    x = self.encoder(x)
    mu, log_var = torch.chunk(x, 2, dim=1)  # 均值和方差的对数
    return mu, log_var
"""

REPARAMETERIZE = """\
def reparameterize(self, mu, log_var):
    sigma = torch.exp(0.5 * log_var)
    return mu + torch.randn_like(sigma) * sigma
"""

FORWARD = """\
def forward(self, x):
    mu, log_var = self.encode(x)
    z = self.reparameterize(mu, log_var)
    x_hat = self.decode(z)
    return x_hat, mu, log_var
"""

TRANSFORM = (
    step(replace_method, "VAE.encode", ENCODE),
    step(replace_method, "VAE.reparameterize", REPARAMETERIZE),
    step(replace_method, "VAE.forward", FORWARD),
    step(substitute, "criterion = nn.BCELoss()", "criterion = nn.BCELoss(reduction='sum')  # 与 KL 项同一尺度"),
    step(
        substitute,
        "        optimizer.zero_grad()\n",
        "        inputs = inputs.view(inputs.size(0), -1)  # 展平\n        optimizer.zero_grad()\n",
    ),
    step(substitute, "x_hat, mu, sigma = model(inputs)", "x_hat, mu, log_var = model(inputs)"),
    step(substitute, "torch.sum(1 + log_sigma - mu ** 2 - sigma ** 2)", "torch.sum(1 + log_var - mu ** 2 - torch.exp(log_var))"),
)
