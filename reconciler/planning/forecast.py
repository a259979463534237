"""How long a schedule will take: the same rules as the executor's, with guessed durations."""

from __future__ import annotations

import heapq
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.model.call import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.hook import Occasion
    from reconciler.planning.schedule import Schedule, Step

    Learned = Mapping[tuple[Occasion, str], float]

ANSWER_S = 0.1
"""How long a cloud is guessed to take for an answer."""
NOTHING_LEARNED: Learned = MappingProxyType({})


def forecast_s(
    schedule: Schedule,
    seconds: Mapping[Verb, float],
    at_once: int,
    *,
    held: bool = True,
    per_s: float | None = None,
    hook_s: Learned = NOTHING_LEARNED,
) -> float:
    """Give the seconds until the last step ends, each step starting as early as it may.

    `seconds` has a duration for every verb; `at_once` is how many may wait for their answer, and
    for their end too where slots are `held`; `per_s` is how many leave in a second at most;
    `hook_s` is what hooks take, their timeout where nobody knows.
    """
    ended: dict[object, float] = {}
    free: dict[str, float] = {}
    slots = [0.0] * max(1, at_once)
    leaves_s, gap_s = 0.0, 1 / per_s if per_s else 0.0
    for step in schedule.steps:
        needs = (ended[need] for needs in step.needs.values() for need in needs)
        locks = (free.get(name, 0.0) for name in step.locks)
        told_s, arrives = _hooks_s(step, hook_s), step.call.verb is Verb.ATTACH
        ready = max((0.0, *needs, *locks)) + (0.0 if arrives else told_s)
        start = max(heapq.heappop(slots), ready)
        start, leaves_s = max(start, leaves_s), max(start, leaves_s) + gap_s
        end = start + seconds[step.call.verb]
        heapq.heappush(slots, end if held else start + ANSWER_S)
        end += told_s if arrives else 0.0
        free |= dict.fromkeys(step.locks, end)
        ended |= {(step.call.verb, key): end for key in step.call.keys}
    return max(ended.values(), default=0.0)


def _hooks_s(step: Step, learned: Learned) -> float:
    """Give how long the hooks of a step take: those of one server follow each other."""
    servers: dict[str, float] = {}
    for key, errand in step.errands.items():
        took_s = learned.get((errand.occasion, errand.hook.name), errand.hook.timeout_s)
        servers[key.server_id] = servers.get(key.server_id, 0.0) + took_s
    return max(servers.values(), default=0.0)
