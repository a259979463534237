"""What the page shows, kept beside the service: written on its loop, read on the page's.

Everything shown is one frozen `Watched` and rows of progress that are replaced, never changed: a
reader on another thread sees one moment or the next. Readers that wait are only ever told that
there is something new, so that a slow one misses words and never the last one.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcomes
    from reconciler.model.watching import Tick, Watched, WatchedScope

MOST_STEPS = 1000
"""Of one run on its page while it goes on; the journal has all of them afterwards."""
MOST_RUNS = 20
MOST_WAITING = 100
"""Open pages that are told of news; one more is asked to come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one step of a run is."""

    step_id: str
    call: Call
    outcomes: Outcomes | None = None
    """None: it is in flight."""


class Board:
    """Listens to a service; a `WatchListener`, and what pages read."""

    def __init__(self, now: Watched) -> None:
        self.audience = Audience()
        self._now = now
        self._runs: dict[str, Mapping[str, Progress]] = {}

    @property
    def now(self) -> Watched:
        """The service as it was told last."""
        return self._now

    def progress(self, run: str) -> tuple[Progress, ...]:
        """Give the steps of a run that goes on, or went on lately, in the order they began."""
        return tuple(self._runs.get(run, {}).values())

    def changed(self, now: Watched) -> None:
        """Show that it started, stops, or goes by other manifests."""
        self._now = now
        self.audience.tell()

    def tick_began(self, scope: str, at_s: float) -> None:
        """Show that a scope is being looked at."""
        self._become(scope, lambda one: replace(one, ticking_s=at_s, next_s=None))

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Show that a call is in flight."""
        del scope
        self._step(run, Progress(step_id=step_id, call=call))

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Show what became of a call."""
        del scope
        self._step(run, Progress(step_id=step_id, call=call, outcomes=outcomes))

    def ticked(self, tick: Tick) -> None:
        """Show what a look saw."""

        def after(one: WatchedScope) -> WatchedScope:
            looked_s = tick.began_s if tick.looked else one.looked_s
            return replace(one, last=tick, looked_s=looked_s, ticking_s=None, next_s=tick.next_s)

        self._become(tick.scope, after)

    def _become(self, scope: str, after: Callable[[WatchedScope], WatchedScope]) -> None:
        scopes = (after(one) if one.name == scope else one for one in self._now.scopes)
        self.changed(replace(self._now, scopes=tuple(scopes)))

    def _step(self, run: str, progress: Progress) -> None:
        steps = self._runs.get(run, {})
        if progress.step_id in steps or len(steps) < MOST_STEPS:
            steps = {**steps, progress.step_id: progress}
        others = [(name, held) for name, held in self._runs.items() if name != run]
        self._runs = dict([*others, (run, steps)][-MOST_RUNS:])
        self.audience.tell()


class Audience:
    """The open pages that wait for news."""

    def __init__(self) -> None:
        self.version = 0
        """Counts what was told."""
        self._lock = threading.Lock()
        self._waiting: set[Waiting] = set()

    def tell(self) -> None:
        """Wake every open page; from any thread."""
        with self._lock:
            self.version += 1
            for one in self._waiting:
                one.wake()

    def close(self) -> None:
        """Let every open page go; from any thread."""
        with self._lock:
            for one in self._waiting:
                one.end()

    @property
    def full(self) -> bool:
        """True while no more pages may wait."""
        return len(self._waiting) >= MOST_WAITING

    def join(self, one: Waiting) -> None:
        """Tell this one as well from now on."""
        with self._lock:
            self._waiting.add(one)

    def leave(self, one: Waiting) -> None:
        """Give the place back."""
        with self._lock:
            self._waiting.discard(one)


class Waiting:
    """One open page that waits for news, on the page's loop."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._ended = False

    def wake(self) -> None:
        """Tell it that there is something new; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    def end(self) -> None:
        """Tell it that there will be nothing more; from any thread."""
        self._ended = True
        self.wake()

    async def versions(
        self, known: int, quiet_s: float, pause_s: float
    ) -> AsyncGenerator[int | None, None]:
        """Give the number of each news, and None after `quiet_s` without any.

        `known` is what the page was made of: if that is old, there is news at once. News that come
        within `pause_s` are one.
        """
        # It takes its place only here: a stream that is never read would never give it back.
        self._audience.join(self)
        try:
            if known != self._audience.version:
                self._news.set()
            while not self._ended:
                try:
                    await asyncio.wait_for(self._news.wait(), quiet_s)
                except TimeoutError:
                    yield None
                    continue
                self._news.clear()
                if not self._ended:
                    yield self._audience.version
                    await asyncio.sleep(pause_s)
        finally:
            self._audience.leave(self)
