"""What the cloud's rows become: states, phases, boot volumes, slots, who else is at work."""

from __future__ import annotations

import pytest

from reconciler.model.attachment import Phase, View
from reconciler.model.live import ANY_BUS, Live, ServerStatus, VolumeStatus

from .talks import SAYS, Row, hold, key, ok, server_row, servers, volume_row, volumes

BOOT = [{"id": "s1", "device": "/dev/vda"}]


def listed(volume: Row | None = None, server: Row | None = None) -> Live:
    volume_rows = [volume] if volume else []
    server_rows = [server] if server else []
    return hold(SAYS.list_live(), (volumes(*volume_rows), servers(*server_rows)))[1]


@pytest.mark.parametrize(
    ("word", "status", "running"),
    [
        ("ACTIVE", ServerStatus.READY, True),
        ("active", ServerStatus.READY, True),
        ("SHUTOFF", ServerStatus.READY, False),
        ("ERROR", ServerStatus.REFUSING, True),
        ("BUILD", ServerStatus.MOVING, True),
        ("NEW_WORD", ServerStatus.MOVING, True),
        (None, ServerStatus.MOVING, True),
    ],
)
def test_a_server_is_ready_only_when_the_cloud_says_so(
    word: str | None, status: ServerStatus, *, running: bool
) -> None:
    server = listed(server=server_row(state=word)).servers["s1"]
    assert (server.status, server.running, server.status_text) == (status, running, word or "")


def test_a_lock_is_told_and_stops_nothing() -> None:
    server = listed(server=server_row(locked=True)).servers["s1"]
    assert (server.locked, server.status, server.barred) == (True, ServerStatus.READY, "")


def test_a_node_of_kubernetes_is_barred() -> None:
    server = listed(server=server_row(product_category="container")).servers["s1"]
    assert server.barred == "is a node of Kubernetes: its own controller attaches its volumes"


@pytest.mark.parametrize("told", [{"volumes": None}, {}])
def test_a_server_that_does_not_say_what_it_has_is_unknown_not_empty(told: Row) -> None:
    row = {name: value for name, value in server_row().items() if name != "volumes"}
    server = listed(server={**row, **told}).servers["s1"]
    assert not server.attachments_known
    assert server.free_slots is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("available", VolumeStatus.READY),
        ("in-use", VolumeStatus.READY),
        ("In Use", VolumeStatus.READY),
        ("in_use", VolumeStatus.READY),
        ("reserved", VolumeStatus.MOVING),
        ("Attaching", VolumeStatus.MOVING),
        ("detaching", VolumeStatus.MOVING),
        ("backing-up", VolumeStatus.BUSY),
        ("awaiting-transfer", VolumeStatus.BUSY),
        ("maintenance", VolumeStatus.BUSY),
        ("error", VolumeStatus.REFUSING),
        ("Error Deleting", VolumeStatus.REFUSING),
        ("error_managing", VolumeStatus.REFUSING),
        ("deleting", VolumeStatus.REFUSING),
        ("a-new-word", VolumeStatus.BUSY),
        (None, VolumeStatus.BUSY),
    ],
)
def test_a_volume_is_ready_only_when_the_cloud_says_so(
    word: str | None, status: VolumeStatus
) -> None:
    volume = listed(volume_row(state=word)).volumes["v1"]
    assert (volume.status, volume.status_text) == (status, word or "")


@pytest.mark.parametrize(
    ("word", "phase"),
    [
        ("in-use", Phase.ATTACHED),
        ("reserved", Phase.ATTACHING),
        ("attaching", Phase.ATTACHING),
        ("detaching", Phase.DETACHING),
        ("error", Phase.ATTACHED),
    ],
)
def test_storage_says_which_way_a_volume_moves(word: str, phase: Phase) -> None:
    live = listed(volume_row("v1", "s1", state=word), server_row("s1", "v1"))
    sightings = live.observed[key()].sightings
    assert sightings[View.STORAGE].phase is phase
    assert sightings[View.COMPUTE].phase is Phase.ATTACHED


