"""Clocks: where a simulated cloud has its time from."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since an arbitrary start, and a way to let some pass."""

    def now(self) -> float:
        """Seconds since this clock's start."""

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed by this clock."""


class WallClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of real time."""
        await asyncio.sleep(seconds)


class LoopClock:
    """The running event loop's time, which may be virtual; asked outside a loop it raises."""

    def now(self) -> float:
        """Seconds of the running loop."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return when the loop says that `seconds` have passed."""
        await asyncio.sleep(seconds)


class VirtualClock:
    """Stands still until somebody advances it.

    `sleep` returns at once and moves nothing: nobody could advance the clock while the
    only request waits for it, so latency costs nothing under this clock.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now(self) -> float:
        """Seconds that were advanced so far."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; time never runs backwards."""
        if seconds < 0:
            raise ValueError(f"a clock can't be advanced by {seconds} seconds")
        self._now_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Return at once, whatever `seconds` says."""
        del seconds
        await asyncio.sleep(0)
