"""What is asked of a cloud, and when, held against the bounds: counts and virtual time alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.operations.applied import Ending
from tests.bench import bounds
from tests.bench.cases import AT_ONCE, DETACH, MOVE, READ, WORKSPACE, Case
from tests.bench.manifests import changes
from tests.bench.virtually import applied, planned

if TYPE_CHECKING:
    from pathlib import Path

CALLS_A_ROW = 35
"""How often functions of ours are entered, generators each time, for one that is as wanted: 31."""


@pytest.mark.parametrize(
    ("case", "ratio"),
    [
        pytest.param(
            Case(name="paced", kind=DETACH, attachments=200, servers=200, per_s=50.0),
            1.6,
            id="a crowd at 50 a second looks within its twentieth of them",
        ),
        pytest.param(
            Case(name="slow", kind=DETACH, attachments=120, servers=120, per_s=10.0),
            1.25,
            id="the same at 10 a second, where few are in flight at a time",
        ),
        pytest.param(
            Case(name="rounds", kind=DETACH, attachments=240, servers=60),
            1.4,
            id="four rounds of 60: one job tells when each of them is looked at",
        ),
        pytest.param(
            Case(name="lognormal", kind=DETACH, attachments=100, servers=100, job_s=8.0, sigma=0.5),
            1.2,
            id="jobs of all lengths",
        ),
        pytest.param(
            Case(name="crowd", kind=DETACH, attachments=500, servers=500),
            1.45,
            id="hundreds at once are looked at through their pages",
        ),
        pytest.param(
            Case(name="few", kind=DETACH, attachments=20, servers=20),
            1.9,
            id="a few whose length nobody knows ask in turn",
        ),
        pytest.param(
            Case(name="moves", kind=MOVE, attachments=100, servers=100, per_s=50.0),
            2.2,
            id="moves are two calls each",
        ),
    ],
)
def test_an_apply_stays_near_its_bounds(case: Case, ratio: float, tmp_path: Path) -> None:
    ended, asked = applied(case, tmp_path)
    assert ended.ending is Ending.CONFIRMED
    fewest = bounds.fewest_calls(changes(case), shareable=case.shared)
    servers, volumes = len(case.server_ids()), len(case.volume_ids())
    assert asked.pages == bounds.reading_calls(volumes + servers, servers)
    assert (asked.writes, asked.refused) == (fewest, 0)
    assert asked.looks <= bounds.looks_allowed(fewest, asked.seconds, case.per_s)
    least_s = bounds.makespan_s(
        bounds.Run(
            read_s=asked.read_s,
            writes=asked.writes,
            looks=asked.looks,
            per_s=case.per_s,
            latency_s=case.latency_s,
            at_once=AT_ONCE,
            jobs=asked.jobs,
        )
    )
    assert asked.seconds / least_s <= ratio


def test_one_call_alone_asks_its_job_twice_and_looks_once(tmp_path: Path) -> None:
    case = Case(name="shared", kind=DETACH, attachments=16, servers=16, shared=True)
    ended, asked = applied(case, tmp_path)
    assert ended.ending is Ending.CONFIRMED
    assert (asked.writes, asked.looks) == (1, 2 + 2), "two questions, and one look in two views"


def test_ten_disks_of_a_desktop_leave_in_one_call(tmp_path: Path) -> None:
    case = Case(name="desks", kind=DETACH, provider=WORKSPACE, attachments=200, servers=20)
    ended, asked = applied(case, tmp_path)
    assert (ended.ending, asked.writes, asked.pages) == (Ending.CONFIRMED, 20, 1)
    assert asked.looks <= bounds.QUESTIONS * asked.writes


def test_a_plan_grows_with_what_it_plans(tmp_path: Path) -> None:
    calls = {}
    for size in (300, 1_200):
        case = Case(name=f"read-{size}", kind=READ, attachments=size, servers=size // 10)
        made, calls[size] = planned(case, tmp_path)
        assert (made.approvable, made.findings) == (False, ())
        assert len(made.scopes[0].plan.kept) == size
    assert calls[1_200] < 4.4 * calls[300], "4 x as many rows, a tenth for what isn't linear"
    assert (calls[1_200] - calls[300]) / 900 < CALLS_A_ROW
