"""Journals of a story: one in memory with the real one's promises, and the real one, both watched.

Every line is a moment in which the process may die, before it is durable or right after.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Protocol

from reconciler.errors import JournalError
from reconciler.journal.leases import LeaseLostError
from reconciler.model.outcome import Verdict
from reconciler.model.record import OpenIntent
from tests.campaign.asked import Asked
from tests.campaign.leases import Held, MemoryLease, WatchedLease
from tests.campaign.road import HERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.journal.journal import Book, Pages
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.declared import Side
    from reconciler.model.memory import Memory
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import Identity, Intent, NamedAttachment
    from tests.campaign.road import Life

    Rows = frozenset[tuple[Side, str]]


@dataclass(slots=True)
class Line:
    """One intent and all that is durable about it."""

    run: str
    asked: tuple[Asked, ...]
    handle: str | None = None
    verdicts: dict[tuple[str, str], list[str]] = field(default_factory=dict)


class Kept(Protocol):
    """Pages that a run may write."""

    def begin(self, intent: Intent) -> int: ...

    def accepted(self, intent_id: int, handle: str) -> None: ...

    def end(self, intent_id: int, outcomes: Outcomes) -> None: ...

    def together(
        self, writes: Sequence[Callable[[], object]]
    ) -> Sequence[object | JournalError]: ...

    def open_intents(self) -> tuple[OpenIntent, ...]: ...

    def job_seconds(self) -> Mapping[str, float]: ...

    def applied(self) -> frozenset[NamedAttachment] | None: ...

    def remembered(self) -> Memory | None: ...

    def record_applied(
        self, run: str, rows: frozenset[NamedAttachment], by: Memory, owned: Rows | None = None
    ) -> None: ...


@dataclass
class MemoryPages:
    """The journal's promises, kept in lists."""

    now_s: Callable[[], float]
    intents: list[tuple[Intent, float]] = field(default_factory=list)
    handles: dict[int, str] = field(default_factory=dict)
    ended: list[tuple[int, AttachmentKey, Outcome]] = field(default_factory=list)
    by: Memory | None = None
    rows: frozenset[NamedAttachment] | None = None
    held: Held = field(default_factory=Held)

    def begin(self, intent: Intent) -> int:
        """Keep an intent."""
        self.intents.append((intent, self.now_s()))
        return len(self.intents)

    def accepted(self, intent_id: int, handle: str) -> None:
        """Keep a handle."""
        assert intent_id not in self.handles
        self.handles[intent_id] = handle

    def end(self, intent_id: int, outcomes: Outcomes) -> None:
        """Keep what became of it."""
        self.ended += [(intent_id, key, outcome) for key, outcome in sorted(outcomes.items())]

    def together(self, writes: Sequence[Callable[[], object]]) -> Sequence[object | JournalError]:
        """Keep all of it or nothing, as one commit does."""
        before = len(self.intents), dict(self.handles), len(self.ended)
        try:
            return [write() for write in writes]
        except BaseException as error:
            del self.intents[before[0] :], self.ended[before[2] :]
            self.handles = before[1]
            if not isinstance(error, LeaseLostError):
                raise
        return [_alone(write) for write in writes]

    def open_intents(self) -> tuple[OpenIntent, ...]:
        """Give what no verdict but UNKNOWN was kept for."""
        return tuple(self._open())

    def _open(self) -> Iterator[OpenIntent]:
        for number, (intent, at_s) in enumerate(self.intents, start=1):
            known = {
                key for i, key, o in self.ended if i == number and o.verdict is not Verdict.UNKNOWN
            }
            left = tuple(key for key in intent.call.keys if key not in known)
            if left:
                yield OpenIntent(
                    intent_id=number,
                    run=intent.run,
                    step_id=intent.step_id,
                    label=intent.label,
                    call=replace(intent.call, keys=left),
                    handle=self.handles.get(number),
                    age_s=max(0.0, self.now_s() - at_s),
                )

    def job_seconds(self) -> Mapping[str, float]:
        """Give the median seconds by verb."""
        took: dict[str, list[float]] = {}
        for number, _, outcome in self.ended:
            if outcome.took_s is not None:
                verb = self.intents[number - 1][0].call.verb.value
                took.setdefault(verb, []).append(outcome.took_s)
        return {verb: median(seconds) for verb, seconds in took.items()}

    def applied(self) -> frozenset[NamedAttachment] | None:
        """Give the rows of the last apply."""
        return self.rows

    def remembered(self) -> Memory | None:
        """Give what it went by."""
        return self.by

    def record_applied(
        self, run: str, rows: frozenset[NamedAttachment], by: Memory, owned: Rows | None = None
    ) -> None:
        """Replace both; which rows it owned only a service asks."""
        del run, owned
        self.rows, self.by = rows, by

    def text(self) -> str:
        """Give every word that somebody else wrote into it."""
        told = [f"{one.label} {one.step_id}" for one, _ in self.intents]
        told += [f"{one.code} {one.message} {one.request_id}" for _, _, one in self.ended]
        return "\n".join([*told, *self.handles.values(), *map(str, self.rows or ())])

    def lines(self) -> list[Line]:
        """Give everything that is durable."""
        found = [
            Line(
                run=intent.run,
                asked=tuple(
                    Asked(intent.call.verb.value, k.server_id, k.volume_id)
                    for k in intent.call.keys
                ),
                handle=self.handles.get(number),
            )
            for number, (intent, _) in enumerate(self.intents, start=1)
        ]
        for number, key, outcome in self.ended:
            row = found[number - 1].verdicts.setdefault((key.server_id, key.volume_id), [])
            row.append(outcome.verdict.value)
        return found


