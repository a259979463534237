"""A simulated cloud and the whole house in front of it, in one process and in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.operations.apply import Consent, apply_manifests
from reconciler.operations.plans import plan_manifests
from reconciler.operations.sessions import Request
from reconciler.operations.wiring import Surroundings
from reconciler.sim.app import build
from reconciler.sim.clock import LoopClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.rules import read_rules
from reconciler.sim.world import read_worlds
from tests.rig.transport import InProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcome, Outcomes, Verdict
    from reconciler.model.record import OpenIntent
    from reconciler.operations.applied import Applied
    from reconciler.operations.plans import Planned
    from tests.rig.plot import Pair, Rule, Wanted

DAWN = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)


def utc_now() -> datetime:
    """Give the date that belongs to the running loop's time; a thread of its own has none."""
    try:
        return DAWN + timedelta(seconds=asyncio.get_running_loop().time())
    except RuntimeError:
        return DAWN


class Remembering:
    """Events that are only written down."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, Call, Outcomes]] = []
        self.found: list[tuple[OpenIntent, Outcome]] = []

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell nobody."""

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Write it down."""
        self.ended.append((step_id, call, outcomes))

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Write it down."""
        self.found.append((intent, outcome))


@dataclass
class Witness:
    """What the cloud itself saw: every request, and any moment that must not be."""

    clouds: tuple[Cloud, ...]
    rows: list[Mapping[str, object]] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    """Volumes that can't be shared and were on two servers in a moment."""

    def note(self, row: Mapping[str, object]) -> None:
        """Take in one request."""
        self.rows.append(row)
        for cloud in self.clouds:
            for volume in cloud.volumes.values():
                if len(volume.holders) > 1 and not volume.row.multiattach:
                    self.doubles.append(volume.row.name)

    @property
    def writes(self) -> list[Mapping[str, object]]:
        """The requests that ask for a change, answered or not."""
        return [row for row in self.rows if row["changing"]]


@dataclass
class Stage:
    """One simulator in process, a folder with a journal, and manifests written into it."""

    folder: Path
    clouds: tuple[Cloud, ...]
    transport: InProcess
    witness: Witness
    events: Remembering = field(default_factory=Remembering)
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def cloud(self) -> Cloud:
        """The first of its clouds."""
        return self.clouds[0]

    @property
    def around(self) -> Surroundings:
        """What the house is told of this machine."""
        return Surroundings(
            environ=self.environ,
            folder=self.folder / "kept",
            transport=self.transport,
            utc_now=utc_now,
        )

    def request(self, *wanted: Wanted) -> Request:
        """Write the manifests and give the request that names them."""
        path = self.folder / "manifests.yaml"
        path.write_text("---\n".join(one.text() for one in wanted), encoding="utf-8")
        return Request(files=(str(path),), first_apply=True)

    async def plan(self, *wanted: Wanted) -> Planned:
        """Plan, by the whole road."""
        return await plan_manifests(self.request(*wanted), self.around)

    async def apply(self, *wanted: Wanted, destroys: Iterable[str] = ()) -> Applied:
        """Apply without asking, by the whole road; `destroys` are agreed to be lost."""
        request = replace(self.request(*wanted), destroys=frozenset(destroys))
        return await apply_manifests(request, self.around, YES, self.events)

    def truth(self) -> dict[Pair, str]:
        """Give what is attached by name, boot volumes left out, and which views show it."""
        return {pair: view for cloud in self.clouds for pair, view in truth(cloud).items()}

    def accepted(self) -> Counter[tuple[str, str, str]]:
        """Count the changes that the cloud took on, by verb, server and volume."""
        return Counter(
            (part.verb, *_named(cloud, str(part.server_id), part.volume_id))
            for cloud in self.clouds
            for job in cloud.jobs.values()
            for part in job.leaves
        )

    def set_rules(self, *rules: Rule, seed: int = 7) -> None:
        """Replace the fault rules of every cloud by these; without any, nothing goes wrong."""
        text = json.dumps({"seed": str(seed), "rules": [dict(rule) for rule in rules]})
        for cloud in self.clouds:
            cloud.set_rules(read_rules(text, "rules"))


YES = Consent(ask=lambda _: frozenset(), show=lambda _: None, prompts=False)


def truth(cloud: Cloud) -> dict[Pair, str]:
    """Give what a cloud holds, by name, boot volumes left out, and which views show it."""
    cloud.tick()
    compute = {(s, v) for s, server in cloud.servers.items() for v in server.disks}
    storage = {(s, v) for v, volume in cloud.volumes.items() for s in volume.holders}
    views = {True: "both", False: "compute"}
    seen = {pair: views[pair in storage] for pair in compute}
    seen |= dict.fromkeys(storage - compute, "storage")
    named = {_named(cloud, *pair): view for pair, view in seen.items()}
    return {pair: view for pair, view in named.items() if "boot" not in pair[1]}


def boots(cloud: Cloud) -> set[str]:
    """Give the servers that have their boot volume."""
    return {s for s, server in cloud.servers.items() if server.row.boot_volume in server.disks}


def _named(cloud: Cloud, server_id: str, volume_id: str) -> Pair:
    server = cloud.servers.get(server_id)
    return server.row.name if server else server_id, cloud.volumes[volume_id].row.name


def stage(folder: Path, *worlds: str) -> Stage:
    """Give a stage for these worlds; a run on it needs a loop in virtual time."""
    told = "---\n".join(worlds)
    clouds = tuple(Cloud(world, LoopClock()) for world in read_worlds(told, "test.world.yaml"))
    witness = Witness(clouds)
    app = build(clouds, on_request=witness.note, utc_now=utc_now)
    return Stage(folder=folder, clouds=clouds, transport=InProcess(app), witness=witness)


def verdicts(applied: Applied) -> Counter[Verdict]:
    """Count the verdicts of an apply."""
    return Counter(result.verdict for result in applied.results)


def in_line(planned: Planned) -> bool:
    """Tell whether a plan has nothing to do and nothing to tell."""
    return not planned.findings and all(scope.plan.in_line for scope in planned.scopes)
