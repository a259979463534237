"""Scopes watched for days on end, while people, clouds and machines misbehave.

`python -m tests.watch.month --days 30` runs the whole and prints its figures; it fails unless every
drift was found by the first look that could see it, told once, and corrected when that was allowed,
and unless the house holds no more values at the end than after its first day.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.daemon.loop import Daemon, Terms
from reconciler.model.watching import Answer
from reconciler.operations.inforce import InForce
from reconciler.sim.changes import act
from tests.rig.plot import UNLIMITED, Plot, Wanted
from tests.rig.virtual_time import run
from tests.watch.night import EVERY_S, PROVIDER, Night, Witness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.watching import Tick
    from reconciler.sim.cloud import Cloud

DAY_S = 86400.0
SERVERS, SPARES = 10, 4
ATTACHED = 50
"""Attachments of a scope."""
DRIFT_S, COMMIT_S, CRASH_S, STORM_S = 3 * 3600.0, 43200.0, 28800.0, 14400.0
"""Mean seconds between two drifts or commits of a scope, two crashes, two storms of throttling."""
ALLOWED_S = 1800.0
"""What a correction may take, from the look that found it, where nothing holds it."""
LATE_S = EVERY_S * 1.1 + 120.0
"""How long after a drift the first look that could see it may begin, while a service runs."""
DOWN_S = 60.0
STORM = (
    {"match": "* *", "probability": 0.1, "answer": 429, "retryAfter": 5},
    {"match": "GET *", "probability": 0.02, "answer": 503},
)


@dataclass(slots=True)
class Injected:
    """One drift that somebody made."""

    at_s: float
    volume: str
    found_s: float | None = None
    gone_s: float | None = None
    held: bool = False


@dataclass
class Place:
    """One scope: what belongs where, and what was done to it."""

    name: str
    cloud: Cloud
    home: dict[str, list[str]]
    applied: dict[str, str]
    """Volume -> server, as the last apply had it."""
    open: dict[str, Injected] = field(default_factory=dict)
    done: list[Injected] = field(default_factory=list)
    there: dict[tuple[AttachmentKey, str], int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def plot(number: int) -> Plot:
    """Give a scope's world: 50 volumes on 10 servers, and a few to spare."""
    servers = tuple(f"web-{n}" for n in range(SERVERS))
    volumes = tuple(f"vol-{n}" for n in range(ATTACHED + SPARES))
    attached = tuple((f"web-{n % SERVERS}", f"vol-{n}") for n in range(ATTACHED))
    return Plot(
        servers=servers, volumes=volumes, attached=attached, region=f"r{number}", seed=number
    )


