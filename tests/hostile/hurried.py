"""An event loop in a hurry: all that waits is shortened, no number of the product is touched."""

from __future__ import annotations

import asyncio
import selectors
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Hurried(selectors.DefaultSelector):
    def __init__(self, hurry: float) -> None:
        super().__init__()
        self._hurry = hurry

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / self._hurry)


class HurriedLoop(asyncio.SelectorEventLoop):
    """A loop in which more than one second passes in a second."""

    def __init__(self, hurry: float) -> None:
        self._hurry = hurry
        super().__init__(_Hurried(hurry))

    def time(self) -> float:
        """Give the loop's own time."""
        return super().time() * self._hurry


class _Policy(asyncio.DefaultEventLoopPolicy):
    def __init__(self, hurry: float) -> None:
        super().__init__()
        self._hurry = hurry

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return HurriedLoop(self._hurry)


@contextmanager
def hurried(hurry: float) -> Iterator[None]:
    """Let every loop that is made inside the block hurry."""
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(_Policy(hurry))
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(before)
