"""The ECS calls: what is accepted, what is refused, and what a job comes to."""

from __future__ import annotations

import json

import pytest

from tests.sim.asking import WORLD, asker

ATTACH = "/v1/{p}/cloudservers/%s/attachvolume"
DETACH = "/v1/{p}/cloudservers/%s/detachvolume/%s"
BATCH_DETACH = "/v1/{p}/batchaction/detachvolumes/%s"
BATCH_ATTACH = "/v1/{p}/batchaction/attachvolumes/%s"


def wanted(volume: str, **more: object) -> dict[str, object]:
    return {"volumeAttachment": {"volumeId": volume, **more}}


def test_an_attach_shows_in_both_views_when_its_job_ends() -> None:
    cloud = asker()
    job_id = cloud.good("POST", ATTACH % "s-1", wanted("v-2", device="/dev/sdc"))["job_id"]
    volume = cloud.good("GET", "/v2/{p}/cloudvolumes/v-2")["volume"]
    assert (volume["status"], volume["attachments"]) == ("attaching", [])
    assert cloud.job(job_id)["status"] == "RUNNING"
    assert ("s-1", "v-2") not in cloud.views()
    cloud.advance(2.0)
    assert cloud.job(job_id)["status"] == "SUCCESS"
    volume = cloud.good("GET", "/v2/{p}/cloudvolumes/v-2")["volume"]
    assert volume["status"] == "in-use"
    assert volume["attachments"][0]["server_id"] == "s-1"
    assert volume["attachments"][0]["id"] == "v-2"
    disk = cloud.good("GET", "/v1/{p}/cloudservers/s-1/block_device/v-2")["volumeAttachment"]
    assert (disk["device"], disk["bootIndex"], disk["bus"]) == ("/dev/vdc", None, "virtio")


def test_a_detach_leaves_both_views_when_its_job_ends() -> None:
    cloud = asker()
    job_id = cloud.good("DELETE", DETACH % ("s-1", "v-1") + "?delete_flag=0")["job_id"]
    assert cloud.views()["s-1", "v-1"] == "both"
    assert cloud.good("GET", "/v2/{p}/cloudvolumes/v-1")["volume"]["status"] == "detaching"
    cloud.advance(2.0)
    assert cloud.job(job_id)["end_time"] == "2026-01-15T08:30:02.000Z"
    assert ("s-1", "v-1") not in cloud.views()
    assert cloud.good("GET", "/v2/{p}/cloudvolumes/v-1")["volume"]["status"] == "available"


@pytest.mark.parametrize(
    ("server", "volume", "status", "code"),
    [
        pytest.param("s-9", "v-2", 404, "Ecs.0114", id="a server that does not exist"),
        pytest.param("s-1", "v-9", 400, "Ecs.1000", id="a volume that does not exist"),
        pytest.param("s-5", "v-2", 400, "Ecs.0605", id="a locked server"),
        pytest.param("s-7", "v-2", 400, "Ecs.0100", id="a server that reboots"),
        pytest.param("s-1", "v-1", 400, "Ecs.0057", id="attached to this server"),
        pytest.param("s-2", "v-1", 400, "Ecs.0103", id="attached to another server"),
        pytest.param("s-2", "v-4", 400, "Ecs.0103", id="storage says in-use"),
        pytest.param("s-2", "v-5", 400, "Ecs.0103", id="a broken volume"),
        pytest.param("s-4", "v-2", 400, "Ecs.0121", id="another zone"),
        pytest.param("s-6", "v-2", 400, "Ecs.0104", id="no free slot"),
    ],
)
def test_an_attach_is_refused(server: str, volume: str, status: int, code: str) -> None:
    cloud = asker()
    before = cloud.world()
    assert cloud.refused("POST", ATTACH % server, wanted(volume)) == (status, code)
    rehearsal = {**wanted(volume), "dry_run": True}
    assert cloud.refused("POST", ATTACH % server, rehearsal) == (status, code)
    assert cloud.world() == before


@pytest.mark.parametrize("device", ["/dev/vdb", "/dev/sdb", "nonsense"])
def test_a_taken_or_foreign_device_is_refused(device: str) -> None:
    body = wanted("v-2", device=device)
    assert asker().refused("POST", ATTACH % "s-1", body) == (400, "Ecs.0005")


