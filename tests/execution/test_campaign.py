"""Random stories through the whole house; the invariants hold in every one of them.

I2 a fault-free rerun converges · I3 no call meets another one of ours · I4 exit 0 only when the
truth matches · I5 nothing is taken on twice · I9 boot volumes stay · I10 the pace is kept ·
I13 every change has its end · I14 an incomplete listing writes nothing · I15 what only storage
shows stays.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from reconciler.operations.applied import Ending
from tests.contract.worlds import huawei_ecs
from tests.execution.campaign import Story, story_of
from tests.rig.stage import boots, in_line, stage
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from reconciler.operations.applied import Applied
    from tests.rig.stage import Stage

CHUNK = 10


def check(on: Stage, story: Story, applied: Applied) -> None:
    """Hold every invariant against one apply that ended."""
    wanted, truth = story.wanted, on.truth()
    owned = {pair for pair in truth if wanted.owns(pair)}
    if applied.ending is Ending.CONFIRMED:
        assert owned == wanted.pairs()
        assert {truth[pair] for pair in owned} <= {"both"}
    strangers = {pair for pair in story.plot.attached if not wanted.owns(pair)}
    assert strangers <= truth.keys()
    ghosts = dict.fromkeys(story.plot.storage_only, "storage")
    assert {pair: view for pair, view in truth.items() if pair[1] == "ghost"} == ghosts
    assert not [row for row in on.accepted() if row[2] == "ghost" or "boot" in row[2]]
    assert boots(on.cloud) == set(on.cloud.servers)
    assert not on.witness.doubles
    assert not [row for row in on.witness.rows if row["status"] == 501]


def check_run(on: Stage, story: Story, applied: Applied) -> None:
    """Hold what is about one run, the first one, against it."""
    check(on, story, applied)
    permitted = sum(len(scope.plan.permitted) for scope in applied.planned.scopes)
    assert len(applied.results) == permitted
    codes = {f.code for scope in applied.planned.scopes for f in scope.plan.refusals}
    if "incomplete-listing" in codes:
        assert not on.witness.writes
    assert max(on.accepted().values(), default=0) <= 1
    per_s = story.wanted.limits.get("requestsPerSecond")
    if per_s is not None:
        times = [float(str(row["at"])) for row in on.witness.rows]
        latency_s = story.plot.latency_s
        assert all(sum(t <= at < t + 0.99 - latency_s for at in times) <= 10 for t in times)


async def lived(seed: int, folder: Path) -> None:
    """Live one story: a run with faults, then a run without."""
    story = story_of(seed)
    on = stage(folder, huawei_ecs.world(story.plot))
    on.set_rules(*story.rules, seed=seed)
    check_run(on, story, await on.apply(story.wanted))
    await asyncio.sleep(200.0)
    on.set_rules()
    again = await on.apply(story.wanted)
    check(on, story, again)
    if story.possible:
        assert again.ending is Ending.CONFIRMED, again.planned.document
        before = len(on.witness.writes)
        assert in_line(await on.plan(story.wanted)) or not_ours(on, story)
        assert len(on.witness.writes) == before


def not_ours(on: Stage, story: Story) -> bool:
    """Tell whether everything that is owned is as wanted."""
    return {pair for pair in on.truth() if story.wanted.owns(pair)} == story.wanted.pairs()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take as many seeds as `--stories` says."""
    if "first" in metafunc.fixturenames:
        metafunc.parametrize("first", range(0, metafunc.config.getoption("--stories"), CHUNK))


def test_random_stories_keep_every_invariant(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        folder = tmp_path / str(seed)
        folder.mkdir()
        random.seed(seed)  # the chance in every delay
        try:
            run(asyncio.wait_for(lived(seed, folder), 100_000.0))
        except BaseException as error:
            error.add_note(f"seed {seed}: {story_of(seed)}")
            raise
