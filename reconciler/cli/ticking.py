"""What a service prints of each tick: lines for people, or messages for programs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.cli.ending import ERROR, begins
from reconciler.cli.history import when
from reconciler.cli.outcome import say
from reconciler.cli.streaming import UnderWay, tell
from reconciler.model.watching import Answer
from reconciler.report.document import finding_row
from reconciler.report.escape import plain
from reconciler.report.events import (
    Naming,
    ended_messages,
    finding_message,
    started_messages,
    version_message,
)
from reconciler.report.watch import tick_document, tick_text
from reconciler.report.watch_events import looked_messages, ticked_messages

if TYPE_CHECKING:
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcomes
    from reconciler.model.watching import Tick, Watched

DRIFTED = 2


class Lines:
    """WatchListener (see `ports`) that prints a tick in lines, and remembers how it stands."""

    def __init__(self) -> None:
        self._last: dict[str, Tick] = {}

    def changed(self, now: Watched) -> None:
        """Say what is wrong with newer manifests."""
        for finding in now.manifests.findings:
            where = f" at {finding.place}" if finding.place is not None else ""
            summary = plain(f"{finding.summary}{where}")
            say(f"error[{finding.code}]: {summary}; the last good manifests stay\n", err=True)

    def tick_began(self, scope: str, at_s: float) -> None:
        """Print nothing."""

    def looked(self, tick: Tick) -> None:
        """Print nothing: the tick tells when it has ended."""

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Print nothing: the tick tells."""
        del scope, run, step_id, call
        begins()

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Print nothing: the tick tells."""

    def ticked(self, tick: Tick) -> None:
        """Print the tick."""
        self._last[tick.scope] = tick
        say(tick_text(tick_document(tick, when)))

    def exit_code(self) -> int:
        """Give the exit code of `drift` for the last looks; what was corrected is in line."""
        if not all(tick.looked for tick in self._last.values()):
            return ERROR
        left = (
            one
            for tick in self._last.values()
            for one in tick.differences
            if one.answer is not Answer.PENDING and (one.held is not None or one.run is None)
        )
        return DRIFTED if any(left) else 0


class Messages(Lines):
    """The same for programs: one JSON object a line, as it happens."""

    def __init__(self) -> None:
        super().__init__()
        self._namings: defaultdict[str, Naming] = defaultdict(Naming)
        """Scope -> its names, while it is looked at."""
        self._under_way = UnderWay()
        self._introduced = False

    def changed(self, now: Watched) -> None:
        """Say first who speaks, then what is wrong with newer manifests."""
        if not self._introduced:
            tell([version_message()])
            self._introduced = True
        tell(finding_message(finding_row(finding)) for finding in now.manifests.findings)

    def looked(self, tick: Tick) -> None:
        """Tell what differs, and what makes it agree again."""
        tell(looked_messages(tick, self._namings[tick.scope], when))

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Tell that a call is about to be made, and from time to time that it is under way."""
        del run
        begins()
        naming = self._namings[scope]
        tell(started_messages(naming, step_id, call))
        self._under_way.begin(naming, step_id, call)

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Tell what became of each attachment of a call."""
        del run
        seconds = self._under_way.end(step_id, call)
        tell(ended_messages(self._namings[scope], step_id, call, outcomes, seconds))

    def ticked(self, tick: Tick) -> None:
        """Tell what is wrong, and the summary."""
        self._last[tick.scope] = tick
        self._namings.pop(tick.scope, None)
        self._under_way.leave(tick.scope)
        tell(ticked_messages(tick, when))
