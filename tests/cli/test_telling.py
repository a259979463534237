"""What an apply tells: to programs, to a terminal, and to whoever wants no colour."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

if TYPE_CHECKING:
    from tests.cli.running import Lab

MOVE = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, two, shared]}}"
PATIENCE_S = 60


def stream(text: str) -> list[dict[str, Any]]:
    """Give the messages of a stream."""
    messages = [json.loads(line) for line in text.splitlines()]
    assert all(one["@timestamp"].endswith("+00:00") for one in messages)
    return messages


def test_a_program_hears_what_happens_as_it_happens(lab: Lab) -> None:
    lab.declare(MOVE)
    ran = lab.apply("--json")
    assert (ran.code, ran.err) == (0, "")
    told = stream(ran.out)
    assert [one["type"] for one in told] == [
        *("version", "planned_change", "change_summary"),
        *("apply_start", "apply_complete", "apply_start", "apply_complete", "change_summary"),
    ]
    assert [one["hook"]["action"] for one in told if "hook" in one] == ["delete"] * 2 + [
        "create",
        "create",
    ]
    first, last = (one for one in told if one["type"] == "change_summary")
    assert first["@message"].startswith("Plan: 0 to attach, 0 to detach, 1 to move, ")
    assert last["@message"].startswith("Apply complete. 0 attached, 0 detached, 1 moved, ")
    assert last["reconciler"]["complete"] is True
    (again,) = [one for one in stream(lab.apply("--json").out) if one["type"] == "change_summary"][
        1:
    ]
    assert again["@message"] == "Apply complete. There was nothing to do."


@pytest.mark.parametrize(
    ("entries", "policy", "code", "ends"),
    [
        pytest.param(MOVE, "maxDetach: 0", 3, "change_summary", id="refused"),
        pytest.param("  servers: {web-1: {volums: []}}", "", 1, "diagnostic", id="not readable"),
    ],
)
def test_a_program_hears_why_nothing_was_sent(
    lab: Lab, entries: str, policy: str, code: int, ends: str
) -> None:
    lab.declare(entries, policy)
    ran = lab.apply("--json")
    assert ran.code == code
    told = stream(ran.out)
    assert told[-1]["type"] == ends
    found = [one["reconciler"]["code"] for one in told if one["type"] == "diagnostic"]
    assert found == (["limit-detach"] if policy else ["missing-key", "unknown-key"])
    assert lab.changing() == 0


def test_a_program_hears_from_time_to_time_that_a_call_is_under_way(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.cli.streaming.STILL_S", 0.02)
    lab.declare(MOVE)
    told = stream(lab.apply("--json").out)
    still = [one for one in told if one["type"] == "apply_progress"]
    assert {one["reconciler"]["verb"] for one in still} == {"attach", "detach"}
    assert told[-1]["type"] == "change_summary"


def terminal(lab: Lab, *arguments: str, **environ: str) -> pexpect.spawn[str]:
    """Run an apply in a terminal of 80 columns."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return pexpect.spawn(
        sys.executable,
        ["-m", "reconciler", "apply", "-f", "lab.yaml", "--first-apply", *arguments],
        cwd=str(lab.folder),
        env={**clean, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environ},
        encoding="utf-8",
        dimensions=(24, 80),
        timeout=PATIENCE_S,
    )


def slow(lab: Lab, job_s: float) -> None:
    """Let every change take this long, one at a time."""
    lab.declare(MOVE)
    world = lab.folder / "lab.world.yaml"
    world.write_text(world.read_text("utf-8").replace("0.05", str(job_s)), "utf-8")


def test_a_person_sees_a_plan_a_question_and_what_is_under_way(lab: Lab) -> None:
    slow(lab, 1.5)
    with terminal(lab) as told:
        told.expect_exact("\x1b[33m-/+ move  \x1b[0m web-1 -> web-2/one")
        told.expect_exact("Only 'yes' will be accepted to approve.")
        assert "\x1b[?25l" not in told.before, "nothing is drawn over before the answer"
        told.expect_exact("Enter a value: ")
        told.sendline("yes")
        told.expect_exact("web-1/one: detaching")
        told.expect(r"about \d+ s left")
        told.expect(r"0 of 2 calls.*about \d+ s left")
        told.expect_exact("web-1/one: detach done after")
        told.expect_exact("1 of 2 calls")
        told.expect_exact("web-2/one: attach done after")
        told.expect_exact("\x1b[?25h")
        told.expect("Apply complete. 0 attached, 0 detached, 1 moved, ")
        told.expect(pexpect.EOF)
    assert told.exitstatus == 0


def test_an_interrupt_leaves_the_terminal_as_it_was(lab: Lab) -> None:
    slow(lab, 1.5)
    with terminal(lab, "--auto-approve") as told:
        told.expect_exact("web-1/one: detaching")
        told.sendintr()
        told.expect_exact("Interrupted: nothing new is sent, and what is in flight is waited for.")
        told.expect_exact("web-1/one: detach done after")
        told.expect_exact("\x1b[?25h")
        told.expect("Apply complete. 0 attached, 0 detached, 1 moved, ")
        told.expect(pexpect.EOF)
    assert told.exitstatus == 130


@pytest.mark.parametrize(
    ("flags", "environ", "colour", "drawn"),
    [
        pytest.param(("--no-color",), {"FORCE_COLOR": "1"}, False, True, id="the flag wins"),
        pytest.param((), {"TERM": "dumb"}, False, False, id="a dumb one"),
        pytest.param((), {"CI": "true"}, True, False, id="a CI system with a terminal"),
    ],
)
def test_what_a_terminal_is_given(
    lab: Lab, flags: tuple[str, ...], environ: dict[str, str], *, colour: bool, drawn: bool
) -> None:
    lab.declare(MOVE)
    with terminal(lab, "--auto-approve", *flags, **environ) as told:
        told.expect(pexpect.EOF)
        text = told.before or ""
    assert told.exitstatus == 0
    assert ("\x1b[33m" in text) is colour
    assert ("\x1b[?25l" in text) is drawn
    assert ("web-1/one: detaching ..." in text) is not drawn


@pytest.mark.parametrize(
    ("flags", "environ", "colour"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--no-color",), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_what_a_pipe_is_given(
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    environ: dict[str, str],
    *,
    colour: bool,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    lab.declare("  servers: {web-9: {volumes: []}, web-1: {volumes: []}}", "maxDetach: 9")
    ran = lab.plan(*flags)
    assert ("\x1b[" in ran.out) is colour
    lab.declare("  servers: {web-1: {volums: []}}")
    assert ("\x1b[" in lab.plan(*flags).err) is colour
