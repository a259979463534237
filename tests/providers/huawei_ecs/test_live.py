"""What the clouds' rows become: statuses, phases, boot volumes and the marks of others."""

from __future__ import annotations

import pytest

from reconciler.model.attachment import Phase, View
from reconciler.model.live import Live, ServerStatus, VolumeStatus

from .talks import SAYS, Row, hold, key, on_server, server_row, servers, volume_row, volumes

ATTACHMENTS = "os-extended-volumes:volumes_attached"


def listed(volume: Row | None = None, server: Row | None = None) -> Live:
    volume_rows = [volume] if volume else []
    server_rows = [server] if server else []
    return hold(SAYS.list_live(), (volumes(*volume_rows), servers(*server_rows)))[1]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        pytest.param({}, ServerStatus.READY, id="ACTIVE is ready"),
        pytest.param({"status": "SHUTOFF"}, ServerStatus.READY, id="SHUTOFF is ready"),
        pytest.param({"status": "REBOOT"}, ServerStatus.MOVING, id="REBOOT moves"),
        pytest.param({"status": "VERIFY_RESIZE"}, ServerStatus.MOVING, id="VERIFY_RESIZE moves"),
        pytest.param({"status": "ERROR"}, ServerStatus.REFUSING, id="ERROR refuses"),
        pytest.param({"status": "SHELVED"}, ServerStatus.REFUSING, id="SHELVED refuses"),
        pytest.param({"status": "NEW_WORD"}, ServerStatus.REFUSING, id="an unknown word refuses"),
        pytest.param({"status": None}, ServerStatus.REFUSING, id="no word refuses"),
        pytest.param(
            {"OS-EXT-STS:task_state": "powering-off"}, ServerStatus.MOVING, id="a transition moves"
        ),
        pytest.param({"locked": "true"}, ServerStatus.REFUSING, id="a lock refuses"),
        pytest.param(
            {"metadata": {"EcmResStatus": "freeze"}}, ServerStatus.REFUSING, id="a freeze refuses"
        ),
        pytest.param({"metadata": None, "tags": None}, ServerStatus.READY, id="nulls are empty"),
    ],
)
def test_a_server_is_ready_only_when_the_cloud_says_so(more: Row, status: ServerStatus) -> None:
    assert listed(server=server_row(**more)).servers["s1"].status is status


@pytest.mark.parametrize(
    ("word", "running"), [("ACTIVE", True), ("SHUTOFF", False), ("ERROR", True), (None, True)]
)
def test_only_a_server_that_is_said_to_be_stopped_has_no_guest(
    word: str | None, *, running: bool
) -> None:
    assert listed(server=server_row(status=word)).servers["s1"].running is running


@pytest.mark.parametrize("word", ["DELETED", "SOFT_DELETED"])
def test_a_deleted_server_is_left_out_with_its_attachments(word: str) -> None:
    live = listed(server=server_row(status=word, **{ATTACHMENTS: [on_server()]}))
    assert live.servers == {}
    assert live.observed == {}


def test_a_server_shows_its_zone_its_tags_and_its_own_words() -> None:
    server = listed(
        server=server_row(
            tags=["env=prod", "owner=a=b", "bare"],
            **{"OS-EXT-AZ:availability_zone": "r1a", "OS-EXT-STS:task_state": "rebooting"},
        )
    ).servers["s1"]
    assert server.tags == {"env": "prod", "owner": "a=b", "bare": ""}
    assert (server.name, server.zone) == ("app-s1", "r1a")
    assert server.status_text == "ACTIVE (rebooting)"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("available", VolumeStatus.READY),
        ("in-use", VolumeStatus.READY),
        ("attaching", VolumeStatus.MOVING),
        ("detaching", VolumeStatus.MOVING),
        ("backing-up", VolumeStatus.BUSY),
        ("awaiting-transfer", VolumeStatus.BUSY),
        ("error", VolumeStatus.REFUSING),
        ("error_detaching", VolumeStatus.REFUSING),
        ("deleting", VolumeStatus.REFUSING),
        ("a-new-word", VolumeStatus.REFUSING),
        (None, VolumeStatus.REFUSING),
    ],
)
def test_a_volume_status_is_one_of_four(word: str | None, status: VolumeStatus) -> None:
    assert listed(volume_row(status=word)).volumes["v1"].status is status


@pytest.mark.parametrize(
    ("word", "shareable", "phase"),
    [
        pytest.param("in-use", False, Phase.ATTACHED, id="in use"),
        pytest.param("attaching", False, Phase.ATTACHING, id="coming"),
        pytest.param("detaching", False, Phase.DETACHING, id="going"),
        pytest.param("detaching", True, Phase.ATTACHED, id="shared: nobody knows which one goes"),
        pytest.param("error_detaching", False, Phase.FAILED, id="stuck"),
        pytest.param("error_detaching", True, Phase.FAILED, id="shared and stuck"),
    ],
)
def test_storage_says_the_phase_where_it_can(word: str, *, shareable: bool, phase: Phase) -> None:
    row = volume_row(status=word, multiattach=shareable, attachments=[{"server_id": "s1"}])
    assert listed(row).observed[key()].sightings[View.STORAGE].phase is phase


def test_a_volume_shows_what_planning_asks() -> None:
    row = volume_row(
        size="40",
        multiattach="true",
        bootable="true",
        availability_zone="r1a",
        metadata={"hw:passthrough": "true", "orderID": "CS1", "readonly": False},
    )
    volume = listed(row).volumes["v1"]
    assert (volume.size_gib, volume.shareable, volume.boot) == (40, True, True)
    assert (volume.zone, volume.bus, volume.prepaid) == ("r1a", "scsi", True)
    plain = listed(volume_row(size=None, metadata=None)).volumes["v1"]
    assert (plain.size_gib, plain.bus, plain.prepaid) == (None, "virtio", False)


def test_marks_of_other_controllers_are_keys_and_never_parts_of_words() -> None:
    row = volume_row(
        metadata={"csi.storage.k8s.io/pv/name": "pvc-1", "hw:scsi_model": "x", "access_mode": "rw"},
        tags={"kubernetes.io/created-for": "a", "CCE-Cluster-ID": "b", "env": "csi"},
    )
    marks = listed(row).volumes["v1"].owner_marks
    assert marks == ("CCE-Cluster-ID", "csi.storage.k8s.io/pv/name", "kubernetes.io/created-for")


@pytest.mark.parametrize(
    ("more", "boot"),
    [
        pytest.param({"bootIndex": 0}, True, id="bootIndex as a number"),
        pytest.param({"bootIndex": "0"}, True, id="bootIndex as a string"),
        pytest.param({"bootIndex": None, "device": "/dev/vda"}, True, id="the root device"),
        pytest.param({"bootIndex": "1"}, False, id="another index"),
        pytest.param({"bootIndex": None}, False, id="another device"),
    ],
)
def test_compute_says_which_volume_is_booted_from(more: Row, *, boot: bool) -> None:
    root = {"OS-EXT-SRV-ATTR:root_device_name": "/dev/vda"}
    server = server_row(**{ATTACHMENTS: [on_server(**more)]}, **root)
    assert listed(server=server).observed[key()].boot is boot


@pytest.mark.parametrize(
    ("told", "flag"), [("true", True), (False, False), ("False", False), (None, None), ("?", None)]
)
def test_delete_on_termination_is_read_from_any_type(told: object, *, flag: bool | None) -> None:
    server = server_row(**{ATTACHMENTS: [on_server(delete_on_termination=told)]})
    assert listed(server=server).observed[key()].delete_on_termination is flag
