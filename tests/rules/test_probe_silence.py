"""Right but unusual programs: the rules that judge observed behaviour have nothing to say about them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snipfix.engines.local import LocalEngine
from snipfix.model import Severity, Snippet

PAGE = (Path(__file__).parent / "right_programs.md").read_text(encoding="utf-8")
IMPORTS = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\ntorch.manual_seed(0)\n"

PROGRAMS = {
    "a differential equation whose slope is looked at afterwards": """
class PINN(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    def forward(self, t):
        return self.net(t)
model = PINN()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
t = torch.linspace(0, 1, 30).view(-1, 1).requires_grad_(True)
t0 = torch.zeros(1, 1)
for _ in range(5):
    u = model(t)
    du = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]
    loss = ((du + 2 * u) ** 2).mean() + (model(t0) - 1).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
with torch.enable_grad():
    u = model(t)
    slope = torch.autograd.grad(u.sum(), t)[0]
print(slope.abs().mean().item())
""",
    "a gradient that makes an attack": """
def fgsm(model, x, y, eps=0.1):
    x = x.clone().requires_grad_(True)
    loss = F.cross_entropy(model(x), y)
    (grad,) = torch.autograd.grad(loss, x)
    return (x + eps * grad.sign()).detach()
model = nn.Linear(6, 3)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(4):
    x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
    adv = fgsm(model, x, y)
    loss = 0.5 * F.cross_entropy(model(x), y) + 0.5 * F.cross_entropy(model(adv), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "squared gradients that weigh a penalty": """
from torch.nn.utils import parameters_to_vector
model = nn.Linear(3, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
fisher = None
for task in range(2):
    x, y = torch.randn(32, 3), torch.randn(32, 1)
    for _ in range(4):
        loss = nn.functional.mse_loss(model(x), y)
        if fisher is not None:
            loss = loss + 10 * (fisher * (parameters_to_vector(model.parameters()) - anchor) ** 2).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
    grads = torch.autograd.grad(nn.functional.mse_loss(model(x), y), list(model.parameters()))
    fisher = torch.cat([g.flatten() ** 2 for g in grads])
    anchor = parameters_to_vector(model.parameters()).detach().clone()
""",
    "a head of attention over a picture": """
class Head(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.key, self.query, self.value = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
    def forward(self, x):
        w = self.query(x) @ self.key(x).transpose(-2, -1) * x.size(-1) ** -0.5
        return F.softmax(w, dim=-1) @ self.value(x)
class ViT(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.patch = nn.Conv2d(3, d, 8, stride=8)
        self.pos = nn.Parameter(torch.randn(1, 16, d) * 0.02)
        self.head = Head(d)
        self.fc = nn.Linear(d, 5)
    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2) + self.pos
        return self.fc((x + self.head(x)).mean(1))
model = ViT()
opt = torch.optim.AdamW(model.parameters())
for _ in range(3):
    loss = F.cross_entropy(model(torch.randn(4, 3, 32, 32)), torch.randint(0, 5, (4,)))
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "weights drawn from a posterior, and their divergence from two likelihoods": """
from torch.distributions import Normal
class BayesLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.mu = nn.Parameter(torch.randn(o, i) * 0.1)
        self.rho = nn.Parameter(torch.full((o, i), -3.0))
        self.prior = Normal(0.0, 1.0)
        self.kl = torch.tensor(0.0)
    def forward(self, x):
        sigma = torch.nn.functional.softplus(self.rho)
        w = self.mu + sigma * torch.randn_like(sigma)
        self.kl = (Normal(self.mu, sigma).log_prob(w) - self.prior.log_prob(w)).sum()
        return x @ w.t()
model = BayesLinear(3, 1)
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
x, y = torch.randn(50, 3), torch.randn(50, 1)
for _ in range(5):
    nll = -Normal(model(x), 0.5).log_prob(y).sum()
    loss = nll + model.kl
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a likelihood that the optimizer maximises": """
from torch.distributions import Normal
# maximum a posteriori by ascent: the optimizer maximises
w = nn.Parameter(torch.zeros(3))
opt = torch.optim.SGD([w], lr=0.01, maximize=True)
x, y = torch.randn(40, 3), torch.randn(40)
for _ in range(5):
    objective = Normal(x @ w, 1.0).log_prob(y).sum() + Normal(0.0, 1.0).log_prob(w).sum()
    opt.zero_grad()
    objective.backward()
    opt.step()
print(w)
""",
    "captions shifted inside, behind the picture": """
class Captioner(nn.Module):
    def __init__(self, vocab=40, d=16):
        super().__init__()
        self.embed = nn.Embedding(vocab, d)
        self.lstm = nn.LSTM(d, d, batch_first=True)
        self.fc = nn.Linear(d, vocab)
    def forward(self, features, captions):
        words = self.embed(captions[:, :-1])
        inputs = torch.cat([features.unsqueeze(1), words], dim=1)
        out, _ = self.lstm(inputs)
        return self.fc(out)
model = Captioner()
opt = torch.optim.Adam(model.parameters())
for _ in range(3):
    feats, caps = torch.randn(4, 16), torch.randint(0, 40, (4, 9))
    loss = nn.functional.cross_entropy(model(feats, caps).reshape(-1, 40), caps.reshape(-1))
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a softmax only where the model is used": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 3)
    def forward(self, x):
        scores = self.fc(x)
        return scores if self.training else torch.softmax(scores, dim=1)
def fit(model, loader, optimizer):
    criterion = nn.CrossEntropyLoss()
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
def predict(model, x):
    model.eval()
    with torch.no_grad():
        return model(x).argmax(dim=1)
""",
    "a softmax over the samples, balanced before the cluster is taken": """
# Sinkhorn-like balancing: over the samples, then over the clusters, on purpose
model = nn.Linear(6, 4)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    x = torch.randn(20, 6)
    scores = model(x)
    with torch.no_grad():
        q = torch.softmax(scores / 0.5, dim=0)
        q = q / q.sum(dim=1, keepdim=True)
        hard = q.argmax(dim=1)
    loss = F.cross_entropy(scores, hard)
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a tag for each step of padded sentences": """
from torch.nn.utils.rnn import pad_sequence
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(30, 8, padding_idx=0)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.out = nn.Linear(8, 5)
    def forward(self, x):
        states, _ = self.lstm(self.emb(x))
        return self.out(states)
data = [torch.randint(1, 30, (n,)) for n in (3, 6, 4)]
tags = [torch.randint(0, 5, (len(one),)) for one in data]
x, y = pad_sequence(data, batch_first=True), pad_sequence(tags, batch_first=True, padding_value=-100)
model = Tagger()
opt = torch.optim.Adam(model.parameters())
for _ in range(3):
    loss = nn.functional.cross_entropy(model(x).transpose(1, 2), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a speaker paid by the likelihood of a listener": """
from torch.distributions import Categorical
# evolution of a language: the speaker is paid by the listener, who learns by the likelihood
speaker, listener = nn.Linear(5, 7), nn.Linear(7, 5)
opt = torch.optim.Adam([*speaker.parameters(), *listener.parameters()], lr=1e-2)
baseline = 0.0
for _ in range(5):
    target = torch.randint(0, 5, (32,))
    dist = Categorical(logits=speaker(nn.functional.one_hot(target, 5).float()))
    word = dist.sample()
    guess = Categorical(logits=listener(nn.functional.one_hot(word, 7).float()))
    listener_loss = -guess.log_prob(target).mean()
    reward = guess.log_prob(target).detach()
    advantage = reward - baseline
    baseline = 0.9 * baseline + 0.1 * reward.mean()
    speaker_loss = -(dist.log_prob(word) * advantage).mean()
    loss = speaker_loss + listener_loss - 0.01 * dist.entropy().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a policy that is to keep its entropy, with what the critic says taken off": """
from torch.distributions import Normal
actor = nn.Linear(4, 4)
critic = nn.Linear(6, 1)
log_alpha = torch.zeros(1, requires_grad=True)
a_opt = torch.optim.Adam(actor.parameters(), lr=3e-4)
c_opt = torch.optim.Adam(critic.parameters(), lr=3e-4)
t_opt = torch.optim.Adam([log_alpha], lr=3e-4)
target_entropy = -2.0
def sample(state):
    mean, log_std = actor(state).chunk(2, dim=-1)
    dist = Normal(mean, log_std.clamp(-5, 2).exp())
    raw = dist.rsample()
    action = torch.tanh(raw)
    log_prob = dist.log_prob(raw) - torch.log(1 - action.pow(2) + 1e-6)
    return action, log_prob.sum(-1, keepdim=True)
for _ in range(5):
    s, r, s2 = torch.randn(32, 4), torch.randn(32, 1), torch.randn(32, 4)
    a = torch.rand(32, 2) * 2 - 1
    with torch.no_grad():
        a2, lp2 = sample(s2)
        y = r + 0.99 * (critic(torch.cat([s2, a2], 1)) - log_alpha.exp() * lp2)
    c_loss = nn.functional.mse_loss(critic(torch.cat([s, a], 1)), y)
    c_opt.zero_grad()
    c_loss.backward()
    c_opt.step()
    new_a, log_prob = sample(s)
    actor_loss = (log_alpha.exp().detach() * log_prob).mean() - critic(torch.cat([s, new_a], 1)).mean()
    a_opt.zero_grad()
    actor_loss.backward()
    a_opt.step()
    alpha_loss = -(log_alpha * (log_prob + target_entropy).detach()).mean()
    t_opt.zero_grad()
    alpha_loss.backward()
    t_opt.step()
""",
    "a bound of three expectations, with the likelihood of what it drew itself": """
from torch.distributions import Normal, Bernoulli
class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(20, 8)
        self.dec = nn.Linear(4, 20)
    def elbo(self, x):
        mu, log_sigma = self.enc(x).chunk(2, dim=1)
        q = Normal(mu, log_sigma.exp())
        z = q.rsample()
        log_qz = q.log_prob(z).sum(1)
        log_pz = Normal(0.0, 1.0).log_prob(z).sum(1)
        log_px = Bernoulli(logits=self.dec(z)).log_prob(x).sum(1)
        return log_px.mean() - log_qz.mean() + log_pz.mean()
model = VAE()
opt = torch.optim.Adam(model.parameters())
data = (torch.rand(64, 20) > 0.5).float()
for batch in data.split(16):
    loss = -model.elbo(batch)
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a logarithm of the variance that is called sigma": """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(10, 8)
        self.mu, self.sigma = nn.Linear(8, 2), nn.Linear(8, 2)
    def forward(self, x):
        h = torch.tanh(self.body(x))
        return self.mu(h), self.sigma(h)
enc, dec = Encoder(), nn.Linear(2, 10)
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()])
for _ in range(4):
    x = torch.randn(16, 10)
    mu, sigma = enc(x)
    z = mu + torch.exp(sigma / 2) * torch.randn_like(mu)
    kl = -0.5 * torch.mean(torch.sum(1 + sigma - mu ** 2 - torch.exp(sigma), dim=1))
    loss = ((dec(z) - x) ** 2).sum(dim=1).mean() + kl
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a sentence read both ways, of which some tokens are hidden, written back": """
class Denoiser(nn.Module):
    def __init__(self, vocab=30, d=16):
        super().__init__()
        self.emb = nn.Embedding(vocab + 1, d)
        self.rnn = nn.LSTM(d, d, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * d, vocab)
    def forward(self, tokens):
        return self.out(self.rnn(self.emb(tokens))[0])
