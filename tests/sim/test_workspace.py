"""The Workspace calls: desktops and their disks, deletions and what becomes of them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from reconciler.sim.app import build
from reconciler.sim.clock import VirtualClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.openapi import openapi
from reconciler.sim.world import dump_world, read_worlds
from tests.sim.asking import PROJECT, Asker, Json, asker, clouds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the SDK gives has no types.
Sdk: TypeAlias = Any

DISKS = tuple(f"v-{n:02}" for n in range(1, 12))
WORLD = f"""
provider: huawei-workspace
projectId: {PROJECT}
keys: [{{accessKey: AKIDEXAMPLE, secretKey: not-a-secret}}]
jobSeconds: 2.0
servers:
  - {{id: d-1, name: desk-1, az: az1, bootVolume: root-1, tags: {{team: red}}}}
  - {{id: d-2, name: desk-2, status: SHUTOFF, bootVolume: root-2}}
  - {{id: d-3, name: paid, chargeMode: "0", bootVolume: root-3}}
  - {{id: d-4, name: pooled, pool: pool-1, bootVolume: root-4}}
  - {{id: d-5, name: frozen, frozen: true, bootVolume: root-5}}
  - {{id: d-6, name: sleeping, status: HIBERNATED, bootVolume: root-6}}
  - {{id: d-7, name: rebooting, taskState: rebooting, bootVolume: root-7}}
  - {{id: d-8, name: going, status: "", bootVolume: root-8}}
  - {{id: d-9, name: bare, desktopType: SHARED, bootVolume: root-9}}
volumes:
{"".join(f"  - {{id: {disk}, name: disk-{disk}, sizeGib: 50}}{chr(10)}" for disk in DISKS)}
  - {{id: w-2, name: w-2}}
  - {{id: w-3, name: w-3}}
  - {{id: w-4, name: w-4}}
  - {{id: w-5, name: w-5}}
  - {{id: w-6, name: w-6}}
  - {{id: w-7, name: w-7}}
  - {{id: w-8, name: w-8}}
