"""The metrics by name, and how they are written; the library does the escaping.

Names and units follow "Metric and label naming" of prometheus.io: seconds, `_total` for counters,
moments as `_timestamp_seconds`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate, product
from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector, CollectorRegistry

from reconciler.model.outcome import Verdict
from reconciler.model.plan import Action
from reconciler.model.watching import BreakerStanding, Judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.core import Metric

    from reconciler.model.watching import Tick

    Rows = Mapping[tuple[str, ...], float]

BUCKETS_S = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""From a listing of one page to a tick that changes hundreds of attachments."""
ACTIONS = tuple(one.value for one in (Action.ATTACH, Action.DETACH, Action.MOVE, Action.UPDATE))
"""What a service may do by itself."""
VERDICTS = tuple(one.value for one in Verdict)


@dataclass(slots=True)
class TickTimes:
    """How long the ticks of one scope took."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, took_s: float) -> None:
        """Count one."""
        self.buckets[bisect_left(BUCKETS_S, took_s)] += 1
        self.sum_s += took_s


@dataclass(slots=True)
class Numbers:
    """Everything that is counted. Changes while it is written to: whoever reads it holds a lock."""

    version: str = ""
    started_s: float = 0.0
    refused_manifests: bool = False
    ticks: dict[str, Tick | None] = field(default_factory=dict)
    """The last one of each scope; None: none ended yet."""
    looked_s: dict[str, float] = field(default_factory=dict)
    """When a look at a scope succeeded last."""
    ended: Counter[tuple[str, ...]] = field(default_factory=Counter)
    times: dict[str, TickTimes] = field(default_factory=dict)
    changes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    endpoints: set[str] = field(default_factory=set)
    requests: Counter[tuple[str, ...]] = field(default_factory=Counter)
    throttles: Counter[str] = field(default_factory=Counter)
    webhooks: set[str] = field(default_factory=set)
    notifications: Counter[tuple[str, ...]] = field(default_factory=Counter)


def exposition(numbers: Numbers, now_s: float) -> bytes:
    """Give the numbers in Prometheus' text format, sorted."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(numbers, now_s))
    return generate_latest(registry)


class _Families(Collector):
    """What the library asks; it inherits because the library wants its own class."""

    def __init__(self, numbers: Numbers, now_s: float) -> None:
        self._numbers = numbers
        self._now_s = now_s

    def collect(self) -> Iterator[Metric]:
        """Give every family, each with its rows sorted."""
        return families(self._numbers, self._now_s)


def families(numbers: Numbers, now_s: float) -> Iterator[Metric]:
    """Give every family, each with its rows sorted; those without a row, too."""
    yield _gauge(
        "build_info",
        "Always 1; the version is a label.",
        "version",
        {
            (numbers.version,): 1.0,
        },
    )
    yield _gauge(
        "start_timestamp_seconds",
        "When the service started.",
        "",
        {
            (): numbers.started_s,
        },
    )
    yield _gauge(
        "manifests_refused",
        "1 while newer manifests are broken and older ones are in force.",
        "",
        {(): float(numbers.refused_manifests)},
    )
    yield from _of_looks(numbers, now_s)
    yield from _of_care(numbers)
    yield from _of_time(numbers)
    yield from _of_deeds(numbers)


def _of_looks(numbers: Numbers, now_s: float) -> Iterator[Metric]:
    ticks = {name: tick for name, tick in numbers.ticks.items() if tick and tick.looked}
    yield _gauge(
        "attachments",
        "Attachments at the last look.",
        "scope verdict",
        {
            (name, judged.value): float(tick.counts.get(judged.value, 0))
            for name, tick in ticks.items()
            for judged in Judged
        },
    )
    shown: Counter[tuple[str, ...]] = Counter()
    oldest: dict[tuple[str, ...], float] = {}
    for name, tick in ticks.items():
        for one in tick.differences:
            shown[name, one.answer.value, one.kind.value] += 1
            labels = (name, one.answer.value)
            oldest[labels] = min(oldest.get(labels, one.first_s), one.first_s)
    yield _gauge(
        "differences",
        "Attachments of which live, applied and manifests don't agree.",
        "scope answer kind",
        dict(shown),
    )
    yield _gauge(
        "difference_oldest_timestamp_seconds",
        "When the oldest difference that lasts was seen first.",
        "scope answer",
        oldest,
    )
    yield _gauge(
        "difference_oldest_age_seconds",
        "Its age when this was written.",
        "scope answer",
        {labels: max(0.0, now_s - first_s) for labels, first_s in oldest.items()},
    )


