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
