"""Who hears what a worker sees and does: on its own loop, whatever thread it happens on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.model.watching import Tick, Watched
    from reconciler.ports import Events, WatchListener


class Heard:
    """Tells every listener, in a fixed order; made on the worker's loop."""

    def __init__(self, listeners: Sequence[WatchListener]) -> None:
        self.listeners = tuple(listeners)
        self._loop = asyncio.get_running_loop()

    def changed(self, now: Watched) -> None:
        """Tell which manifests are in force or refused."""
        for one in self.listeners:
            one.changed(now)

    def began(self, scope: str, at_s: float) -> None:
        """Tell that a scope is about to be looked at."""
        for one in self.listeners:
            one.tick_began(scope, at_s)

    def ticked(self, tick: Tick) -> None:
        """Tell what a look saw, and what was done about it."""
        for one in self.listeners:
            one.ticked(tick)

    def events(self, scope: str) -> Callable[[str], Events]:
        """Give who hears of a run of a scope, by its id."""
        return partial(Steps, self, scope)

    def soon(self, told: Callable[[], None]) -> None:
        """Tell it on the worker's loop."""
        self._loop.call_soon_threadsafe(told)


@dataclass(frozen=True, slots=True)
class Steps:
    """Events (see `ports`) of one run, from the thread of its look."""

    heard: Heard
    scope: str
    run: str

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell that a call is about to be made."""
        for one in self.heard.listeners:
            self.heard.soon(partial(one.step_began, self.scope, self.run, step_id, call))

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Each attachment of the call has its outcome."""
        for one in self.heard.listeners:
            self.heard.soon(partial(one.step_ended, self.scope, self.run, step_id, call, outcomes))

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Tell it like a step of this run: what an earlier one left has its end now."""
        self.step_ended(intent.step_id, intent.call, dict.fromkeys(intent.call.keys, outcome))
