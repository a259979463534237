"""The ModelArts calls: what is accepted, what is refused, and what an operation comes to."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from reconciler.sim.apis.huawei_modelarts import operation_id
from tests.sim.asking import PROJECT, Asker, asker

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the SDK gives has no types.
Sdk: TypeAlias = Any

SDK = "huaweicloudsdkmodelarts"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SERVERS = "/v1/{p}/dev-servers"


def server(number: int) -> str:
    return f"7c1f0a52-3b9e-4d41-9a6c-{number:012}"


def volume(number: int) -> str:
    return f"1a2b3c4d-5e6f-4071-8293-{number:012}"


WORLD = f"""
provider: huawei-modelarts
projectId: {PROJECT}
keys: [{{accessKey: AKIDEXAMPLE, secretKey: not-a-secret}}]
jobSeconds: 2.0
servers:
  - {{id: {server(1)}, name: train-1, bootVolume: {volume(91)}}}
  - {{id: {server(2)}, name: train-2, status: SHUTOFF}}
  - {{id: {server(3)}, name: moving, status: REBOOTING}}
  - {{id: {server(4)}, name: metal, type: BMS}}
  - {{id: {server(5)}, name: silent, volumesShown: "false"}}
  - {{id: {server(6)}, name: cabinet, type: SPOD}}
  - {{id: {server(7)}, name: full, freeSlots: 0}}
volumes:
  - {{id: {volume(1)}, sizeGib: 500}}
  - {{id: {volume(2)}}}
  - {{id: {volume(3)}}}
  - {{id: {volume(4)}, status: error}}
  - {{id: {volume(5)}}}
attachments:
  - {{server: train-1, volume: {volume(1)}}}
  - {{server: silent, volume: {volume(3)}}}
  - {{server: an-ecs, volume: {volume(5)}, seenBy: storage}}
