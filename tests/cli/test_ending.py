"""What a process says and ends with where its streams can't be used, or it is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.cli import live
from reconciler.cli.ending import begins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.running import Lab

ATTACH = "  servers: {web-1: {volumes: [one, shared, three]}}"
LOST = "Error: stdout can't be written: Bad file descriptor\n"


@pytest.fixture
def unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Give what makes stdout a file that can't be written, as a full disk can't."""
    path = tmp_path / "small.json"
    path.write_bytes(b"")
    number = os.open(path, os.O_RDONLY)

    def spoil() -> None:
        stream = os.fdopen(number, "w", encoding="utf-8", closefd=False)
        monkeypatch.setattr(sys, "stdout", stream)

    yield spoil
    os.close(number)


VERBS = {
    "plan": (("plan", "-f", "lab.yaml", "--json"), 1),
    "refused": (("plan", "-f", "lab.yaml", "--detailed-exitcode"), 1),
    "live": (("live", "-f", "lab.yaml"), 1),
    "version": (("version",), 1),
    "schema": (("schema",), 1),
    "help": (("--help",), 1),
    "nothing sent": (("apply", "-f", "lab.yaml", "--no-input"), 3),
    "apply": (("apply", "-f", "lab.yaml", "--auto-approve"), 4),
    "apply as messages": (("apply", "-f", "lab.yaml", "--auto-approve", "--json"), 4),
}


@pytest.mark.parametrize(("line", "code"), VERBS.values(), ids=VERBS)
def test_a_result_that_nobody_gets_is_told_once_and_no_success(
    lab: Lab, unwritable: Callable[[], None], line: tuple[str, ...], code: int
) -> None:
    lab.declare(ATTACH)
    unwritable()
    ran = lab.run(*line)
    assert (ran.code, ran.err.count(LOST)) == (code, 1), ran.err
    assert "Traceback" not in ran.err
    assert lab.changing() == (1 if code == 4 else 0)


CLOSED = {
    "plan, stdout": ("plan >&-", 1, LOST),
    "plan, stderr": ("plan 2>&-", 0, ""),
    "plan, all": ("plan <&- >&- 2>&-", 1, ""),
    "apply, stdin": ("apply <&-", 3, "error[not-approved]"),
    "apply, stdin and stdout": ("apply <&- >&-", 3, LOST),
    "help, stdout": ("--help >&-", 1, LOST),
    "usage, stderr": ("plan --taget 2>&-", 1, ""),
}


def test_closed_descriptors_are_no_tracebacks(lab: Lab) -> None:
    lab.declare(ATTACH)
    for name, (line, code, said) in CLOSED.items():
        verb, _, rest = line.partition(" ")
        flags = "" if verb.startswith("-") else "-f lab.yaml --first-apply"
        command = f'"$PYTHON" -m reconciler {verb} {flags} {rest}'
        ran = subprocess.run(  # noqa: S603 - a shell closes descriptors as people do
            ["/bin/sh", "-c", command],
            cwd=lab.folder,
            env={**os.environ, "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, said in ran.stderr) == (code, True), (name, ran.stderr)
        assert "Traceback" not in ran.stderr, name
    assert lab.changing() == 0


def test_whoever_stops_reading_is_not_complained_about(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.declare(ATTACH)
    for line, code in ((("plan", "-f", "lab.yaml"), 0), (("apply", "--auto-approve"), 0)):
        theirs, ours = os.pipe()
        os.close(theirs)
        with os.fdopen(ours, "w", encoding="utf-8", closefd=False) as stream:
            monkeypatch.setattr(sys, "stdout", stream)
            flags = ("-f", "lab.yaml") if "-f" not in line else ()
            ran = lab.run(*line, *flags)
        os.close(ours)
        assert (ran.code, "stdout" in ran.err) == (code, False)
    assert lab.changing() == 1


async def _interrupted(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)
    await asyncio.sleep(0)


async def _after_a_step(*_: object) -> None:
    begins()
    await _interrupted()


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (_interrupted, "Nothing was sent that changes anything."),
        (_after_a_step, "Whatever was in flight is in the journal:"),
    ],
)
def test_an_interrupt_says_whether_anything_may_have_been_sent(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, happens: Callable[..., None], said: str
) -> None:
    lab.declare(ATTACH)
    monkeypatch.setattr(live, "see", happens)
    ran = lab.run("live", "-f", "lab.yaml")
    assert (ran.code, f"Interrupted. {said}" in ran.err) == (130, True)


FOUND = """
from reconciler.cli import main
from reconciler.cli.outcome import run

class Found:
    def __del__(self):
        print("given back")

async def use_case():
    return Found()

main.reconciler.main = lambda **_: run(use_case) and 0
main.program()
"""


def test_what_was_found_is_left_to_the_operating_system() -> None:
    ran = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", FOUND], capture_output=True, text=True, check=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == ("", "")
