"""Imports point one way, the child is tied to nothing, and the parent never imports torch."""

import ast
import re
import sys
from pathlib import Path

import pytest

import snipfix

ROOT = Path(snipfix.__file__).parent
LAYERS = {
    "evidence": 0, "errors": 0, "files": 0, "model": 1, "code": 1, "config": 2,
    "documents": 2, "codemods": 2, "sandbox": 2, "baseline": 2, "changed": 3, "rules": 3, "audit": 4, "patches": 4, "cache": 4, "diff": 2,
    "proof": 4, "weakening": 4, "search": 5, "necessity": 5, "behind": 5, "repair": 5, "born": 5,
    "engines": 6, "report": 7, "corpus": 7, "cli": 8, "lsp": 8, "pytest_plugin": 8, "watch": 8,
}  # fmt: skip
"""A file may import from layers at or below its own."""

HEAVY = {"torch", "torchvision", "torchtext", "transformers", "torch_geometric", "torchcrf", "numpy"}
PARENT = sorted(path for path in ROOT.rglob("*.py") if "child" not in path.relative_to(ROOT).parts)
CHILD = sorted((ROOT / "child").rglob("*.py"))


def imports(path: Path, *, inside: bool) -> set[str]:
    """The full names of modules that a file imports; `inside`: also those in functions. Imports for type checkers do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checked = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    late = {id(child) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for child in ast.walk(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in checked or (id(node) in late and not inside):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "snipfix" else {module}
    return found


def layer(name: str) -> int | None:
    return LAYERS.get(name.split(".")[1]) if name.startswith("snipfix.") else None


@pytest.mark.parametrize("path", PARENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path):
    own = LAYERS.get(path.relative_to(ROOT).parts[0].removesuffix(".py"))
    for name in imports(path, inside=True):
        target = layer(name)
        assert own is None or target is None or target <= own, f"{path.name} imports {name}, which is above it"


@pytest.mark.parametrize("path", PARENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_parent_never_imports_torch(path: Path):
    assert not {name.split(".")[0] for name in imports(path, inside=True)} & HEAVY


@pytest.mark.parametrize("path", CHILD, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_child_knows_only_the_standard_library(path: Path):
    siblings = {one.stem for one in CHILD} | {one.name for one in (ROOT / "child").rglob("*") if one.is_dir()}
    early = {name.split(".")[0] for name in imports(path, inside=False)}
    assert early <= set(sys.stdlib_module_names) | siblings | {""}
    assert "snipfix" not in {name.split(".")[0] for name in imports(path, inside=True)}


def test_the_parent_parses_in_one_place():
    """Threads that parse at the same time upset each other: `snipfix.code.parse` lets them take turns."""
    by_itself = re.compile(r"\bast\.(?:parse|literal_eval)\(")
    assert [path.name for path in PARENT if by_itself.search(path.read_text(encoding="utf-8"))] == ["code.py"]
