"""Who hears of a service beside its log: what counts, what tells people, and a file of metrics."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.execution.clock import LoopClock
from reconciler.metrics.meter import Meter
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.notice import NoticeFormat
from reconciler.notify.address import AddressError, checked
from reconciler.notify.shared import ScopeTeller
from reconciler.notify.teller import Teller
from reconciler.notify.webhook import Webhook
from reconciler.operations.wholefile import check_writable, write_whole
from reconciler.operations.wiring import listed, referred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.journal.journal import Book
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcomes
    from reconciler.model.schedule import Schedule
    from reconciler.model.schedule import Webhook as Declared
    from reconciler.model.watching import Tick, Watched
    from reconciler.notify.teller import Count
    from reconciler.operations.inforce import InForce
    from reconciler.operations.wiring import Surroundings

logger = logging.getLogger(__name__)

REST_S = 1.0
REST_TIMES = 20

ALLOWED = "RECONCILER_ENDPOINTS"
READABLE = 0o644
"""Of the metrics file: node_exporter runs as somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """What hears of a service."""

    meter: Meter
    teller: Teller | None
    """None: nobody is to be told. Its `run` goes on beside the service."""


def ears(in_force: InForce, around: Surroundings, book: Book) -> Ears:
    """Give who counts, and who tells the webhooks of the schedules as they are now.

    Raises FindingsError for a webhook that can't be told: nobody would hear that nobody hears.
    """

    def now_s() -> float:
        return around.utc_now().timestamp()

    meter = Meter(now_s)
    webhooks = _heard_of(meter, in_force, around)
    if not webhooks:
        return Ears(meter=meter, teller=None)
    return Ears(
        meter=meter, teller=Teller(webhooks, book.notices, LoopClock(), now_s, _counting(meter))
    )


def shared_ears(
    in_force: InForce, around: Surroundings, book: Book
) -> tuple[Meter, ScopeTeller | None]:
    """Give both for a process that is one of several looking at the same scopes.

    Raises FindingsError as above.
    """

    def now_s() -> float:
        return around.utc_now().timestamp()

    meter = Meter(now_s, alone=False)
    webhooks = _heard_of(meter, in_force, around)
    if not webhooks:
        return meter, None
    return meter, ScopeTeller(webhooks, book.notices, LoopClock(), now_s, _counting(meter))


def _heard_of(meter: Meter, in_force: InForce, around: Surroundings) -> tuple[Webhook, ...]:
    webhooks = tuple(_webhooks(in_force, around))
    for webhook in webhooks:
        meter.may_tell(webhook.name)
    return webhooks


def _counting(meter: Meter) -> Count:
    return lambda name, delivered: meter.told(name, delivered=delivered)


def _webhooks(in_force: InForce, around: Surroundings) -> Iterator[Webhook]:
    allowed = listed(around.environ.get(ALLOWED, ""))
    for schedule in in_force.declared.schedules:
        for number, one in enumerate(schedule.notify, start=1):
            name = f"{schedule.name}/{number}"
            yield Webhook(
                name=name,
                url=_url(one, around, allowed),
                format=NoticeFormat(one.format),
                hears=_hearing(schedule, in_force),
                key=_key(one, around),
                body=one.body,
                listed=allowed,
            )


def _hearing(schedule: Schedule, in_force: InForce) -> Callable[[str], bool]:
    """Tell of the scopes that have this schedule, whichever those are by then."""
    name = schedule.name
    return lambda scope: scope in in_force.declared.scopes and in_force.schedule(scope).name == name


def _url(one: Declared, around: Surroundings, allowed: tuple[str, ...]) -> str:
    value, what = referred(one.env, one.file, around)
    url = value.strip()
    if not url:
        raise _untellable(one, f"{what} holds no URL", "set it, or take the webhook out")
    try:
        checked(url, allowed)
    except AddressError as error:
        hint = "put the URL of a webhook there, as its owner gave it"
        raise _untellable(one, f"{what} can't be a webhook: {error}", hint) from error
    return url


def _key(one: Declared, around: Surroundings) -> bytes | None:
    if one.key_env is None and one.key_file is None:
        return None
    value, what = referred(one.key_env, one.key_file, around)
    if not value.strip():
        raise _untellable(one, f"{what} holds no key", "set it, or take `keyFrom` out")
    return value.strip().encode()


def _untellable(one: Declared, summary: str, hint: str) -> FindingsError:
    return FindingsError(Finding(code="webhook", summary=summary, hint=hint, place=one.place))


class MetricsFile:
    """Writes the numbers into a file after ticks; a `WatchListener` that comes last.

    Those of thousands of scopes take a while to write: it rests `REST_S` after each time, or
    `REST_TIMES` as long as that took, and what came meanwhile is written then. Raises FindingsError
    at its beginning where no file can be in that place.
    """

    def __init__(self, text: Callable[[], bytes], path: Path) -> None:
        try:
            check_writable(path)
        except OSError as error:
            summary = f"the metrics file `{path}` can't be written: {error.strerror}"
            hint = "choose another --metrics-file FILE"
            raise FindingsError(Finding(code="metrics-file", summary=summary, hint=hint)) from error
        self._text = text
        self._path = path
        self._rests_until_s = -math.inf
        self._soon: asyncio.TimerHandle | None = None

    def resume(self, meter: Meter) -> None:
        """Go on from what the file says: the last process ended after one look."""
        try:
            meter.resume(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            told = {"file": str(self._path), "why": str(error)}
            logger.warning("earlier metrics can't be read, counting begins anew", extra=told)

    def changed(self, now: Watched) -> None:
        """Write that it started, stops, or goes by other manifests."""
        del now
        self.attempt()

    def tick_began(self, scope: str, at_s: float) -> None:
        """Write nothing."""

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Write nothing."""

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Write nothing."""

    def ticked(self, tick: Tick) -> None:
        """Write what the tick changed, now or soon. Called on a loop."""
        del tick
        loop = asyncio.get_running_loop()
        if self._soon is None and loop.time() < self._rests_until_s:
            self._soon = loop.call_at(self._rests_until_s, self._after_rest)
        elif self._soon is None:
            self._after_rest()

    def _after_rest(self) -> None:
        loop = asyncio.get_running_loop()
        self._soon, began_s = None, loop.time()
        self.attempt()
        ended_s = loop.time()
        self._rests_until_s = ended_s + max(REST_S, (ended_s - began_s) * REST_TIMES)

    def attempt(self) -> None:
        """Put the numbers of this moment into the file, where that can be done."""
        try:
            write_whole(self._path, self._text(), READABLE)
        except OSError as error:
            # A full disk doesn't stop a service that looks after disks.
            told = {"file": str(self._path), "why": error.strerror}
            logger.warning("metrics can't be written", extra=told)
