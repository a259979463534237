"""The manifest that stands in the project as the example of this cloud, as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

DISK = "d25c0a10-0002-4b02-8b02-000000000001"
AGREED = tuple(
    word for name in (DISK, "scratch-1", "scratch-2") for word in ("--ack-destroy", name)
)


def reconciler(folder: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "reconciler", command, "-f", "huawei-workspace.yaml", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def writes(folder: Path) -> list[str]:
    """Give the paths of the requests that asked for a change."""
    kept = folder / ".reconciler" / "simulator" / "desks.requests.jsonl"
    rows = [json.loads(row) for row in kept.read_text(encoding="utf-8").splitlines()]
    return [row["path"] for row in rows if row["changing"]]


def test_named_disks_go_for_good_and_others_of_their_name_stay(tmp_path: Path) -> None:
    for name in ("huawei-workspace.yaml", "huawei-workspace.world.yaml"):
        shutil.copy(REPOSITORY / "manifests" / name, tmp_path / name)
    world = tmp_path / "huawei-workspace.world.yaml"
    text = world.read_text(encoding="utf-8").replace("jobSeconds: 2.0", "jobSeconds: 0.1")
    world.write_text(text, encoding="utf-8")

    refused = reconciler(tmp_path, "apply", "--first-apply", "--auto-approve")
    assert refused.returncode != 0
    assert "destroy-not-acknowledged" in refused.stdout
    assert writes(tmp_path) == []

    done = reconciler(tmp_path, "apply", "--first-apply", "--auto-approve", *AGREED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 3 destroyed." in done.stdout
    assert len(writes(tmp_path)) == 2
    assert all(path.endswith("/volumes/batch-delete") for path in writes(tmp_path))

    after = reconciler(tmp_path, "plan", "--detailed-exitcode")
    assert after.returncode == 0, after.stdout + after.stderr
    assert "unmanaged desk-2/old-disk" in after.stdout
