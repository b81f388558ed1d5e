# 104 a cell of sixty megabytes
# expect: 0 1 2
# then: audit big.ipynb --stage static
import json
from pathlib import Path


def make(inside: Path) -> None:
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": "x = '" + "a" * (60 << 20) + "'\n",
    }
    (inside / "big.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
