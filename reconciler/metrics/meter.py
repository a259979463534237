"""The numbers of a service: what it saw last, and what it did since it started.

Gauges are those of each scope's last tick; counters and the histogram begin at nothing with the
process, as Prometheus expects. Written from the service's loop, read from anywhere.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reconciler.metrics.endpoints import endpoint
from reconciler.metrics.families import Numbers, TickTimes, exposition
from reconciler.metrics.resuming import resume

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcomes
    from reconciler.model.watching import Tick, Watched

MOST_ENDPOINTS = 200
"""Beyond, they are counted together: a label's values must not grow without end."""
OTHER = "other"


class Meter:
    """Listens to a service and counts; a `WatchListener`, and `traffic` counts requests."""

    def __init__(self, now_s: Callable[[], float], *, alone: bool = True) -> None:
        self._now_s = now_s
        self._alone = alone
        """False: others look at the same scopes, and how one stands now isn't known here."""
        self._lock = threading.Lock()
        self._numbers = Numbers()
        self.traffic = RequestMeter(self._numbers, self._lock)

    def changed(self, now: Watched) -> None:
        """Take over which scopes there are: numbers of one that went away go with it."""
        with self._lock:
            numbers = self._numbers
            numbers.version = now.version
            numbers.started_s = now.started_s
            numbers.refused_manifests = bool(now.manifests.findings)
            if not self._alone:
                return
            names = {scope.name for scope in now.scopes}
            for name in names - numbers.ticks.keys():
                numbers.ticks[name] = None
            for name in numbers.ticks.keys() - names:
                del numbers.ticks[name]
                numbers.looked_s.pop(name, None)
            for scope in now.scopes:
                if scope.looked_s is not None:
                    numbers.looked_s.setdefault(scope.name, scope.looked_s)

    def tick_began(self, scope: str, at_s: float) -> None:
        """Show the numbers of a scope from 0 on: a tick counts when it has ended."""
        del at_s
        with self._lock:
            self._numbers.ticks.setdefault(scope, None)

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Count nothing: what a call did is known when it has ended."""

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Count nothing: a move is two calls and one change, the tick tells of changes."""

    def ticked(self, tick: Tick) -> None:
        """Count one tick and what it changed."""
        with self._lock:
            numbers = self._numbers
            numbers.ticks[tick.scope] = tick if self._alone else None
            numbers.ended[tick.scope, "looked" if tick.looked else "failed"] += 1
            if tick.looked:
                numbers.looked_s[tick.scope] = tick.began_s + tick.took_s
            numbers.times.setdefault(tick.scope, TickTimes()).add(tick.took_s)
            for one in tick.corrections:
                numbers.changes[tick.scope, one.action.value, one.verdict.value] += 1

    def may_tell(self, webhook: str) -> None:
        """Count from nothing what will be told here."""
        with self._lock:
            self._numbers.webhooks.add(webhook)

    def told(self, webhook: str, *, delivered: bool) -> None:
        """Count one attempt to notify somebody."""
        with self._lock:
            self._numbers.webhooks.add(webhook)
            self._numbers.notifications[webhook, "delivered" if delivered else "failed"] += 1

    def resume(self, text: str) -> None:
        """Go on from the numbers of a file. Raises ValueError for one of another kind."""
        with self._lock:
            resume(self._numbers, text)

    def text(self) -> bytes:
        """Give all of it in Prometheus' text format, version 0.0.4."""
        with self._lock:
            return exposition(self._numbers, self._now_s())


class RequestMeter:
    """Counts API calls; a `Traffic`."""

    def __init__(self, numbers: Numbers, lock: threading.Lock) -> None:
        self._numbers = numbers
        self._lock = lock

    def answered(self, scope: str, method: str, path: str, status: int) -> None:
        """Count one API call by its answer's status."""
        self._asked(scope, method, path, str(status))

    def broke(self, scope: str, method: str, path: str, code: str) -> None:
        """Count one API call by the word for what came instead of an answer."""
        self._asked(scope, method, path, code)

    def _asked(self, scope: str, method: str, path: str, status: str) -> None:
        name = endpoint(method, path)
        with self._lock:
            known = self._numbers.endpoints
            if name not in known and len(known) >= MOST_ENDPOINTS:
                name = OTHER
            known.add(name)
            self._numbers.requests[scope, name, status] += 1

    def throttled(self, scope: str) -> None:
        """Count one answer that asked for silence."""
        with self._lock:
            self._numbers.throttles[scope] += 1