def _alone(write: Callable[[], object]) -> object | JournalError:
    try:
        return write()
    except JournalError as error:
        return error


class MemoryBook:
    """A journal of one cloud that is open for as long as its story lasts."""

    def __init__(self, pages: MemoryPages, *, groups: bool) -> None:
        self._pages = pages
        self._watched = Grouping if groups else Watched

    def pages(self, identity: Identity, scope: str) -> Watched:
        """Give the only pages there are."""
        del identity, scope
        return self._watched(self._pages, HERE.get(), MemoryLease(self._pages.held, HERE.get()))

    def close(self) -> None:
        """Keep it."""


class RealBook:
    """The real journal, watched."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def pages(self, identity: Identity, scope: str) -> Watched:
        """Give the pages of one cloud."""
        pages = self._book.pages(identity, scope)
        return Grouping(pages, HERE.get(), WatchedLease(pages.lease, HERE.get()))

    def close(self) -> None:
        """Release the file."""
        self._book.close()


class Unread:
    """A history that nobody reads."""

    def began(self, run: str, verb: str, commit: object = None) -> None:
        """Forget it."""
        del run, verb, commit

    def ended(self, run: str, end: object) -> None:
        """Forget it."""
        del run, end

    def destroyed(self) -> frozenset[NamedAttachment]:
        """Know of no volume that is lost."""
        return frozenset()

    def owed(self) -> dict[tuple[str, str], str]:
        """Know of no hook that is owed."""
        return {}

    def seconds(self) -> dict[tuple[object, str], float]:
        """Know of no hook that ran."""
        return {}

    def owned_rows(self) -> frozenset[tuple[Side, str]]:
        """Know of none."""
        return frozenset()


@dataclass
class Watched:
    """Pages of one process: dead, it writes nothing."""

    kept: Kept | Pages
    life: Life
    lease: MemoryLease | WatchedLease

    @property
    def runs(self) -> Unread:
        """Give a history that nobody reads."""
        return Unread()

    @property
    def hooks(self) -> Unread:
        """Give a record of hooks that stays empty: no policy of these stories names one."""
        return Unread()

    @property
    def watch(self) -> Unread:
        """Give what only a service reads."""
        return Unread()

    def begin(self, intent: Intent) -> int:
        """Write an intent, or die."""
        self.life.line()
        self.lease.confirm()
        number = self.kept.begin(intent)
        self.life.line()
        return number

    def accepted(self, intent_id: int, handle: str) -> None:
        """Write a handle, or die."""
        self.life.line()
        self.kept.accepted(intent_id, handle)
        self.life.line()

    def end(self, intent_id: int, outcomes: Outcomes) -> None:
        """Write verdicts, or die."""
        self.life.line()
        self.kept.end(intent_id, outcomes)
        self.life.line()

    def open_intents(self) -> tuple[OpenIntent, ...]:
        """Give what is open."""
        return self.kept.open_intents()

    def job_seconds(self) -> Mapping[str, float]:
        """Give what was learned."""
        return self.kept.job_seconds()

    def applied(self) -> frozenset[NamedAttachment] | None:
        """Give the rows of the last apply."""
        return self.kept.applied()

    def remembered(self) -> Memory | None:
        """Give what it went by."""
        return self.kept.remembered()

    def record_applied(
        self, run: str, rows: frozenset[NamedAttachment], by: Memory, owned: Rows | None = None
    ) -> None:
        """Replace all of it, or die."""
        self.life.line()
        self.lease.confirm()
        self.kept.record_applied(run, rows, by, owned)


class Grouping(Watched):
    """The same, where lines that come together are durable together."""

    def together(self, writes: Sequence[Callable[[], object]]) -> Sequence[object | JournalError]:
        """Write several lines at once, or die: before them, between them, or after."""
        results = self.kept.together(writes)
        self.life.line()
        return results


LINES = (
    "SELECT id, run, verb, call, handle FROM intents LEFT JOIN handles ON intent = id ORDER BY id"
)
VERDICTS = "SELECT intent, server_id, volume_id, verdict FROM verdicts ORDER BY rowid"


def lines_of(path: Path) -> list[Line]:
    """Give everything that another process finds in a journal's file now."""
    if not path.exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found: dict[int, Line] = {}
        for number, run, verb, call, handle in connection.execute(LINES):
            keys = json.loads(call)["keys"]
            asked = tuple(Asked(verb, server, volume) for server, volume in keys)
            found[number] = Line(run=run, asked=asked, handle=handle)
        for number, server, volume, verdict in connection.execute(VERDICTS):
            found[number].verdicts.setdefault((server, volume), []).append(verdict)
    finally:
        connection.close()
    return list(found.values())