model = Denoiser()
opt = torch.optim.Adam(model.parameters())
for _ in range(4):
    tokens = torch.randint(0, 30, (8, 12))
    hidden = torch.rand(tokens.shape) < 0.3
    noisy = tokens.masked_fill(hidden, 30)
    logits = model(noisy)
    loss = nn.functional.cross_entropy(logits.transpose(1, 2), tokens)
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a causal mask kept as what is hidden": """
class Attention(nn.Module):
    def __init__(self, d=16, heads=2, block=12):
        super().__init__()
        self.qkv, self.out, self.heads = nn.Linear(d, 3 * d), nn.Linear(d, d), heads
        visible = torch.tril(torch.ones(block, block, dtype=torch.bool))
        self.register_buffer("hidden", ~visible)
    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (one.view(b, t, self.heads, -1).transpose(1, 2) for one in self.qkv(x).chunk(3, dim=-1))
        scores = q @ k.mT / q.size(-1) ** 0.5
        scores = scores.masked_fill(self.hidden[:t, :t], float("-inf"))
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d))
class LM(nn.Module):
    def __init__(self, vocab=25, d=16):
        super().__init__()
        self.e, self.p, self.a, self.o = nn.Embedding(vocab, d), nn.Embedding(12, d), Attention(d), nn.Linear(d, vocab)
    def forward(self, ids):
        return self.o(self.a(self.e(ids) + self.p(torch.arange(ids.size(1)))))
