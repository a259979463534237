"""`/_sim/*`: the log, the console, the clock, and who may use them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.sim.app import build
from reconciler.sim.clock import LoopClock, WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import serving
from reconciler.sim.world import read_worlds
from tests.sim.asking import PROJECT, WORLD, Asker, asker, clouds_of, over_a_socket

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTACH = "/v1/{p}/cloudservers/s-1/attachvolume"
BODY = {"volumeAttachment": {"volumeId": "v-2"}}


def test_requests_are_logged_and_counted() -> None:
    cloud = asker()
    cloud.good("GET", "/v2/{p}/cloudvolumes/detail?limit=1")
    cloud.advance(3)
    cloud.good("POST", ATTACH, BODY)
    log = cloud.good("GET", "/_sim/requests")
    assert log["counts"] == {"changing": 1, "reading": 1}
    assert log["requests"][0]["query"] == "limit=1"
    assert log["requests"][1] == {
        "at": 3.0,
        "method": "POST",
        "path": ATTACH.replace("{p}", PROJECT),
        "query": "",
        "status": 200,
        "changing": True,
        "rule": None,
    }
    cloud.good("DELETE", "/_sim/requests")
    assert cloud.good("GET", "/_sim/requests")["requests"] == []


def test_somebody_acts_at_the_console() -> None:
    cloud = asker()
    cloud.good("POST", "/_sim/act", {"detach": {"server": "web-1", "volume": "web-1-data"}})
    assert ("s-1", "v-1") not in cloud.views()
    cloud.good("POST", "/_sim/act", {"attach": {"server": "s-2", "volume": "v-1"}})
    assert cloud.views()["s-2", "v-1"] == "both"
    for body, status in (
        ({"attach": {"server": "s-1", "volume": "v-1"}}, 409),
        ({"detach": {"server": "s-1", "volume": "v-1"}}, 409),
        ({"detach": {"server": "nobody", "volume": "v-1"}}, 400),
        ({"detach": {"server": "s-1"}}, 400),
        ({}, 400),
        ({"destroy": {}}, 400),
    ):
        assert cloud.ask("POST", "/_sim/act", body)[0] == status, body


def test_a_virtual_clock_is_advanced_and_a_real_one_is_not() -> None:
    cloud = asker()
    job_id = cloud.good("POST", ATTACH, BODY)["job_id"]
    assert cloud.good("POST", "/_sim/clock", {"advance": 2.5}) == {"now": 2.5}
    assert cloud.job(job_id)["status"] == "SUCCESS"
    assert cloud.ask("POST", "/_sim/clock", {"advance": -1})[0] == 400
    clouds = [Cloud(world, WallClock()) for world in read_worlds(WORLD, "w")]
    assert Asker(build(clouds), ()).ask("POST", "/_sim/clock", {"advance": 1})[0] == 409


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("10.0.0.5", 403), ("x", 403)],
)
def test_only_this_machine_may_look_inside(host: str, status: int) -> None:
    cloud = replace(asker(), client_host=host)
    assert cloud.ask("GET", "/_sim/world")[0] == status


def test_unknown_control_paths_are_404() -> None:
    cloud = asker()
    assert cloud.send("GET", "/_sim/nothing").status_code == 404
    assert cloud.send("PUT", "/_sim/world").status_code == 405
    assert cloud.good("GET", "/_sim/requests")["requests"] == []


def test_secrets_are_not_shown() -> None:
    text = asker().send("GET", "/_sim/world").text
    assert "not-a-secret" not in text
    assert "open-sesame" not in text


def test_callers_are_told_of_requests_and_changes() -> None:
    clouds, clock = clouds_of(WORLD)
    rows: list[Mapping[str, object]] = []
    changes: list[float] = []
    app = build(clouds, on_request=rows.append, on_change=lambda: changes.append(clock.now()))
    cloud = Asker(app, (clock,))
    cloud.good("GET", "/v1/{p}/cloudservers/detail")
    assert (len(rows), changes) == (1, [])
    cloud.good("POST", ATTACH, BODY)
    assert (len(rows), changes) == (2, [0.0])
    cloud.advance(2)
    cloud.good("GET", "/v1/{p}/cloudservers/detail")
    cloud.good("GET", "/v1/{p}/cloudservers/detail")
    assert (len(rows), changes) == (4, [0.0, 2.0])


def test_a_loops_own_time_drives_a_cloud() -> None:
    clouds = [Cloud(world, LoopClock()) for world in read_worlds(WORLD, "w")]
    text = WORLD.replace("jobSeconds: 2.0", "jobSeconds: 0.02\nlatencySeconds: 0.01")
    clouds = [Cloud(world, LoopClock()) for world in read_worlds(text, "w")]
    ours = Asker(build(clouds), ())

    async def go() -> None:
        transport = httpx.ASGITransport(app=ours.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sim") as client:
            reply = await client.send(ours.request(client, "POST", ATTACH, BODY))
            job = f"/v1/{{p}}/jobs/{reply.json()['job_id']}"
            await asyncio.sleep(0.03)
            reply = await client.send(ours.request(client, "GET", job, None))
            assert reply.json()["status"] == "SUCCESS"

    asyncio.run(go())


def test_a_server_over_a_socket_answers_and_stops() -> None:
    with over_a_socket() as (ours, client):
        reply = client.send(ours.request(client, "GET", "/v1/{p}/cloudservers/detail", None))
        assert reply.json()["count"] == 7
        url = str(client.base_url)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_small_answers_are_not_held_back() -> None:
    with over_a_socket() as (ours, client):
        asked = [ours.request(client, "GET", "/v1/{p}/jobs/none", None) for _ in range(20)]
        began = time.monotonic()
        for request in asked:
            client.send(request)
        # Held back until the client acknowledges, each would take 40 ms.
        assert time.monotonic() - began < 0.4


def test_a_taken_port_is_an_error() -> None:
    app = asker().app
    with (
        serving(app) as url,
        pytest.raises(OSError, match="in use"),
        serving(app, port=int(url.rsplit(":", 1)[1])),
    ):
        pass


def test_large_worlds_are_listed_a_page_at_a_time() -> None:
    rows = "".join(f"  - {{id: v-{n:05}}}\n" for n in range(5000))
    cloud = asker(f"provider: huawei-ecs\nprojectId: {PROJECT}\nvolumes:\n{rows}")
    cloud.good("GET", "/v2/{p}/cloudvolumes/detail?limit=1")
    began = time.monotonic()
    for _ in range(20):
        cloud.good("GET", "/v2/{p}/cloudvolumes/detail?limit=1&offset=4000")
    assert time.monotonic() - began < 2
