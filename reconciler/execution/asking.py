"""A call's job: when it is asked, by whom, and what its answers teach of the next ones.

1. A job tells when to look, never what is so.
2. While nobody knows when jobs of a verb end, their calls take turns: one asks at a time, and the
   first answer that isn't "running" lets all others ask for themselves, when theirs is due.
3. In a crowd, where looks tell of many, the first call asks for all, and looks wait for its answer:
   one that comes too early costs as much as one at the right moment.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from reconciler.errors import ProviderError
from reconciler.execution.watcher import ENDED_SHARE, FIRST_S, LATE_SHARE, waits_s
from reconciler.model.outcome import JobState, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.execution.resting import Rest
    from reconciler.execution.retry import Patience
    from reconciler.execution.watcher import Durations
    from reconciler.model.call import Verb
    from reconciler.ports import Provider

SCOUTS_S = (1.5, 1.0, 1.0, 1.0, 1.0)
"""The waits before the questions of a crowd's scout: each takes a second of the looks' time, and
what takes longer is told by looks soon enough."""
SCOUTED_S = 5.0
"""How long a crowd's looks wait for one answer: where jobs can't be asked, views still tell."""
Ended: TypeAlias = tuple[Progress | None, float | None]
"""How a job ended, and what it is thought to have taken; None where nobody can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Between which ages a change ended, by our clock."""

    unended_s: float
    seen_s: float

    @property
    def middle_s(self) -> float:
        """The middle: over many changes, which began at any time between looks, it is right."""
        return (self.unended_s + self.seen_s) / 2

    def holds(self, seconds: float | None) -> bool:
        """Tell whether it may have ended at this age, by a clock that began a little earlier."""
        return seconds is not None and (
            self.unended_s <= seconds * LATE_SHARE and seconds <= self.seen_s * LATE_SHARE
        )


@dataclass(slots=True, kw_only=True)
class Asking:
    """The questions about one job, from when its call was answered."""

    verb: Verb
    handle: str
    provider: Provider
    patience: Patience
    durations: Durations
    deadline_s: float
    crowded: Callable[[], bool]
    """Tells whether looks tell of it with fewer requests."""
    rest: Rest
    """Of the looks of a crowd."""
    began_s: float
    running_s: float = 0.0
    """The age at which it was last seen running."""
    others_s: float = 0.0
    """The age at which another one was, while this one waited for its turn."""

    async def end(self, *, in_turn: bool) -> Ended:
        """Ask until the job ended, is gone, is overdue or a crowd looks; then give its end.

        It ended between the last two questions: the middle is off by a second at most. Where the
        first question came too late a little less than its time is taken: see `ENDED_SHARE`. What
        the cloud says itself that it took is better than both.
        """
        ended = None
        if in_turn:
            ended = await (self._scouted() if self.crowded() else self._in_turn())
        if ended is not None:
            return ended
        for wait_s in self._waits():
            left_s = self._left_s
            if left_s <= 0 or self.crowded():
                break
            await self.patience.clock.sleep(min(wait_s, left_s))
            if self.crowded():
                break
            ended = await self._asked(left_s)
            if ended is not None:
                return ended
        return None, None

    async def _scouted(self) -> Ended | None:
        """Ask for a whole crowd, if nobody does and nobody knows; None: it isn't known to end."""
        seat = self.durations.turns(self.verb).seat
        known = self.durations.expected_s(self.verb) is not None
        if known or seat.locked() or not self.rest.scouts_pay:
            return None
        async with seat:
            with self.rest.scouting():
                for wait_s in SCOUTS_S:
                    await self.patience.clock.sleep(min(wait_s, max(0.0, self._left_s)))
                    if not self.crowded() or self._left_s <= 0:
                        break
                    self.rest.charge()
                    ended = await self._asked(min(SCOUTED_S, self._left_s))
                    if ended is not None:
                        return self._taught(ended)
        return None

    def _taught(self, ended: Ended) -> Ended:
        job, took_s = ended
        if job is not None and job.took_s is not None and job.took_s == took_s:
            self.durations.tell(self.verb, took_s)
        elif took_s is not None:
            self.durations.guess(self.verb, took_s)
        return ended

    async def _in_turn(self) -> Ended | None:
        """Ask when it is one's turn until somebody knows; None: it isn't this job that ended."""
        turns = self.durations.turns(self.verb)
        while self._unknown and (left_s := self._left_s) > 0:
            try:
                async with asyncio.timeout(left_s):
                    await turns.seat.acquire()
            except TimeoutError:
                break
            try:
                self.others_s = turns.unended_s
                ended = await self._my_turn(turns.waits)
                turns.unended_s = max(turns.unended_s, self.running_s)
            finally:
                turns.seat.release()
            if ended is not None:
                return ended
        return None

    async def _my_turn(self, waits: Iterator[float]) -> Ended | None:
        """Wait as long as all wait between two questions, and ask; None: it runs."""
        left_s = self._left_s
        if not self._unknown or left_s <= 0:
            return None
        await self.patience.clock.sleep(min(next(waits), left_s))
        if self.crowded():
            return None
        ended = await self._asked(left_s)
        if ended is not None:
            # Where a job can't be asked the others find out for themselves, as soon as ever.
            self.durations.guess(self.verb, ended[1] or FIRST_S)
        return ended

    async def _asked(self, left_s: float) -> Ended | None:
        """Ask once; None: it runs."""
        age_s = self._age_s
        try:
            async with asyncio.timeout(left_s):
                told = await self.patience.read(partial(self.provider.track, self.handle))
        except (ProviderError, TimeoutError):
            return None, None  # Nobody can tell of the job, or not in time: the views can.
        if told.state is JobState.RUNNING:
            self.running_s = age_s
            return None
        if Span(unended_s=self.running_s, seen_s=age_s).holds(told.took_s):
            return told, told.took_s
        unended_s = max(self.running_s, self.others_s if self.others_s < age_s else 0.0)
        if not unended_s:
            return told, age_s * ENDED_SHARE
        return told, Span(unended_s=unended_s, seen_s=age_s).middle_s

    def _waits(self) -> Iterator[float]:
        """Give the waits between questions from now on."""
        expected_s = self.durations.expected_s(self.verb)
        waits = waits_s(expected_s)
        if expected_s is None:
            return waits
        return chain([max(0.0, next(waits) - self._age_s)], waits)

    @property
    def _unknown(self) -> bool:
        return self.durations.expected_s(self.verb) is None and not self.crowded()

    @property
    def _age_s(self) -> float:
        return self.patience.clock.monotonic() - self.began_s

    @property
    def _left_s(self) -> float:
        return self.deadline_s - self._age_s
