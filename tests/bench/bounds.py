"""The least that a run must take, from what the cloud itself recorded of it; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Pair = tuple[str, str]
"""(server, volume)."""

PAGE = 1_000
ECS_BATCH, WORKSPACE_BATCH = 16, 10
LOOK_SHARE = 0.05
"""Of R: what looking may take while changes are in flight."""
LOOKS_PER_S = 1.0
"""The same where there is no limit."""
FEW = 50
QUESTIONS = 1.5
"""Job queries a step while fewer than `FEW` are in flight."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attachment's part of an accepted change, in the cloud's seconds."""

    began_s: float
    due_s: float
    server: str
    volume: str

    @property
    def took_s(self) -> float:
        """J of the bounds."""
        return self.due_s - self.began_s


def reading_calls(volumes: int, servers: int) -> int:
    """Give the pages of both views: only a page that isn't full ends a list."""
    return volumes // PAGE + 1 + servers // PAGE + 1


def fewest_calls(changes: Sequence[tuple[str, str, str]], shareable: bool) -> int:  # noqa: FBT001
    """Give LB of the manifest language for changes (verb, server, volume)."""
    together: dict[tuple[str, str], int] = defaultdict(int)
    single = 0
    for verb, server, volume in changes:
        if verb == "destroy":
            together["destroy", server] += 1
        elif shareable:
            together[verb, volume] += 1
        else:
            single += 1
    batches = (
        -(-count // (WORKSPACE_BATCH if verb == "destroy" else ECS_BATCH))
        for (verb, _), count in together.items()
    )
    return single + sum(batches)


def longest_chain_s(jobs: Iterable[Job], latency_s: float) -> float:
    """Give the longest sum of J + 2L among changes that no cloud makes at once.

    They share a server or a volume; a part of one call is no longer than its call.
    """
    held: dict[str, dict[float, float]] = defaultdict(dict)
    for job in jobs:
        for name in (job.server, job.volume):
            begun = held[name]
            begun[job.began_s] = max(begun.get(job.began_s, 0.0), job.took_s + 2 * latency_s)
    return max((sum(begun.values()) for begun in held.values()), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a bound on the time of a run is made of."""

    read_s: float
    writes: int
    looks: int
    per_s: float | None
    latency_s: float
    at_once: int
    jobs: Sequence[Job]


def makespan_s(run: Run) -> float:
    """Give T >= t_read + max((W + looks)/R, longest chain, W L/C + last J)."""
    paced_s = (run.writes + run.looks) / run.per_s if run.per_s else 0.0
    last = max(run.jobs, key=lambda job: job.began_s, default=None)
    sent_s = run.writes * run.latency_s / run.at_once + (last.took_s if last else 0.0)
    return run.read_s + max(paced_s, longest_chain_s(run.jobs, run.latency_s), sent_s)


def most_in_flight(jobs: Iterable[Job]) -> int:
    """Give how many calls were under way at once, at most."""
    parts: dict[float, list[Job]] = defaultdict(list)
    for job in jobs:
        parts[job.began_s].append(job)
    ends: list[float] = []
    most = 0
    for began_s, mine in sorted(parts.items()):
        # A call is about one server or about one volume.
        calls = min(len({job.server for job in mine}), len({job.volume for job in mine}))
        ends = [end_s for end_s in ends if end_s > began_s]
        ends += [max(job.due_s for job in mine)] * calls
        most = max(most, len(ends))
    return most


def looks_allowed(
    changes: int, seconds: float, per_s: float | None, in_flight: int | None = None
) -> float:
    """Give how many requests looking may take in a run of so many calls and seconds.

    `in_flight` is how many calls were under way at most; None: as many as were made. A limit is
    everybody's: where there is one, few in flight at a time are no reason for more.
    """
    shared = seconds * (LOOK_SHARE * per_s if per_s else LOOKS_PER_S)
    at_once = changes if per_s or in_flight is None else in_flight
    return max(shared, QUESTIONS * changes) if at_once < FEW else shared
