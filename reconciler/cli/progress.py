"""What a run tells in a pipe: a plan, one line a change on stderr, and what became of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, cast

from reconciler.cli.ending import begins
from reconciler.cli.outcome import say, told_as
from reconciler.report.escape import plain
from reconciler.report.run import DOING, run_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from reconciler.cli.interrupt import Interruptions
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.finding import Finding
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.report.document import Document


class PlainEvents:
    """Events, as lines that a log keeps well; without `starts` only those of what has ended."""

    def __init__(self, *, starts: bool = True) -> None:
        self._starts = starts
        self._names: dict[str, str] = {}
        self._began_s: dict[tuple[str, str], float] = {}
        self.interruptions: Interruptions | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def plan(self, document: Document, *, asking: bool = False) -> None:
        """Print a plan, and a gap where a question follows."""
        self.learn(document)
        say(told_as(document, "text") + ("\n" if asking else ""))

    def end(self, document: Document, findings: Sequence[Finding]) -> None:
        """Print what became of the run; findings have their place on stderr."""
        del findings
        say(run_text(document))

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
        self._began_s[call.keys[0].scope, step_id] = time.monotonic()
        if self.interruptions is not None:
            self.interruptions.changing = True
        begins()
        if not self._starts:
            return
        first = self.told(call.keys[0])
        more = f" and {len(call.keys) - 1} more in one call" if len(call.keys) > 1 else ""
        how = " by force" if call.forced else ""
        say(f"{first}: {DOING[call.verb.value]}{how}{more} ...\n", err=True)

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Say what became of each attachment of a call."""
        began_s = self._began_s.pop((call.keys[0].scope, step_id), None)
        took = f" after {time.monotonic() - began_s:.0f} s" if began_s is not None else ""
        for key, outcome in sorted(outcomes.items()):
            more = outcome.after_attach or outcome.message
            said = f": {plain(more)}" if more else ""
            line = f"{self.told(key)}: {call.verb.value} {outcome.verdict.value}{took}{said}"
            say(f"{line}\n", err=True)

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Say what became of a call of an earlier run."""
        what = f"{plain(intent.label)}: {intent.call.verb.value} of an earlier run"
        told = outcome.after_attach or outcome.message
        said = f": {plain(told)}" if told else ""
        say(f"{what} adopted: {outcome.verdict.value}{said}\n", err=True)

    def told(self, key: AttachmentKey) -> str:
        """Give `SERVER/VOLUME`, by id where no name is known."""
        server = self._names.get(key.server_id, key.server_id)
        volume = self._names.get(key.volume_id, key.volume_id)
        return f"{plain(server)}/{plain(volume)}"