attachments:
{"".join(f"  - {{server: d-1, volume: {disk}}}{chr(10)}" for disk in DISKS)}
{"".join(f"  - {{server: d-{n}, volume: w-{n}}}{chr(10)}" for n in range(2, 9))}
"""
LIST = "/v2/{p}/desktops/detail"


def delete(cloud: Asker, desktop: str, *volumes: str) -> str:
    path = f"/v2/{{p}}/desktops/{desktop}/volumes/batch-delete"
    job_id: str = cloud.good("POST", path, {"volume_ids": list(volumes)})["job_id"]
    return job_id


def refused(cloud: Asker, desktop: str, body: object) -> tuple[int, str]:
    return cloud.refused("POST", f"/v2/{{p}}/desktops/{desktop}/volumes/batch-delete", body)


def job(cloud: Asker, job_id: str) -> Json:
    return cloud.good("GET", f"/v2/{{p}}/workspace-jobs/{job_id}")


def disks(cloud: Asker, desktop: str = "d-1") -> set[str]:
    shown = cloud.good("GET", f"/v2/{{p}}/desktops/{desktop}")["desktop"]
    return {row["volume_id"] for row in shown.get("data_volumes", ())}


def test_deleted_disks_are_gone_for_good_when_their_job_ends() -> None:
    cloud = asker(WORLD)
    job_id = delete(cloud, "d-1", "v-01", "v-02")
    running = job(cloud, job_id)
    assert (running["status"], running["end_time"], running["sub_jobs_total"]) == (
        "RUNNING",
        None,
        2,
    )
    assert {row["status"] for row in running["sub_jobs"]} == {"RUNNING"}
    assert disks(cloud) == set(DISKS)
    cloud.advance(2.0)
    ended = job(cloud, job_id)
    assert (ended["status"], ended["end_time"]) == ("SUCCESS", "2026-01-15 08:30:02")
    assert [row["entities"]["desktop_id"] for row in ended["sub_jobs"]] == ["d-1", "d-1"]
    assert {row["status"] for row in ended["sub_jobs"]} == {"SUCCESS"}
    assert disks(cloud) == set(DISKS[2:])
    gone = {row["id"]: row["status"] for row in cloud.world()["volumes"]}
    assert gone["v-01"] == gone["v-02"] == "deleted"
    assert refused(cloud, "d-1", {"volume_ids": ["v-01"]}) == (404, "WKS.00000404")


def test_a_stopped_desktop_takes_a_deletion_too() -> None:
    cloud = asker(WORLD)
    delete(cloud, "d-2", "w-2")
    cloud.advance(2.0)
    shown = cloud.good("GET", "/v2/{p}/desktops/d-2")["desktop"]
    assert "data_volumes" not in shown
    assert shown["root_volume"]["volume_id"] == "root-2"


@pytest.mark.parametrize(
    ("desktop", "volumes", "status", "code"),
    [
        pytest.param("d-99", ["v-01"], 404, "WKS.00000404", id="no such desktop"),
        pytest.param("d-1", ["v-99"], 404, "WKS.00000404", id="no such disk"),
        pytest.param("d-1", ["v-01", "w-2"], 404, "WKS.00000404", id="another desktop's disk"),
        pytest.param("d-1", ["root-1"], 400, "WKS.00211102", id="a system disk"),
        pytest.param("d-1", ["v-01", "root-1"], 400, "WKS.00211102", id="one beside others"),
        pytest.param("d-1", [], 400, "WKS.00211102", id="nothing"),
        pytest.param("d-1", list(DISKS), 400, "WKS.00211102", id="eleven"),
        pytest.param("d-1", ["v-01", "v-01"], 400, "WKS.00211102", id="one twice"),
        pytest.param("d-1", "v-01", 400, "WKS.00211102", id="no array"),
        pytest.param("d-1", [1], 400, "WKS.00211102", id="no text"),
        pytest.param("d-3", ["w-3"], 400, "WKS.00211102", id="prepaid"),
        pytest.param("d-4", ["w-4"], 400, "WKS.00211102", id="pooled"),
        pytest.param("d-5", ["w-5"], 400, "WKS.00211102", id="frozen"),
        pytest.param("d-6", ["w-6"], 409, "WKS.00010032", id="hibernated"),
        pytest.param("d-7", ["w-7"], 409, "WKS.00010032", id="rebooting"),
        pytest.param("d-8", ["w-8"], 409, "WKS.00010032", id="being deleted"),
    ],
)
def test_a_deletion_is_refused_as_a_whole(
    desktop: str, volumes: object, status: int, code: str
) -> None:
    cloud = asker(WORLD)
    before = cloud.world()
    assert refused(cloud, desktop, {"volume_ids": volumes}) == (status, code)
    assert cloud.world() == before


@pytest.mark.parametrize("body", [None, {}, [], {"volume_ids": None}, {"ids": ["v-01"]}])
def test_a_body_without_ids_is_refused(body: object) -> None:
    assert refused(asker(WORLD), "d-1", body) == (400, "WKS.00211102")


def test_the_other_id_of_a_disk_is_no_name_of_it() -> None:
    cloud = asker(WORLD)
    shown = cloud.good("GET", "/v2/{p}/desktops/d-1")["desktop"]["data_volumes"][0]
    assert shown["id"] != shown["volume_id"]
    assert refused(cloud, "d-1", {"volume_ids": [shown["id"]]}) == (404, "WKS.00000404")


def test_one_change_of_a_desktops_disks_at_a_time() -> None:
    cloud = asker(WORLD)
    delete(cloud, "d-1", "v-01")
    assert refused(cloud, "d-1", {"volume_ids": ["v-02"]}) == (400, "WKS.0407")
    delete(cloud, "d-2", "w-2")
    cloud.advance(2.0)
    delete(cloud, "d-1", "v-02")


@pytest.mark.parametrize("said", ["text/plain", "", "application/x-json"])
def test_every_call_says_application_json(said: str) -> None:
    cloud = replace(asker(WORLD), extra={"content-type": said})
    for path in (LIST, "/v2/{p}/desktops/d-1", "/v2/{p}/workspace-jobs/none"):
        assert cloud.refused("GET", path) == (400, "WKS.00211102")
    assert refused(cloud, "d-1", {"volume_ids": ["v-01"]}) == (400, "WKS.00211102")
    named = replace(cloud, extra={"content-type": "application/json;charset=UTF-8"})
    assert named.good("GET", LIST)["total_count"] == 9


def test_lists_page_by_rows_in_the_order_asked_for() -> None:
    cloud = asker(WORLD)

    def ids(query: str) -> list[str]:
        found = cloud.good("GET", f"{LIST}?{query}")
        assert found["total_count"] == 9
        return [row["desktop_id"] for row in found["desktops"]]

    oldest = [f"d-{n}" for n in range(1, 10)]
    assert ids("sort_field=created&sort_type=ASC") == oldest
    assert ids("") == ids("sort_field=created&sort_type=DESC") == oldest[::-1]
    by_name = ids("sort_field=computer_name&sort_type=ASC&limit=500")
    assert by_name[:2] == ["d-9", "d-1"]
    ascending = "sort_field=created&sort_type=ASC&limit=4&offset="
    pages = [ids(f"{ascending}{start}") for start in (0, 4, 8, 9)]
    assert pages == [oldest[:4], oldest[4:8], oldest[8:], []]
    for query in ("limit=501", "limit=-1", "offset=x", "sort_field=size", "sort_type=up", "tag=a"):
        assert cloud.refused("GET", f"{LIST}?{query}") == (400, "WKS.00211102")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("desktop_id=d-2,d-99,d-1,d-1", ["d-2", "d-1"]),
        ("desktop_id=d-1&desktop_id=d-2%2Cd-3", ["d-3", "d-2", "d-1"]),
        ("desktop_id=", []),
        ("status=SHUTOFF", ["d-2"]),
        ("computer_name=desk-1", ["d-1"]),
        ("charge_mode=0", ["d-3"]),
        ("desktop_type=POOLED", ["d-4"]),
        ("desktop_type=SHARED", ["d-9"]),
        ("pool_id=pool-1", ["d-4"]),
    ],
)
def test_a_list_filters(query: str, found: list[str]) -> None:
    page = asker(WORLD).good("GET", f"{LIST}?{query}")
    assert [row["desktop_id"] for row in page["desktops"]] == found
    assert page["total_count"] == len(found)


def test_a_list_takes_a_hundred_ids() -> None:
    cloud = asker(WORLD)
    ids = [f"x-{n}" for n in range(100)]
    assert cloud.good("GET", f"{LIST}?desktop_id={','.join(ids)}")["total_count"] == 0
    status, _ = cloud.refused("GET", f"{LIST}?desktop_id={','.join([*ids, 'x-100'])}")
    assert status == 400


def test_a_desktop_says_how_it_is_paid_and_whose_its_disks_are() -> None:
    shown = {row["desktop_id"]: row for row in asker(WORLD).good("GET", LIST)["desktops"]}
    assert shown["d-1"]["product"]["charge_mode"] == "1"
    assert shown["d-1"]["order_id"] is None
    assert shown["d-1"]["tags"] == [{"key": "team", "value": "red"}]
    assert shown["d-3"]["product"]["charge_mode"] == "0"
    assert shown["d-3"]["order_id"]
    assert shown["d-4"]["desktop_type"] == "POOLED"
    assert shown["d-4"]["data_volumes"][0]["desktop_pool_disk_id"]
    assert shown["d-5"]["is_freeze"] is True
    assert shown["d-7"]["task_status"] == "rebooting"
    assert shown["d-8"]["status"] == ""
    assert "data_volumes" not in shown["d-9"]


def failing(job_fault: object, effect: str = "none") -> tuple[Asker, Json]:
    cloud = asker(WORLD)
    rule = {"match": "POST *batch-delete", "always": True, "job": job_fault}
    cloud.faults({**rule, "effect": effect} if effect != "none" else rule)
    job_id = delete(cloud, "d-1", "v-01", "v-02")
    cloud.advance(2.0)
    return cloud, cloud.ask("GET", f"/v2/{{p}}/workspace-jobs/{job_id}")


@pytest.mark.parametrize("fault", ["fail", {"partial": ["desk-1"]}])
def test_a_job_fails_in_words_of_its_parts(fault: object) -> None:
    cloud, (_, told) = failing(fault)
    assert (told["status"], told["fail_reason"]) == ("FAIL", "sub job failed")
    assert {row["status"] for row in told["sub_jobs"]} == {"FAILED"}
    assert all(row["error_code"] and row["fail_reason"] for row in told["sub_jobs"])
    assert disks(cloud) == set(DISKS)


def test_another_desktops_part_may_fail_instead() -> None:
    cloud, (_, told) = failing({"partial": ["desk-2"]})
    assert told["status"] == "SUCCESS"
    assert disks(cloud) == set(DISKS[2:])


def test_a_job_may_be_gone_or_lie_or_have_no_word_yet() -> None:
    cloud, (status, told) = failing("gone", "applied")
    assert (status, told["error_code"]) == (404, "WKS.00000404")
    assert disks(cloud) == set(DISKS[2:])
    cloud, (_, told) = failing("false-success")
    assert told["status"] == "SUCCESS"
    assert disks(cloud) == set(DISKS)
    cloud, (_, told) = failing("init-first")
    assert (told["status"], told["sub_jobs"], told["sub_jobs_total"]) == ("", [], 0)
    assert job(cloud, told["id"])["status"] == "SUCCESS"


def test_unknown_jobs_are_absent() -> None:
    assert asker(WORLD).refused("GET", "/v2/{p}/workspace-jobs/none") == (404, "WKS.00000404")


@pytest.mark.parametrize(
    ("fault", "count", "rows"),
    [("drop-page", 9, 0), ("lying-count", 10, 9), ("duplicate", 9, 10), ("endless", 9, 500)],
)
def test_a_listing_breaks_as_its_rule_says(fault: str, count: int, rows: int) -> None:
    cloud = asker(WORLD)
    cloud.faults({"match": "GET *desktops/detail", "always": True, "listing": fault})
    page = cloud.good("GET", LIST)
    assert (page["total_count"], len(page["desktops"])) == (count, rows)


def test_a_stale_listing_still_shows_what_is_deleted() -> None:
    cloud = asker(WORLD)
    rule = {"match": "GET *desktops/detail", "always": True, "listing": {"stale": 5}}
    cloud.faults(rule)
    delete(cloud, "d-2", "w-2")
    cloud.advance(3.0)
    assert disks(cloud, "d-2") == set()
    (row,) = cloud.good("GET", f"{LIST}?desktop_id=d-2")["desktops"]
    assert [disk["volume_id"] for disk in row["data_volumes"]] == ["w-2"]
    cloud.advance(6.0)
    (row,) = cloud.good("GET", f"{LIST}?desktop_id=d-2")["desktops"]
    assert "data_volumes" not in row


def test_a_saved_world_goes_on_and_what_was_deleted_stays_gone() -> None:
    clouds, clock = clouds_of(WORLD)
    first = Asker(build(clouds), (clock,))
    delete(first, "d-2", "w-2")
    clock.advance(2.0)
    job_id = delete(first, "d-1", "v-01", "v-02")
    clock.advance(1.0)
    assert disks(first) == set(DISKS)
    text = dump_world(clouds[0])
    later = VirtualClock(500.0)
    again = Cloud(read_worlds(text, "dump")[0], later)
    second = Asker(build([again]), (later,))
    assert second.good("GET", LIST) == first.good("GET", LIST)
    for cloud in (first, second):
        assert job(cloud, job_id)["status"] == "RUNNING"
        assert disks(cloud, "d-2") == set()
        cloud.advance(1.0)
        assert job(cloud, job_id)["status"] == "SUCCESS"
        assert disks(cloud) == set(DISKS[2:])
    assert dump_world(again) == dump_world(clouds[0])


def test_its_document_is_served() -> None:
    assert asker(WORLD).good("GET", "/_sim/openapi") == openapi("huawei-workspace")


@dataclass(frozen=True)
class Vendor:
    """The SDK's models, exceptions and client, and a client of ours that sees the world."""

    says: Any
    exceptions: Any
    workspace: Any
    ours: Asker


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    # Imported here: the SDK is absent in an ordinary checkout, where these are skipped.
    serving = importlib.import_module("reconciler.sim.serving").serving
    says = importlib.import_module("huaweicloudsdkworkspace.v2")
    auth = importlib.import_module("huaweicloudsdkcore.auth.credentials")
    ours = asker(WORLD)
    with serving(ours.app) as url:
        credentials = auth.BasicCredentials("AKIDEXAMPLE", "not-a-secret", PROJECT)
        builder = says.WorkspaceClient.new_builder().with_credentials(credentials)
        yield Vendor(
            says=says,
            exceptions=importlib.import_module("huaweicloudsdkcore.exceptions.exceptions"),
            workspace=builder.with_endpoint(url).build(),
            ours=ours,
        )