def _of_care(numbers: Numbers) -> Iterator[Metric]:
    ticks = {name: tick for name, tick in numbers.ticks.items() if tick}
    yield _gauge(
        "fights",
        "Attachments left alone because every correction is taken back.",
        "scope",
        {(name,): float(len(tick.fights)) for name, tick in ticks.items()},
    )
    yield _gauge(
        "breaker_open",
        "1 while a scope isn't corrected because too many corrections failed.",
        "scope",
        {
            (name,): float(tick.breaker.standing is not BreakerStanding.CLOSED)
            for name, tick in ticks.items()
        },
    )


def _of_time(numbers: Numbers) -> Iterator[Metric]:
    times = HistogramMetricFamily(
        "reconciler_tick_seconds", "How long ticks took.", labels=("scope",)
    )
    for name, one in sorted(numbers.times.items()):
        limits = [*(str(limit) for limit in BUCKETS_S), "+Inf"]
        counted = [float(count) for count in accumulate(one.buckets)]
        times.add_metric((name,), list(zip(limits, counted, strict=True)), one.sum_s)
    yield times
    yield _gauge(
        "last_tick_seconds",
        "How long the last tick took.",
        "scope",
        {(name,): tick.took_s for name, tick in numbers.ticks.items() if tick},
    )
    yield _gauge(
        "last_success_timestamp_seconds",
        "When a look at the scope succeeded last; 0: never.",
        "scope",
        {(name,): numbers.looked_s.get(name, 0.0) for name in numbers.ticks},
    )


def _of_deeds(numbers: Numbers) -> Iterator[Metric]:
    # A counter that first shows itself as 1 has not increased: it has to be there as 0 before.
    ended = _from_zero(numbers.ended, numbers.ticks, ("looked", "failed"))
    changes = _from_zero(numbers.changes, numbers.ticks, ACTIONS, VERDICTS)
    told = _from_zero(numbers.notifications, numbers.webhooks, ("delivered", "failed"))
    throttles: dict[tuple[str, ...], float] = {(name,): 0.0 for name in numbers.ticks}
    throttles |= {(name,): float(count) for name, count in numbers.throttles.items()}
    yield _counter("ticks", "Ticks by how their look ended.", "scope outcome", ended)
    yield _counter(
        "changes", "Changes made, by what became of them.", "scope action verdict", changes
    )
    yield _counter(
        "api_requests",
        "API calls by endpoint and status.",
        "scope endpoint status",
        numbers.requests,
    )
    yield _counter("throttles", "Answers that asked for silence.", "scope", throttles)
    yield _counter("notifications", "Attempts to notify.", "webhook outcome", told)


def _from_zero(counted: Rows, *values: Iterable[str]) -> Rows:
    return {**dict.fromkeys(product(*values), 0.0), **counted}


def _gauge(name: str, text: str, labels: str, rows: Rows) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"reconciler_{name}", text, labels=labels.split())
    for values, number in sorted(rows.items()):
        family.add_metric(values, number)
    return family


def _counter(name: str, text: str, labels: str, rows: Rows) -> CounterMetricFamily:
    family = CounterMetricFamily(f"reconciler_{name}", text, labels=labels.split())
    for values, number in sorted(rows.items()):
        family.add_metric(values, float(number))
    return family
