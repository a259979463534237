"""The log of requests that a simulator was asked, and how many asked for a change."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS_KEPT = 100_000
"""The newest rows only are kept; the counts go on."""


@dataclass(slots=True)
class RequestsLog:
    """Rows in the order in which the answers were decided."""

    rows: deque[Mapping[str, object]] = field(default_factory=lambda: deque(maxlen=ROWS_KEPT))
    changing: int = 0
    reading: int = 0

    def add(self, row: Mapping[str, object]) -> None:
        """Write one row; its `changing` decides which count grows."""
        self.rows.append(row)
        if row["changing"]:
            self.changing += 1
        else:
            self.reading += 1

    def clear(self) -> None:
        """Forget all rows and counts."""
        self.rows.clear()
        self.changing = self.reading = 0

    def document(self) -> dict[str, object]:
        """Give the log as `GET /_sim/requests` answers it."""
        counts = {"changing": self.changing, "reading": self.reading}
        return {"requests": list(self.rows), "counts": counts}
