import random
from collections import deque

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(0)


class QNetwork(nn.Module):
    def __init__(self, state_size, action_size):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(state_size, 24),
            nn.ReLU(),
            nn.Linear(24, action_size),
        )

    def forward(self, x):
        return self.net(x)


q_net = QNetwork(4, 2)
target_net = QNetwork(4, 2)
target_net.load_state_dict(q_net.state_dict())
optimizer = torch.optim.Adam(q_net.parameters(), lr=1e-3)
memory = deque(maxlen=100)

for _ in range(40):
    memory.append((torch.randn(4), random.randrange(2), random.random(), torch.randn(4)))

for update in range(5):
    batch = random.sample(memory, 8)
    states, actions, rewards, next_states = zip(*batch)
    states, next_states = torch.stack(states), torch.stack(next_states)
    actions = torch.tensor(actions).unsqueeze(1)
    rewards = torch.tensor(rewards)

    q_values = q_net(states).gather(1, actions).squeeze(1)
    with torch.no_grad():
        target = rewards + 0.99 * target_net(next_states).max(1)[0]
    loss = F.mse_loss(q_values, target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 2 == 1:
        target_net.load_state_dict(q_net.state_dict())
    print("update", update, "loss", loss.item())
