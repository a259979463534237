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
    ended_message,
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


class JsonEvents:
    """Events as a stream of messages; inside `with` it tells of what ends the run early, too."""

    def __init__(self) -> None:
        self._naming = Naming()
        self._under_way: dict[tuple[str, str], tuple[float, asyncio.TimerHandle]] = {}
        self.interruptions: Interruptions | None = None

    def __enter__(self) -> Self:
        _tell([version_message()])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, (ReconcilerError, BaseExceptionGroup)):
            _tell(finding_message(finding_row(finding)) for finding in findings_of(error))

    def plan(self, document: Document, *, asking: bool = False) -> None:
        """Tell of a plan."""
        del asking  # Nobody is asked where a program reads.
        _tell(plan_messages(document, self._naming))

    def end(self, document: Document, findings: Sequence[Finding]) -> None:
        """Tell what became of the run."""
        _tell(run_messages(document, [finding_row(finding) for finding in findings]))

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell that a call is about to be made, and from time to time that it is under way."""
        if self.interruptions is not None:
            self.interruptions.changing = True
        begins()
        _tell(started_messages(self._naming, step_id, call))
        self._again(step_id, call, asyncio.get_running_loop().time())

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Tell what became of each attachment of a call."""
        now_s = asyncio.get_running_loop().time()
        began_s, named = now_s, (call.keys[0].scope, step_id)
        if named in self._under_way:
            began_s, timer = self._under_way.pop(named)
            timer.cancel()
        _tell(
            ended_message(self._naming, step_id, call, outcome, now_s - began_s)
            for outcome in sorted(outcomes.items(), key=lambda pair: pair[0])
        )

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Tell what became of a call of an earlier run."""
        _tell(
            ended_message(self._naming, intent.step_id, intent.call, (key, outcome), intent.age_s)
            for key in intent.call.keys
        )

    def _again(self, step_id: str, call: Call, began_s: float) -> None:
        loop = asyncio.get_running_loop()

        def still() -> None:
            seconds = loop.time() - began_s
            _tell(progress_messages(self._naming, step_id, call, seconds))
            self._again(step_id, call, began_s)

        named = (call.keys[0].scope, step_id)
        self._under_way[named] = (began_s, loop.call_later(STILL_S, still))


def _tell(messages: Iterable[Document]) -> None:
    for one in messages:
        stamp = datetime.now(tz=UTC).isoformat(timespec="microseconds")
        say(json_text({**one, "@timestamp": stamp}, indent=None) + "\n")
