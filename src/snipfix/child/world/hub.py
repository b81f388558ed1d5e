"""transformers: models and tokenizers of the Hugging Face hub, as a filled cache that its own offline mode reads.

The width is the real one, the depth is cut, the weights are random. Only families whose layout is known here; other names fail as they do offline.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .hooks import Hooks

_COMMIT = "0" * 40


def install(hooks: Hooks) -> None:
    hooks.after("huggingface_hub.constants", _offline)
    hooks.after("transformers.utils.hub", _cached_files)


def _cache() -> str:
    return os.path.abspath(os.path.join(".cache", "huggingface", "hub"))


def _offline(constants: Any) -> None:
    constants.HF_HUB_CACHE = _cache()
    constants.HF_HUB_OFFLINE = True


def _cached_files(module: Any) -> None:
    real = module.cached_files

    def cached_files(path_or_repo_id: Any, filenames: Any, **kwargs: Any) -> Any:
        name = str(path_or_repo_id)
        if not os.path.isdir(name) and kwargs.get("repo_type") in (None, "model"):
            _provide(name, filenames)
            kwargs["cache_dir"] = _cache()
        return real(path_or_repo_id, filenames, **kwargs)

    module.cached_files = cached_files


def _provide(name: str, filenames: Any) -> None:
    """Fill the cache with the files of a known model: the small ones at once, the weights when first asked for."""
    from . import pretrained

    family = pretrained.family_of(name)
    if family is None:
        return
    base = os.path.join(_cache(), "models--" + name.replace("/", "--"))
    folder = os.path.join(base, "snapshots", _COMMIT)
    if not os.path.isdir(folder):
        os.makedirs(folder)
        os.makedirs(os.path.join(base, "refs"))
        with open(os.path.join(base, "refs", "main"), "w") as file:
            file.write(_COMMIT)
        family.write_config(folder)
        family.write_tokenizer(folder)
    if any(str(asked).startswith(("model.safetensors", "pytorch_model.bin")) for asked in filenames):
        family.write_weights(folder)
