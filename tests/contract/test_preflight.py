"""`plan --preflight`: asked beforehand, nothing changes; a job in the answer is a change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from reconciler.model.outcome import Answer, Receipt, Verdict
from reconciler.operations.applied import Ending
from reconciler.operations.history import past_runs
from reconciler.operations.plans import plan_manifests
from reconciler.operations.preflight import NONE, VERB, Asked, rehearsed
from reconciler.providers.huawei_ecs import conversations
from reconciler.providers.requests import change
from tests.contract.having import ecs, having, unforced
from tests.planning.building import of_server, planned, world
from tests.rig.plot import Plot, Wanted
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from httpx import Request

    from reconciler.model.call import Call
    from tests.contract.conftest import House

PLOT = Plot(
    servers=("s1", "s2"),
    volumes=("v1", "v2", "v3"),
    shared=("all",),
    attached=(("s1", "v1"), ("s1", "v2"), ("s1", "all")),
)
PASSES = Receipt(answer=Answer.ACCEPTED)
NO = Receipt(answer=Answer.REFUSED, code="Ecs.0104", message="no slot", request_id="req-1")


@dataclass
class Rehearsing:
    """A cloud that answers questions as the test says, in turn."""

    answers: list[Receipt]
    calls: list[Call] = field(default_factory=list)

    async def rehearse(self, call: Call) -> Receipt:
        """Give the next answer."""
        self.calls.append(call)
        return self.answers.pop(0)


@having(ecs)
def test_plain_attaches_are_asked_about_and_nothing_changes(house: House) -> None:
    async def story() -> None:
        on = house.stage(PLOT)
        rows = {"s1": ["v1", "all"], "s2": ["v2", "v3", "all"]}
        wanted = Wanted(provider=house.provider, servers=rows)
        before = on.truth()
        made = await plan_manifests(on.request(wanted), on.around, preflight=True)
        assert made.findings == ()
        (told,) = made.scopes[0].report.notices
        assert told == (
            "the cloud was asked about 2 plain attaches: 2 would pass; "
            "1 other change can't be asked about"
        )
        assert sum(row["method"] == "POST" for row in on.witness.rows) == 2
        assert (on.witness.writes, on.truth()) == ([], before)
        on.set_rules({"match": house.vendor.attach, "nth": 1, "answer": 403})
        made = await plan_manifests(on.request(wanted), on.around, preflight=True)
        assert [f.code for f in made.scopes[0].plan.findings] == ["preflight-refused"]
        assert on.truth() == before

    run(story())


@having(ecs)
def test_a_question_that_was_a_change_is_adopted_by_the_next_apply(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(method: str, url: str, body: dict[str, object]) -> Request:
        """Ask as if the cloud had never heard of `dry_run`."""
        return change(method, url, {key: told for key, told in body.items() if key != "dry_run"})

    async def story() -> None:
        on = house.stage(PLOT)
        for count, rows in enumerate(({"s2": ["v3"]}, {"s2": ["v3", "all"]}), start=1):
            wanted = Wanted(provider=house.provider, servers=rows)
            with monkeypatch.context() as patch:
                patch.setattr(conversations, "change", deaf)
                made = await plan_manifests(on.request(wanted), on.around, preflight=True)
            (finding,) = made.findings
            assert finding.code == "preflight-changed"
            assert len(on.witness.writes) == count
            applied = await on.apply(wanted)
            assert applied.ending is Ending.CONFIRMED
            assert len(on.witness.writes) == count, "its job was followed, nothing was sent again"
            intent, outcome = on.events.found[-1]
            assert (intent.step_id, outcome.verdict) == ("preflight", Verdict.DONE)
            assert f"`{intent.handle}`" in finding.summary
        told = [(one.verb, one.ending) for one in past_runs(on.around)]
        assert told.count((VERB, "incomplete")) == count

    run(story())


@having(unforced)
def test_a_cloud_without_a_dry_run_is_not_asked_and_says_so(house: House) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",)))
        request = on.request(house.rows(s1=[house.vendor.ref("v1")]))
        made = await plan_manifests(request, on.around, preflight=True)
        assert NONE in made.scopes[0].report.notices
        assert on.witness.writes == []

    run(story())


@pytest.mark.parametrize(
    ("answers", "codes", "passed", "asked"),
    [
        ((PASSES, PASSES, PASSES), [], 3, 3),
        ((PASSES, NO, PASSES), ["preflight-refused"], 2, 3),
        ((Receipt(answer=Answer.BUSY), PASSES, PASSES), ["preflight-refused"], 2, 3),
        ((PASSES, Receipt(answer=Answer.ACCEPTED, handle="job-1")), [], 1, 2),
        ((Receipt(answer=Answer.UNKNOWN, code="no-answer"),), ["preflight-unknown"], 0, 1),
        ((Receipt(answer=Answer.DENIED),), ["preflight-refused"], 0, 1),
    ],
)
def test_what_is_no_answer_to_a_question_ends_the_asking(
    answers: tuple[Receipt, ...], codes: list[str], passed: int, asked: int
) -> None:
    made = planned(world(["a"], ["u", "v", "w"]), of_server("a", "u", "v", "w"))
    cloud, so_far = Rehearsing([*answers]), Asked()
    found, through = run(rehearsed(cloud, made.permitted, so_far))
    assert ([finding.code for finding in found], through) == (codes, passed)
    assert len(cloud.calls) == asked
    began = any(answer.handle for answer in answers)
    assert [f.code for f in so_far.happened] == (["preflight-changed"] if began else [])
    assert so_far.over == (asked < 3)
    assert run(rehearsed(Rehearsing([PASSES] * 3), made.permitted, so_far))[1] == (
        0 if so_far.over else 3
    )
