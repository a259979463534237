"""What SIGINT and SIGTERM mean while something is being changed.

once    nothing new is sent, and what is in flight is waited for
twice   nobody waits any more: what was in flight is in the journal
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from reconciler.cli.outcome import say

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
WAITING = (
    "Interrupted: nothing new is sent, and what is in flight is waited for. "
    "Interrupt once more to stop waiting; the journal knows what is left.\n"
)


class Interruptions:
    """Counts what a person sent; `stop` is set by the first one."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.changing = False
        """True once something may be in flight: before that, the first one ends everything."""

    @property
    def came(self) -> bool:
        """Tell whether the run was interrupted."""
        return self.stop.is_set()


def run_stoppable(use_case: Callable[[Interruptions], Coroutine[object, object, T]]) -> T:
    """Run a use case on a loop of its own. Raises KeyboardInterrupt for the second interrupt."""
    ended: list[T] = []  # Not returned, for the reason that `outcome.run` gives.

    async def whole() -> None:
        interruptions = Interruptions()
        with _noticed(interruptions):
            ended.append(await use_case(interruptions))

    try:
        asyncio.run(whole())
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error
    return ended[0]


@contextmanager
def _noticed(interruptions: Interruptions) -> Iterator[None]:
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    assert running is not None, "a use case runs in a task of its own"

    def notice() -> None:
        if interruptions.changing and not interruptions.came:
            interruptions.stop.set()
            say(WAITING, err=True)
        else:
            running.cancel()

    for one in SIGNALS:
        loop.add_signal_handler(one, notice)
    try:
        yield
    finally:
        for one in SIGNALS:
            loop.remove_signal_handler(one)
