"""What a run tells for programs: one JSON object a line on stdout, as it happens."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from reconciler.cli.ending import begins
from reconciler.cli.outcome import findings_of, say
from reconciler.errors import ReconcilerError
from reconciler.report.document import finding_row
from reconciler.report.escape import json_text
from reconciler.report.events import (
    Naming,
    ended_messages,
    finding_message,
    plan_messages,
    progress_messages,
    run_messages,
    started_messages,
    version_message,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from reconciler.cli.interrupt import Interruptions
    from reconciler.model.call import Call
    from reconciler.model.finding import Finding
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.report.document import Document

STILL_S = 10.0
"""How often a call that is under way says so; Terraform's own rhythm."""


class UnderWay:
    """The calls that are under way: each says so from time to time."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], tuple[float, asyncio.TimerHandle]] = {}

    def begin(self, naming: Naming, step_id: str, call: Call) -> None:
        """Tell of it every `STILL_S` from now on."""
        self._again(naming, step_id, call, asyncio.get_running_loop().time())

    def end(self, step_id: str, call: Call) -> float:
        """Tell of it no more; give how many seconds it took, 0 where it wasn't under way."""
        began_s, timer = self._since.pop((call.keys[0].scope, step_id), (None, None))
        if began_s is None or timer is None:
            return 0.0
        timer.cancel()
        return asyncio.get_running_loop().time() - began_s

    def leave(self, scope: str) -> None:
        """Tell of no call of this scope any more."""
        for named in [named for named in self._since if named[0] == scope]:
            self._since.pop(named)[1].cancel()

    def _again(self, naming: Naming, step_id: str, call: Call, began_s: float) -> None:
        loop = asyncio.get_running_loop()

        def still() -> None:
            tell(progress_messages(naming, step_id, call, loop.time() - began_s))
            self._again(naming, step_id, call, began_s)

        named = (call.keys[0].scope, step_id)
        self._since[named] = (began_s, loop.call_later(STILL_S, still))


class JsonEvents:
    """Events as a stream of messages; inside `with` it tells of what ends the run early, too."""

    def __init__(self) -> None:
        self._naming = Naming()
        self._under_way = UnderWay()
        self.interruptions: Interruptions | None = None

    def __enter__(self) -> Self:
        tell([version_message()])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, (ReconcilerError, BaseExceptionGroup)):
            tell(finding_message(finding_row(finding)) for finding in findings_of(error))

    def plan(self, document: Document, *, asking: bool = False) -> None:
        """Tell of a plan."""
        del asking  # Nobody is asked where a program reads.
        tell(plan_messages(document, self._naming))

    def end(self, document: Document, findings: Sequence[Finding]) -> None:
        """Tell what became of the run."""
        tell(run_messages(document, [finding_row(finding) for finding in findings]))

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell that a call is about to be made, and from time to time that it is under way."""
        if self.interruptions is not None:
            self.interruptions.changing = True
        begins()
        tell(started_messages(self._naming, step_id, call))
        self._under_way.begin(self._naming, step_id, call)

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Tell what became of each attachment of a call."""
        seconds = self._under_way.end(step_id, call)
        tell(ended_messages(self._naming, step_id, call, outcomes, seconds))

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Tell what became of a call of an earlier run."""
        outcomes = dict.fromkeys(intent.call.keys, outcome)
        tell(ended_messages(self._naming, intent.step_id, intent.call, outcomes, intent.age_s))


def tell(messages: Iterable[Document]) -> None:
    """Print messages to stdout, each with the time of day."""
    for one in messages:
        stamp = datetime.now(tz=UTC).isoformat(timespec="microseconds")
        say(json_text({**one, "@timestamp": stamp}, indent=None) + "\n")
