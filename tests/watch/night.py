"""A service in front of simulated clouds, and somebody at the console, in virtual time."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.daemon.loop import Daemon, Terms
from reconciler.journal.journal import open_book
from reconciler.operations.apply import apply_manifests
from reconciler.operations.asked import Request
from reconciler.operations.inforce import InForce, Overrides
from reconciler.operations.wiring import JOURNAL_FILE
from reconciler.sim.changes import act
from tests.rig.plot import Plot, Wanted, vendor_of
from tests.rig.stage import YES, Remembering, stage, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from reconciler.journal.journal import Book
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcomes
    from reconciler.model.watching import Tick, Watched
    from reconciler.operations.applied import Applied
    from reconciler.sim.cloud import Cloud
    from reconciler.sim.entities import Server, Volume
    from tests.rig.plot import Pair, Rule
    from tests.rig.stage import Stage

PROVIDER = "huawei-ecs"
EVERY_S = 300.0
SCHEDULE = {"every": "5m", "correct": True}
PLOT = Plot(
    servers=("web-1", "web-2", "web-3"), volumes=("one", "two", "three"), attached=(), job_s=4.0
)


@dataclass
class Witness:
    """WatchListener that remembers everything."""

    ticks: list[Tick] = field(default_factory=list)
    whole: list[Watched] = field(default_factory=list)
    steps: list[tuple[str, str, str, str]] = field(default_factory=list)

    def changed(self, now: Watched) -> None:
        """Remember it."""
        self.whole.append(now)

    def tick_began(self, scope: str, at_s: float) -> None:
        """Remember nothing: its end is told."""

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Remember it."""
        self.steps.append((scope, run, step_id, f"{call.verb.value} began"))

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Remember it."""
        said = Counter(outcome.verdict.value for outcome in outcomes.values())
        self.steps.append((scope, run, step_id, f"{call.verb.value} {dict(said)}"))

    def ticked(self, tick: Tick) -> None:
        """Remember it."""
        self.ticks.append(tick)


def document(kind: str, name: str, spec: Mapping[str, object]) -> str:
    """Give a manifest; JSON is YAML."""
    head = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}}
    return json.dumps(head | {"spec": spec}) + "\n"


class Night:
    """One folder with manifests, a journal and clouds; services come and go in it."""

    def __init__(self, folder: Path, *plots: Plot) -> None:
        worlds = [vendor_of(PROVIDER).world(plot) for plot in plots or (PLOT,)]
        self.on: Stage = stage(folder, *worlds)
        self.folder = folder
        self.path = folder / "manifests.yaml"
        self.request = Request(files=(str(self.path),), first_apply=True)
        self.seen = Witness()
        self.overrides = Overrides()
        self.grace_s = 60.0
        self._written = 0

    def declare(
        self, *wanted: Wanted, schedule: Mapping[str, object] | None = None, text: str | None = None
    ) -> None:
        """Write the manifests; a later moment than before, whatever the disk's clock says."""
        spec = SCHEDULE if schedule is None else schedule
        said = "---\n".join([*(one.text() for one in wanted), document("Schedule", "night", spec)])
        self.path.write_text(said if text is None else text, encoding="utf-8")
        self._written += 1
        os.utime(self.path, (self._written, self._written))

    async def apply(self) -> Applied:
        """Apply what is written, as a person would."""
        return await apply_manifests(self.request, self.on.around, YES, Remembering())

    def book(self) -> Book:
        """Open the journal; the caller closes it."""
        return open_book(
            self.on.around.folder / JOURNAL_FILE, lambda: self.on.around.utc_now().timestamp()
        )

    async def watch(self, seconds: float, *acts: tuple[float, Callable[[], object]]) -> list[Tick]:
        """Run a service for so long and stop it; give its ticks.

        `acts` are done, each at its second since the start: calls without an argument.
        """
        before = len(self.seen.ticks)
        stop = asyncio.Event()
        book = self.book()
        terms = Terms(
            in_force=InForce(self.request, self.on.around, self.overrides),
            around=replace(self.on.around, book=book),
            listeners=(self.seen,),
            chance=lambda: 0.5,
            grace_s=self.grace_s,
        )
        self.daemon = Daemon(terms)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.daemon.run(stop))
                for at_s, do in sorted(acts, key=lambda one: one[0]):
                    group.create_task(_later(at_s, do))
                await asyncio.sleep(seconds)
                stop.set()
        finally:
            book.close()
        return self.seen.ticks[before:]

    def console(self, verb: str, server: str, volume: str, cloud: Cloud | None = None) -> None:
        """Do at once what somebody at the console does."""
        at = cloud or self.on.cloud
        said = act(at, verb, _server(at, server), _volume(at, volume))
        assert said is None, said

    def moved(self, volume: str, source: str, target: str) -> None:
        """Move a volume at the console."""
        self.console("detach", source, volume)
        self.console("attach", target, volume)

    def truth(self) -> set[Pair]:
        """Give what the clouds hold."""
        return {pair for cloud in self.on.clouds for pair in truth(cloud)}

    def set_rules(self, *rules: Rule) -> None:
        """Replace the fault rules of every cloud."""
        self.on.set_rules(*rules)


async def _later(at_s: float, do: Callable[[], object]) -> None:
    await asyncio.sleep(at_s)
    do()


def _server(cloud: Cloud, name: str) -> Server:
    return next(one for one in cloud.servers.values() if one.row.name == name)


def _volume(cloud: Cloud, name: str) -> Volume:
    return next(one for one in cloud.volumes.values() if one.row.name == name)


def web(servers: Mapping[str, Iterable[str]], **more: object) -> Wanted:
    """Give entries of the first scope."""
    rows = {name: tuple(volumes) for name, volumes in servers.items()}
    return Wanted(provider=PROVIDER, servers=rows, **more)  # type: ignore[arg-type]


def told(tick: Tick) -> list[str]:
    """Give a tick's differences as lines: what, where, and why it was left."""
    return [
        f"{one.answer.value}: {one.kind.value} {one.name.server}/{one.name.volume}"
        + (f" ({one.held.why.name.lower()})" if one.held else "")
        for one in tick.differences
    ]