def test_a_shared_volume_does_not_say_which_attachment_moves() -> None:
    live = listed(volume_row("v1", "s1", "s2", state="detaching", multiattach=True))
    assert {seen.sightings[View.STORAGE].phase for seen in live.observed.values()} == {
        Phase.ATTACHED
    }
    assert live.volumes["v1"].status is VolumeStatus.MOVING
    assert live.volumes["v1"].shareable


@pytest.mark.parametrize("device", ["/dev/vda", "/dev/sda"])
def test_what_a_server_boots_from_is_told_by_its_device_for_both_views(device: str) -> None:
    holders = [{"id": "s1", "device": device}]
    live = listed(volume_row(state="in-use", servers=holders), server_row("s1", "v1"))
    assert {view: s.boot for view, s in live.observed[key()].sightings.items()} == {
        View.COMPUTE: True,
        View.STORAGE: True,
    }
    assert live.volumes["v1"].boot


@pytest.mark.parametrize("device", ["", None])
def test_a_bootable_volume_whose_device_is_not_told_counts_as_one_to_boot_from(
    device: str | None,
) -> None:
    for bootable in (True, False):
        row = volume_row("v1", servers=[{"id": "s1", "device": device}], bootable=bootable)
        live = listed(row, server_row("s1", "v1"))
        assert {s.boot for s in live.observed[key()].sightings.values()} == {bootable}
        assert (live.volumes["v1"].boot, live.notices) == (bootable, ())


def test_a_bootable_volume_with_another_device_is_data_and_told() -> None:
    live = listed(volume_row("v1", "s1", bootable=True), server_row("s1", "v1"))
    assert not live.observed[key()].boot
    assert not live.volumes["v1"].boot
    assert live.notices == (
        "bootable and attached as data: not protected as a boot volume: `disk-v1`",
    )


def test_servers_of_auto_scaling_groups_are_told_in_one_line() -> None:
    rows = [server_row(f"s{n}", auto_scaling_group_id="g1") for n in range(7)]
    _, live = hold(SAYS.list_live(), (volumes(), servers(*rows)))
    (notice,) = live.notices
    assert notice.startswith("in an auto-scaling group")
    assert notice.endswith("`app-s0`, `app-s1`, `app-s2`, `app-s3`, `app-s4` and 2 more")


@pytest.mark.parametrize(("data", "free"), [(0, 26), (3, 23), (26, 0), (30, 0)])
def test_a_server_takes_26_beside_boot(data: int, free: int) -> None:
    ids = [f"v{n}" for n in range(data)]
    rows = [volume_row(one, "s1") for one in ids]
    boot = volume_row("boot", servers=BOOT)
    server = server_row("s1", "boot", *ids)
    _, live = hold(SAYS.list_live(), (volumes(boot, *rows), servers(server)))
    assert live.servers["s1"].free_slots == {ANY_BUS: free}


def test_what_storage_alone_shows_takes_a_slot_as_well() -> None:
    live = listed(volume_row("v1", "s1"), server_row("s1"))
    assert live.servers["s1"].free_slots == {ANY_BUS: 25}


def test_a_look_takes_one_unseen_volume_for_the_one_that_boots() -> None:
    answers = (ok(volume_row("v1", "s1")), ok(server_row("s1", "boot", "v1", "v2")))
    _, live = hold(SAYS.observe([key()]), answers)
    assert live.servers["s1"].free_slots == {ANY_BUS: 24}
    answers = (ok(volume_row(servers=BOOT)), ok(server_row("s1", "v1", "v2")))
    _, live = hold(SAYS.observe([key()]), answers)
    assert live.servers["s1"].free_slots == {ANY_BUS: 25}


def test_zones_are_read_where_a_later_version_tells_them() -> None:
    live = listed(volume_row(zone="kr-west1-a"), server_row(zone="kr-west1-b"))
    assert (live.volumes["v1"].zone, live.servers["s1"].zone) == ("kr-west1-a", "kr-west1-b")
    assert listed(volume_row()).volumes["v1"].zone is None


def test_an_attachment_without_a_server_is_nothing_that_could_be_asked_for() -> None:
    live = listed(volume_row(servers=[{"id": None, "device": "/dev/vdb"}]))
    assert live.observed == {}
    assert listed(volume_row(servers=None)).observed == {}
