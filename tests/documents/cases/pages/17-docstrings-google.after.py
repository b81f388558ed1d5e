"""Layers for the course.

This module holds the layers. Example usage::

    gate = Gate(4)
    print(gate(torch.ones(2, 4)).shape)
"""

import torch
from torch import nn


class Gate(nn.Module):
    """A gate.

    Args:
        width (int): Width of ``x``; see ``torch.nn.Linear(width, width)``.

    Attributes:
        fc: the layer.

    Examples:
        >>> gate = Gate(4)
        >>> gate(torch.ones(2, 4)).shape
        torch.Size([2, 4])
        >>> for name, p in gate.named_parameters():
        ...     print(name, tuple(p.shape))
        fc.weight (4, 4)
        fc.bias (4,)
    """

    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        """Run.

        ```python
        Gate(2)(torch.ones(1, 2))
        ```

        Raises:
            RuntimeError: For another width:

                >>> Gate(2)(torch.ones(1, 3))
                Traceback (most recent call last):
                    ...
                RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 2x2)
        """
        return torch.sigmoid(self.fc(x)) * x
