# 104 a notebook nested a hundred thousand deep
# expect: 2
# then: audit deep.ipynb --stage parse
from pathlib import Path


def make(inside: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    (inside / "deep.ipynb").write_text('{"nbformat": 4, "nbformat_minor": 5, "metadata": {"a": ' + deep + '}, "cells": []}')
