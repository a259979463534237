"""The EVS calls: the storage view, its filters, and os-detach."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.sim.asking import asker

LIST = "/v2/{p}/cloudvolumes/detail"


def test_lists_skip_rows_and_go_on_from_a_marker() -> None:
    cloud = asker()
    everything = [row["id"] for row in cloud.good("GET", LIST)["volumes"]]
    assert len(everything) == 7
    page = cloud.good("GET", f"{LIST}?limit=2&offset=3")
    assert [row["id"] for row in page["volumes"]] == everything[3:5]
    assert page["count"] == 7
    assert page["volumes_links"][0]["href"].endswith(f"limit=2&marker={everything[4]}")
    rest = cloud.good("GET", f"{LIST}?limit=2&marker={everything[4]}")
    assert [row["id"] for row in rest["volumes"]] == everything[5:]
    assert "volumes_links" not in rest


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=1001", "EVS.2142"),
        ("limit=0", "EVS.1023"),
        ("offset=-1", "EVS.5400"),
        ("marker=none", "EVS.1024"),
        ("sort_key=colour", "EVS.1039"),
        ("sort_dir=up", "EVS.1040"),
        ("ids=a,b", "EVS.5400"),
        ("ids=" + quote(str([f"v{n}" for n in range(61)])), "EVS.5400"),
    ],
)
def test_a_bad_filter_is_refused(query: str, code: str) -> None:
    assert asker().refused("GET", f"{LIST}?{query}") == (400, code)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("ids=" + quote("['v-2','none','v-1']"), ["v-2", "v-1"]),
        ("id=v-2", ["v-2"]),
        ("server_id=s-1", ["vol-boot-1", "v-1"]),
        ("server_id=not-ours", ["v-4"]),
        ("status=error", ["v-5"]),
        ("multiattach=true", ["v-3"]),
        ("name=shared", ["v-3"]),
        ("sort_key=size&sort_dir=desc&limit=1", ["v-1"]),
        ("availability_zone=az9", []),
    ],
)
def test_filters(query: str, ids: list[str]) -> None:
    assert [row["id"] for row in asker().good("GET", f"{LIST}?{query}")["volumes"]] == ids


def test_a_volume_has_texts_where_the_document_says_so() -> None:
    cloud = asker()
    volume = cloud.good("GET", "/v2/{p}/cloudvolumes/vol-boot-1")["volume"]
    assert (volume["bootable"], volume["shareable"], volume["multiattach"]) == (
        "true",
        "false",
        False,
    )
    assert volume["created_at"].count(".") == 1
    assert not volume["created_at"].endswith("Z")
    assert cloud.refused("GET", "/v2/{p}/cloudvolumes/none") == (404, "EVS.5404")


def test_os_detach_rewrites_the_storage_view_alone() -> None:
    cloud = asker()
    action = "/v2/{p}/volumes/v-1/action"
    volume = cloud.good("GET", "/v2/{p}/cloudvolumes/v-1")["volume"]
    body = {"os-detach": {"attachment_id": volume["attachments"][0]["attachment_id"]}}
    assert cloud.ask("POST", action, body) == (202, None)
    assert cloud.views()["s-1", "v-1"] == "compute"
    assert cloud.good("GET", "/v2/{p}/cloudvolumes/v-1")["volume"]["status"] == "available"
    # A second time nothing happens; ECS can still detach what it has.
    assert cloud.ask("POST", action, body) == (202, None)
    cloud.good("DELETE", "/v1/{p}/cloudservers/s-1/detachvolume/v-1")
    cloud.advance(2)
    assert ("s-1", "v-1") not in cloud.views()


@pytest.mark.parametrize(
    ("volume", "detached", "status"),
    [
        ("none", {}, 404),
        ("v-1", {"attachment_id": "v-1"}, 400),
        ("v-1", {"attachment_id": "d8777f54-84cf-4809-a679-468ffed56cf1"}, 409),
        ("v-4", {}, 202),
        ("v-2", {}, 202),
    ],
)
def test_os_detach_answers_as_cinder_does(
    volume: str, detached: dict[str, str], status: int
) -> None:
    body = {"os-detach": detached}
    assert asker().ask("POST", f"/v2/{{p}}/volumes/{volume}/action", body)[0] == status


def test_os_detach_of_a_shared_volume_wants_the_attachment_named() -> None:
    cloud = asker()
    body = {"serverinfo": [{"server_id": "s-1"}, {"server_id": "s-2"}]}
    cloud.good("POST", "/v1/{p}/batchaction/attachvolumes/v-3", body)
    action = "/v2/{p}/volumes/v-3/action"
    assert cloud.ask("POST", action, {"os-detach": {}})[0] == 400
    cloud.advance(2)
    assert cloud.ask("POST", action, {"os-detach": {}})[0] == 409
    assert cloud.ask("POST", action, {"os-reset_status": {}})[0] == 400