def deleted(vendor: Vendor, desktop: str, *volumes: str) -> Sdk:
    body = vendor.says.DeleteVolumesReq(volume_ids=list(volumes))
    request = vendor.says.DeleteDesktopVolumesRequest(desktop_id=desktop, body=body)
    return vendor.workspace.delete_desktop_volumes(request)


@pytest.mark.counterpart("huaweicloudsdkworkspace")
def test_the_vendors_client_lists_and_shows(vendor: Vendor) -> None:
    says, workspace = vendor.says, vendor.workspace
    request = says.ListDesktopsDetailRequest(
        limit=2, offset=0, sort_field="created", sort_type="ASC"
    )
    page = workspace.list_desktops_detail(request)
    assert (page.total_count, [row.desktop_id for row in page.desktops]) == (9, ["d-1", "d-2"])
    assert {disk.volume_id for disk in page.desktops[0].data_volumes} == set(DISKS)
    request = says.ListDesktopsDetailRequest(desktop_id=["d-9", "d-3"])
    bare, paid = workspace.list_desktops_detail(request).desktops
    assert (bare.data_volumes, bare.root_volume.device) == (None, "/dev/vda")
    assert (paid.product.charge_mode, bool(paid.order_id)) == ("0", True)
    request = says.ShowDesktopDetailRequest(desktop_id="d-1")
    shown = workspace.show_desktop_detail(request).desktop
    assert (shown.computer_name, shown.tags[0].value) == ("desk-1", "red")