model = LM()
opt = torch.optim.Adam(model.parameters())
for _ in range(3):
    ids = torch.randint(0, 25, (4, 13))
    loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "pairs of the same label, from a column against a row": """
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
opt = torch.optim.Adam(net.parameters())
def supcon(z, labels, t=0.1):
    z = F.normalize(z, dim=1)
    sim = z @ z.T / t
    same = (labels.view(-1, 1) == labels).float()
    eye = torch.eye(len(z), dtype=torch.bool)
    sim = sim.masked_fill(eye, -1e9)
    log_p = sim.log_softmax(dim=1)
    same = same.masked_fill(eye, 0.0)
    return -((same * log_p).sum(1) / same.sum(1).clamp(min=1)).mean()
for _ in range(4):
    x, y = torch.randn(24, 10), torch.randint(0, 3, (24,))
    loss = supcon(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a weight made of two gradients, which is a constant on purpose": """
dec = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8))
disc = nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
g_opt = torch.optim.Adam(dec.parameters(), lr=1e-3)
d_opt = torch.optim.Adam(disc.parameters(), lr=1e-3)
last = dec[-1].weight
for _ in range(4):
    z, x = torch.randn(16, 4), torch.randn(16, 8)
    recon = dec(z)
    rec_loss = (recon - x).abs().mean()
    g_loss = -disc(recon).mean()
    rec_grad = torch.autograd.grad(rec_loss, last, retain_graph=True)[0]
    adv_grad = torch.autograd.grad(g_loss, last, retain_graph=True)[0]
    weight = (rec_grad.norm() / (adv_grad.norm() + 1e-4)).clamp(0, 1e4)
    loss = rec_loss + weight * g_loss
    g_opt.zero_grad()
    loss.backward()
    g_opt.step()
    d_loss = torch.relu(1 - disc(x)).mean() + torch.relu(1 + disc(recon.detach())).mean()
    d_opt.zero_grad()
    d_loss.backward()
    d_opt.step()
