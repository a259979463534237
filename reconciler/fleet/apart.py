"""Work on a thread and an event loop of its own.

A look waits for the database as well as for clouds, and a plan of many attachments takes seconds of
computing: neither may keep a worker's heart from beating.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

T = TypeVar("T")


class Apart(Generic[T]):
    """One piece of work; it gets the event that is set once nothing new may be sent."""

    def __init__(self, work: Callable[[asyncio.Event], Coroutine[object, object, T]]) -> None:
        self._work = work
        self._stopping = False
        self._cancelled = False
        self._inside: tuple[asyncio.AbstractEventLoop, asyncio.Event, asyncio.Task[T]] | None = None

    async def done(self, threads: Executor) -> T:
        """Give what comes of it. Cancelled, it cancels the work, and waits for its end."""
        loop = asyncio.get_running_loop()
        going = loop.run_in_executor(threads, lambda: asyncio.run(self._main()))
        try:
            return await asyncio.shield(going)
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait({going})
            raise

    def stop(self) -> None:
        """Let nothing new be sent; what is in flight goes on."""
        self._stopping = True
        self._tell(cancel=False)

    def cancel(self) -> None:
        """End it now: what is in flight is in the journal."""
        self._cancelled = True
        self._tell(cancel=True)

    async def _main(self) -> T:
        running, stop = asyncio.current_task(), asyncio.Event()
        assert running is not None, "asyncio.run makes one"
        self._inside = asyncio.get_running_loop(), stop, running
        if self._cancelled:  # Before it began.
            running.cancel()
        if self._stopping:
            stop.set()
        return await self._work(stop)

    def _tell(self, *, cancel: bool) -> None:
        if self._inside is not None:
            loop, stop, running = self._inside
            with suppress(RuntimeError):  # It has ended meanwhile, and its loop is closed.
                loop.call_soon_threadsafe(running.cancel if cancel else stop.set)