def test_a_rehearsal_changes_nothing_and_counts_as_reading() -> None:
    cloud = asker()
    body = {**wanted("v-2"), "dry_run": True}
    assert cloud.ask("POST", ATTACH % "s-1", body) == (200, {})
    new = {"volume_type": "SSD", "hw:passthrough": "false", "count": 2}
    request = {"volumeAttachment": new, "dry_run": True}
    assert cloud.ask("POST", ATTACH % "s-1", request) == (200, {})
    assert cloud.refused("POST", ATTACH % "s-6", request) == (400, "Ecs.0104")
    assert cloud.good("GET", "/_sim/requests")["counts"] == {"changing": 0, "reading": 3}
    assert cloud.world()["jobs"] == []


@pytest.mark.parametrize(
    ("server", "volume", "status", "code"),
    [
        pytest.param("s-9", "v-1", 404, "Ecs.0114", id="a server that does not exist"),
        pytest.param("s-1", "v-9", 400, "Ecs.0111", id="a volume that does not exist"),
        pytest.param("s-2", "v-1", 400, "Ecs.0111", id="not attached here"),
        pytest.param("s-1", "vol-boot-1", 400, "Ecs.0102", id="a boot disk of a running server"),
        pytest.param("s-5", "v-1", 400, "Ecs.0605", id="a locked server"),
    ],
)
def test_a_detach_is_refused(server: str, volume: str, status: int, code: str) -> None:
    assert asker().refused("DELETE", DETACH % (server, volume)) == (status, code)


def test_a_boot_disk_leaves_a_stopped_server() -> None:
    cloud = asker()
    cloud.good("DELETE", DETACH % ("s-3", "vol-boot-3"))
    cloud.advance(2)
    assert ("s-3", "vol-boot-3") not in cloud.views()
    assert "bootVolume" not in next(s for s in cloud.world()["servers"] if s["id"] == "s-3")


def test_a_second_change_of_a_server_or_a_volume_must_wait() -> None:
    cloud = asker()
    cloud.good("POST", ATTACH % "s-1", wanted("v-2"))
    assert cloud.refused("DELETE", DETACH % ("s-1", "v-1")) == (501, "Ecs.0603")
    assert cloud.refused("POST", ATTACH % "s-2", wanted("v-2")) == (501, "Ecs.0603")
    cloud.advance(2)
    cloud.good("DELETE", DETACH % ("s-1", "v-1"))


def test_a_shared_volume_joins_and_leaves_servers_in_a_batch() -> None:
    cloud = asker()
    body = {"serverinfo": [{"server_id": "s-1", "device": "/dev/vde"}, {"server_id": "s-2"}]}
    job_id = cloud.good("POST", BATCH_ATTACH % "v-3", body)["job_id"]
    running = cloud.job(job_id)
    assert (running["status"], running["entities"]["sub_jobs_total"]) == ("RUNNING", 2)
    cloud.advance(2)
    done = cloud.job(job_id)
    assert [sub["entities"]["server_id"] for sub in done["entities"]["sub_jobs"]] == ["s-1", "s-2"]
    assert cloud.views()["s-1", "v-3"] == cloud.views()["s-2", "v-3"] == "both"
    wrong = {"serverinfo": ["s-1", "s-3"]}
    assert cloud.refused("POST", BATCH_DETACH % "v-3", wrong) == (400, "Ecs.0111")
    job_id = cloud.good("POST", BATCH_DETACH % "v-3", {"serverinfo": ["s-1", "s-2"]})["job_id"]
    cloud.advance(2)
    assert cloud.job(job_id)["status"] == "SUCCESS"
    assert not {"v-3"} & {volume for _, volume in cloud.views()}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (BATCH_DETACH % "v-1", {"serverinfo": []}, "Ecs.0005"),
        (BATCH_DETACH % "v-1", {"serverinfo": [{"server_id": "s-1"}]}, "Ecs.0005"),
        (BATCH_DETACH % "v-1", {"serverinfo": [f"s-{n}" for n in range(17)]}, "Ecs.0118"),
        (BATCH_DETACH % "v-1", ["s-1"], "Ecs.0005"),
        (BATCH_ATTACH % "v-3", {"serverinfo": ["s-1"]}, "Ecs.0005"),
        (BATCH_ATTACH % "v-2", {"serverinfo": [{"server_id": "s-1"}]}, "Ecs.0005"),
        (BATCH_ATTACH % "v-3", {"serverinfo": [{"server_id": "s-6"}]}, "Ecs.0104"),
    ],
)
def test_a_batch_is_refused(path: str, body: object, code: str) -> None:
    assert asker().refused("POST", path, body) == (400, code)