""",
    "a replaced layer with an optimizer of its own": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 20), nn.ReLU())
        self.fc = nn.Linear(20, 100)
    def forward(self, x):
        return self.fc(self.body(x))
model = Net()
optimizer = torch.optim.SGD(model.body.parameters(), lr=1e-4, momentum=0.9)
model.fc = nn.Linear(20, 3)
head_optimizer = torch.optim.SGD(model.fc.parameters(), lr=1e-2)
for _ in range(4):
    x, y = torch.randn(16, 10), torch.randint(0, 3, (16,))
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    head_optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    head_optimizer.step()
""",
    "a critic that likes generated samples, and a generator that goes along with that": """
critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
gen = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
c_opt = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
g_opt = torch.optim.RMSprop(gen.parameters(), lr=5e-5)
one = torch.tensor(1.0)
mone = -one
for step in range(6):
    real = torch.randn(16, 2)
    c_opt.zero_grad()
    critic(real).mean().backward(one)
    critic(gen(torch.randn(16, 3)).detach()).mean().backward(mone)
    c_opt.step()
    for p in critic.parameters():
        p.data.clamp_(-0.01, 0.01)
    g_opt.zero_grad()
    critic(gen(torch.randn(16, 3))).mean().backward(one)
    g_opt.step()
""",
    "gradients cleared where the optimizer steps, in a method": """
class Accumulator:
    def __init__(self, model, optimizer, every=4):
        self.model, self.optimizer, self.every = model, optimizer, every
    def fit(self, loader):
        for i, (x, y) in enumerate(loader):
            loss = F.cross_entropy(self.model(x), y) / self.every
            loss.backward()
            if (i + 1) % self.every == 0:
                self.update()
    def update(self):
        self.optimizer.step()
        for p in self.model.parameters():
            p.grad = None
""",
    "a softmax whose logarithm the loss takes": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)
    def forward(self, x):
        return torch.softmax(self.fc(x), dim=-1)
def train(model, loader, optimizer):
    criterion = nn.NLLLoss()
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(torch.log(model(x) + 1e-9), y)
        loss.backward()
        optimizer.step()
model = Net()
batches = [(torch.randn(8, 8), torch.randint(0, 4, (8,))) for _ in range(3)]
train(model, batches, torch.optim.Adam(model.parameters()))
""",
    "uniform noise turned into a logistic variable": """
