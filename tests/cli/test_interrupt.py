"""SIGINT and SIGTERM while something is being changed, in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Lab

TWO = "  servers: {web-2: {volumes: []}}"
"""Two volumes leave one server, which takes one change at a time."""
PATIENCE_S = 30


def applying(lab: Lab, job_s: float) -> subprocess.Popen[str]:
    """Begin an apply of two changes, one at a time, and wait until the first is in flight."""
    lab.declare(TWO)
    path = lab.folder / "lab.world.yaml"
    path.write_text(path.read_text("utf-8").replace("0.05", str(job_s)), "utf-8")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "reconciler",
            "apply",
            "-f",
            "lab.yaml",
            "--first-apply",
            "--auto-approve",
        ],
        cwd=lab.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until_s = time.monotonic() + PATIENCE_S
    while lab.changing() == 0:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_once_waits_for_what_is_in_flight_and_sends_nothing_new(
    lab: Lab, number: signal.Signals
) -> None:
    with applying(lab, 1.0) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Interrupted: nothing new is sent, and what is in flight is waited for." in err
    assert "(interrupted): the run was told to stop before this was sent" in out
    assert "Apply incomplete. 0 attached, 1 detached" in out
    assert lab.changing() == 1
    assert lab.apply("--auto-approve").code == 0
    assert lab.changing() == 2


def test_twice_stops_waiting_and_the_next_run_adopts(lab: Lab) -> None:
    with applying(lab, 600.0) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "run `reconciler apply` again, it adopts what it finds" in err
    assert lab.changing() == 1


INTERRUPTING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["reconciler", "plan", "-f", "none.yaml"]
from reconciler.__main__ import program
program()
"""


@pytest.mark.parametrize(
    "name", ["reconciler.cli.ending", "click", "reconciler.cli.main", "reconciler.cli.plan"]
)
def test_an_interrupt_while_the_program_loads_says_nothing(tmp_path: Path, name: str) -> None:
    ran = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", INTERRUPTING.format(name=name)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
