"""A case -> rows: what was measured, the bound from the same run, and the ratio."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench import bounds
from tests.bench.cases import AT_ONCE, MANIFEST, READ, START, WORKSPACE
from tests.bench.manifests import changes
from tests.bench.running import ground, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.cases import Case
    from tests.bench.running import Asked, Ground, Spent

TIMES = 5
"""How often a short command is run; its median counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number of a case; `bound` is None where nothing bounds it."""

    case: str
    what: str
    measured: float
    bound: float | None = None

    @property
    def ratio(self) -> float | None:
        """How far it is from its bound; None where there is none."""
        return self.measured / self.bound if self.bound else None


class WrongError(Exception):
    """The command didn't do what the case is about: nothing of it counts."""


def rows_of(case: Case) -> Iterator[Row]:
    """Measure a case. Raises WrongError."""
    with ground(case) as on:
        if case.kind == START:
            yield from _started(on)
        elif case.kind == MANIFEST:
            yield from _spent(case, _done(on, on.command("validate", "-f", "manifests.yaml")))
        elif case.kind == READ:
            spent = _done(on, on.command("plan", "-f", "manifests.yaml"), "No changes.")
            yield from _read(case, on.asked())
            yield from _spent(case, spent)
        else:
            yield from _changed(on)


def _done(on: Ground, spent: Spent, said: str = "") -> Spent:
    if spent.code or said not in spent.out:
        told = f"{spent.out[-500:]}\n{spent.err[-500:]}"
        raise WrongError(f"{on.case.name} left with {spent.code}: {told}")
    return spent


def _spent(case: Case, spent: Spent, steps: int = 0) -> Iterator[Row]:
    yield Row(case=case.name, what="CPU s", measured=spent.cpu_s)
    if steps:
        yield Row(case=case.name, what="CPU ms a call", measured=1000 * spent.cpu_s / steps)
    yield Row(case=case.name, what="wall s", measured=spent.wall_s)
    yield Row(case=case.name, what="memory MB", measured=spent.memory_mb)


def _read(case: Case, asked: Asked) -> Iterator[Row]:
    servers = len(case.server_ids())
    volumes = len(case.volume_ids()) + servers
    least = bounds.reading_calls(volumes, servers)
    if case.provider == WORKSPACE:
        least = servers // bounds.PAGE + 1
    yield Row(case=case.name, what="reading calls", measured=asked.pages, bound=least)


def _changed(on: Ground) -> Iterator[Row]:
    case, wanted = on.case, changes(on.case)
    acks = (f"--ack-destroy={volume}" for verb, _, volume in wanted if verb == "destroy")
    words = ("apply", "-f", "manifests.yaml", "--auto-approve", "--first-apply", *acks)
    spent = _done(on, on.command(*words), "Apply complete.")
    asked = on.asked()
    yield from counted(case, asked)
    yield from _spent(case, spent, asked.writes)


def counted(case: Case, asked: Asked) -> Iterator[Row]:
    """Hold what an apply asked, and when, against its bounds. Raises WrongError."""
    wanted = changes(case)
    if asked.refused:
        raise WrongError(f"{case.name}: {asked.refused} calls were refused")
    fewest = bounds.fewest_calls(wanted, shareable=case.shared)
    took = bounds.Run(
        read_s=asked.read_s,
        writes=asked.writes,
        looks=asked.looks,
        per_s=case.per_s,
        latency_s=case.latency_s,
        at_once=AT_ONCE,
        jobs=asked.jobs,
    )
    yield from _read(case, asked)
    if asked.words:
        yield Row(case=case.name, what="own words", measured=asked.words)
    yield Row(case=case.name, what="changing calls", measured=asked.writes, bound=fewest)
    at_once = bounds.most_in_flight(asked.jobs)
    allowed = bounds.looks_allowed(fewest, asked.seconds, case.per_s, at_once)
    yield Row(case=case.name, what="looking calls", measured=asked.looks, bound=allowed)
    least_s = bounds.makespan_s(took)
    yield Row(case=case.name, what="makespan s", measured=asked.seconds, bound=least_s)
    last_s = max((job.due_s for job in asked.jobs), default=0.0)
    yield Row(case=case.name, what="after last job s", measured=asked.ended_s - last_s)


def _started(on: Ground) -> Iterator[Row]:
    bare = _median(lambda: run(("-c", "pass"), on.folder))
    told = _median(lambda: _done(on, on.command(*on.case.arguments)))
    yield Row(case=on.case.name, what="CPU ms", measured=1000 * told, bound=1000 * bare)


def _median(once: Callable[[], Spent]) -> float:
    return statistics.median(once().cpu_s for _ in range(TIMES))


def machine() -> str:
    """Give the size of this machine in words."""
    return f"{sys.platform}, Python {sys.version.split()[0]}"
