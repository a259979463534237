"""The numbers of a file that was written before: for a service that looks once and ends.

Started by cron, every process would begin its counters at 0 and write the same small numbers again
and again: for Prometheus nothing would ever have happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from reconciler.metrics.families import BUCKETS_S, TickTimes

if TYPE_CHECKING:
    from collections import Counter

    from prometheus_client.samples import Sample

    from reconciler.metrics.families import Numbers

PREFIX = "reconciler_"
LABELS = {
    "ticks_total": ("scope", "outcome"),
    "changes_total": ("scope", "action", "verdict"),
    "api_requests_total": ("scope", "endpoint", "status"),
    "notifications_total": ("webhook", "outcome"),
}
LIMITS = [*(str(limit) for limit in BUCKETS_S), "+Inf"]


def resume(numbers: Numbers, text: str) -> None:
    """Take over counters, times and last successes. Raises ValueError for a file of another kind.

    What isn't known any more, an other label or limit, is left out.
    """
    counted: dict[str, Counter[tuple[str, ...]]] = {
        "ticks_total": numbers.ended,
        "changes_total": numbers.changes,
        "api_requests_total": numbers.requests,
        "notifications_total": numbers.notifications,
    }
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removeprefix(PREFIX)
            if name in counted:
                labels = tuple(sample.labels.get(label, "") for label in LABELS[name])
                counted[name][labels] += int(sample.value)
            else:
                _of_scope(numbers, name, sample)
    numbers.endpoints |= {endpoint for _, endpoint, _ in numbers.requests}


def _of_scope(numbers: Numbers, name: str, sample: Sample) -> None:
    scope = sample.labels.get("scope", "")
    if name == "throttles_total":
        numbers.throttles[scope] += int(sample.value)
    elif name == "last_success_timestamp_seconds" and sample.value > 0:
        numbers.looked_s[scope] = sample.value
    elif name == "tick_seconds_sum":
        numbers.times.setdefault(scope, TickTimes()).sum_s += sample.value
    elif name == "tick_seconds_bucket" and sample.labels.get("le") in LIMITS:
        _take_bucket(numbers, scope, LIMITS.index(sample.labels["le"]), int(sample.value))


def _take_bucket(numbers: Numbers, scope: str, index: int, up_to: int) -> None:
    """Take over one bucket; in the file each holds those before it, and they come in order."""
    buckets = numbers.times.setdefault(scope, TickTimes()).buckets
    buckets[index] += up_to - sum(buckets[:index])