@pytest.mark.counterpart("huaweicloudsdkworkspace")
def test_the_vendors_client_deletes_and_follows_the_job(vendor: Vendor) -> None:
    job_id = deleted(vendor, "d-1", "v-01", "v-02").job_id
    running = vendor.workspace.show_job(vendor.says.ShowJobRequest(job_id=job_id))
    assert (running.status, running.sub_jobs_total) == ("RUNNING", 2)
    vendor.ours.advance(2.0)
    ended = vendor.workspace.show_job(vendor.says.ShowJobRequest(job_id=job_id))
    assert (ended.status, {row.status for row in ended.sub_jobs}) == ("SUCCESS", {"SUCCESS"})
    assert {row.entities.desktop_id for row in ended.sub_jobs} == {"d-1"}
    assert disks(vendor.ours) == set(DISKS[2:])


@pytest.mark.counterpart("huaweicloudsdkworkspace")
def test_the_vendors_client_understands_errors(vendor: Vendor) -> None:
    refusal = vendor.exceptions.ClientRequestException
    for desktop, volume, told in (
        ("d-1", "root-1", (400, "WKS.00211102")),
        ("d-1", "none", (404, "WKS.00000404")),
        ("d-7", "w-7", (409, "WKS.00010032")),
    ):
        with pytest.raises(refusal) as caught:
            deleted(vendor, desktop, volume)
        assert (caught.value.status_code, caught.value.error_code) == told
    with pytest.raises(refusal) as caught:
        vendor.workspace.show_job(vendor.says.ShowJobRequest(job_id="none"))
    assert caught.value.status_code == 404