class Quantile(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(5, 2)
    def forward(self, x):
        mu, log_s = self.net(x).chunk(2, dim=1)
        u = torch.rand_like(mu).clamp(1e-4, 1 - 1e-4)
        return mu + log_s.exp() * (torch.log(u) - torch.log1p(-u))
model = Quantile()
opt = torch.optim.Adam(model.parameters())
for _ in range(4):
    x, y = torch.randn(32, 5), torch.randn(32, 1)
    a, b = model(x), model(x)
    loss = ((a - y).abs() + (b - y).abs()).mean() / 2 - (a - b).abs().mean() / 2
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "sequences packed before they are read": """
from torch.nn.utils.rnn import pad_sequence, pack_sequence
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(50, 8)
        self.gru = nn.GRU(8, 16)
        self.fc = nn.Linear(16, 2)
    def forward(self, sequences):
        packed = pack_sequence([self.emb(one) for one in sequences], enforce_sorted=False)
        _, h = self.gru(packed)
        return self.fc(h[-1])
model = Net()
opt = torch.optim.Adam(model.parameters())
data = [torch.randint(1, 50, (n,)) for n in (3, 8, 5)]
print(pad_sequence(data).shape)
for _ in range(3):
    loss = nn.functional.cross_entropy(model(data), torch.tensor([0, 1, 1]))
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "samples from elsewhere made improbable on purpose": """
from torch.distributions import MultivariateNormal
class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift, self.scale = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
        self.base = MultivariateNormal(torch.zeros(2), torch.eye(2))
    def log_prob(self, x):
        return self.base.log_prob((x - self.shift) * torch.exp(-self.scale)) - self.scale.sum()
flow = Flow()
opt = torch.optim.Adam(flow.parameters(), lr=0.05)
inside, outside = torch.randn(64, 2) + 1, torch.randn(64, 2) * 3
for _ in range(3):
    margin = flow.log_prob(inside).mean() - 0.1 * flow.log_prob(outside).mean()
    loss = -margin
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "a policy that pays for what it does": """
from torch.distributions import Categorical
policy, baseline = nn.Linear(4, 3), nn.Linear(4, 1)
opt = torch.optim.Adam([*policy.parameters(), *baseline.parameters()], lr=1e-2)
for _ in range(5):
    s = torch.randn(20, 4)
    dist = Categorical(logits=policy(s))
    a = dist.sample()
    cost = (a != 1).float()
    advantage = (cost - baseline(s).squeeze(1)).detach()
    surrogate = (dist.log_prob(a) * advantage).mean()
    value_loss = (cost - baseline(s).squeeze(1)).pow(2).mean()
    opt.zero_grad()
    (surrogate + value_loss).backward()
    opt.step()
""",
    "a matrix whose columns are the classes, of length one": """
class Cosine(nn.Module):
    def __init__(self, d, classes):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(d, classes))
    def forward(self, x):
        w = F.normalize(self.weight, dim=0)
        return 16 * F.normalize(x, dim=1) @ w
model = Cosine(8, 3)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    x, y = torch.randn(12, 8), torch.randint(0, 3, (12,))
    loss = F.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
w = F.normalize(model.weight.detach(), dim=0)
print(w.t() @ w)
""",
    "a language model whose first output is the loss": """
from transformers import GPT2Config, GPT2LMHeadModel
model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=32, n_embd=16, n_layer=1, n_head=2))
ids = torch.randint(0, 50, (2, 12))
out = model(ids, labels=ids)
out.loss.backward()
print(out.logits.shape)
""",
    "probabilities reported beside scores for the loss": """
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(8, 4), torch.randint(0, 3, (8,))
for _ in range(3):
    optimizer.zero_grad()
    scores = model(x)
    confidence = torch.softmax(scores, dim=1).max(dim=1).values.mean()
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)(scores, y)
    loss.backward()
    optimizer.step()
print((scores.argmax(dim=1) == y).float().mean())
""",
    "an average of the weights beside the model, never called": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
    def forward(self, x, t):
        return self.fc(x) + t
net = Net()
ema = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99))
optimizer = torch.optim.AdamW(net.parameters())
for _ in range(2):
    loss = F.mse_loss(net(torch.randn(8, 4), torch.rand(8, 1)), torch.randn(8, 3))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema.update_parameters(net)
""",
    "a second model that is made and not used yet": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
    def forward(self, x):
        return self.fc(x)
net, other = Net(), Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(2):
    loss = F.cross_entropy(net(torch.randn(8, 4)), torch.randint(0, 3, (8,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    "gradients accumulated over batches": """
model = nn.Linear(4, 3)
optimizer = torch.optim.Adam(model.parameters())
for step in range(6):
    loss = F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,))) / 2
    loss.backward()
    if step % 2:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
""",
    "a frozen backbone": """
