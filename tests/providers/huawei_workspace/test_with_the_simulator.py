"""What we say, heard by the simulated cloud, which was written from the documents alone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.live import ServerStatus
from reconciler.model.outcome import Answer, JobState
from reconciler.providers import spec_of
from reconciler.providers.spec import Opening, Secret
from tests.contract.worlds import huawei_workspace as worlds
from tests.rig.plot import Plot
from tests.sim.asking import Asker, asker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.ports import Provider
    from tests.rig.plot import Rule

V1 = AttachmentKey("desks", "s1-id", "v1-id")
V2 = AttachmentKey("desks", "s1-id", "v2-id")
BOTH = Call(verb=Verb.DESTROY, keys=(V1, V2))
PLOT = Plot(servers=("s1", "s2"), volumes=("v1", "v2", "v3"), attached=(("s1", "v1"), ("s1", "v2")))


class NoPace:
    """Lets every request leave."""

    async def turn(self) -> None:
        return None

    def hold(self, seconds: float) -> None:
        del seconds


@dataclass(frozen=True)
class Side:
    """An open provider, and a client that sees the simulated world."""

    ours: Provider
    cloud: Asker
    """Its own methods run loops: only its clock may be used inside of ours."""


@asynccontextmanager
async def facing(*rules: Rule, plot: Plot = PLOT) -> AsyncIterator[Side]:
    """Open the provider in front of a simulated cloud."""
    cloud = asker(worlds.world(replace(plot, rules=rules)))
    opening = Opening(
        scope="desks",
        region="r1",
        pace=NoPace(),
        utc_now=lambda: datetime.now(UTC),
        endpoints={"workspace": "http://sim", "iam": "http://sim"},
        secrets={"accessKey": Secret("simulator"), "secretKey": Secret("simulator-secret")},
        max_concurrency=4,
        transport=httpx.ASGITransport(app=cloud.app, client=("127.0.0.1", 1)),
    )
    opened = await spec_of("huawei-workspace").open(opening)
    yield Side(opened.provider, cloud)
    await opened.provider.aclose()


def test_disks_are_listed_deleted_followed_and_gone() -> None:
    async def story() -> None:
        async with facing() as side:
            live = await side.ours.list_live()
            assert live.complete
            assert set(live.servers) == {"s1-id", "s2-id"}
            assert set(live.volumes) == {"v1-id", "v2-id", "s1-boot", "s2-boot"}
            assert {key.volume_id for key, row in live.observed.items() if row.boot} == {
                "s1-boot",
                "s2-boot",
            }
            receipt = await side.ours.submit(BOTH)
            assert receipt.answer is Answer.ACCEPTED
            assert receipt.handle
            assert (await side.ours.track(receipt.handle)).state is JobState.RUNNING
            assert set((await side.ours.observe([V1, V2])).observed) == {V1, V2}
            side.cloud.advance(4.0)
            assert (await side.ours.track(receipt.handle)).state is JobState.SUCCEEDED
            look = await side.ours.observe([V1, V2])
            assert (look.complete, look.observed, set(look.servers)) == (True, {}, {"s1-id"})

    asyncio.run(story())


def test_a_second_call_waits_and_one_for_what_is_gone_is_looked_at() -> None:
    async def story() -> None:
        async with facing() as side:
            await side.ours.submit(replace(BOTH, keys=(V1,)))
            busy = await side.ours.submit(replace(BOTH, keys=(V2,)))
            assert (busy.answer, busy.code, busy.retry_after_s) == (Answer.BUSY, "WKS.0407", 300.0)
            side.cloud.advance(4.0)
            gone = await side.ours.submit(BOTH)
            assert (gone.answer, gone.look) == (Answer.REFUSED, True)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("job", "state"),
    [
        ("fail", JobState.FAILED),
        ({"partial": ["s1"]}, JobState.FAILED),
        ("gone", JobState.GONE),
        ("false-success", JobState.SUCCEEDED),
        ("init-first", JobState.RUNNING),
    ],
)
def test_a_job_that_errs_is_read_as_it_is_told(job: object, state: JobState) -> None:
    async def story() -> None:
        async with facing({"match": worlds.write, "nth": 1, "job": job}) as side:
            receipt = await side.ours.submit(BOTH)
            side.cloud.advance(4.0)
            progress = await side.ours.track(receipt.handle or "")
            assert progress.state is state
            if state is JobState.FAILED:
                assert progress.parts["s1-id"].state is state
                assert progress.code
                assert progress.message

    asyncio.run(story())


@pytest.mark.parametrize(
    ("fault", "complete"),
    [
        ("drop-page", False),
        ("lying-count", False),
        ("endless", False),
        ("duplicate", True),
        ("reorder", True),
    ],
)
def test_a_listing_that_errs_is_told_where_it_may_lack_a_row(fault: str, *, complete: bool) -> None:
    async def story() -> None:
        rule = {"match": worlds.listings[0], "always": True, "listing": fault}
        async with facing(rule) as side:
            assert (await side.ours.list_live()).complete is complete
            look = await side.ours.observe([V1])
            assert look.complete
            assert set(look.observed) == {V1}

    asyncio.run(story())


def test_a_scope_of_many_desktops_is_listed_page_by_page() -> None:
    names = tuple(f"s{number:04}" for number in range(1003))

    async def story() -> None:
        async with facing(plot=Plot(servers=names)) as side:
            live = await side.ours.list_live()
            assert live.complete
            assert len(live.servers) == len(live.observed) == 1003
            look = await side.ours.observe(list(live.observed))
            assert len(look.observed) == 1003
            ready = {row.status for row in look.servers.values()}
            assert ready == {ServerStatus.READY}

    asyncio.run(story())
