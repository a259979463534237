"""What a run tells while it runs: one line a change, on stderr."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from reconciler.cli.outcome import say
from reconciler.report.escape import plain

if TYPE_CHECKING:
    from reconciler.cli.interrupt import Interruptions
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.report.document import Document

DOING = {
    "attach": "attaching",
    "detach": "detaching",
    "update": "updating",
    "destroy": "destroying",
}
"""Verb -> the word while a call of it is under way."""


class PlainEvents:
    """Events, as lines that a log keeps well."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._began_s: dict[str, float] = {}
        self.interruptions: Interruptions | None = None

    def learn(self, plan: Document) -> None:
        """Take the names of a plan, so that lines say names and not ids."""
        ours = cast("dict[str, list[dict[str, str | None]]]", plan["reconciler"])
        for change in ours["changes"]:
            for identity, name in (
                ("server_id", "server"),
                ("volume_id", "volume"),
                ("from_id", "from"),
            ):
                self._names[str(change[identity])] = str(change[name])

    def step_started(self, step_id: str, call: Call) -> None:
        """Say that a call is about to be made."""
        self._began_s[step_id] = time.monotonic()
        if self.interruptions is not None:
            self.interruptions.changing = True
        first = self._told(call.keys[0])
        more = f" and {len(call.keys) - 1} more in one call" if len(call.keys) > 1 else ""
        say(f"{first}: {DOING[call.verb.value]}{more} ...\n", err=True)

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Say what became of each attachment of a call."""
        began_s = self._began_s.get(step_id)
        took = f" after {time.monotonic() - began_s:.0f} s" if began_s is not None else ""
        for key, outcome in sorted(outcomes.items()):
            said = f": {plain(outcome.message)}" if outcome.message else ""
            line = f"{self._told(key)}: {call.verb.value} {outcome.verdict.value}{took}{said}"
            say(f"{line}\n", err=True)

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Say what became of a call of an earlier run."""
        what = f"{plain(intent.label)}: {intent.call.verb.value} of an earlier run"
        said = f": {plain(outcome.message)}" if outcome.message else ""
        say(f"{what} adopted: {outcome.verdict.value}{said}\n", err=True)

    def _told(self, key: AttachmentKey) -> str:
        server = self._names.get(key.server_id, key.server_id)
        volume = self._names.get(key.volume_id, key.volume_id)
        return f"{plain(server)}/{plain(volume)}"