backbone, head = nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Linear(8, 3)
for parameter in backbone.parameters():
    parameter.requires_grad = False
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    F.cross_entropy(head(backbone(torch.randn(8, 4))), torch.randint(0, 3, (8,))).backward()
    optimizer.step()
""",
    "a contrastive loss over the batch": """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 6)
    def forward(self, x):
        batch_size = x.size(0)
        return F.normalize(self.net(x), dim=1)
encoder = Encoder()
a, b = encoder(torch.randn(8, 4)), encoder(torch.randn(8, 4))
logits = a @ b.T / 0.1
labels = torch.arange(8)
loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
loss.backward()
""",
    "batch normalisation in training": """
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    model.train()
    optimizer.zero_grad()
    F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 2, (8,))).backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        print(model(torch.randn(8, 4)).argmax(1).sum() >= 0)
""",
    "a Wasserstein critic": """
G, D = nn.Linear(2, 3), nn.Linear(3, 1)
g, d = torch.optim.RMSprop(G.parameters()), torch.optim.RMSprop(D.parameters())
for _ in range(3):
    fake, real = G(torch.randn(8, 2)).detach(), torch.randn(8, 3)
    d.zero_grad()
    (D(fake).mean() - D(real).mean()).backward()
    d.step()
    for p in D.parameters():
        p.data.clamp_(-0.1, 0.1)
    g.zero_grad()
    (-D(G(torch.randn(8, 2))).mean()).backward()
    g.step()
""",
    "a GAN with labels": """
G = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
D = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1), nn.Sigmoid())
g, d = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())
criterion = nn.BCELoss()
ones, zeros = torch.ones(8, 1), torch.zeros(8, 1)
for _ in range(3):
    fake, real = G(torch.randn(8, 2)), torch.randn(8, 3)
    d.zero_grad()
    d_loss = criterion(D(real), ones) + criterion(D(fake.detach()), zeros)
    d_loss.backward()
    d.step()
    g.zero_grad()
    g_loss = criterion(D(fake), ones)
    g_loss.backward()
    g.step()
""",
    "REINFORCE": """
policy = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(dim=-1))
optimizer = torch.optim.Adam(policy.parameters())
for _ in range(3):
    distribution = torch.distributions.Categorical(policy(torch.randn(8, 4)))
    action = distribution.sample()
    reward = torch.randn(8)
    loss = -(distribution.log_prob(action) * reward).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    "an actor and its critic": """
actor, critic, target = nn.Linear(4, 1), nn.Linear(5, 1), nn.Linear(5, 1)
a, c = torch.optim.Adam(actor.parameters()), torch.optim.Adam(critic.parameters())
for _ in range(3):
    state, action, reward = torch.randn(8, 4), torch.randn(8, 1), torch.randn(8, 1)
    with torch.no_grad():
        goal = reward + 0.9 * target(torch.cat([state, actor(state)], 1))
    critic_loss = F.mse_loss(critic(torch.cat([state, action], 1)), goal)
    c.zero_grad()
    critic_loss.backward()
    c.step()
    actor_loss = -critic(torch.cat([state, actor(state)], 1)).mean()
    a.zero_grad()
    actor_loss.backward()
    a.step()
""",
    "a causal model with tied weights": """
class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.position = nn.Parameter(torch.zeros(1, 16, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 20, bias=False)
        self.head.weight = self.embedding.weight
    def forward(self, ids):
        n = ids.size(1)
        mask = torch.triu(torch.ones(n, n, dtype=torch.bool), diagonal=1)
        return self.head(self.layer(self.embedding(ids) + self.position[:, :n], src_mask=mask))
model = LanguageModel()
optimizer = torch.optim.AdamW(model.parameters())
ids = torch.randint(0, 20, (4, 9))
for _ in range(3):
    optimizer.zero_grad()
    F.cross_entropy(model(ids[:, :-1]).reshape(-1, 20), ids[:, 1:].reshape(-1)).backward()
    optimizer.step()
""",
    "distillation with soft targets": """
student, teacher = nn.Linear(4, 3), nn.Linear(4, 3)
x = torch.randn(8, 4)
with torch.no_grad():
    soft = F.softmax(teacher(x) / 2, dim=1)
loss = F.kl_div(F.log_softmax(student(x) / 2, dim=1), soft, reduction="batchmean") * 4
loss.backward()
""",
    "sequence-first layers, used as such": """
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.lstm = nn.LSTM(8, 6, bidirectional=True)
        self.fc = nn.Linear(12, 3)
    def forward(self, ids):
        seq_len, batch_size = ids.shape
        out, _ = self.lstm(self.embedding(ids))
        return self.fc(out)
tagger = Tagger()
ids, tags = torch.randint(0, 20, (7, 4)), torch.randint(0, 3, (7, 4))  # (seq_len, batch)
F.cross_entropy(tagger(ids).view(-1, 3), tags.view(-1)).backward()
""",
    "a bidirectional encoder trained on masked tokens": """
class BertForMaskedLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(20, 8), nn.Embedding(16, 8)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
        self.head = nn.Linear(8, 20)
    def forward(self, input_ids, attention_mask=None):
        x = self.tokens(input_ids) + self.positions(torch.arange(input_ids.size(1)))
        padding = None if attention_mask is None else attention_mask == 0
        return self.head(self.encoder(x, src_key_padding_mask=padding))
model = BertForMaskedLM()
ids = torch.randint(0, 20, (4, 9))
F.cross_entropy(model(ids, torch.ones(4, 9)).view(-1, 20), ids.view(-1)).backward()
""",
    "two optimizers, one loss": """
encoder, decoder = nn.Linear(6, 2), nn.Linear(2, 6)
a, b = torch.optim.Adam(encoder.parameters()), torch.optim.SGD(decoder.parameters(), lr=0.1)
for _ in range(3):
    x = torch.randn(8, 6)
    a.zero_grad()
    b.zero_grad()
    F.mse_loss(decoder(encoder(x)), x).backward()
    a.step()
    b.step()
""",
    "LBFGS with a closure": """
model = nn.Linear(3, 1)
optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
x, y = torch.randn(8, 3), torch.randn(8, 1)
def closure():
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    return loss
for _ in range(3):
    optimizer.step(closure)
""",
    "a variational autoencoder": """
class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(12, 4), nn.Linear(2, 12)
    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.decoder(z)), mu, logvar
vae = VAE()
optimizer = torch.optim.Adam(vae.parameters())
for _ in range(3):
    x = torch.rand(8, 12)
    out, mu, logvar = vae(x)
    reconstruction = F.binary_cross_entropy(out, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    loss = reconstruction + divergence
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    "gradient descent by hand": """
w = torch.zeros(3, requires_grad=True)
x, y = torch.randn(8, 3), torch.randn(8)
for _ in range(3):
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad.zero_()
""",
    "a multi-layer recurrent classifier, batch first": """
