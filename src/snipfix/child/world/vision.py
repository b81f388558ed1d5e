"""torchvision: its pure-Python part where the compiled one does not fit, its downloads, its pretrained weights."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from . import mirror, record

if TYPE_CHECKING:
    from .hooks import Hooks


def install(hooks: Hooks) -> None:
    prepare(hooks)
    hooks.after("torchvision.datasets.utils", _downloads)
    hooks.after("torchvision.models._api", _weights)


def prepare(hooks: Hooks) -> None:
    hooks.after("torchvision.extension", _without_compiled_part)


def _without_compiled_part(extension: Any) -> None:
    """Declare the operators that torchvision's import insists on. Calling one still says that the compiled part is missing."""
    if extension._has_ops() or hasattr(extension, "_declared"):
        return
    import torch

    library = torch.library.Library("torchvision", "DEF")
    with open(os.path.join(os.path.dirname(extension.__file__ or ""), "_meta_registrations.py"), encoding="utf-8") as file:
        wanted = re.findall(r"register_fake\(\"torchvision::(\w+)\"\)", file.read())
    for name in dict.fromkeys(wanted):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    extension._declared = library  # ends with the library object, so someone has to hold it


def _downloads(utils: Any) -> None:
    redirect, retrieve, check = utils._get_redirect_url, utils._urlretrieve, utils.check_md5

    def get_redirect_url(url: str, *args: Any, **kwargs: Any) -> str:
        return url if mirror.answers(url) else redirect(url, *args, **kwargs)

    def urlretrieve(url: str, filename: Any, *args: Any, **kwargs: Any) -> None:
        content = mirror.fetch(url)
        if content is None:
            retrieve(url, filename, *args, **kwargs)
            return
        with open(filename, "wb") as file:
            file.write(content)

    def check_md5(fpath: Any, md5: str, **kwargs: Any) -> bool:
        return check(fpath, md5, **kwargs) or record.is_own(utils.calculate_md5(fpath))

    utils._get_redirect_url, utils._urlretrieve, utils.check_md5 = get_redirect_url, urlretrieve, check_md5


def _weights(api: Any) -> None:
    """Pretrained weights become the weights that the model was made with: right names and shapes, nothing learnt."""

    def get_state_dict(self: Any, *_args: Any, **_kwargs: Any) -> Any:
        import torch

        name = type(self).__name__.replace("_Weights", "")
        model = sys._getframe(1).f_locals.get("model")
        if not isinstance(model, torch.nn.Module):
            model = api.get_model(name.lower())
        record.note(f"{name} weights", "random, as the model was made; every layer is there")
        return model.state_dict()

    api.WeightsEnum.get_state_dict = get_state_dict
