"""The same promises over a real socket, in real time; the truth is what `/_sim/world` tells."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from reconciler.operations.apply import apply_manifests
from reconciler.operations.plans import plan_manifests
from reconciler.operations.sessions import Request
from reconciler.operations.wiring import Surroundings
from reconciler.providers import discover
from reconciler.sim.app import build
from reconciler.sim.clock import WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import serving
from reconciler.sim.world import read_worlds
from tests.contract.having import having, paged, sharing, two_views
from tests.rig.plot import Plot, Wanted
from tests.rig.stage import YES, Remembering, in_line, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.operations.applied import Applied
    from tests.contract.conftest import House
    from tests.rig.plot import Pair
    from tests.rig.plot import Rule as Broken

SECRETS = {"accessKey": "simulator", "secretKey": "simulator-secret"}
PLOT = Plot(
    servers=("s1", "s2"),
    volumes=("v1", "v2"),
    attached=(("s1", "v1"),),
    job_s=0.02,
)


@dataclass(frozen=True, slots=True)
class Line:
    """A simulator on loopback and the house on the other end of the socket."""

    address: str
    provider: str
    folder: Path

    def wanted(self, **servers: list[str]) -> Wanted:
        """Give entries that own these servers' rows."""
        return Wanted(provider=self.provider, servers=servers, endpoint=self.address)

    def apply(self, wanted: Wanted) -> Applied:
        """Apply, then look whether a plan has nothing left."""
        path = self.folder / "manifests.yaml"
        path.write_text(wanted.text(), encoding="utf-8")
        variables = discover()[self.provider].variables
        around = Surroundings(
            environ={variables[key][0]: value for key, value in SECRETS.items()},
            folder=self.folder / "kept",
        )
        asked = Request(files=(str(path),), first_apply=True)

        async def both() -> Applied:
            applied = await apply_manifests(asked, around, YES, Remembering())
            planned = await plan_manifests(asked, around)
            assert in_line(planned) == (applied.ending is Ending.CONFIRMED)
            return applied

        return asyncio.run(both())

    def truth(self) -> set[Pair]:
        """Give what is attached, boot volumes left out."""
        told = httpx.get(f"{self.address}/_sim/world").json()
        names = {row["id"]: row["name"] for row in (*told["servers"], *told["volumes"])}
        pairs = {(names[row["server"]], names[row["volume"]]) for row in told["attachments"]}
        return {(s, v) for s, v in pairs if "boot" not in v}

    def writes(self) -> int:
        """Count the requests that asked for a change."""
        counts = httpx.get(f"{self.address}/_sim/requests").json()["counts"]
        return int(counts["changing"])

    def written_at(self) -> list[float]:
        """Give when each request that asked for a change arrived, in the cloud's seconds."""
        rows = httpx.get(f"{self.address}/_sim/requests").json()["requests"]
        return [row["at"] for row in rows if row["changing"]]

    def breaks(self, *rules: Broken) -> None:
        """Replace the fault rules."""
        body = {"seed": "7", "rules": list(rules)}
        httpx.post(f"{self.address}/_sim/faults", json=body).raise_for_status()


@contextmanager
def line(house: House, plot: Plot = PLOT) -> Iterator[Line]:
    """Serve a world until the block ends."""
    (world,) = read_worlds(house.vendor.world(plot), "test.world.yaml")
    with serving(build([Cloud(world, WallClock())])) as address:
        yield Line(address, house.provider, house.folder)


def test_a_move_and_an_attach_over_a_socket(house: House) -> None:
    with line(house) as to:
        applied = to.apply(to.wanted(s1=["v2"], s2=["v1"]))
        assert applied.ending is Ending.CONFIRMED
        assert to.truth() == {("s1", "v2"), ("s2", "v1")}
        assert to.writes() == 3
        assert verdicts(applied) == {Verdict.DONE: 2}


def test_what_nobody_owns_survives_over_a_socket(house: House) -> None:
    with line(house) as to:
        assert to.apply(to.wanted(s2=["v2"])).ending is Ending.CONFIRMED
        assert to.truth() == {("s1", "v1"), ("s2", "v2")}
        assert to.writes() == 1


def test_throttling_is_obeyed_over_a_socket(house: House) -> None:
    with line(house) as to:
        to.breaks(house.rule(house.vendor.write, answer=429, retryAfter=1))
        assert to.apply(to.wanted(s2=["v2"])).ending is Ending.CONFIRMED
        first, second = to.written_at()
        assert second - first >= 1.0


@having(sharing)
def test_the_batch_limit_is_held_over_a_socket(house: House) -> None:
    servers = tuple(f"s{n:02}" for n in range(20))
    attached = tuple((name, "shared") for name in servers)
    plot = Plot(servers=servers, shared=("shared",), attached=attached, job_s=0.02)
    with line(house, plot) as to:
        wanted = replace(to.wanted(), volumes={"shared": []})
        assert to.apply(wanted).ending is Ending.CONFIRMED
        assert to.truth() == set()
        assert to.writes() == -(-len(servers) // house.vendor.batch_max)


@having(two_views)
def test_what_only_storage_shows_is_left_alone_over_a_socket(house: House) -> None:
    plot = replace(PLOT, attached=(), storage_only=(("s1", "v1"),))
    with line(house, plot) as to:
        applied = to.apply(to.wanted(s1=[], s2=["v1", "v2"]))
        assert applied.ending is Ending.INCOMPLETE
        assert to.truth() == {("s1", "v1"), ("s2", "v2")}
        assert to.writes() == 1


def test_a_dropped_connection_is_looked_up(house: House) -> None:
    with line(house) as to:
        to.breaks(house.rule(house.vendor.write, answer="reset", effect="applied"))
        assert to.apply(to.wanted(s2=["v2"])).ending is Ending.CONFIRMED
        assert to.writes() == 1


@having(paged)
def test_a_partial_listing_over_a_socket_changes_nothing(house: House) -> None:
    with line(house) as to:
        rules = [
            house.rule(match, always=True, listing="drop-page") for match in house.vendor.listings
        ]
        to.breaks(*rules)
        assert to.apply(to.wanted(s1=[], s2=["v2"])).ending is Ending.REFUSED
        assert to.writes() == 0
