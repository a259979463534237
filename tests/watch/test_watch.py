"""A night of a service: found within a tick, corrected once, told once, never fought over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from reconciler.model.outcome import Verdict
from reconciler.model.watching import BreakerStanding, Why
from reconciler.operations.inforce import Overrides
from tests.rig.plot import UNLIMITED
from tests.rig.virtual_time import run
from tests.watch.night import EVERY_S, PLOT, SCHEDULE, Night, told, web

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.model.watching import Tick

HOME = {"web-1": ["one"], "web-2": ["two"], "web-3": []}
START = replace(PLOT, attached=(("web-1", "one"), ("web-2", "two")))
HOUR = 3600.0


async def settled(folder: Path, rows: Mapping[str, list[str]] = HOME, **schedule: object) -> Night:
    """Give a night after an apply that found everything in line."""
    night = Night(folder, START)
    night.declare(web(rows), schedule={**SCHEDULE, **schedule})
    assert (await night.apply()).ending.value == 0
    return night


def found(ticks: list[Tick]) -> list[list[str]]:
    """Give what each tick told."""
    return [told(tick) for tick in ticks]


def test_drift_is_found_within_a_tick_corrected_and_told_once(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path)
        drift = (400.0, partial(night.moved, "one", "web-1", "web-3"))
        ticks = await night.watch(5 * EVERY_S, drift)
        assert found(ticks) == [[], [], ["drift: moved web-1/one"], [], []]
        assert [len(tick.appeared) for tick in ticks] == [0, 0, 1, 0, 0]
        (gone,) = ticks[3].gone
        (made,) = ticks[2].corrections
        assert (made.verdict, made.run) == (Verdict.DONE, ticks[2].run)
        assert gone.run == made.run, "whoever is told that it is gone is told by which run"
        assert gone.first_s < gone.last_s + 1 <= gone.gone_s  # type: ignore[operator]
        assert night.truth() == {("web-1", "one"), ("web-2", "two")}
        steps = [(scope, run_id == made.run) for scope, run_id, _, _ in night.seen.steps]
        assert set(steps) == {("prod", True)}

    run(story())


def test_without_leave_it_only_tells(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path, correct=False)
        night.console("detach", "web-1", "one")
        ticks = await night.watch(3 * EVERY_S)
        assert found(ticks) == [["drift: missing web-1/one (off)"]] * 3
        assert [len(tick.appeared) for tick in ticks] == [1, 0, 0]
        assert ticks[2].differences[0].first_s == ticks[0].differences[0].first_s
        night.overrides = Overrides(corrects=True)
        (first, *_) = await night.watch(2 * EVERY_S)
        assert [one.verdict for one in first.corrections] == [Verdict.DONE], "flags win"

    run(story())


def test_a_new_commit_waits_for_an_apply_and_drift_is_healed_beside_it(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path)
        newer = {"web-1": ["one", "three"], "web-2": [], "web-3": []}
        acts = (
            (400.0, partial(night.declare, web(newer))),
            (400.0, partial(night.console, "detach", "web-1", "one")),
        )
        ticks = await night.watch(4 * EVERY_S, *acts)
        waiting = ["pending: attach web-1/three (waits)", "pending: detach web-2/two (waits)"]
        assert found(ticks)[2:] == [["drift: missing web-1/one", *waiting], waiting]
        assert night.truth() == {("web-1", "one"), ("web-2", "two")}, "as it was applied"
        assert (await night.apply()).ending.value == 0
        assert found(await night.watch(EVERY_S)) == [[]]

    run(story())


def test_heal_manifests_applies_what_is_pending_and_remembers_it(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path, heal="manifests")
        newer = {"web-1": ["three"], "web-2": ["two"], "web-3": ["one"]}
        schedule = {**SCHEDULE, "heal": "manifests"}
        write = partial(night.declare, web(newer), schedule=schedule)
        drift = partial(night.console, "detach", "web-1", "three")
        ticks = await night.watch(5 * EVERY_S, (100.0, write), (700.0, drift))
        moved = ["pending: attach web-1/three", "pending: move web-3/one"]
        assert found(ticks) == [[], moved, [], ["drift: missing web-1/three"], []]
        assert ("web-1", "three") in night.truth()

    run(story())


def test_a_conflict_is_left_alone(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path, heal="manifests")
        newer = {"web-1": [], "web-2": ["two", "one"], "web-3": []}
        acts = (
            (100.0, partial(night.moved, "one", "web-1", "web-3")),
            (100.0, partial(night.declare, web(newer), schedule={**SCHEDULE, "heal": "manifests"})),
        )
        ticks = await night.watch(3 * EVERY_S, *acts)
        assert found(ticks)[1:] == [["conflict: move web-2/one (conflict)"]] * 2
        assert ("web-3", "one") in night.truth()

    run(story())


def test_what_comes_back_twice_is_a_fight_with_longer_and_longer_pauses(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path)

        def again() -> None:
            if ("web-1", "one") in night.truth():
                night.console("detach", "web-1", "one")

        acts = [(n * EVERY_S + 150.0, again) for n in range(100)]
        ticks = await night.watch(100 * EVERY_S, *acts)
        made = [tick.began_s for tick in ticks if tick.corrections]
        pauses = [round((b - a) / HOUR, 1) for a, b in pairwise(made)]
        assert pauses[0] < 0.2, "once may be chance"
        late = [pause / doubled for pause, doubled in zip(pauses[1:], (1, 2, 4), strict=True)]
        assert all(1.0 <= one <= 1.1 for one in late), "it doubles, and a look comes a tick later"
        quiet = [tick for tick in ticks if tick.fights]
        assert {told(tick)[0] for tick in quiet} == {"drift: missing web-1/one (fight)"}
        assert quiet[0].fights[0].corrected == 2
        # Nobody forgets because the service was restarted.
        (after, *_) = await night.watch(EVERY_S)
        assert [fight.corrected for fight in after.fights] == [5]

    run(story())


def test_a_move_that_failed_is_not_tried_again_until_its_facts_change(tmp_path: Path) -> None:
    async def story() -> None:
        # A failure is remembered for a week, however soon what is only told is forgotten.
        night = await settled(tmp_path, retention="1h")
        night.moved("one", "web-1", "web-3")
        # Only there: the put-back, which is an attach as well, passes.
        night.set_rules({"match": "* *web-1-id/attachvolume*", "always": True, "answer": 400})
        (first, *later) = await night.watch(4 * EVERY_S)
        assert [one.verdict for one in first.corrections] != [Verdict.DONE]
        assert found(later) == [["drift: moved web-1/one (failed)"]] * 3
        assert all(tick.run is None for tick in later)
        night.set_rules()
        (still, *_) = await night.watch(EVERY_S)
        assert told(still) == ["drift: moved web-1/one (failed)"], "nothing about it changed"
        await asyncio.sleep(2 * HOUR)
        much_later = await night.watch(3 * EVERY_S)
        assert found(much_later) == [["drift: moved web-1/one (failed)"]] * 3
        night.moved("one", "web-3", "web-2")
        (healed, *_) = await night.watch(EVERY_S)
        assert [one.verdict for one in healed.corrections] == [Verdict.DONE]

    run(story())


def test_the_day_has_so_many_detaches_and_a_restart_gives_no_more(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path, maxDetachPerDay=1)
        night.console("attach", "web-3", "three")
        (first, *_) = await night.watch(EVERY_S)
        assert [one.action.value for one in first.corrections] == ["detach"]
        night.moved("one", "web-1", "web-3")
        night.console("detach", "web-2", "two")
        (again, *_) = await night.watch(EVERY_S)
        assert told(again) == ["drift: moved web-1/one (budget)", "drift: missing web-2/two"]
        ticks = await night.watch(25 * HOUR)
        (tick,) = [tick for tick in ticks if tick.corrections]
        assert tick.began_s - first.began_s > 24 * HOUR
        assert ("web-1", "one") in night.truth()

    run(story())


GUARDED = {
    "a limit on detaches": ({**UNLIMITED, "maxDetach": 0}, "refused"),
    "a closed window": (
        {**UNLIMITED, "windows": [{"allow": "0 3 * * *", "duration": "1h", "timezone": "UTC"}]},
        "refused",
    ),
}


@pytest.mark.parametrize(("policy", "why"), GUARDED.values(), ids=GUARDED)
def test_every_guard_holds_for_a_service_too(
    tmp_path: Path, policy: Mapping[str, object], why: str
) -> None:
    async def story() -> None:
        night = Night(tmp_path, START)
        night.declare(web(HOME, policy=policy))
        assert (await night.apply()).ending.value == 0
        night.console("attach", "web-3", "three")
        (tick, *_) = await night.watch(EVERY_S)
        assert told(tick) == [f"drift: added web-3/three ({why})"]
        assert tick.differences[0].held is not None
        assert tick.differences[0].held.words
        assert tick.run is None

    run(story())


def test_three_failed_runs_open_the_breaker_and_a_person_closes_it(tmp_path: Path) -> None:
    async def story() -> None:
        rows = {"web-1": ["one"], "web-2": ["two"], "web-3": []}
        night = await settled(tmp_path, rows)
        night.console("detach", "web-1", "one")
        night.set_rules({"match": "* *attachvolume*", "always": True, "answer": 400})
        ticks = await night.watch(1.6 * HOUR)
        opened = [t for t in ticks if t.breaker.standing is BreakerStanding.OPEN]
        assert opened[0].breaker.failures == 3
        held = opened[-1].differences[0].held
        assert held is not None
        assert held.why is Why.BREAKER
        night.set_rules()
        book = night.book()
        assert book.watched.close_breaker("prod")
        assert not book.watched.close_breaker("prod")
        book.close()
        ticks = await night.watch(3 * HOUR)
        assert ticks[0].breaker.standing is BreakerStanding.CLOSED
        assert night.truth() == {("web-1", "one"), ("web-2", "two")}

    run(story())


def test_a_broken_manifest_is_told_and_the_last_good_one_stays(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path)
        acts = (
            (100.0, partial(night.declare, text="spec: [")),
            (400.0, partial(night.moved, "one", "web-1", "web-3")),
            (900.0, partial(night.declare, web({**HOME, "web-3": ["three"]}))),
        )
        ticks = await night.watch(5 * EVERY_S, *acts)
        assert [bool(one.manifests.findings) for one in night.seen.whole] == [
            False, True, False, False
        ]  # fmt: skip
        assert found(ticks)[2] == ["drift: moved web-1/one"], "by the manifests in force"
        assert found(ticks)[4] == ["pending: attach web-3/three (waits)"]

    run(story())


def test_a_scope_that_cannot_be_read_is_told_and_loses_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path, correct=False)
        night.console("detach", "web-1", "one")
        rule = {"match": "GET *", "always": True, "answer": 403}
        ticks = await night.watch(
            5 * EVERY_S,
            (400.0, partial(night.set_rules, rule)),
            (1000.0, night.set_rules),
        )
        assert [tick.looked for tick in ticks] == [True, True, False, False, True]
        assert all(tick.findings[0].code == "scope-unreadable" for tick in ticks[2:4])
        assert not any(tick.gone for tick in ticks)
        assert ticks[4].differences[0].first_s == ticks[0].differences[0].first_s
        assert night.daemon.board.now().scopes[0].looked_s == ticks[4].began_s

    run(story())


def test_another_run_that_changes_the_cloud_is_left_to_it(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path)
        night.console("detach", "web-1", "one")
        night.on.set_rules({"match": "* *", "job": {"slow": 400}, "always": True})
        night.declare(web({**HOME, "web-3": ["three"]}))
        async with asyncio.TaskGroup() as group:
            applying = group.create_task(night.apply())
            await asyncio.sleep(30)
            ticks = await night.watch(EVERY_S)
        assert applying.result().ending.value == 0
        assert all(tick.run is None for tick in ticks)
        assert night.truth() == {("web-1", "one"), ("web-2", "two"), ("web-3", "three")}

    run(story())


def test_a_volume_that_hangs_delays_no_correction_of_another(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path)
        volume = night.on.cloud.volumes["two-id"]
        night.on.cloud.keep(volume)
        volume.status, volume.in_flight = "detaching", {"nobody's"}
        night.console("detach", "web-1", "one")
        (tick, *_) = await night.watch(EVERY_S)
        assert [one.verdict for one in tick.corrections] == [Verdict.DONE]
        assert tick.took_s < 60

    run(story())
