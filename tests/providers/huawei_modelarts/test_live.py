"""What the cloud's rows become: statuses, types, boot volumes and what isn't told."""

from __future__ import annotations

import pytest

from reconciler.model.live import Live, Server, ServerStatus, VolumeStatus

from .talks import SAYS, Row, disk, hold, key, row, server_id, servers, volume_id


def listed(*rows: Row) -> Live:
    return hold(SAYS.list_live(), servers(*rows))[1]


def server(**more: object) -> Server:
    return listed(row(**more)).servers[server_id()]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("RUNNING", ServerStatus.READY),
        ("STOPPED", ServerStatus.READY),
        ("CREATING", ServerStatus.MOVING),
        ("STARTING", ServerStatus.MOVING),
        ("STOPPING", ServerStatus.MOVING),
        ("REBOOTING", ServerStatus.MOVING),
        ("CHANGINGOS", ServerStatus.MOVING),
        ("REINSTALLINGOS", ServerStatus.MOVING),
        ("CREATE_FAILED", ServerStatus.REFUSING),
        ("START_FAILED", ServerStatus.REFUSING),
        ("STOP_FAILED", ServerStatus.REFUSING),
        ("REBOOT_FAILED", ServerStatus.REFUSING),
        ("CHANGINGOS_FAILED", ServerStatus.REFUSING),
        ("REINSTALLINGOS_FAILED", ServerStatus.REFUSING),
        ("DELETING", ServerStatus.REFUSING),
        ("DELETE_FAILED", ServerStatus.REFUSING),
        ("ERROR", ServerStatus.REFUSING),
        ("A_NEW_WORD", ServerStatus.REFUSING),
        (None, ServerStatus.REFUSING),
    ],
)
def test_a_server_is_ready_only_when_the_cloud_says_so(
    word: str | None, status: ServerStatus
) -> None:
    found = server(status=word)
    assert (found.status, found.status_text) == (status, word or "")
    assert found.running is (word != "STOPPED")


def test_a_deleted_server_is_left_out_with_its_attachments() -> None:
    live = listed(row(1, disk(), status="DELETED"))
    assert (live.servers, live.volumes, live.observed) == ({}, {}, {})


@pytest.mark.parametrize(
    ("below", "category", "why"),
    [
        pytest.param({"type": "HPS"}, "HPS", "", id="a supernode's server"),
        pytest.param({"type": "HPS"}, None, "", id="by its type alone"),
        pytest.param(None, "HPS", "", id="by its category alone"),
        pytest.param({"type": "BMS"}, "SERVER", "is of the type BMS", id="bare metal"),
        pytest.param({"type": "BMS"}, "HPS", "is of the type BMS", id="bare metal, whatever else"),
        pytest.param(
            {"type": "ECS"},
            "SERVER",
            "isn't said by the API to be a supernode's: of its type it says `ECS`, `SERVER`",
            id="a virtual one",
        ),
        pytest.param({}, "SPOD", "of its type it says `SPOD`", id="a whole cabinet"),
        pytest.param(None, None, "of its type it says nothing", id="nothing is said"),
    ],
)
def test_only_a_supernode_is_known_to_attach(below: object, category: object, why: str) -> None:
    barred = server(cloud_server=below, category=category).barred
    assert why in barred
    assert bool(barred) is bool(why)


def test_a_volume_has_no_name_but_its_id() -> None:
    live = listed(row(1, disk(size="500")))
    volume = live.volumes[volume_id()]
    assert (volume.name, volume.size_gib, volume.status) == (volume_id(), 500, VolumeStatus.READY)
    assert (volume.shareable, volume.boot) == (False, False)
    seen = live.observed[key()]
    assert (seen.boot, seen.device, seen.delete_on_termination) == (False, None, None)


@pytest.mark.parametrize(
    ("word", "boot"), [("ROOT", True), ("DATA", False), (None, True), ("SWAP", True)]
)
def test_what_is_not_a_data_disk_is_never_touched(word: str | None, *, boot: bool) -> None:
    live = listed(row(1, disk(type=word)))
    assert live.observed[key()].boot is boot
    assert live.volumes[volume_id()].boot is boot


def test_a_disk_that_is_one_servers_root_stays_a_boot_volume() -> None:
    live = listed(row(1, disk(type="ROOT")), row(2, disk(type="DATA")))
    assert live.volumes[volume_id()].boot
    assert set(live.observed) == {key(1), key(2)}


def test_ids_of_volumes_are_compared_in_lower_case() -> None:
    live = listed(row(1, disk(evs_id=volume_id().upper())))
    assert set(live.observed) == {key()}


@pytest.mark.parametrize(
    "volumes",
    [
        pytest.param(None, id="absent or null"),
        pytest.param([disk(), {"type": "DATA", "evs_id": None}], id="one of them without an id"),
    ],
)
def test_what_is_not_told_is_unknown_and_not_nothing(volumes: object) -> None:
    live = listed(row(volumes=volumes), row(2))
    assert not live.servers[server_id(1)].attachments_known
    assert live.servers[server_id(2)].attachments_known
    assert live.observed == {}
    assert live.complete


def test_a_row_without_the_member_is_as_one_with_null() -> None:
    bare = {name: told for name, told in row().items() if name != "volumes"}
    assert not listed(bare).servers[server_id()].attachments_known
