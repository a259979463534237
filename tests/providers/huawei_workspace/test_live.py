"""What the cloud's rows become: statuses, bars, root disks and names."""

from __future__ import annotations

import pytest

from reconciler.model.attachment import Phase, View
from reconciler.model.live import Live, Server, ServerStatus

from .talks import SAYS, Row, desktop, desktops, disk, hold, key


def listed(*rows: Row) -> Live:
    return hold(SAYS.list_live(), desktops(*rows))[1]


def server(*disks: Row, **more: object) -> Server:
    return listed(desktop("d1", *disks, **more)).servers["d1"]


@pytest.mark.parametrize(
    ("more", "status", "text"),
    [
        pytest.param({}, ServerStatus.READY, "ACTIVE", id="ACTIVE is ready"),
        pytest.param({"status": "active"}, ServerStatus.READY, "ACTIVE", id="in lower case too"),
        pytest.param({"status": "SHUTOFF"}, ServerStatus.READY, "SHUTOFF", id="SHUTOFF is ready"),
        pytest.param(
            {"status": "HIBERNATED"}, ServerStatus.REFUSING, "HIBERNATED", id="HIBERNATED refuses"
        ),
        pytest.param({"status": "ERROR"}, ServerStatus.REFUSING, "ERROR", id="ERROR refuses"),
        pytest.param({"status": "NEW"}, ServerStatus.REFUSING, "NEW", id="a new word refuses"),
        pytest.param({"status": ""}, ServerStatus.REFUSING, "being deleted", id="no word refuses"),
        pytest.param({"status": None}, ServerStatus.REFUSING, "being deleted", id="null refuses"),
        pytest.param(
            {"task_status": "rebooting"}, ServerStatus.MOVING, "ACTIVE (rebooting)", id="a task"
        ),
        pytest.param(
            {"status": "REBOOTING", "task_status": "reboot_started"},
            ServerStatus.MOVING,
            "REBOOTING (reboot_started)",
            id="a new word with a task moves",
        ),
        pytest.param(
            {"status": "ERROR", "task_status": "rebuilding"},
            ServerStatus.REFUSING,
            "ERROR (rebuilding)",
            id="ERROR refuses whatever goes on",
        ),
        pytest.param(
            {"task_status": "deleting"}, ServerStatus.REFUSING, "ACTIVE (deleting)", id="going"
        ),
        pytest.param(
            {"task_status": "deleteFailed"},
            ServerStatus.REFUSING,
            "ACTIVE (deleteFailed)",
            id="could not go",
        ),
    ],
)
def test_a_desktop_is_ready_only_when_the_cloud_says_so(
    more: Row, status: ServerStatus, text: str
) -> None:
    found = server(**more)
    assert (found.status, found.status_text) == (status, text)


def test_a_stopped_desktop_alone_has_no_guest() -> None:
    words = ("ACTIVE", "SHUTOFF", "shutoff", "HIBERNATED", "", "NEW")
    assert [server(status=word).running for word in words] == [True, False, False, True, True, True]


@pytest.mark.parametrize(
    ("more", "begins"),
    [
        pytest.param({}, "", id="pay-per-use, its own disks"),
        pytest.param({"product": None}, "", id="nothing is said of how it is paid"),
        pytest.param({"metadata": {"charging_mode": "1"}}, "", id="the ambiguous word isn't read"),
        pytest.param({"product": {"charge_mode": "0"}}, "is prepaid: ", id="prepaid"),
        pytest.param({"product": {"charge_mode": 0}}, "is prepaid: ", id="as a number too"),
        pytest.param({"order_id": "CS1"}, "is prepaid: ", id="an order says so as well"),
        pytest.param({"desktop_type": "POOLED"}, "belongs to a pool: ", id="pooled"),
        pytest.param({"pool_id": "p1"}, "belongs to a pool: ", id="it names a pool"),
        pytest.param({"is_freeze": True}, "is frozen: ", id="frozen"),
        pytest.param({"is_freeze": "true"}, "is frozen: ", id="as a text too"),
    ],
)
def test_a_desktop_whose_disks_may_not_go_is_barred(more: Row, begins: str) -> None:
    barred = server(**more).barred
    assert barred.startswith(begins)
    assert bool(barred) is bool(begins)


def test_a_disk_of_a_pool_bars_its_desktop() -> None:
    assert server(disk(desktop_pool_disk_id="set-1")).barred.startswith("belongs to a pool")


def test_all_bars_are_told() -> None:
    barred = server(order_id="CS1", pool_id="p1", is_freeze=True).barred
    assert [part.split()[1] for part in barred.split("; ")] == ["prepaid:", "to", "frozen:"]


def test_disks_are_known_by_volume_id_and_bear_their_display_name() -> None:
    live = listed(desktop("d1", disk("v1"), disk("v2", display_name=None, device=None)))
    assert set(live.volumes) == {"root-d1", "v1", "v2"}
    assert (live.volumes["v1"].name, live.volumes["v2"].name) == ("disk-v1", "v2")
    assert (live.volumes["v1"].size_gib, live.volumes["v1"].zone) == (100, "r1a")
    sighting = live.observed[key()].sightings[View.COMPUTE]
    assert (sighting.phase, sighting.device, sighting.boot) == (Phase.ATTACHED, "/dev/vdb", False)
    assert sighting.delete_on_termination is None
    assert live.observed[key("d1", "v2")].device is None


@pytest.mark.parametrize("disks", [(), (disk("root-d1"),)], ids=["alone", "listed as data too"])
def test_the_root_disk_is_the_boot_disk(disks: tuple[Row, ...]) -> None:
    live = listed(desktop("d1", *disks))
    assert live.volumes["root-d1"].boot
    assert live.observed[key("d1", "root-d1")].boot


@pytest.mark.parametrize("told", [{}, {"data_volumes": None}, {"data_volumes": []}])
def test_a_desktop_without_data_disks_has_none(told: Row) -> None:
    live = listed(desktop("d1", **told))
    assert live.servers["d1"].attachments_known
    assert set(live.observed) == {key("d1", "root-d1")}


def test_a_prepaid_desktop_has_prepaid_disks() -> None:
    live = listed(desktop("d1", disk(), order_id="CS1"), desktop("d2", disk("v2")))
    assert {name: row.prepaid for name, row in live.volumes.items() if "root" not in name} == {
        "v1": True,
        "v2": False,
    }


def test_a_desktop_shows_its_name_its_zone_and_its_tags() -> None:
    found = server(tags=[{"key": "team", "value": "a=b"}, {"key": "bare", "value": None}])
    assert (found.name, found.zone) == ("desk-d1", "r1a")
    assert found.tags == {"team": "a=b", "bare": ""}
    nameless = server(computer_name=None, availability_zone=None, tags=None)
    assert (nameless.name, nameless.zone, nameless.tags) == ("d1", None, {})


def test_what_the_cloud_says_is_told_in_printable_words() -> None:
    assert server(status="A\x1b[31m", task_status="b\nc").status_text == "A [31M (b c)"
