"""The clock of the running event loop; a test swaps the loop, not the clock."""

from __future__ import annotations

import asyncio


class LoopClock:
    """Clock over the running event loop."""

    def monotonic(self) -> float:
        """Give the loop's time, in seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the loop."""
        await asyncio.sleep(seconds)
