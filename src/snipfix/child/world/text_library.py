"""torchtext 0.6: the two functions that it downloads with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import mirror, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .hooks import Hooks


def install(hooks: Hooks) -> None:
    hooks.after("torchtext.utils", _requests)
    hooks.after("torchtext.vocab", _retrieval)


class _Response:
    """As much of a `requests` response as a download reads."""

    def __init__(self, url: str, content: bytes) -> None:
        self.cookies: dict[str, str] = {}
        self.headers = {"Content-length": str(len(content)), "content-disposition": f'attachment; filename="{texts.served_name(url)}"'}
        self._content = content

    def iter_content(self, size: int) -> Iterator[bytes]:
        return (self._content[start : start + size] for start in range(0, len(self._content), size))


def _requests(utils: Any) -> None:
    real: Any = utils.requests

    class Session(real.Session):  # type: ignore[misc]
        def get(self, url: str, **kwargs: Any) -> Any:
            content = mirror.fetch(url)
            return super().get(url, **kwargs) if content is None else _Response(url, content)

    class Requests:
        """What torchtext sees as `requests`."""

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def get(self, url: str, **kwargs: Any) -> Any:
            return Session().get(url, **kwargs)

    Requests.Session = Session  # type: ignore[attr-defined]
    utils.requests = Requests()


def _retrieval(vocab: Any) -> None:
    real = vocab.urlretrieve

    def urlretrieve(url: str, filename: Any = None, *args: Any, **kwargs: Any) -> Any:
        content = mirror.fetch(url)
        if content is None:
            return real(url, filename, *args, **kwargs)
        with open(filename, "wb") as file:
            file.write(content)
        return filename, {}

    vocab.urlretrieve = urlretrieve
