"""Draws that depend on a seed and a counter only.

A draw is a hash of (seed, number of the draw), so a simulator that was killed goes on
with the draws it would have made: the counter is all that has to be saved.
"""

from __future__ import annotations

import hashlib
import math
import statistics
import uuid
from functools import lru_cache

_SPAN = float(1 << 53)


class Dice:
    """Seeded draws in a fixed order; `drawn` counts them and can be set to continue."""

    def __init__(self, seed: str, drawn: int = 0) -> None:
        self.seed = seed
        self.drawn = drawn

    def uniform(self) -> float:
        """Give a number in [0, 1)."""
        return (int.from_bytes(self._next()[:8], "big") >> 11) / _SPAN

    def lognormal(self, median: float, sigma: float) -> float:
        """Give a positive number whose logarithm is normal; `median` itself when sigma is 0."""
        if sigma == 0:
            return median
        share = min(max(self.uniform(), 1e-12), 1 - 1e-12)
        return median * math.exp(statistics.NormalDist(0.0, sigma).inv_cdf(share))

    def token(self) -> str:
        """32 hexadecimal characters."""
        return self._next()[:16].hex()

    def dashed(self) -> str:
        """Give a text shaped as a UUID."""
        return str(uuid.UUID(bytes=self._next()[:16], version=4))

    def _next(self) -> bytes:
        self.drawn += 1
        return hashlib.sha256(f"{self.seed}#{self.drawn}".encode()).digest()


@lru_cache(maxsize=4096)
def named_uuid(*parts: str) -> str:
    """Give the UUID-shaped text that always belongs to these words."""
    digest = hashlib.sha256("\x00".join(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))
