"""Completion: when to ask a job, when to look, and one look for many steps.

1. A job is asked first when jobs of its verb have usually ended, then at most two seconds apart,
   and later on a tenth of the time since: what is late by a minute isn't asked every other second.
   While nobody knows when they end, calls of a verb take turns: one of them asks at a time.
2. Steps that want to look at about the same time share one look; while one is under way the
   next one gathers.
3. A crowd asks no jobs: it shares looks alone, and they take no more than their part of the pace.
4. A look goes the cheapest way: as the provider knows, or else by ids, or it lists everything.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from contextlib import contextmanager
from functools import partial
from itertools import chain
from statistics import median
from typing import TYPE_CHECKING, cast

from reconciler.errors import ProviderError
from reconciler.execution.resting import Rest
from reconciler.model.call import Verb

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from reconciler.execution.pace import ScopePace
    from reconciler.execution.retry import Patience
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.ports import Provider, Reckoning

FIRST_S = 0.5
"""The wait before the first question, and after a surprise, when nothing was learned yet."""
LONGEST_S = 2.0
"""Questions about one step are no further apart than this while it is late by less than 20 s."""
LATER_SHARE = 0.1
"""From then on they are this share of the time since the first one apart."""
LONGEST_LATER_S = 10.0
"""And no further than this."""
GATHER_S = 0.1
"""How long a look waits for others to join it."""
LATE_SHARE = 1.05
"""The first question comes at this share of the learned time: where jobs take alike, most have
ended by then, and one question is enough."""
ENDED_SHARE = 0.92
"""A job that had ended at its first question took this share of the time until then, or less: the
guess falls until a question finds a job running."""
LEARNED = 50
"""How many past jobs of a verb are remembered."""
ALIKE_SHARE = 1.25
"""Times that a cloud tells are alike where the longest is at most so many of the shortest."""
TIMED = 3
"""How many jobs of a verb a crowd asks at most for what they took: looks tell it within seconds."""
CROWD = 50
"""From so many calls in flight on, one listing tells more than a question to each job."""
FEW = 10
"""A crowd is one until so few are left for a while: a look at all of them takes two requests."""
A_KEY = 1 / 30
"""Requests that a look by ids is guessed to take for each key until one was made: two views,
60 ids in a request."""


def waits_s(expected_s: float | None) -> Iterator[float]:
    """Give the waits between questions about one step, without end."""
    delay_s, late_s = FIRST_S, 0.0
    if expected_s is not None:
        yield max(0.0, expected_s * LATE_SHARE)
    while True:
        yield delay_s
        late_s += delay_s
        rest_s = min(LONGEST_LATER_S, late_s * LATER_SHARE)
        delay_s = max(min(LONGEST_S, delay_s * 2), rest_s)


def unlearned_s() -> Iterator[float]:
    """Give the waits between questions about jobs of which nobody knows how long they take.

    The first two in one: after half a second no job was seen to have ended yet (unverified), and
    that question was one too many for a single call.
    """
    waits = waits_s(None)
    return chain([next(waits) + next(waits)], waits)


class Turns:
    """Who of many calls of one verb asks its job next, while nobody knows when they end."""

    def __init__(self) -> None:
        self.seat = asyncio.Lock()
        """Held by the one whose turn it is; the others queue in their order."""
        self.waits = unlearned_s()
        """The waits between the questions of all of them."""
        self.unended_s = 0.0
        """The greatest age at which a job was seen running."""


class Durations:
    """How long jobs took, by verb: what earlier runs learned, corrected by this one."""

    def __init__(self, learned: Mapping[str, float]) -> None:
        self._learned = dict(learned)
        self._seen: dict[Verb, deque[float]] = {verb: deque(maxlen=LEARNED) for verb in Verb}
        self._told: dict[Verb, deque[float]] = {verb: deque(maxlen=LEARNED) for verb in Verb}
        self._turns = {verb: Turns() for verb in Verb}
        self._timed = dict.fromkeys(Verb, 0)
        self._timing: set[Verb] = set()

    def add(self, verb: Verb, seconds: float) -> None:
        """Remember one that ended."""
        self._seen[verb].append(seconds)

    def guess(self, verb: Verb, seconds: float) -> None:
        """Take this for the seconds of a verb as long as nothing better is known."""
        self._learned.setdefault(verb.value, seconds)

    def turns(self, verb: Verb) -> Turns:
        """Give the turns of calls whose verb nobody knows the seconds of."""
        return self._turns[verb]

    def tell(self, verb: Verb, seconds: float) -> None:
        """Remember what the cloud says that one took."""
        self._told[verb].append(seconds)

    def told_s(self, verb: Verb) -> float | None:
        """Give the seconds of a verb by the cloud's own words; None: it told none, or of all sorts.

        Where jobs take anything, the middles that many looks tell are better than a few words.
        """
        told = self._told[verb]
        alike = bool(told) and max(told) <= ALIKE_SHARE * min(told)
        return median(told) if alike else None

    def expected_s(self, verb: Verb) -> float | None:
        """Give the usual seconds of a verb; None when none was ever seen."""
        told_s, seen = self.told_s(verb), self._seen[verb]
        if told_s is not None:
            return told_s
        return median(seen) if seen else self._learned.get(verb.value)

    @contextmanager
    def timing(self, verb: Verb) -> Iterator[bool]:
        """Tell whether a job may be asked for its time: one at a time, and `TIMED` at most."""
        free = verb not in self._timing and self._timed[verb] < TIMED
        if not free:
            yield False
            return
        self._timing.add(verb)
        self._timed[verb] += 1
        heard = len(self._told[verb])
        try:
            yield True
        finally:
            self._timing.remove(verb)
            if len(self._told[verb]) == heard:
                self._timed[verb] = TIMED  # Who doesn't tell once isn't asked again.


def _long_ago() -> float:
    return -math.inf


class _Look:
    """One look being gathered: what it shall see, and who waits for it."""

    def __init__(self) -> None:
        self.keys: set[AttachmentKey] = set()
        self.due: Callable[[], float] = _long_ago
        """Gives when the one that began last is expected to have ended."""
        self.answer: asyncio.Future[Live] = asyncio.get_running_loop().create_future()
        self.followers = 0

    def fail(self, error: BaseException) -> None:
        """Tell all who share it that it failed."""
        if not self.followers:
            self.answer.cancel()
        elif isinstance(error, ProviderError):
            self.answer.set_exception(error)
        else:
            # The leader was cancelled, its followers were not: they may look again.
            self.answer.set_exception(ProviderError("the look was given up", retryable=True))
        if self.followers:
            # Followers that were cancelled first don't collect it: asyncio would complain.
            self.answer.exception()


class Watcher:
    """Looks at attachments for many steps with as few requests as the provider needs.

    `pace` tells what a look took; None: it is guessed.
    """

    def __init__(
        self, provider: Provider, patience: Patience, pace: ScopePace | None = None
    ) -> None:
        self.listing_requests: int | None = None
        """What listing everything takes; None where nobody knows, and then nobody lists."""
        self._provider = provider
        takes = getattr(provider, "takes", None) is not None
        self._reckons = cast("Reckoning", provider) if takes else None
        self._patience = patience
        self._pace = pace
        self._in_flight = 0
        self._begun: Counter[Verb] = Counter()
        self._to_come: Mapping[Verb, int] = {}
        self._crowded_until_s = -math.inf
        """When a crowd that has dwindled stops being one; those who wait may come meanwhile."""
        self.rest = Rest(patience.clock, pace)
        self._a_key = A_KEY
        self._gathering: _Look | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def crowded(self) -> bool:
        """True while so much is in flight that nobody asks for oneself."""
        return self._patience.clock.monotonic() < self._crowded_until_s

    def more_to_come(self, verb: Verb) -> bool:
        """Tell whether calls that are expected haven't left: what is learned now is of use."""
        return self._begun[verb] < self._to_come.get(verb, 0)

    @contextmanager
    def following(self, verb: Verb) -> Iterator[None]:
        """Count a call as in flight until the block ends."""
        if not self._in_flight:
            self.rest.begin()
        self._in_flight += 1
        self._begun[verb] += 1
        if self._in_flight >= (FEW if self.crowded else CROWD):
            self._crowded_until_s = math.inf
        try:
            yield
        finally:
            self._in_flight -= 1
            if self._in_flight < FEW and self._crowded_until_s == math.inf:
                self._crowded_until_s = self._patience.clock.monotonic() + LONGEST_S

    def expects(self, calls: Mapping[Verb, int], at_once: int) -> None:
        """Take calls for under way soon, so many at once: a crowd is one from its first call on."""
        self._to_come = calls
        if at_once >= CROWD:
            self._crowded_until_s = math.inf

    async def look(
        self, keys: Collection[AttachmentKey], due: Callable[[], float] | None = None
    ) -> Live:
        """Give what a look that began after this call saw. Raises ProviderError.

        `due` gives when they are expected to have ended, by the clock and by what is known then: a
        crowd waits for it if that is sooner than another look could follow.
        """
        look = self._gathering or _Look()
        look.keys |= set(keys)
        if due is not None and due() >= look.due():
            look.due = due
        if self._gathering is not None:
            look.followers += 1
            return await asyncio.shield(look.answer)
        self._gathering = look
        try:
            live = await self._lead(look)
        except BaseException as error:
            if self._gathering is look:
                self._gathering = None
            look.fail(error)
            raise
        look.answer.set_result(live)
        return live

    async def _lead(self, look: _Look) -> Live:
        await self._patience.clock.sleep(GATHER_S)
        async with self._one_at_a_time:
            while self.crowded and (rest_s := self._rest_s(look)) > 0:
                await self._patience.clock.sleep(min(rest_s, LONGEST_S))
            self._gathering = None
            try:
                return await self._patience.read(partial(self._seen, frozenset(look.keys)))
            finally:
                self.rest.looked()

    def _rest_s(self, look: _Look) -> float:
        """Give how much longer a crowd rests before this look."""
        return self.rest.left_s(self._takes(look.keys), look.due())

    def _takes(self, keys: Collection[AttachmentKey]) -> float:
        """Give the requests that a look takes, the cheapest way."""
        if self._reckons is not None:
            return float(self._reckons.takes(keys))
        by_ids = max(1.0, len(keys) * self._a_key)
        return by_ids if self.listing_requests is None else min(by_ids, self.listing_requests)

    async def _seen(self, keys: frozenset[AttachmentKey]) -> Live:
        if self._reckons is not None:
            return await self._provider.observe(keys)
        if self.listing_requests is not None and self._takes(keys) == self.listing_requests:
            return await self._provider.list_live()
        before = self._pace.requests if self._pace is not None else 0
        live = await self._provider.observe(keys)
        if self._pace is not None and keys and not self.crowded:
            self._a_key = max(A_KEY, (self._pace.requests - before) / len(keys))
        return live
