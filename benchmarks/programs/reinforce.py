import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(7)


class Policy(nn.Module):
    def __init__(self, state_dim, n_actions):
        super().__init__()
        self.fc1 = nn.Linear(state_dim, 16)
        self.fc2 = nn.Linear(16, n_actions)

    def forward(self, state):
        return torch.softmax(self.fc2(torch.relu(self.fc1(state))), dim=-1)


def step(state, action):
    """A walk on a line: action 1 goes right, 0 goes left."""
    position = state[0] + (1.0 if action == 1 else -1.0)
    return torch.stack([position, state[1]]), float(position)


policy = Policy(2, 2)
optimizer = torch.optim.Adam(policy.parameters(), lr=0.02)
gamma = 0.9

for episode in range(5):
    state = torch.tensor([0.0, 1.0])
    log_probs, rewards = [], []
    for _ in range(6):
        dist = Categorical(policy(state))
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        state, reward = step(state, action.item())
        rewards.append(reward)

    returns, running = [], 0.0
    for reward in reversed(rewards):
        running = reward + gamma * running
        returns.insert(0, running)
    returns = torch.tensor(returns)
    loss = -(torch.stack(log_probs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(episode, sum(rewards), loss.item())
