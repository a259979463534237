"""A destroy asks for the volume's name; nothing else will do."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.cli.running import REPOSITORY, Lab
from tests.rig.processes import Child

NAMES = ("old-disk", "scratch-1", "scratch-2")
ACKS = [f"--ack-destroy={name}" for name in NAMES]
AGAIN = "d25c0a10-0002-4b02-8b02-0000000000aa"


@pytest.fixture
def desks(lab: Lab) -> Lab:
    """Give a folder with the example of desktops."""
    for end in ("yaml", "world.yaml"):
        shutil.copy(REPOSITORY / "manifests" / f"huawei-workspace.{end}", lab.folder)
    world = lab.folder / "huawei-workspace.world.yaml"
    quick = re.sub(r"jobSeconds: .*", "jobSeconds: 0.05", world.read_text("utf-8"))
    world.write_text(quick, "utf-8")
    return lab


@pytest.mark.parametrize(
    ("typed", "code", "calls"),
    [
        ((*NAMES, "yes"), 0, 2),
        ((*NAMES, "no"), 3, 0),
        (("yes",) * 4, 3, 0),
        (("old-disk", "scratch-2", "scratch-1", "yes"), 3, 0),
        (("OLD-DISK",), 3, 0),
    ],
)
def test_only_the_name_of_each_volume_lets_it_go(
    desks: Lab, typed: tuple[str, ...], code: int, calls: int
) -> None:
    ours, theirs = pty.openpty()
    with Child(
        [
            sys.executable,
            "-m",
            "reconciler",
            "apply",
            "-f",
            "huawei-workspace.yaml",
            "--first-apply",
        ],
        cwd=desks.folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(ours, "".join(f"{line}\n" for line in typed).encode())
        os.write(ours, b"\x04")
        _, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert "`desk-1/old-disk` will be deleted for good, with everything on it." in err
    assert "Only its name will be accepted to approve." in err
    assert (process.returncode, desks.changing("desks")) == (code, calls)


@pytest.mark.parametrize(
    ("flags", "code", "calls", "says"),
    [
        ((), 3, 0, "3 refused"),
        (ACKS[:2], 4, 2, "2 destroyed, 1 refused"),
        (ACKS, 0, 2, "3 destroyed"),
        (("--ack-destroy=scratch", "--ack-destroy=desk-1"), 3, 0, "3 refused"),
    ],
)
def test_auto_approve_alone_destroys_nothing(
    desks: Lab, flags: tuple[str, ...], code: int, calls: int, says: str
) -> None:
    ran = desks.run("apply", "-f", "huawei-workspace.yaml", "--auto-approve", *flags)
    assert (ran.code, desks.changing("desks")) == (code, calls)
    assert says in ran.out


@pytest.mark.parametrize("goes", [True, False])
def test_an_id_agrees_to_lose_no_disk_of_that_name_in_another_scope(
    desks: Lab, *, goes: bool
) -> None:
    disk = "d25c0a10-0002-4b02-8b02-000000000001"
    world = (desks.folder / "huawei-workspace.world.yaml").read_text("utf-8")
    # Beside it a project of its own, with a disk that somebody called by the other one's id.
    ours, theirs = "d25c0a10-0002", "e25c0a10-0002"
    other = re.sub("projectId: .*", "projectId: 1b2c3d4e5f60718293a4b5c6d7e8f90b", world)
    other = other.replace(ours, theirs).replace("name: scratch-1,", f"name: {disk},")
    other = other.replace("volume: scratch-1,", f'volume: "{disk}",')
    (desks.folder / "other.world.yaml").write_text(other, "utf-8")
    file = desks.folder / "huawei-workspace.yaml"
    text = file.read_text("utf-8")
    rows = [line for line in text.splitlines() if "absent: [" in line]
    told = text.replace(f"{rows[0]}\n{rows[1]}", f"    desk-2: {{absent: [{disk}], others: keep}}")
    told = told.replace("desks", "others").replace("huawei-workspace.world", "other.world")
    mine = text if goes else text.replace("[old-disk]", "[gone]")
    file.write_text(f"{mine}---\n{told}", "utf-8")
    ran = desks.run("apply", "-f", file.name, "--auto-approve", f"--ack-destroy={disk}")
    assert (ran.code, desks.changing("others"), desks.changing("desks")) == (1, 0, 0), ran.out
    assert f"`--ack-destroy {disk}` could mean " in ran.err
    assert f"`{disk}`, `{theirs}-4b02-8b02-000000000004`" in ran.err


def test_a_saved_plan_names_nothing_by_itself(desks: Lab) -> None:
    assert desks.run("plan", "-f", "huawei-workspace.yaml", "--out", "saved").code == 0
    ran = desks.run("apply", "saved")
    assert (ran.code, desks.changing("desks")) == (3, 0)
    assert "destroy-not-acknowledged" in ran.out
    assert desks.run("apply", "saved", *ACKS).code == 0


@pytest.mark.parametrize(
    ("line", "flags", "code", "calls"),
    [
        ("scratch-2", ("--ack-destroy=scratch-2",), 3, 0),
        ("scratch-2", (f"--ack-destroy={AGAIN}",), 3, 0),
        ("scratch-2", (f"--ack-destroy={AGAIN}", "--ack-detach=1"), 0, 1),
        (AGAIN, (f"--ack-destroy={AGAIN}",), 0, 1),
    ],
)
def test_a_new_disk_under_the_name_of_a_destroyed_one_is_another_disk(
    desks: Lab, line: str, flags: tuple[str, ...], code: int, calls: int
) -> None:
    file = desks.folder / "huawei-workspace.yaml"
    assert desks.run("apply", "-f", file.name, "--auto-approve", *ACKS).code == 0
    kept = desks.folder / ".reconciler" / "simulator" / "desks.world.yaml"
    world = yaml.safe_load(kept.read_text("utf-8"))
    disk = {"id": AGAIN, "name": "scratch-2", "sizeGib": 20, "az": "ap-southeast-3a", "type": "SAS"}
    world["volumes"].append(disk)
    world["attachments"].append({"server": "desk-2", "volume": AGAIN, "device": "/dev/vde"})
    kept.write_text(yaml.safe_dump(world), "utf-8")
    file.write_text(file.read_text("utf-8").replace("scratch-2]", f"{line}]"), "utf-8")
    before = desks.changing("desks")
    ran = desks.run("apply", "-f", file.name, "--auto-approve", *flags)
    assert (ran.code, desks.changing("desks") - before) == (code, calls)
    told = "the `scratch-2` of `desk-2` that was meant is destroyed: this is another volume"
    assert (told in ran.out) == (code == 3)
