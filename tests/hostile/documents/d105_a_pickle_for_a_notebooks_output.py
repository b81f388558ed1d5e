# 105 a pickle for a notebook's output
# expect: 0 1 2
# then: audit page.ipynb --stage parse
import base64
import json
import pickle
from pathlib import Path


class Bomb:
    def __reduce__(self):
        return print, ("UNPICKLED",)


def make(inside: Path) -> None:
    data = base64.b64encode(pickle.dumps(Bomb())).decode()
    output = {"output_type": "display_data", "metadata": {}, "data": {"application/x-pickle": data, "text/plain": data}}
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [output], "execution_count": 1, "source": "print(1)"}
    (inside / "page.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
