"""What the fork server loads once so that no job has to: imports, a warm-up, a still garbage collector, huge pages."""

import gc
import importlib
import os
import sys
import traceback
import types

# What a first optimizer, loader or loss would import lazily, a second for every job.
TORCH_PARTS = ("torch.nn.functional", "torch.optim", "torch.utils.data", "torch._dynamo", "torch.autograd.functional", "torch.nn.utils.rnn")
PACKAGES = ("numpy", "torch", "torchvision", "torchtext", "torchaudio", "torch-geometric", "pytorch-crf", "transformers", "scipy", "scikit-learn", "pandas", "matplotlib")  # fmt: skip

_tried = set()
loaded = {}  # sys.modules as every job finds it


def load(names):
    """Import packages that are installed; gives whether anything new was loaded. A package that fails is left for the job to meet."""
    fresh = [name for name in names if name not in _tried]
    _tried.update(fresh)
    before = len(sys.modules)
    for name in fresh:
        if name == "torch":
            load_torch()
        elif "." in name:
            deepen(*name.rsplit(".", 1))
        else:
            attempt(name)
    if len(sys.modules) == before:
        return False
    loaded.update(sys.modules)
    gc.collect()
    gc.freeze()
    return True


def attempt(name):
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True


def deepen(module, name):
    """Touch a name of a package that loads its parts when they are asked for."""
    if attempt(module):
        try:
            getattr(sys.modules[module], name, None)
        except Exception:
            pass


def load_torch():
    """Import torch with one thread: a pool of threads made here would hang every parallel operation of every child."""
    if not attempt("torch"):
        return
    torch = sys.modules["torch"]
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    for part in TORCH_PARTS:
        attempt(part)
    try:
        warm_up(torch)
    except Exception:
        pass  # a torch too old or too new for the warm-up still runs jobs, only slower
    seed_quickly()
    torch.manual_seed(0)


def seed_quickly():
    """Let torch, which keeps each seeding for devices that are not in use yet, do so without the text of the stack that asked for it."""
    silent = types.SimpleNamespace(**{**vars(traceback), "format_stack": list})
    for name in ("torch.cuda", "torch.xpu", "torch.mtia"):
        module = sys.modules.get(name)
        if getattr(module, "traceback", None) is traceback:
            module.traceback = silent


def warm_up(torch):
    """Touch what training code touches first, so that its lazy initialisation is shared."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3), nn.Dropout(0.5)
    )
    for kind in (torch.optim.SGD, torch.optim.Adam):
        optimizer = kind(model.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(torch.randn(2, 1, 8, 8)), torch.tensor([0, 2])).backward()
            optimizer.step()
    for module, inputs in (
        (nn.LSTM(2, 3, batch_first=True), (torch.zeros(1, 2, 2),)),
        (nn.GRU(2, 3), (torch.zeros(1, 2, 2),)),
        (nn.MultiheadAttention(4, 2, batch_first=True), (torch.zeros(1, 2, 4),) * 3),
    ):
        module(*inputs)
    data = torch.utils.data
    list(data.DataLoader(data.TensorDataset(torch.zeros(4, 1)), batch_size=2, shuffle=True))
    repr(torch.zeros(2))


def collapse():
    """Ask for huge pages under what was loaded: a fork then copies far fewer page-table entries."""
    try:
        import linux
    except ImportError:
        return
    linux.collapse_heap()


def version(package):
    """The installed version, or None."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except Exception:
        return None


def environment():
    """Facts about this interpreter for reports."""
    import platform

    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": f"{platform.system()} {platform.machine()}",
        "torch": version("torch"),
        "cuda": cuda(),
        "packages": {name: found for name in PACKAGES if (found := version(name))},
    }


def cuda():
    """Whether a CUDA device answers: asked in a throw-away child, because asking may initialise CUDA, which no fork survives."""
    if "torch" not in sys.modules:
        return False
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if sys.modules["torch"].cuda.is_available() else 1)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0
