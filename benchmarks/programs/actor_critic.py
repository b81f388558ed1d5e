import torch
import torch.nn as nn
import torch.nn.functional as F


class ActorCritic(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden=24):
        super().__init__()
        self.base = nn.Linear(obs_dim, hidden)
        self.actor = nn.Linear(hidden, act_dim)
        self.critic = nn.Linear(hidden, 1)

    def forward(self, obs):
        h = torch.tanh(self.base(obs))
        return self.actor(h), self.critic(h).squeeze(-1)


agent = ActorCritic(3, 4)
optimizer = torch.optim.RMSprop(agent.parameters(), lr=1e-3)
obs = torch.randn(20, 3)
returns = torch.randn(20)

for update in range(4):
    logits, values = agent(obs)
    dist = torch.distributions.Categorical(logits=logits)
    actions = dist.sample()
    advantage = returns - values.detach()
    policy_loss = -(dist.log_prob(actions) * advantage).mean()
    value_loss = F.mse_loss(values, returns)
    loss = policy_loss + 0.5 * value_loss - 0.01 * dist.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(update, loss.item())