def test_a_shared_volume_is_on_sixteen_servers_at_most() -> None:
    rows = "".join(f"  - {{id: m-{n:02}, name: m-{n}, az: az1}}\n" for n in range(17))
    cloud = asker(WORLD.replace("servers:\n", f"servers:\n{rows}"))
    body = {"serverinfo": [{"server_id": f"m-{n:02}"} for n in range(16)]}
    cloud.good("POST", BATCH_ATTACH % "v-3", body)
    cloud.advance(2)
    assert cloud.refused("POST", ATTACH % "m-16", wanted("v-3")) == (400, "Ecs.0107")


def test_lists_page_by_number_and_by_marker() -> None:
    cloud = asker()
    path = "/v1/{p}/cloudservers/detail"
    everything = [row["id"] for row in cloud.good("GET", path)["servers"]]
    assert len(everything) == 7
    pages = [cloud.good("GET", f"{path}?limit=3&offset={n}") for n in (0, 1, 2, 3, 4)]
    assert [page["count"] for page in pages] == [7] * 5
    ids = [[row["id"] for row in page["servers"]] for page in pages]
    assert ids == [everything[:3], everything[:3], everything[3:6], everything[6:], []]
    after = cloud.good("GET", f"{path}?limit=3&marker={everything[2]}")["servers"]
    assert [row["id"] for row in after] == everything[3:6]
    assert cloud.refused("GET", f"{path}?limit=1001") == (400, "Ecs.0005")


def test_a_list_filters_and_tells_of_ids_that_do_not_exist() -> None:
    cloud = asker()
    path = "/v1/{p}/cloudservers/detail"
    named = cloud.good("GET", f"{path}?server_id=s-1,s-99")["servers"]
    assert named[0]["id"] == "s-1"
    assert (set(named[1]), named[1]["id"]) == ({"id", "fault"}, "s-99")
    assert [row["name"] for row in cloud.good("GET", f"{path}?name=WEB")["servers"]] == [
        "web-2",
        "web-1",
    ]
    assert cloud.good("GET", f"{path}?status=SHUTOFF")["count"] == 1
    assert cloud.good("GET", f"{path}?tags=role%3Dweb")["count"] == 1


def test_flags_and_indices_in_a_server_are_texts() -> None:
    server = asker().good("GET", "/v1/{p}/cloudservers/s-1")["server"]
    assert server["os-extended-volumes:volumes_attached"] == [
        {
            "id": "vol-boot-1",
            "delete_on_termination": "true",
            "bootIndex": "0",
            "device": "/dev/vda",
        },
        {"id": "v-1", "delete_on_termination": "false", "bootIndex": None, "device": "/dev/vdb"},
    ]


def test_disks_of_a_server_and_the_odd_answer_for_one_that_is_not_there() -> None:
    cloud = asker()
    path = "/v1/{p}/cloudservers/s-1/block_device"
    found = cloud.good("GET", path)
    assert found["attachableQuantity"] == {"free_scsi": 58, "free_blk": 22, "free_disk": 58}
    assert [row["bootIndex"] for row in found["volumeAttachments"]] == [0, None]
    status, document = cloud.ask("GET", path + "/v-2")
    assert (status, document["error"]["code"]) == (400, "Ecs.1000")
    assert json.loads(document["error"]["message"])["itemNotFound"]["code"] == 404
    assert cloud.refused("GET", "/v1/{p}/cloudservers/s-99/block_device") == (404, "Ecs.0114")


def test_delete_on_termination_is_set_in_place_for_plain_disks_only() -> None:
    cloud = asker()
    path = "/v1/{p}/cloudservers/s-1/block_device/"
    body = {"block_device": {"delete_on_termination": True}}
    assert cloud.ask("PUT", path + "v-1", body) == (200, None)
    disks = cloud.good("GET", "/v1/{p}/cloudservers/s-1")["server"]
    assert disks["os-extended-volumes:volumes_attached"][1]["delete_on_termination"] == "true"
    assert cloud.refused("PUT", path + "vol-boot-1", body) == (400, "Ecs.0617")
    assert cloud.refused("PUT", path + "v-2", body) == (400, "Ecs.1000")


def test_unknown_jobs_and_paths() -> None:
    cloud = asker()
    assert cloud.refused("GET", "/v1/{p}/jobs/none") == (400, "Common.0011")
    assert cloud.refused("GET", "/v1/{p}/nothing/here") == (404, "APIGW.0101")
    assert cloud.refused("PATCH", "/v1/{p}/jobs/none") == (404, "APIGW.0101")
    assert cloud.send("GET", "/v1/{p}/jobs/none").headers["x-request-id"]
