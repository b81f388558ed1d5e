"""Small image data sets in their real on-disk formats: each class has its own pattern, so a model can learn them."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any

from . import archives

if TYPE_CHECKING:
    import re

TRAIN, TEST = 256, 64
_EMNIST = {"byclass": (62, 0), "bymerge": (47, 0), "balanced": (47, 0), "letters": (26, 1), "digits": (10, 0), "mnist": (10, 0)}
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_STL10 = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


def samples(count: int, classes: int, shape: tuple[int, int, int], seed: int) -> tuple[Any, Any]:
    """`count` images (uint8, channels first) and their labels: the pattern of the class, moved a little, with noise."""
    import numpy as np

    channels, height, width = shape
    patterns = [_pattern(label, shape) for label in range(classes)]
    random = np.random.RandomState(seed)
    labels = random.permutation(np.arange(count) % classes)
    found: Any = np.empty((count, channels, height, width), np.uint8)
    for index, label in enumerate(labels):
        moved = np.roll(patterns[label], tuple(random.randint(-2, 3, 2)), axis=(1, 2))
        noise = random.randint(-24, 25, moved.shape) * (moved > 0)
        found[index] = np.clip(moved + noise, 0, 255)
    return found, labels


def _pattern(label: int, shape: tuple[int, int, int]) -> Any:
    """Bright blocks on black inside a margin, as handwriting is."""
    import numpy as np

    channels, height, width = shape
    random = np.random.RandomState(1000 + label)
    block, margin = height // 7, height // 7
    coarse = random.randint(0, 2, (channels, 5, 5)) * random.randint(128, 230, (channels, 5, 5))
    drawn: Any = np.zeros((channels, height, width), np.int64)
    fine = coarse.repeat(block, axis=1).repeat(block, axis=2)
    drawn[:, margin : margin + fine.shape[1], margin : margin + fine.shape[2]] = fine
    return drawn


def _idx_images(images: Any) -> bytes:
    count, _, height, width = images.shape
    return b"".join((struct.pack(">IIII", 0x803, count, height, width), images.tobytes()))


def _idx_labels(labels: Any) -> bytes:
    return b"".join((struct.pack(">II", 0x801, len(labels)), labels.astype("uint8").tobytes()))


def _split(train: bool) -> tuple[int, int]:
    return (TRAIN, 1) if train else (TEST, 2)


def idx_file(found: re.Match[str]) -> tuple[str, str, bytes]:
    """One file of MNIST, FashionMNIST or KMNIST: same names, same format."""
    count, seed = _split(found["split"] == "train")
    images, labels = samples(count, 10, (1, 28, 28), seed)
    content = _idx_images(images) if found["part"].startswith("images") else _idx_labels(labels)
    name = next((name for name in ("FashionMNIST", "KMNIST") if name.lower()[:5] in found.string.replace("-", "").lower()), "MNIST")
    return name, f"{TRAIN} training and {TEST} test images made by rule, in IDX files", archives.gz(content)


def emnist(_found: re.Match[str]) -> tuple[str, str, bytes]:
    members = {}
    for split, (classes, first) in _EMNIST.items():
        for part in ("train", "test"):
            count, seed = _split(part == "train")
            images, labels = samples(count, classes, (1, 28, 28), seed)
            members[f"gzip/emnist-{split}-{part}-images-idx3-ubyte.gz"] = archives.gz(_idx_images(images))
            members[f"gzip/emnist-{split}-{part}-labels-idx1-ubyte.gz"] = archives.gz(_idx_labels(labels + first))
    return "EMNIST", f"{TRAIN} training and {TEST} test images a split made by rule, in IDX files", archives.zipped(members)


def cifar(found: re.Match[str]) -> tuple[str, str, bytes]:
    classes = int(found["classes"])
    names = list(_CIFAR10) if classes == 10 else [f"class {index}" for index in range(100)]
    key = "labels" if classes == 10 else "fine_labels"
    folder = "cifar-10-batches-py" if classes == 10 else "cifar-100-python"
    images, labels = samples(TRAIN, classes, (3, 32, 32), 1)
    parts = {f"data_batch_{n + 1}": slice(n, None, 5) for n in range(5)} if classes == 10 else {"train": slice(None)}
    batches = {name: (images[part], labels[part]) for name, part in parts.items()}
    batches["test_batch" if classes == 10 else "test"] = samples(TEST, classes, (3, 32, 32), 2)
    members = {
        f"{folder}/{name}": pickle.dumps({"data": some.reshape(len(some), -1), key: [int(label) for label in marks]}, protocol=2)
        for name, (some, marks) in batches.items()
    }
    meta = {"label_names": names} if classes == 10 else {"fine_label_names": names}
    members[f"{folder}/{'batches.meta' if classes == 10 else 'meta'}"] = pickle.dumps(meta, protocol=2)
    how = f"{TRAIN} training and {TEST} test images made by rule, in CIFAR's batches"
    return f"CIFAR{classes}", how, archives.tar_gz(members)


def stl10(_found: re.Match[str]) -> tuple[str, str, bytes]:
    members = {"stl10_binary/class_names.txt": "\n".join(_STL10).encode()}
    for name, count, seed in (("train", TRAIN, 1), ("unlabeled", TEST, 3), ("test", TEST, 2)):
        images, labels = samples(count, 10, (3, 96, 96), seed)
        members[f"stl10_binary/{name}_X.bin"] = images.transpose(0, 1, 3, 2).tobytes()
        if name != "unlabeled":
            members[f"stl10_binary/{name}_y.bin"] = (labels + 1).astype("uint8").tobytes()
    folds = "\n".join(" ".join(str((fold + index) % TRAIN) for index in range(100)) for fold in range(10))
    members["stl10_binary/fold_indices.txt"] = folds.encode()
    return "STL10", f"{TRAIN} training and {TEST} test images made by rule, in its binary files", archives.tar_gz(members)
