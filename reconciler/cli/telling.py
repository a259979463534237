"""Who tells of a run, by what reads it.

In a pipe lines (`progress`), on a terminal lines below which everything under way is drawn
(`watching`), for programs messages (`streaming`); only the one that is needed is loaded.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Protocol, Self, cast

from reconciler.cli.progress import PlainEvents
from reconciler.cli.terminal import live

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from reconciler.cli.interrupt import Interruptions
    from reconciler.model.call import Call
    from reconciler.model.finding import Finding
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.report.document import Document


class Telling(Protocol):
    """Events, and what is told before and after them.

    Order: inside `with`, `plan` once or twice, then the events; after it `end`.
    """

    interruptions: Interruptions | None
    """Hears when something may be in flight."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was; tell what ended the run early, where nobody else does."""
        ...

    def plan(self, document: Document, *, asking: bool = False) -> None:
        """Tell of a plan; `asking` says that a question follows."""
        ...

    def end(self, document: Document, findings: Sequence[Finding]) -> None:
        """Tell what became of the run."""
        ...

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell that a call is about to be made."""
        ...

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Tell what became of each attachment of a call."""
        ...

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Tell what became of a call of an earlier run."""
        ...


def telling(*, as_json: bool) -> Telling:
    """Give who tells of a run, by what reads it."""
    if as_json:
        made = importlib.import_module("reconciler.cli.streaming").JsonEvents()
    elif live(sys.stderr):
        made = importlib.import_module("reconciler.cli.watching").LiveEvents(sys.stderr)
    else:
        made = PlainEvents()
    return cast("Telling", made)