"""


def attach(number: int) -> str:
    return f"{SERVERS}/{server(number)}/attachvolume"


def detach(number: int, disk: int) -> str:
    return f"{SERVERS}/{server(number)}/detachvolume/{volume(disk)}"


def wanted(disk: int) -> dict[str, object]:
    return {"volume_id": volume(disk)}


def operation(cloud: Asker, number: int, told: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = cloud.good(
        "GET", f"{SERVERS}/{server(number)}/operation/{told['operation_id']}"
    )
    return found


def test_an_attach_shows_when_its_operation_ends() -> None:
    cloud = asker(WORLD)
    begun = cloud.good("POST", attach(2), wanted(2))
    assert UUID.fullmatch(begun["operation_id"])
    assert (begun["operation_status"], begun["operation_type"]) == ("pending", "node_attach_volume")
    assert operation(cloud, 2, begun)["operation_status"] == "running"
    assert cloud.good("GET", f"{SERVERS}/{server(2)}")["volumes"] == []
    cloud.advance(2)
    assert operation(cloud, 2, begun)["operation_status"] == "success"
    (disk,) = cloud.good("GET", f"{SERVERS}/{server(2)}")["volumes"]
    assert disk == {"type": "DATA", "size": 10, "evs_type": "SSD", "evs_id": volume(2)}


def test_a_detach_is_shown_when_its_operation_ends_and_keeps_the_volume() -> None:
    cloud = asker(WORLD)
    begun = cloud.good("DELETE", detach(1, 1))
    assert (begun["operation_status"], begun["operation_type"]) == ("running", "node_detach_volume")
    assert (server(1), volume(1)) in cloud.views()
    cloud.advance(2)
    assert operation(cloud, 1, begun)["operation_status"] == "success"
    assert (server(1), volume(1)) not in cloud.views()
    cloud.good("POST", attach(2), wanted(1))


@pytest.mark.parametrize(
    ("number", "body", "code"),
    [
        pytest.param(9, wanted(2), "6404", id="a server that does not exist"),
        pytest.param(4, wanted(2), "7000", id="a bare metal server"),
        pytest.param(6, wanted(2), "7000", id="a whole cabinet"),
        pytest.param(3, wanted(2), "6347", id="a server that reboots"),
        pytest.param(7, wanted(2), "7000", id="no slot left"),
        pytest.param(1, wanted(9), "7000", id="a volume that does not exist"),
        pytest.param(1, wanted(1), "6357", id="attached already"),
        pytest.param(2, wanted(1), "7000", id="attached elsewhere"),
        pytest.param(2, wanted(5), "7000", id="attached by another service"),
        pytest.param(2, wanted(4), "7000", id="a broken volume"),
        pytest.param(2, {"volume_id": volume(2).upper()}, "0104", id="capitals"),
        pytest.param(2, {"volume_id": [volume(2)]}, "0104", id="a list"),
        pytest.param(2, {}, "0104", id="no volume"),
    ],
)
def test_an_attach_is_refused(number: int, body: object, code: str) -> None:
    cloud = asker(WORLD)
    before = cloud.world()
    assert cloud.refused("POST", attach(number), body) == (400, f"ModelArts.{code}")
    assert cloud.world() == before


@pytest.mark.parametrize(
    ("number", "disk", "code"),
    [
        pytest.param(9, 1, "6404", id="a server that does not exist"),
        pytest.param(4, 1, "7000", id="a bare metal server"),
        pytest.param(2, 1, "6357", id="not attached here"),
        pytest.param(1, 9, "6357", id="a volume that does not exist"),
        pytest.param(1, 91, "7000", id="the system disk"),
    ],
)
def test_a_detach_is_refused(number: int, disk: int, code: str) -> None:
    assert asker(WORLD).refused("DELETE", detach(number, disk)) == (400, f"ModelArts.{code}")


def test_a_detach_takes_the_id_in_capitals() -> None:
    path = f"{SERVERS}/{server(1)}/detachvolume/{volume(1).upper()}"
    assert asker(WORLD).good("DELETE", path)["operation_type"] == "node_detach_volume"


def test_a_second_change_of_a_server_or_a_volume_must_wait() -> None:
    cloud = asker(WORLD)
    cloud.good("POST", attach(2), wanted(2))
    assert cloud.refused("POST", attach(1), wanted(2)) == (400, "ModelArts.6357")
    assert cloud.refused("DELETE", detach(2, 1)) == (400, "ModelArts.6357")
    cloud.advance(2)
    cloud.good("DELETE", detach(2, 2))


def test_only_the_lite_servers_own_id_is_known() -> None:
    cloud = asker(WORLD)
    told = cloud.good("GET", f"{SERVERS}/{server(1)}")
    below = told["cloud_server"]
    others = {below["id"], below["hps_id"], below["hps_ecs_id"], told["server_hps"]["id"]}
    assert len(others) == 4
    for other in others:
        code = cloud.refused("GET", f"{SERVERS}/{other}")
        assert code == (400, "ModelArts.6404")
        path = f"{SERVERS}/{other}/detachvolume/{volume(1)}"
        assert cloud.refused("DELETE", path) == (400, "ModelArts.6404")


def test_lists_page_by_rows_ten_at_a_time_unless_asked() -> None:
    rows = "".join(f"  - {{id: {server(n)}, name: more-{n}}}\n" for n in range(20, 28))
    cloud = asker(WORLD.replace("servers:\n", f"servers:\n{rows}"))
    first = cloud.good("GET", SERVERS)
    assert (first["current"], first["size"], first["total"], first["pages"]) == (0, 10, 15, 2)
    everything = [row["id"] for row in cloud.good("GET", f"{SERVERS}?limit=1024")["data"]]
    assert everything == sorted(everything)
    assert [row["id"] for row in first["data"]] == everything[:10]
    after = cloud.good("GET", f"{SERVERS}?limit=4&offset=13")
    assert [row["id"] for row in after["data"]] == everything[13:]
    newest = cloud.good("GET", f"{SERVERS}?limit=3&sort_dir=DESC&sort_key=updateTime")
    assert [row["id"] for row in newest["data"]] == everything[:-4:-1]
    assert cloud.good("GET", f"{SERVERS}?offset=2147483647")["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=1025", "limit=x", "offset=-1", "offset=2147483648", "offset=%00"),
        *("sort_dir=asc", "sort_key=name", "owner=Someone", "limit="),
    ],
)
def test_a_query_out_of_its_range_is_refused(query: str) -> None:
    assert asker(WORLD).refused("GET", f"{SERVERS}?{query}") == (400, "ModelArts.0104")


def test_a_server_shows_its_type_its_disks_and_when_it_was_made() -> None:
    rows = asker(WORLD).good("GET", SERVERS)["data"]
    by_name = {row["name"]: row for row in rows}
    assert [disk["type"] for disk in by_name["train-1"]["volumes"]] == ["ROOT", "DATA"]
    assert by_name["train-1"]["status"] == "RUNNING"
    assert by_name["train-2"]["status"] == "STOPPED"
    assert by_name["moving"]["status"] == "REBOOTING"
    assert "volumes" not in by_name["silent"]
    kinds = {
        name: (row["category"], row["cloud_server"].get("type")) for name, row in by_name.items()
    }
    assert kinds["train-1"] == ("HPS", "HPS")
    assert kinds["metal"] == ("SERVER", "BMS")
    assert kinds["cabinet"] == ("SPOD", None)
    assert "server_hps" not in by_name["metal"]
    assert by_name["train-1"]["create_at"] > 1_700_000_000_000


@pytest.mark.parametrize(
    ("rule", "statuses", "attached"),
    [
        pytest.param({"job": "fail"}, ["running", "failed"], False, id="fail"),
        pytest.param({"job": "false-success"}, ["running", "success"], False, id="false success"),
        pytest.param({"job": "init-first"}, ["pending", "success"], True, id="pending first"),
        pytest.param({"job": {"slow": 9}}, ["running", "running"], False, id="slow"),
    ],
)
def test_an_operation_can_be_made_to_go_wrong(
    rule: dict[str, object], statuses: list[str], *, attached: bool
) -> None:
    cloud = asker(WORLD)
    cloud.faults({"match": "POST *attachvolume", "always": True, **rule})
    begun = cloud.good("POST", attach(2), wanted(2))
    seen = [operation(cloud, 2, begun)]
    cloud.advance(2)
    seen.append(operation(cloud, 2, begun))
    assert [told["operation_status"] for told in seen] == statuses
    assert ((server(2), volume(2)) in cloud.views()) is attached
    assert ("operation_error" in seen[1]) is (statuses[1] == "failed")


def test_an_operation_that_is_gone_or_another_servers_is_not_found() -> None:
    cloud = asker(WORLD)
    begun = cloud.good("POST", attach(2), wanted(2))
    elsewhere = f"{SERVERS}/{server(1)}/operation/{begun['operation_id']}"
    assert cloud.refused("GET", elsewhere) == (400, "ModelArts.6404")
    cloud.advance(2)
    cloud.faults({"match": "DELETE *", "always": True, "job": "gone", "effect": "applied"})
    begun = cloud.good("DELETE", detach(2, 2))
    path = f"{SERVERS}/{server(2)}/operation/{begun['operation_id']}"
    assert cloud.refused("GET", path) == (400, "ModelArts.6404")
    assert cloud.refused("GET", path[:-1]) == (400, "ModelArts.6404")


def test_an_operations_id_is_always_a_uuid_and_finds_its_own_job() -> None:
    cloud = asker(WORLD)
    for _ in range(20):
        begun = cloud.good("POST", attach(2), wanted(2))
        cloud.advance(2)
        assert operation(cloud, 2, begun)["operation_id"] == begun["operation_id"]
        cloud.good("DELETE", detach(2, 2))
        cloud.advance(2)
    ids = {operation_id(f"{n:032x}"[::-1]) for n in range(1000)}
    assert all(UUID.fullmatch(one) for one in ids)


def test_listings_can_be_broken() -> None:
    cloud = asker(WORLD)
    cloud.faults({"match": "GET *dev-servers", "nth": 1, "listing": "lying-count"})
    assert cloud.good("GET", SERVERS)["total"] == 8
    cloud.faults({"match": "GET *", "always": True, "listing": {"stale": 60}})
    cloud.good("DELETE", detach(1, 1))
    cloud.advance(2)
    for path in (SERVERS, f"{SERVERS}/{server(1)}"):
        told = cloud.good("GET", path)
        row = told["data"][0] if "data" in told else told
        assert volume(1) in [disk["evs_id"] for disk in row["volumes"]]
    assert (server(1), volume(1)) not in cloud.views()


@pytest.fixture
def vendor() -> Iterator[tuple[Sdk, Sdk, Asker]]:
    # Imported here: the SDK is absent in an ordinary checkout, where these are skipped.
    serving = importlib.import_module("reconciler.sim.serving").serving
    says = importlib.import_module(f"{SDK}.v1")
    auth = importlib.import_module("huaweicloudsdkcore.auth.credentials")
    ours = asker(WORLD)
    with serving(ours.app) as url:
        credentials = auth.BasicCredentials("AKIDEXAMPLE", "not-a-secret", PROJECT)
        builder = says.ModelArtsClient.new_builder().with_credentials(credentials)
        yield says, builder.with_endpoint(url).build(), ours


@pytest.mark.counterpart(SDK)
def test_the_vendors_sdk_lists_and_shows(vendor: tuple[Sdk, Sdk, Asker]) -> None:
    says, client, _ = vendor
    page = client.list_dev_servers(says.ListDevServersRequest(limit=3, offset=4))
    assert (page.total, page.size, [row.name for row in page.data]) == (
        7,
        3,
        ["silent", "cabinet", "full"],
    )
    shown = client.show_dev_server(says.ShowDevServerRequest(id=server(1)))
    assert (shown.status, shown.category, shown.cloud_server.type) == ("RUNNING", "HPS", "HPS")
    assert [(disk.type, disk.evs_id) for disk in shown.volumes] == [
        ("ROOT", volume(91)),
        ("DATA", volume(1)),
    ]


@pytest.mark.counterpart(SDK)
def test_the_vendors_sdk_attaches_and_detaches(vendor: tuple[Sdk, Sdk, Asker]) -> None:
    says, client, ours = vendor
    body = says.AttachServerVolumeRequest(volume_id=volume(2))
    begun = client.attach_dev_server_volume(
        says.AttachDevServerVolumeRequest(id=server(2), body=body)
    )
    assert begun.operation_status == "pending"
    ours.advance(2)
    request = says.GetDevServerOperationRequest(id=server(2), operation_id=begun.operation_id)
    assert client.get_dev_server_operation(request).operation_status == "success"
    assert ours.views()[server(2), volume(2)] == "both"
    client.detach_dev_server_volume(
        says.DetachDevServerVolumeRequest(id=server(2), volume_id=volume(2))
    )
    ours.advance(2)
    assert (server(2), volume(2)) not in ours.views()


@pytest.mark.counterpart(SDK)
def test_the_vendors_sdk_understands_errors(vendor: tuple[Sdk, Sdk, Asker]) -> None:
    says, client, _ = vendor
    refused = importlib.import_module("huaweicloudsdkcore.exceptions.exceptions")
    with pytest.raises(refused.ClientRequestException) as caught:
        client.show_dev_server(says.ShowDevServerRequest(id=server(9)))
    assert (caught.value.status_code, caught.value.error_code) == (400, "ModelArts.6404")
    assert caught.value.error_msg == f"LiteServer instance '{server(9)}' not found."
    assert caught.value.request_id
