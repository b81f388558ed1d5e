"""位置编码。

>>> table = sinusoids(4, 6)
>>> print(len(table), len(table[0]))
4 6
"""

import math


def sinusoids(length, width):
    """正弦位置编码，每个位置一行。

    ```python
    row = sinusoids(2, 4)[1]
    print(round(row[0], 4))
    ```
    """
    return [
        [math.sin(pos / 10000 ** (i / width)) if i % 2 == 0 else math.cos(pos / 10000 ** ((i - 1) / width)) for i in range(width)]
        for pos in range(length)
    ]
