"""Samsung's Virtual Server, simulated: who may ask, what is accepted, what is shown when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.sim.apis.samsung_gateway import genuine, versions
from reconciler.sim.exchange import Heard
from reconciler.sim.world import dump_world
from tests.sim.samsung_asking import ACCOUNT, ALWAYS, WORLD, Asker

READ = json.loads((Path(__file__).parents[1] / "signing" / "samsung_hmac_vectors.json").read_text())


@pytest.mark.parametrize("vector", READ["vectors"], ids=[one["name"] for one in READ["vectors"]])
def test_a_vector_is_accepted_and_no_byte_of_it_may_change(vector: dict[str, str]) -> None:
    host, _, rest = vector["url"].removeprefix("https://").partition("/")
    path, _, query = f"/{rest}".partition("?")

    def accepted(**changed: str) -> bool:
        said = {
            "method": vector["method"],
            "path": path,
            "query": query,
            "host": host,
            "scp-timestamp": vector["timestamp"],
            "scp-signature": vector["signature"],
            "scp-accountid": "",
            "secret": vector["secret_key"],
            "access": vector["access_key"],
            **changed,
        }
        names = ("host", "scp-timestamp", "scp-signature", "scp-accountid")
        heard = Heard(
            method=said["method"],
            raw_path=said["path"].encode(),
            path=said["path"],
            query_string=said["query"].encode(),
            headers=tuple((name.encode(), said[name].encode()) for name in names),
            body=b"not signed",
        )
        return genuine(heard, said["access"], said["secret"])

    assert accepted()
    for name in ("method", "path", "query", "host", "scp-timestamp", "scp-accountid", "secret"):
        assert not accepted(**{name: "other"}), name
    assert not accepted(access="other")
    assert not accepted(**{"scp-signature": vector["signature"].replace("=", "")})


@pytest.mark.parametrize("key", [ALWAYS, ("AKIDEXAMPLE", "not-a-secret")])
@pytest.mark.parametrize("version", ["virtualserver 1.0", "virtualserver 1.3", None])
def test_a_genuine_signature_is_let_in(key: tuple[str, str], version: str | None) -> None:
    path = "/v1/volumes?name=my%20data%2F01&limit=20"
    assert Asker(key=key, version=version).good("GET", path)["volumes"] == []
    named = Asker(key=key, extra={"Scp-AccountId": ACCOUNT})
    assert named.good("GET", "/v1/volumes/v-1")["id"] == "v-1"


@pytest.mark.parametrize(
    ("asker", "refusal"),
    [
        (Asker(key=("simulator", "wrong")), (401, "Unauthorized")),
        (Asker(key=("nobody", "simulator-secret")), (401, "Unauthorized")),
        (Asker(late=timedelta(minutes=16)), (401, "Unauthorized")),
        (Asker(late=timedelta(minutes=-16)), (401, "Unauthorized")),
        (Asker(extra={"Scp-Timestamp": "now"}), (401, "Unauthorized")),
        (Asker(extra={"Scp-Timestamp": "9" * 15}), (401, "Unauthorized")),
        (Asker(extra={"Scp-ClientType": "OpenAPI"}), (401, "Unauthorized")),
        (Asker(extra={"Scp-Signature": ""}), (404, "Not Found")),
        (Asker(version="virtualserver 1.9"), (406, "NoSuchVersion")),
        (Asker(version="1.3"), (406, "NoSuchVersion")),
    ],
)
def test_a_stranger_is_refused(asker: Asker, refusal: tuple[int, str]) -> None:
    assert asker.refused("GET", "/v1/volumes") == refusal


def test_without_a_signature_the_gateway_says_404() -> None:
    reply = Asker().send("GET", "/v1/volumes", signed=False)
    assert reply.status_code == 404
    assert reply.json()["path"] == "/v1/volumes"


def test_a_key_opens_its_own_world() -> None:
    other = (
        "provider: samsung-virtualserver\nprojectId: other\nkeys: [{accessKey: b, secretKey: c}]"
    )
    two = f"{WORLD}---\n{other}\nservers: [{{id: x-1}}]\n"
    mine = Asker(text=two, key=("b", "c"))
    assert [row["account_id"] for row in mine.good("GET", "/v1/servers")["servers"]] == ["other"]
    assert Asker(text=two, key=("AKIDEXAMPLE", "c")).refused("GET", "/v1/servers")[0] == 401


def test_anybody_may_ask_for_the_versions() -> None:
    told = Asker().send("GET", "/", signed=False).json()["versions"]
    assert {row["id"]: (row["status"], row["not_before"]) for row in told} == {
        "v1.3": ("CURRENT", ""),
        "v1.2": ("SUPPORTED", "2026-08-31"),
        "v1.1": ("SUPPORTED", "2026-05-31"),
        "v1.0": ("DEPRECATED", "2025-12-31"),
    }
    later = versions(datetime(2026, 6, 15, tzinfo=UTC).date(), "http://x")["versions"]
    assert isinstance(later, list)
    assert [row["status"] for row in later] == ["CURRENT", "DEPRECATED", "DEPRECATED", "DEPRECATED"]


def many(count: int) -> Asker:
    """Give a world of so many volumes and servers."""
    rows = [{"id": f"x-{number:04}"} for number in range(count)]
    world = {"provider": "samsung-virtualserver", "projectId": "p", "volumes": rows}
    return Asker(text=json.dumps({**world, "servers": rows}))


@pytest.mark.parametrize("kind", ["volumes", "servers"])
def test_a_page_has_twenty_rows_and_goes_on_after_a_marker(kind: str) -> None:
    cloud = many(45)
    first = cloud.good("GET", f"/v1/{kind}")
    assert len(first[kind]) == 20
    assert ("count" in first) == (kind == "volumes")
    ids = [row["id"] for row in first[kind]]
    while page := cloud.good("GET", f"/v1/{kind}?limit=20&marker={ids[-1]}")[kind]:
        ids += [row["id"] for row in page]
    assert ids == [f"x-{number:04}" for number in reversed(range(45))]


def test_volumes_are_counted_unless_nobody_wants_it() -> None:
    cloud = many(3)
    assert cloud.good("GET", "/v1/volumes?limit=2")["count"] == 3
    assert cloud.good("GET", "/v1/volumes?with_count=false")["count"] is None
    rows = cloud.good("GET", "/v1/volumes?limit=2&offset=2")["volumes"]
    assert [row["id"] for row in rows] == ["x-0000"]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("volumes?limit=1001", "query.limit"),
        ("volumes?limit=0", "query.limit"),
        ("servers?limit=2147483647", "query.limit"),
        ("volumes?offset=-1", "query.offset"),
        ("volumes?marker=none", "query.marker"),
        ("volumes?marker=v-1&offset=1", "query.marker"),
        ("volumes?sort=colour", "query.sort"),
        ("volumes?with_count=maybe", "query.with_count"),
        ("volumes?bootable=1", "query.bootable"),
        ("servers?offset=1", "query.offset"),
        ("servers?ip=10.0.0.1", "query.ip"),
    ],
)
def test_a_bad_query_is_refused(query: str, place: str) -> None:
    assert Asker().refused("GET", f"/v1/{query}") == (400, place)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("volumes?name=free", ["v-2"]),
        ("volumes?state=error", ["v-5"]),
        ("volumes?bootable=true&sort=created_at:desc", ["v-2", "boot-1"]),
        ("servers?state=SHUTOFF", ["s-3"]),
        ("servers?product_category=container", ["s-5"]),
        ("servers?auto_scaling_group_id=asg-1", ["s-7"]),
        ("servers?name=nobody", []),
    ],
)
def test_filters(query: str, ids: list[str]) -> None:
    rows = Asker().good("GET", f"/v1/{query}")[query.partition("?")[0]]
    assert [row["id"] for row in rows] == ids


def test_a_server_shows_its_volumes_and_where_it_belongs() -> None:
    cloud = Asker()
    server = cloud.good("GET", "/v1/servers/s-1")
    assert (server["account_id"], server["state"], server["locked"]) == (ACCOUNT, "ACTIVE", False)
    assert server["volumes"] == [
        {"id": "boot-1", "delete_on_termination": True},
        {"id": "v-1", "delete_on_termination": False},
    ]
    node = cloud.good("GET", "/v1/servers/s-5")
    assert (node["product_category"], node["product_offering"]) == ("container", "k8s_vm")
    assert "zone" not in node, "from 1.4 on"
    disks = cloud.good("GET", "/v1/servers/s-1/volumes")["volumes"]
    assert [(row["volume_id"], row["device"]) for row in disks] == [
        ("boot-1", "/dev/vda"),
        ("v-1", "/dev/vdb"),
    ]
    assert cloud.good("GET", "/v1/servers/s-1/volumes/v-1") == disks[1]
    assert cloud.on("boot-1") == ["s-1"]
    assert cloud.on("v-4") == ["not-ours"]


def test_an_attach_shows_in_both_views_when_it_is_done() -> None:
    cloud = Asker()
    told = cloud.good(
        "POST",
        "/v1/volumes/v-2/servers",
        {"server_id": "s-1", "delete_on_termination": True},
        status=202,
    )
    assert told == {
        "volume_id": "v-2",
        "server_id": "s-1",
        "device": "/dev/vdc",
        "delete_on_termination": True,
    }
    assert (cloud.state("v-2"), cloud.on("v-2")) == ("attaching", [])
    cloud.clock.advance(2.0)
    volume = cloud.good("GET", "/v1/volumes/v-2")
    assert volume["state"] == "in-use"
    assert volume["servers"] == [
        {"id": "s-1", "device": "/dev/vdc", "attached_at": "2026-01-15T08:30:02Z"}
    ]
    disk = cloud.good("GET", "/v1/servers/s-1/volumes/v-2")
    assert disk["delete_on_termination"] is True


def test_a_detach_leaves_both_views_when_it_is_done() -> None:
    cloud = Asker()
    assert cloud.good("DELETE", "/v1/volumes/v-1/servers/s-1", status=202) is None
    assert (cloud.state("v-1"), cloud.on("v-1")) == ("detaching", ["s-1"])
    cloud.clock.advance(2.0)
    assert (cloud.state("v-1"), cloud.on("v-1")) == ("available", [])
    assert [row["id"] for row in cloud.good("GET", "/v1/servers/s-1")["volumes"]] == ["boot-1"]


def test_a_shared_volume_goes_to_further_servers_and_stays_in_use() -> None:
    cloud = Asker()
    cloud.good("POST", "/v1/volumes/v-3/servers", {"server_id": "s-3"}, status=202)
    cloud.clock.advance(2.0)
    assert sorted(cloud.on("v-3")) == ["s-2", "s-3"]
    cloud.good("DELETE", "/v1/volumes/v-3/servers/s-2", status=202)
    cloud.clock.advance(2.0)
    assert (cloud.state("v-3"), cloud.on("v-3")) == ("in-use", ["s-3"])


@pytest.mark.parametrize(
    ("volume", "body", "refusal"),
    [
        ("none", {"server_id": "s-1"}, (404, "VirtualServer.NotFound")),
        ("v-2", {"server_id": "none"}, (400, "ValidationError")),
        ("v-2", {}, (400, "body.server_id")),
        ("v-2", {"server_id": ["s-1"]}, (400, "body.server_id")),
        (
            "v-2",
            {"server_id": "s-1", "delete_on_termination": "yes"},
            (400, "body.delete_on_termination"),
        ),
        ("v-1", {"server_id": "s-1"}, (409, "VirtualServer.AlreadyAttached")),
        ("v-1", {"server_id": "s-2"}, (409, "VirtualServer.InvalidVolumeState")),
        ("v-4", {"server_id": "s-1"}, (409, "VirtualServer.InvalidVolumeState")),
        ("v-5", {"server_id": "s-1"}, (409, "VirtualServer.InvalidVolumeState")),
        ("v-2", {"server_id": "s-4"}, (400, "VirtualServer.InvalidVolume.Zone")),
        ("v-2", {"server_id": "s-6"}, (400, "VirtualServer.InvalidVirtualServerState")),
    ],
)
def test_an_attach_is_refused(volume: str, body: object, refusal: tuple[int, str]) -> None:
    assert Asker().refused("POST", f"/v1/volumes/{volume}/servers", body) == refusal


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("none/servers/s-1", (404, "VirtualServer.NotFound")),
        ("v-1/servers/none", (404, "VirtualServer.NotFound")),
        ("v-1/servers/s-2", (409, "VirtualServer.NotAttached")),
        ("boot-1/servers/s-1", (400, "VirtualServer.InvalidVolume.DefaultVolume")),
    ],
)
def test_a_detach_is_refused(path: str, refusal: tuple[int, str]) -> None:
    assert Asker().refused("DELETE", f"/v1/volumes/{path}") == refusal


def test_a_server_and_a_volume_take_one_change_at_a_time() -> None:
    cloud, busy = Asker(), (409, "VirtualServer.InProgress")
    cloud.good("DELETE", "/v1/volumes/v-1/servers/s-1", status=202)
    assert cloud.refused("DELETE", "/v1/volumes/v-1/servers/s-1") == busy
    assert cloud.refused("POST", "/v1/volumes/v-1/servers", {"server_id": "s-2"}) == busy
    assert cloud.refused("POST", "/v1/volumes/v-2/servers", {"server_id": "s-1"}) == busy
    cloud.clock.advance(2.0)
    cloud.good("POST", "/v1/volumes/v-1/servers", {"server_id": "s-2"}, status=202)


def test_a_server_takes_26_data_volumes_and_no_more() -> None:
    rows = [{"id": f"d-{number:02}"} for number in range(27)]
    held = [{"server": "s-1", "volume": f"d-{number:02}"} for number in range(25)]
    world = {"provider": "samsung-virtualserver", "projectId": "p", "volumes": rows}
    servers = [{"id": "s-1", "bootVolume": "boot-1"}]
    cloud = Asker(text=json.dumps({**world, "servers": servers, "attachments": held}))
    cloud.good("POST", "/v1/volumes/d-25/servers", {"server_id": "s-1"}, status=202)
    cloud.clock.advance(2.0)
    refusal = cloud.refused("POST", "/v1/volumes/d-26/servers", {"server_id": "s-1"})
    assert refusal == (409, "VirtualServer.TooManyVolumes")


def test_what_becomes_of_a_volume_is_set_in_place() -> None:
    cloud, path = Asker(), "/v1/servers/s-1/volumes/v-1"
    body = {"volume_id": "v-1", "delete_on_termination": True}
    assert cloud.good("PUT", path, body) is None
    assert cloud.good("GET", path)["delete_on_termination"] is True
    assert cloud.refused("PUT", path, {**body, "volume_id": "v-2"}) == (400, "body.volume_id")
    assert cloud.refused("PUT", path, {"volume_id": "v-1"}) == (400, "body.delete_on_termination")
    elsewhere = "/v1/servers/s-2/volumes/v-1"
    assert cloud.refused("PUT", elsewhere, body) == (404, "VirtualServer.NotFound")


def test_a_guest_that_still_had_it_mounted_hangs() -> None:
    cloud = Asker()
    cloud.good("DELETE", "/v1/volumes/v-6/servers/s-2", status=202)
    assert cloud.good("GET", "/v1/servers/s-2")["state"] == "ACTIVE"
    cloud.clock.advance(2.0)
    assert cloud.good("GET", "/v1/servers/s-2")["state"] == "ERROR"
    hanging = cloud.good("GET", "/v1/servers?state=ERROR")["servers"]
    assert [row["id"] for row in hanging] == ["s-6", "s-2"]
    refusal = cloud.refused("POST", "/v1/volumes/v-2/servers", {"server_id": "s-2"})
    assert refusal == (400, "VirtualServer.InvalidVirtualServerState")
    again = Asker(text=dump_world(cloud.clouds[0]))
    assert again.good("GET", "/v1/servers/s-2")["state"] == "ERROR"


@pytest.mark.parametrize(
    ("job", "after"), [("fail", "available"), ({"slow": 50}, "attaching"), ("gone", "available")]
)
def test_what_goes_wrong_with_a_change_is_told_by_nobody(job: object, after: str) -> None:
    cloud = Asker()
    cloud.faults({"match": "POST */v1/volumes/*", "always": True, "job": job})
    cloud.good("POST", "/v1/volumes/v-2/servers", {"server_id": "s-1"}, status=202)
    assert cloud.state("v-2") == "attaching"
    cloud.clock.advance(2.0)
    assert cloud.state("v-2") == after
    cloud.clock.advance(50.0)
    assert cloud.state("v-2") == ("in-use" if after == "attaching" else after)


@pytest.mark.parametrize("kind", ["volumes", "servers"])
@pytest.mark.parametrize(
    ("fault", "ids"),
    [
        ("drop-page", ["x-0000"]),
        ("duplicate", ["x-0002", "x-0002", "x-0001"]),
        ("endless", ["x-0002", "x-0001"]),
    ],
)
def test_a_listing_goes_wrong_as_its_rule_says(kind: str, fault: str, ids: list[str]) -> None:
    cloud = many(3)
    cloud.faults({"match": f"GET */v1/{kind}", "always": True, "listing": fault})
    rows = cloud.good("GET", f"/v1/{kind}?limit=2")[kind]
    assert [row["id"] for row in rows] == ids


def test_a_count_lies_and_a_listing_is_stale() -> None:
    cloud = Asker()
    cloud.faults(
        {"match": "GET */v1/volumes", "nth": 1, "listing": "lying-count"},
        {"match": "GET */v1/*", "always": True, "listing": {"stale": 10}},
    )
    listed = cloud.good("GET", "/v1/volumes")
    assert listed["count"] == len(listed["volumes"]) + 1
    cloud.good("DELETE", "/v1/volumes/v-1/servers/s-1", status=202)
    cloud.clock.advance(2.0)
    assert cloud.on("v-1") == ["s-1"]
    assert len(cloud.good("GET", "/v1/servers/s-1")["volumes"]) == 2
    cloud.clock.advance(11.0)
    assert cloud.on("v-1") == []
    assert len(cloud.good("GET", "/v1/servers/s-1")["volumes"]) == 1