class Month(Witness):
    """Everything that happens, and the judge of it."""

    def __init__(self, folder: Path, scopes: int, seed: int) -> None:
        super().__init__()
        self.night = Night(folder, *(plot(n) for n in range(scopes)))
        self.random = random.Random(seed)
        self.figures: Counter[str] = Counter()
        self.values: list[int] = []
        self.places: dict[str, Place] = {}
        for number, cloud in enumerate(self.night.on.clouds):
            rows = {f"web-{n}": [] for n in range(SERVERS)}  # type: dict[str, list[str]]
            for n in range(ATTACHED):
                rows[f"web-{n % SERVERS}"].append(f"vol-{n}")
            applied = {volume: server for server, listed in rows.items() for volume in listed}
            place = Place(name=f"scope-{number}", cloud=cloud, home=rows, applied=applied)
            self.places[place.name] = place

    def write(self) -> None:
        """Write what the manifests say now."""
        rows = (
            Wanted(
                provider=PROVIDER,
                servers={name: tuple(listed) for name, listed in place.home.items()},
                scope=place.name,
                region=f"r{number}",
                policy=UNLIMITED,
            )
            for number, place in enumerate(self.places.values())
        )
        schedule = {"every": "5m", "correct": True, "maxDetachPerDay": 1000, "retention": "7d"}
        self.night.declare(*rows, schedule=schedule)

    def now_s(self) -> float:
        """Give the time of day."""
        return self.night.on.around.utc_now().timestamp()

    # What people, clouds and machines do.

    async def drifts(self, place: Place) -> None:
        """Change something of a scope at the console, again and again."""
        while True:
            await asyncio.sleep(self.random.expovariate(1 / DRIFT_S))
            volume = self.random.choice([v for v in place.applied if v not in place.open])
            server = place.cloud.servers[f"{place.applied[volume]}-id"]
            disk = place.cloud.volumes[f"{volume}-id"]
            if set(disk.holders) != {server.row.id} or act(place.cloud, "detach", server, disk):
                continue
            if self.random.random() < 0.5:
                other = self.random.choice(list(place.cloud.servers.values()))
                if other is not server:
                    act(place.cloud, "attach", other, disk)
            place.open[volume] = Injected(at_s=self.now_s(), volume=volume)
            self.figures["drifts"] += 1

    async def commits(self, place: Place) -> None:
        """Ask for one more volume, or one fewer; a person applies it some time later."""
        while True:
            await asyncio.sleep(self.random.expovariate(1 / COMMIT_S))
            spare = f"vol-{ATTACHED + self.random.randrange(SPARES)}"
            server = self.random.choice(list(place.home))
            owner = next((name for name, listed in place.home.items() if spare in listed), None)
            if owner is not None:
                place.home[owner].remove(spare)
            else:
                place.home[server].append(spare)
            self.write()
            self.figures["commits"] += 1
            await asyncio.sleep(self.random.uniform(1.0, 2.0) * 3600.0)
            await self.night.apply()
            for one in self.places.values():
                one.applied = {v: s for s, listed in one.home.items() for v in listed}

    async def storms(self) -> None:
        """Let every cloud throttle for a while."""
        while True:
            await asyncio.sleep(self.random.expovariate(1 / STORM_S))
            self.night.set_rules(*STORM)
            self.figures["storms"] += 1
            await asyncio.sleep(1200.0)
            self.night.set_rules()

    async def services(self) -> None:
        """Run the service; kill it now and then, whatever it does, and start the next one."""
        while True:
            lives_s = self.random.expovariate(1 / CRASH_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(lives_s):
                    await self.service()
            self.figures["crashes"] += 1
            self.night.on.transport.dead = True
            await asyncio.sleep(DOWN_S)
            self.night.on.transport.dead = False

    async def service(self) -> None:
        """Be one service, until somebody ends it."""
        book = self.night.book()
        around = replace(self.night.on.around, book=book)
        terms = Terms(
            in_force=InForce(self.night.request, around, self.night.overrides),
            around=around,
            listeners=(self,),
            chance=self.random.random,
        )
        try:
            await Daemon(terms).run(asyncio.Event())
        finally:
            book.close()

    async def counts(self) -> None:
        """Count the values of the house once a day; empty what only this test keeps."""
        while True:
            await asyncio.sleep(DAY_S)
            self.night.on.witness.rows.clear()
            self.steps.clear()
            self.whole.clear()
            gc.collect()
            self.values.append(sum(_ours(one) for one in gc.get_objects()))

    # What the judge hears.

    def ticked(self, tick: Tick) -> None:
        """Hold a tick against what was done."""
        place = self.places[tick.scope]
        self.figures["ticks"] += 1
        self.figures["corrections"] += len(tick.corrections)
        if not tick.looked:
            self.figures["looks that failed"] += 1
            return
        seen = {d.key.volume_id.removesuffix("-id"): d for d in tick.differences}
        for one in tick.appeared:
            self.figures["told"] += 1
            place.there[one.identity] += 1
            if place.there[one.identity] > 1:
                place.wrong.append(f"{one.identity} was told twice")
        for one in tick.gone:
            place.there[one.identity] -= 1
        for volume, drift in list(place.open.items()):
            if tick.began_s <= drift.at_s:
                continue
            found = seen.get(volume)
            if found is not None and found.answer is not Answer.PENDING:
                drift.held |= found.held is not None
                drift.found_s = drift.found_s or tick.began_s
            elif drift.found_s is not None:
                drift.gone_s = tick.began_s
                place.done.append(place.open.pop(volume))
            elif self._home(place, volume):
                # A person's apply mended it before anybody looked.
                self.figures["mended by an apply"] += 1
                place.open.pop(volume)

    def _home(self, place: Place, volume: str) -> bool:
        """Tell whether the cloud itself says that a volume is where it belongs, at rest."""
        disk = place.cloud.volumes[f"{volume}-id"]
        return not disk.in_flight and set(disk.holders) == {f"{place.applied[volume]}-id"}

    def wrong(self) -> list[str]:
        """Give everything that wasn't as promised."""
        said = [words for place in self.places.values() for words in place.wrong]
        for place in self.places.values():
            for one in (*place.done, *place.open.values()):
                if one.found_s is None and self.now_s() - one.at_s > LATE_S:
                    said.append(f"{place.name}/{one.volume} at {one.at_s} was never found")
                took_s = (one.gone_s or self.now_s()) - (one.found_s or one.at_s)
                if one.found_s is not None and took_s > ALLOWED_S and not one.held:
                    said.append(f"{place.name}/{one.volume} stood {took_s:.0f} s")
        if self.values and self.values[-1] > self.values[0] * 1.2:
            said.append(f"values: {self.values}")
        return said

    def late_s(self) -> list[float]:
        """Give how long after each drift a look began that found it."""
        every = [one for place in self.places.values() for one in place.done]
        return sorted(one.found_s - one.at_s for one in every if one.found_s is not None)

    async def live(self, days: float) -> None:
        """Let all of it happen for so many days, and end in quiet."""
        self.write()
        assert (await self.night.apply()).ending.value == 0
        everybody = [self.services(), self.storms(), self.counts()]
        everybody += [what(p) for p in self.places.values() for what in (self.drifts, self.commits)]
        with suppress(TimeoutError):
            async with asyncio.timeout(days * DAY_S), asyncio.TaskGroup() as group:
                for one in everybody:
                    group.create_task(one)


def _ours(value: object) -> bool:
    module = str(type(value).__module__)
    return module.startswith("reconciler.") and not module.startswith("reconciler.sim")


def report(month: Month, took_s: float) -> Mapping[str, object]:
    """Give the figures."""
    late = month.late_s()
    return {
        **dict(sorted(month.figures.items())),
        "seconds until found": {
            "median": round(late[len(late) // 2]) if late else None,
            "longest": round(late[-1]) if late else None,
        },
        "values of the house a day": month.values,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "real seconds": round(took_s),
        "wrong": month.wrong(),
    }


def main() -> int:
    """Run it and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--scopes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        month, began = Month(Path(folder), asked.scopes, asked.seed), time.monotonic()

        async def whole() -> Mapping[str, object]:
            await month.live(asked.days)
            return report(month, time.monotonic() - began)

        figures = run(whole())
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
