"""How long a schedule will take: the same rules as the executor's, with guessed durations."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.call import Verb
    from reconciler.planning.schedule import Schedule


ANSWER_S = 0.1
"""How long a cloud is guessed to take for an answer."""


def forecast_s(
    schedule: Schedule,
    seconds: Mapping[Verb, float],
    at_once: int,
    *,
    held: bool = True,
    per_s: float | None = None,
) -> float:
    """Give the seconds until the last step ends, each step starting as early as it may.

    `seconds` has a duration for every verb; `at_once` is how many may wait for their answer, and
    for their end too where slots are `held`; `per_s` is how many leave in a second at most.
    """
    ended: dict[object, float] = {}
    free: dict[str, float] = {}
    slots = [0.0] * max(1, at_once)
    leaves_s, gap_s = 0.0, 1 / per_s if per_s else 0.0
    for step in schedule.steps:
        needs = (ended[need] for needs in step.needs.values() for need in needs)
        locks = (free.get(name, 0.0) for name in step.locks)
        start = max((heapq.heappop(slots), *needs, *locks))
        start, leaves_s = max(start, leaves_s), max(start, leaves_s) + gap_s
        end = start + seconds[step.call.verb]
        heapq.heappush(slots, end if held else start + ANSWER_S)
        free |= dict.fromkeys(step.locks, end)
        ended |= {(step.call.verb, key): end for key in step.call.keys}
    return max(ended.values(), default=0.0)
