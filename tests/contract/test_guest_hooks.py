"""Hooks on every cloud: a guest is asked before its volume leaves, and told once one arrived."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.hook import Errand, Hook, HookEnd, HookVerdict
from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from reconciler.operations.apply import apply_manifests
from tests.contract.having import any_at_all, having
from tests.rig.plot import UNLIMITED, Plot, Wanted
from tests.rig.stage import YES, verdicts
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.finding import Finding
    from reconciler.operations.applied import Applied
    from tests.contract.conftest import House
    from tests.rig.stage import Stage

HOOKS = {
    **UNLIMITED,
    "guestRelease": {"hook": "let-go", "whenRunning": "require"},
    "afterAttach": {"hook": "mount"},
}


@dataclass
class Guests:
    """The guests of a cloud: they take 3 s, and some don't let go."""

    on: Stage
    holding: frozenset[str] = frozenset()
    """Volumes, by the name or id that manifests write."""
    log: list[tuple[str, str, int]] = field(default_factory=list)
    """Hook, volume id, and how many changes the cloud had been asked for by then."""

    def problem(self, hook: Hook) -> Finding | None:
        """Know every hook."""
        del hook
        return None

    async def run(self, errand: Errand, run: str) -> HookEnd:
        """Let go, or not."""
        del run
        self.log.append((errand.hook.name, errand.key.volume_id, len(self.on.witness.writes)))
        await asyncio.sleep(3)
        if {errand.volume, errand.key.volume_id} & self.holding:
            return HookEnd(verdict=HookVerdict.FAILED, message="ended with 1: busy")
        return HookEnd(verdict=HookVerdict.DONE)


async def applied(
    on: Stage, guests: Guests, wanted: Wanted, destroys: Iterable[str] = ()
) -> Applied:
    """Apply without asking, among these guests."""
    request = replace(on.request(wanted), destroys=frozenset(destroys))
    return await apply_manifests(request, replace(on.around, hooks=guests), YES, on.events)


def test_a_move_asks_one_guest_first_and_tells_the_other_last(house: House) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1", "s2"), volumes=("v1",), attached=(("s1", "v1"),)))
        guests = Guests(on)
        wanted = replace(house.rows(s1=[], s2=["v1"]), policy=HOOKS)
        assert (await applied(on, guests, wanted)).ending is Ending.CONFIRMED
        assert set(on.truth()) == {("s2", "v1")}
        volume = house.vendor.identity("v1")
        assert guests.log == [("let-go", volume, 0), ("mount", volume, 2)]

    run(story())


@having(any_at_all)
def test_a_guest_that_holds_on_keeps_its_volume_and_the_others_go(house: House) -> None:
    async def story() -> None:
        plot = Plot(
            servers=("s1",), volumes=("v1", "v2", "v3"), attached=(("s1", "v1"), ("s1", "v2"))
        )
        on = house.stage(plot)
        guests = Guests(on, holding=frozenset({"v1", house.vendor.identity("v1")}))
        wanted = Wanted(
            provider=house.provider, servers={"s1": []}, absent={"s1": ["v1", "v2"]}, policy=HOOKS
        )
        ids = [house.vendor.identity(name) for name in ("v1", "v2")]
        made = await applied(on, guests, wanted, destroys=ids)
        assert verdicts(made) == {Verdict.REFUSED: 1, Verdict.DONE: 1}
        assert set(on.truth()) == {("s1", "v1")}
        assert [result.outcome.code for result in made.results if result.outcome.code] == [
            "guest-release"
        ]
        assert len(on.witness.writes) == 1

    run(story())


@pytest.mark.parametrize("named", [True, False])
def test_without_a_hook_a_required_release_holds_back(house: House, *, named: bool) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",), attached=(("s1", "v1"),)))
        release = {"hook": "let-go"} if named else {}
        policy = {**UNLIMITED, "guestRelease": {**release, "whenRunning": "require"}}
        guests = Guests(on)
        made = await applied(on, guests, replace(house.rows(s1=[]), policy=policy))
        assert made.ending is (Ending.CONFIRMED if named else Ending.REFUSED)
        assert (len(guests.log), len(on.witness.writes)) == ((1, 1) if named else (0, 0))

    run(story())
