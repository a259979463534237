"""What a new user sees first, as a process of its own; and the project's own manifests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

LOWER_BOUND = 5
"""One batch of three detaches, a move (two), an attach, a stray: LB of the manifest language."""


def quick(folder: Path) -> None:
    """Copy the project's manifests, with jobs that take a twentieth of the time."""
    shutil.copytree(REPOSITORY / "manifests", folder / "manifests")
    world = folder / "manifests" / "quickstart.world.yaml"
    text = world.read_text(encoding="utf-8")
    assert "jobSeconds: 2.0" in text
    world.write_text(text.replace("jobSeconds: 2.0", "jobSeconds: 0.1"), encoding="utf-8")


def reconciler(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_line_of_the_readme_moves_volumes_and_then_has_nothing_to_do(
    tmp_path: Path,
) -> None:
    quick(tmp_path)
    line = ("apply", "-f", "manifests/quickstart.yaml", "--first-apply", "--auto-approve")

    first = reconciler(tmp_path, *line)
    assert first.returncode == 0, first.stderr
    *_, done, simulated = first.stdout.splitlines()
    assert done.startswith("Apply complete. 1 attached, 4 detached, 1 moved, 0 updated,")
    assert simulated == "Scope quickstart is simulated."
    assert "legacy-1/legacy-data  nobody owns it" in first.stdout
    kept = tmp_path / ".reconciler" / "simulator" / "quickstart.requests.jsonl"
    rows = [json.loads(row) for row in kept.read_text(encoding="utf-8").splitlines()]
    assert sum(row["changing"] for row in rows) == LOWER_BOUND
    assert f"Calls: {LOWER_BOUND} (1 batch)." in first.stdout

    again = reconciler(tmp_path, *line)
    assert again.returncode == 0, again.stderr
    assert "No changes. Your attachments match the manifests." in again.stdout
    rows = [json.loads(row) for row in kept.read_text(encoding="utf-8").splitlines()]
    assert sum(row["changing"] for row in rows) == LOWER_BOUND


def test_the_whole_of_the_projects_own_manifests_can_be_planned(tmp_path: Path) -> None:
    quick(tmp_path)
    planned = reconciler(tmp_path, "plan", "--first-apply", "--json")
    assert planned.returncode == 0, planned.stderr
    ours = json.loads(planned.stdout)["reconciler"]
    assert ours["counts"]["refused"] == 0
    assert [finding for finding in ours["findings"] if finding["severity"] == "error"] == []


SLOW = {"asyncio", "deepdiff", "httpx", "jinja2", "procrastinate", "psycopg", "rich", "sqlalchemy"}
QUICKSTART = REPOSITORY / "manifests" / "quickstart.yaml"
SLOW |= {"starlette", "uvicorn", "wcwidth"}


@pytest.mark.parametrize(
    ("words", "heavy", "says"),
    [
        (["--help"], SLOW | {"pydantic", "yaml"}, "simulator"),
        (["validate", "-f", str(QUICKSTART)], SLOW, "Valid."),
        (["plan", "-f", str(QUICKSTART), "--first-apply"], {"sqlalchemy"}, "Plan: "),
    ],
    ids=["help", "validate", "plan where there is no journal"],
)
def test_nobody_loads_heavy_libraries_that_it_does_not_need(
    tmp_path: Path, words: list[str], heavy: set[str], says: str
) -> None:
    code = (
        f"import sys; sys.argv = ['reconciler', *{words}]\n"
        "from reconciler.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"sys.exit(', '.join(sorted({heavy} & set(sys.modules))) or 0)"
    )
    ran = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert says in ran.stdout
