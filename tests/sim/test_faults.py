"""Faults by rule: broken answers, jobs and listings, over a socket and in process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.sim.faults import ConnectionDropped
from tests.sim.asking import Asker, asker, over_a_socket

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTACH = "/v1/{p}/cloudservers/s-1/attachvolume"
BODY = {"volumeAttachment": {"volumeId": "v-2"}}
VOLUMES = "/v2/{p}/cloudvolumes/detail"


def always(**fault: object) -> dict[str, object]:
    return {"match": "* *", "always": True, **fault}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Asker, httpx.Client]]:
    with over_a_socket(timeout_s=0.2) as (ours, client):
        yield ours, client


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "APIGW.0301"),
        (403, "APIGW.0302"),
        (429, "APIGW.0308"),
        (502, "APIGW.0201"),
        (504, "APIGW.0201"),
        (500, "Common.0001"),
        (503, "Common.1503"),
        (409, "Common.0999"),
    ],
)
def test_a_status_has_its_documented_body_and_changes_nothing(status: int, code: str) -> None:
    cloud = asker()
    cloud.faults(always(answer=status, retryAfter=3))
    reply = cloud.send("POST", ATTACH, BODY)
    assert (reply.status_code, reply.headers["retry-after"]) == (status, "3")
    assert code in reply.text
    assert cloud.world()["jobs"] == []


def test_an_applied_fault_changes_the_world_and_hides_it() -> None:
    cloud = asker()
    cloud.faults(always(answer=504, effect="applied"))
    assert cloud.refused("POST", ATTACH, BODY) == (504, "APIGW.0201")
    assert len(cloud.world()["jobs"]) == 1
    cloud.advance(2)
    assert cloud.views()["s-1", "v-2"] == "both"


def test_throttling_may_come_as_202_and_a_page_as_200() -> None:
    cloud = asker()
    cloud.faults(always(answer="throttle-202", times=1), always(answer="html"))
    status, document = cloud.ask("POST", ATTACH, BODY)
    assert (status, document["error"]["code"]) == (202, "Common.0024")
    reply = cloud.send("GET", VOLUMES)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html")


def test_a_reset_drops_the_connection(pair: tuple[Asker, httpx.Client]) -> None:
    ours, client = pair
    ours.faults(always(answer="reset"))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.send(ours.request(client, "GET", VOLUMES, None))
    with pytest.raises(ConnectionDropped):
        ours.send("GET", VOLUMES)
    row = ours.good("GET", "/_sim/requests")["requests"][-1]
    assert (row["status"], row["rule"]) == (None, "* * -> answer reset")


@pytest.mark.parametrize("fault", ["timeout", "stall"])
def test_silence_lasts_until_the_client_goes(pair: tuple[Asker, httpx.Client], fault: str) -> None:
    ours, client = pair
    ours.faults(always(answer=fault))
    with pytest.raises(httpx.ReadTimeout):
        client.send(ours.request(client, "GET", VOLUMES, None))
    ours.faults()
    assert client.send(ours.request(client, "GET", VOLUMES, None)).status_code == 200


def test_a_truncated_answer_looks_whole(pair: tuple[Asker, httpx.Client]) -> None:
    ours, client = pair
    ours.faults(always(answer="truncate"))
    reply = client.send(ours.request(client, "GET", VOLUMES, None))
    assert reply.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        reply.json()
    ours.faults()


def test_the_server_ends_while_somebody_waits_for_an_answer() -> None:
    began = time.monotonic()
    with over_a_socket(timeout_s=0.1) as (ours, client):
        ours.faults(always(answer="timeout"))
        with pytest.raises(httpx.ReadTimeout):
            client.send(ours.request(client, "GET", VOLUMES, None))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("when", "fired"),
    [
        ({"nth": 2}, [False, True, False, False, False, False]),
        ({"every": 2}, [False, True, False, True, False, True]),
        ({"every": 2, "times": 1}, [False, True, False, False, False, False]),
        ({"always": True, "times": 2}, [True, True, False, False, False, False]),
        ({"probability": 0}, [False] * 6),
        ({"probability": 1}, [True] * 6),
    ],
)
def test_when_a_rule_fires(when: dict[str, object], fired: list[bool]) -> None:
    cloud = asker()
    cloud.faults({"match": "GET *cloudvolumes*", "answer": 500, **when})
    cloud.good("GET", "/v1/{p}/cloudservers/detail")
    assert [cloud.ask("GET", VOLUMES)[0] == 500 for _ in fired] == fired


def test_luck_is_seeded() -> None:
    def run() -> list[int]:
        cloud = asker()
        cloud.faults({"match": "GET *", "answer": 500, "probability": 0.5})
        return [cloud.ask("GET", VOLUMES)[0] for _ in range(20)]

    assert run() == run()
    assert len(set(run())) == 2


@pytest.mark.parametrize(
    ("fault", "effect", "status", "attached"),
    [
        ("fail", "none", "FAIL", False),
        ("fail", "applied", "FAIL", True),
        ("false-success", "none", "SUCCESS", False),
        ({"slow": 1}, "applied", "SUCCESS", True),
        ({"partial": ["web-1"]}, "none", "FAIL", False),
        ({"partial": ["s-2"]}, "none", "SUCCESS", True),
    ],
)
def test_what_a_job_comes_to(fault: object, effect: str, status: str, *, attached: bool) -> None:
    cloud = asker()
    cloud.faults({"match": "POST *", "nth": 1, "job": fault, "effect": effect})
    job_id = cloud.good("POST", ATTACH, BODY)["job_id"]
    assert cloud.job(job_id)["status"] == "RUNNING"
    cloud.advance(2)
    told = cloud.job(job_id)
    assert (told["status"], told["error_code"] is None) == (status, status == "SUCCESS")
    assert (("s-1", "v-2") in cloud.views()) == attached
    expected = "in-use" if attached else "available"
    assert cloud.good("GET", "/v2/{p}/cloudvolumes/v-2")["volume"]["status"] == expected


@pytest.mark.parametrize(("effect", "attached"), [("none", False), ("applied", True)])
def test_a_job_may_be_gone(effect: str, *, attached: bool) -> None:
    cloud = asker()
    cloud.faults(always(job="gone", effect=effect))
    job_id = cloud.good("POST", ATTACH, BODY)["job_id"]
    assert cloud.refused("GET", f"/v1/{{p}}/jobs/{job_id}") == (404, "Common.0011")
    cloud.advance(2)
    assert (("s-1", "v-2") in cloud.views()) == attached


def test_a_job_may_say_init_first_and_may_be_slow() -> None:
    cloud = asker()
    cloud.faults({"match": "POST *", "always": True, "job": "init-first"})
    job_id = cloud.good("POST", ATTACH, BODY)["job_id"]
    assert [cloud.job(job_id)["status"] for _ in range(2)] == ["INIT", "RUNNING"]
    cloud.advance(2)
    cloud.faults({"match": "DELETE *", "always": True, "job": {"slow": 60}})
    job_id = cloud.good("DELETE", "/v1/{p}/cloudservers/s-1/detachvolume/v-2")["job_id"]
    cloud.advance(59)
    assert cloud.job(job_id)["status"] == "RUNNING"
    cloud.advance(1)
    assert cloud.job(job_id)["status"] == "SUCCESS"


def test_part_of_a_batch_may_fail() -> None:
    cloud = asker()
    cloud.faults({"match": "POST *", "nth": 1, "job": {"partial": ["web-2"]}})
    body = {"serverinfo": [{"server_id": "s-1"}, {"server_id": "s-2"}]}
    job_id = cloud.good("POST", "/v1/{p}/batchaction/attachvolumes/v-3", body)["job_id"]
    cloud.advance(2)
    told = cloud.job(job_id)
    assert (told["status"], told["error_code"]) == ("FAIL", "Common.0021")
    assert [sub["status"] for sub in told["entities"]["sub_jobs"]] == ["SUCCESS", "FAIL"]
    assert {"s-1"} == {server for server, volume in cloud.views() if volume == "v-3"}


def listed(cloud: Asker, query: str) -> tuple[list[str], Any]:
    document = cloud.good("GET", f"{VOLUMES}?{query}")
    return [row["id"] for row in document["volumes"]], document["count"]


def test_broken_listings() -> None:
    cloud = asker()
    whole, count = listed(cloud, "limit=7")
    cloud.faults(always(listing="duplicate"))
    assert listed(cloud, "limit=3") == ([whole[0], *whole[:3]], count)
    cloud.faults(always(listing="reorder"))
    shuffled, _ = listed(cloud, "limit=7")
    assert shuffled != whole
    assert sorted(shuffled) == sorted(whole)
    cloud.faults(always(listing="drop-page", times=1))
    assert listed(cloud, "limit=3") == (whole[3:6], count)
    cloud.faults(always(listing="lying-count"))
    assert listed(cloud, "limit=3") == (whole[:3], count + 1)
    cloud.faults(always(listing="endless"))
    assert listed(cloud, f"limit=3&marker={whole[6]}") == (whole[:3], count)


def test_a_listing_may_be_stale() -> None:
    cloud = asker()
    cloud.faults(always(listing={"stale": 5}))
    cloud.good("POST", ATTACH, BODY)
    cloud.advance(2)
    assert cloud.good("GET", VOLUMES + "?status=available")["count"] == 2
    cloud.advance(4)
    volumes = {row["id"]: row for row in cloud.good("GET", VOLUMES)["volumes"]}
    assert volumes["v-2"]["status"] == "attaching"
    cloud.advance(2)
    volumes = {row["id"]: row for row in cloud.good("GET", VOLUMES)["volumes"]}
    assert volumes["v-2"]["status"] == "in-use"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"match": "GET *", "always": True}, "exactly one of `answer`"),
        ({"match": "GET *", "answer": 500}, "exactly one of `nth`"),
        ({"match": "GET", "always": True, "answer": 500}, "a method and a path glob"),
        ({"match": "GET *", "always": True, "answer": "rest"}, "`rest`"),
        ({"match": "GET *", "always": True, "anwser": 500}, "`answer`"),
        ({"match": "GET *", "probability": 2, "answer": 500}, "from 0 to 1"),
        ({"match": "GET *", "nth": 0, "answer": 500}, "1 or more"),
        ({"match": "GET *", "always": True, "listing": {"partial": []}}, "`stale`"),
        ({"match": "GET *", "always": True, "job": {"slow": "x"}}, "a number"),
        (
            {"match": "GET *", "always": True, "job": {"slow": 1}, "effect": "none"},
            "always applies",
        ),
    ],
)
def test_a_bad_rule_is_refused_with_the_reason(rule: dict[str, object], reason: str) -> None:
    status, document = asker().ask("POST", "/_sim/faults", {"rules": [rule]})
    assert status == 400
    assert document["error"].startswith("request body:1: ")
    assert reason in document["error"]