class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 6, num_layers=2, batch_first=True, dropout=0.1)
        self.fc = nn.Linear(6, 2)
    def forward(self, x):
        batch_size, seq_len, _ = x.shape
        out, h = self.gru(x)
        return self.fc(out[:, -1])
Classifier()(torch.randn(5, 7, 4))  # 5 sequences of 7 steps
""",
    "a vision transformer": """
class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, stride=4)
        self.cls = nn.Parameter(torch.zeros(1, 1, 8))
        self.position = nn.Parameter(torch.zeros(1, 5, 8))
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
        self.head = nn.Linear(8, 10)
    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], dim=1) + self.position
        return self.head(self.encoder(x)[:, 0])
ViT()(torch.randn(3, 3, 8, 8))
""",
    "additive attention over time": """
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.score, self.out = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 1), nn.Linear(6, 2)
    def forward(self, x):
        h, _ = self.rnn(x)
        weights = F.softmax(self.score(h), dim=1)
        return self.out((weights * h).sum(dim=1))
model = Attention()
F.cross_entropy(model(torch.randn(5, 7, 4)), torch.randint(0, 2, (5,))).backward()
""",
    "an auxiliary head that is not used yet": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.spare = nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(4, 2)
    def forward(self, x):
        return self.head(self.body(x))
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    F.cross_entropy(net(torch.randn(5, 4)), torch.randint(0, 2, (5,))).backward()
    optimizer.step()
""",
    "a second derivative": """
x = torch.randn(5, 2, requires_grad=True)
model = nn.Linear(2, 1)
(gradient,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
penalty = ((gradient.norm(2, dim=1) - 1) ** 2).mean()
penalty.backward()
""",
    "retained graphs": """
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    out = model(torch.ones(4, 3))
    optimizer.zero_grad()
    out.mean().backward(retain_graph=True)
    (out ** 2).mean().backward()
    optimizer.step()
""",
    "binary classification by scores": """
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
x, y = torch.randn(8, 4), torch.randint(0, 2, (8,)).float()
loss = nn.BCEWithLogitsLoss()(model(x).squeeze(1), y)
loss.backward()
print(((torch.sigmoid(model(x)).squeeze(1) > 0.5) == y.bool()).float().mean() >= 0)
""",
    "a squeeze-and-excitation gate": """
class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8), nn.Sigmoid())
    def forward(self, x):
        return x * self.f(x.mean(dim=(2, 3)))[:, :, None, None]
Gate()(torch.randn(2, 8, 4, 4))
""",
    "a target network whose gradients nobody reads": """
net, target = nn.Linear(4, 2), nn.Linear(4, 2)
target.load_state_dict(net.state_dict())
optimizer = torch.optim.Adam(net.parameters())
for step in range(8):
    states, actions = torch.randn(16, 4), torch.randint(2, (16, 1))
    goal = torch.rand(16) + 0.9 * target(torch.randn(16, 4)).max(1).values
    loss = F.mse_loss(net(states).gather(1, actions).squeeze(1), goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 2:
        target.load_state_dict(net.state_dict())
""",
    "attention weights masked after the softmax": """
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Linear(8, 8), nn.Linear(8, 8)
    def forward(self, x, keep):
        weights = (self.q(x) @ self.k(x).mT / x.size(-1) ** 0.5).softmax(-1)
        weights = weights.masked_fill(~keep, 0.0)
        return (weights / weights.sum(-1, keepdim=True)) @ x
Attention()(torch.randn(2, 5, 8), torch.ones(2, 5, 5, dtype=torch.bool).tril()).sum().backward()
""",
    "two linear layers as a factorization of low rank": """
class LowRank(nn.Module):
    def __init__(self, wide, rank):
        super().__init__()
        self.down, self.up = nn.Linear(wide, rank, bias=False), nn.Linear(rank, wide)
    def forward(self, x):
        return self.up(self.down(x))
layer = LowRank(16, 3)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
for _ in range(3):
    x = torch.randn(8, 16)
    optimizer.zero_grad()
    F.mse_loss(layer(x), x).backward()
    optimizer.step()
""",
    "the entropy of predictions made small, without a policy": """
model = nn.Linear(6, 3)
optimizer = torch.optim.Adam(model.parameters())
for _ in range(3):
    entropy = torch.distributions.Categorical(logits=model(torch.randn(32, 6))).entropy().mean()
    loss = F.cross_entropy(model(torch.randn(8, 6)), torch.randint(3, (8,))) + 0.1 * entropy
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    "a CRF in the sequence-first layout behind a batch-first layer": """
from torchcrf import CRF
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out, self.crf = nn.LSTM(5, 8, batch_first=True), nn.Linear(8, 4), CRF(4)
    def forward(self, x, tags):
        scores = self.out(self.lstm(x)[0]).transpose(0, 1)
        return -self.crf(scores, tags.transpose(0, 1), reduction="mean")
