"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

LATE_S = 1e-9
"""A timer fires a little after its time, as everywhere: `while left > 0: sleep(left)` then ends."""


TURNS = 1000
"""A loop that turns so often in one instant waits for a time that rounding keeps from coming."""


class _Jump(selectors.SelectSelector):
    """Nothing here waits for a socket, so every wait is a jump."""

    now_s = 0.0
    turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            self.turns += 1
            if self.turns % TURNS == 0:
                self.now_s += LATE_S
            return []
        self.turns = 0
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("deadlock: nothing is scheduled and nothing is ready")
        self.now_s += timeout + LATE_S
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Sleeping an hour takes no time and is still an hour."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Give the seconds that were jumped over so far."""
        return self._jump.now_s


def run(story: Coroutine[object, object, T]) -> T:
    """Run a coroutine from second 0 of a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story)
