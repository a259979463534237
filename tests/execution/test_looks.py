"""What a look may be believed: lost rows, disagreement, motion, and a scope that can't be read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.journal.journal import open_book
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Verdict
from reconciler.model.plan import Standing
from reconciler.model.record import Identity, Intent
from reconciler.operations.applied import Ending
from reconciler.sim.changes import Change, Target, begin
from reconciler.sim.rules import Rule as Broken
from tests.contract.worlds import huawei_ecs
from tests.rig.plot import Plot, Wanted
from tests.rig.stage import stage, verdicts
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

PLOT = Plot(servers=("s1", "s2"), volumes=("v1", "v2"), attached=(("s1", "v1"),))
LEAVE = Wanted(provider="huawei-ecs", servers={"s1": []}, limits={"stepTimeout": "90s"})


@pytest.mark.parametrize("fault", ["drop-page", "lying-count"])
def test_a_look_that_lost_rows_is_no_proof_that_a_volume_left(tmp_path: Path, fault: str) -> None:
    on = stage(tmp_path, huawei_ecs.world(PLOT))
    on.set_rules({"match": huawei_ecs.detach, "nth": 1, "job": "false-success"})

    def blind(request: httpx.Request) -> None:
        if "/jobs/" in request.url.path:
            on.set_rules(
                *({"match": m, "always": True, "listing": fault} for m in huawei_ecs.listings)
            )

    on.transport.watchers.append(blind)

    async def story() -> None:
        applied = await on.apply(LEAVE)
        assert on.truth() == {("s1", "v1"): "both"}
        assert verdicts(applied) == {Verdict.UNKNOWN: 1}
        assert applied.ending is Ending.INCOMPLETE

    run(story())


def test_a_wrong_key_is_told_at_once_though_calls_are_left_open(tmp_path: Path) -> None:
    on = stage(tmp_path, huawei_ecs.world(PLOT))
    project = on.cloud.world.project_id
    mine = Identity(provider="huawei-ecs", endpoint="simulator/prod", project=project, region="r1")
    call = Call(verb=Verb.DETACH, keys=(AttachmentKey("prod", "s1-id", "v1-id"),))
    book = open_book(on.around.folder / "journal.db", lambda: 0.0)
    book.pages(mine, "prod").begin(Intent(run="dead", step_id="x", label="web-1/disk-1", call=call))
    secret = {"secretKey": {"env": "RECONCILER_CRED_S"}, "accessKey": {"env": "RECONCILER_CRED_A"}}
    wanted = replace(LEAVE, more={"projectId": project, "credentials": secret})

    async def story() -> None:
        on.environ = {"RECONCILER_CRED_A": "simulator", "RECONCILER_CRED_S": "quite-another-one"}
        applied = await on.apply(wanted)
        assert [finding.code for finding in applied.planned.findings] == ["scope-unreadable"]
        assert len(on.witness.rows) <= 4
        assert not on.witness.writes

    run(story())
    assert len(book.pages(mine, "prod").open_intents()) == 1, "the next run looks after it"
    book.close()


def test_what_the_views_disagree_on_is_looked_at_once_more_by_id(tmp_path: Path) -> None:
    plot = Plot(servers=("s1",), volumes=("v1", "v2"), storage_only=(("s1", "v1"),))
    on = stage(tmp_path, huawei_ecs.world(plot))

    async def story() -> None:
        await on.plan(replace(LEAVE, servers={"s1": ["v2"]}))
        looks = [row for row in on.witness.rows if "id" in str(row["query"])]
        assert len(looks) == 2, "one look by id, of both views"
        assert all("v1-id" in str(row["query"]) or "s1-id" in str(row["query"]) for row in looks)

    run(story())


@pytest.mark.parametrize(
    ("job_s", "standing"),
    [(20.0, None), (500.0, Standing.IN_MOTION)],
    ids=["it comes to rest", "it doesn't within a minute"],
)
def test_motion_is_waited_for_but_not_for_ever(
    tmp_path: Path, job_s: float, standing: Standing | None
) -> None:
    on = stage(tmp_path, huawei_ecs.world(PLOT))
    slow = Broken(match="* *", when="always", amount=1, kind="job", fault="slow", seconds=job_s)

    async def story() -> None:
        cloud = on.cloud
        cloud.tick()
        target = Target(cloud.servers["s1-id"], cloud.volumes["v1-id"])
        begin(cloud, Change(verb="detach", targets=(target,)), slow)
        planned = await on.plan(LEAVE)
        changes = planned.scopes[0].plan.changes
        assert [change.standing for change in changes] == ([standing] if standing else [])
        assert job_s <= asyncio.get_running_loop().time() < 62 or standing
        assert asyncio.get_running_loop().time() < 62

    run(story())