Tagger()(torch.randn(3, 6, 5), torch.randint(4, (3, 6))).backward()
""",
    "a density over a grid, broadcast on purpose": """
model = nn.Linear(2, 1)
points, grid = model(torch.randn(20, 2)), torch.linspace(-1, 1, 20)
density = torch.exp(-((points - grid) ** 2) / 0.1).mean(0)
(-(density + 1e-9).log().sum()).backward()
""",
    "layers with one signature, one of which ignores it": """
class Nothing(nn.Module):
    def __init__(self, width, eps=1e-5):
        super().__init__()
    def forward(self, x):
        return x
class RootMeanSquare(nn.Module):
    def __init__(self, width, eps=1e-5):
        super().__init__()
        self.gain, self.eps = nn.Parameter(torch.ones(width)), eps
    def forward(self, x):
        return x * (x.pow(2).mean(-1, keepdim=True) + self.eps).rsqrt() * self.gain
for layer in (Nothing(8, 1e-6), RootMeanSquare(8, 1e-6)):
    layer(torch.randn(2, 8))
""",
}


PROGRAMS |= re.findall(r"^## ([^\n]+)\n\n```python\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.torch
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_right_program_gives_no_finding(name: str, engine: LocalEngine) -> None:
    text = IMPORTS + PROGRAMS[name].lstrip()
    result = engine.auditor.audit(Snippet(id="program", title=name, document="programs", code=text), fixes=False)
    assert result.outcome is not None
    assert result.outcome.kind == "ok", result.outcome.failure
    assert [(one.name, one.message) for one in result.findings if one.severity is not Severity.NOTE] == []
