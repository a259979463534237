"""Hooks from the command line: a plan names them, an apply runs them, the history keeps them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.rig.processes import Child

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Lab

ROWS = "  servers: {web-1: {volumes: [shared, three]}, web-2: {volumes: [shared]}}"
POLICY = (
    "maxDetachShare: 1.0, guestRelease: {hook: let-go, whenRunning: require}, "
    "afterAttach: {hook: mount}"
)
LET_GO = "echo $RECONCILER_VOLUME_NAME leaves; echo let-go $RECONCILER_VOLUME_NAME >> ran"
MOUNT = "echo mount $RECONCILER_VOLUME_NAME $RECONCILER_DEVICE >> ran"
SECRET = "hunter2-hunter2"
PATIENCE_S = 60
ONE_TIMEOUT_S = 120.0


@pytest.fixture
def hooked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Give a folder whose policy names two hooks that this machine defines."""
    lab.declare(ROWS, POLICY)
    monkeypatch.setenv("RECONCILER_HOOKS", "hooks.yaml")
    define(lab)
    return lab


def define(lab: Lab, let_go: str = LET_GO, mount: str = MOUNT) -> None:
    """Write the hooks of this machine as shell scripts."""
    hooks = {"let-go": ["sh", "-c", let_go], "mount": ["sh", "-c", mount]}
    (lab.folder / "hooks.yaml").write_text(json.dumps(hooks), encoding="utf-8")


def pipe(path: Path) -> int:
    """Make a named pipe and give an end of it that never waits for the other one."""
    os.mkfifo(path)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)


def ran(lab: Lab) -> list[str]:
    """Give what the hooks wrote down."""
    path = lab.folder / "ran"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def forecast(lab: Lab) -> float:
    """Give how long a plan is guessed to take."""
    ours = json.loads(lab.plan("--json").out)["reconciler"]
    return float(ours["forecast"]["seconds"])


def last_run(lab: Lab) -> str:
    """Give what the history tells of the last run."""
    newest = json.loads(lab.run("history", "--json").out)["runs"][0]
    return lab.run("history", newest["id"]).out


def test_a_plan_names_the_hooks_and_runs_none(hooked: Lab) -> None:
    assert forecast(hooked) > ONE_TIMEOUT_S
    told = hooked.plan()
    assert (told.code, ran(hooked)) == (0, [])
    assert "guestRelease: hook `let-go` for `web-1`, at most 120 s" in told.out
    assert "afterAttach: hook `mount` for `web-1`, at most 120 s" in told.out
    assert hooked.run("validate", "-f", "lab.yaml").code == 0
    assert ran(hooked) == []


def test_an_apply_runs_them_around_its_calls_and_the_history_keeps_them(hooked: Lab) -> None:
    assert hooked.apply().code == 0
    *released, mounted = sorted(ran(hooked))
    assert released == ["let-go one", "let-go two"]
    assert mounted.startswith("mount three /dev/vd"), "the device that the cloud tells"
    assert hooked.live() == {("web-1", "shared"), ("web-1", "three"), ("web-2", "shared")}
    (run,) = json.loads(hooked.run("history", "--json").out)["runs"]
    told = hooked.run("history", run["id"]).out
    assert "guestRelease let-go web-1/one: done after" in told
    assert "| two leaves" in told
    assert "afterAttach mount web-1/three: done after" in told
    hooked.declare(ROWS.replace(", three", ""), POLICY)
    assert forecast(hooked) < ONE_TIMEOUT_S, "it was learned what a hook takes"


@pytest.mark.parametrize(
    ("variable", "content", "says"),
    [
        ("", "", "this machine defines none"),
        ("gone.yaml", "", "there is no such file"),
        ("hooks.yaml", "mount: [true]\n", "this machine defines `mount`"),
        ("hooks.yaml", "let-go: [a, '{volume_name}']\n", "asks for `{volume_name}`"),
    ],
)
def test_a_hook_that_is_not_there_warns_a_plan_and_refuses_an_apply(
    hooked: Lab, monkeypatch: pytest.MonkeyPatch, variable: str, content: str, says: str
) -> None:
    monkeypatch.setenv("RECONCILER_HOOKS", variable)
    (hooked.folder / "hooks.yaml").write_text(content, "utf-8")
    planned = hooked.plan()
    assert planned.code == 0
    assert "warning[hook-undefined]" in planned.out
    assert says in planned.out
    applied = hooked.apply()
    assert (applied.code, hooked.changing()) == (3, 0)
    assert "error[hook-undefined]" in applied.err
    assert "Nothing was sent." in applied.out


def test_a_guest_that_holds_on_keeps_its_volume_and_no_other(hooked: Lab) -> None:
    define(hooked, f'{LET_GO}; test $RECONCILER_VOLUME_NAME = two || {{ echo "busy"; exit 3; }}')
    told = hooked.apply()
    assert told.code == 4
    assert "refused detach web-1/one (guest-release): hook `let-go` ended with 3:" in told.out
    assert "one leaves | busy" in told.out
    assert {("web-1", "one")} <= hooked.live()
    assert not {("web-2", "two")} & hooked.live()


def test_a_volume_that_is_not_mounted_stays_attached_and_is_told(hooked: Lab) -> None:
    define(hooked, mount="echo no such device; exit 32")
    told = hooked.apply()
    assert told.code == 4
    assert "(after-attach): hook `mount` ended with 32: no such device" in told.out
    assert "Apply incomplete. 1 attached, 2 detached" in told.out
    assert {("web-1", "three")} <= hooked.live()
    assert "| no such device" in last_run(hooked)


def test_a_hook_that_failed_after_its_attach_runs_again_until_it_ends_well(hooked: Lab) -> None:
    define(hooked, mount=f"{MOUNT}; exit 32")
    assert hooked.apply().code == 4
    planned = hooked.plan("--detailed-exitcode")
    assert (planned.code, len(ran(hooked))) == (2, 3), "no plan runs a hook"
    assert "No changes." not in planned.out
    assert hooked.plan().code == 0, "it is no error"
    told = hooked.run("explain", "web-1/three", "-f", "lab.yaml").out
    assert "  owed: hook `mount` ended with 32" in told
    assert "owed" not in hooked.run("explain", "web-1/shared", "-f", "lab.yaml").out
    doctor = hooked.run("doctor", "-f", "lab.yaml")
    assert (doctor.code, doctor.out.count("after-attach")) == (2, 1)
    assert "is attached, and hook `mount` ended with 32" in doctor.out
    assert "warning[after-attach]: `three` is attached to `web-1`, and hook `mount` ended" in (
        planned.out
    )
    again = hooked.apply()
    assert (again.code, len(ran(hooked))) == (4, 4)
    assert (
        "error[after-attach]: `three` is attached to `web-1`, and hook `mount` ended" in again.err
    )
    assert "Apply incomplete. 0 attached" in again.out
    assert "afterAttach mount web-1/three: failed" in last_run(hooked)
    assert hooked.apply("--exclude", "web-1/three").code == 0
    assert len(ran(hooked)) == 4, "what isn't chosen isn't told"
    define(hooked)
    ended = hooked.apply()
    assert (ended.code, len(ran(hooked))) == (0, 5), ended.out + ended.err
    for _ in range(2):
        ended = hooked.apply()
        assert (ended.code, len(ran(hooked)), "after-attach" in ended.out) == (0, 5, False)
    assert hooked.plan("--detailed-exitcode").code == 0
    assert hooked.run("doctor", "-f", "lab.yaml").code == 0


def test_no_secret_gets_in_or_out(hooked: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = hooked.folder / "lab.yaml"
    named = "credentials: {accessKey: {file: a}, secretKey: {file: s}}, world: lab.world.yaml}"
    scope.write_text(scope.read_text("utf-8").replace("world: lab.world.yaml}", named), "utf-8")
    world = hooked.folder / "lab.world.yaml"
    keys = f"keys: [{{accessKey: AKIDEXAMPLE, secretKey: {SECRET}}}]\n"
    world.write_text(world.read_text("utf-8") + keys, "utf-8")
    (hooked.folder / "a").write_text("AKIDEXAMPLE")
    (hooked.folder / "s").write_text(SECRET)
    monkeypatch.setenv("HW_SECRET_KEY", "another-secret")
    define(hooked, "env > seen; cat s; exit 1")
    told = hooked.apply()
    assert told.code == 4
    assert "hook `let-go` ended with 1: ***" in told.out
    assert "another-secret" not in (hooked.folder / "seen").read_text()
    journal = hooked.folder / ".reconciler" / "journal.db"
    kept = b"".join(path.read_bytes() for path in journal.parent.glob("journal.db*"))
    assert b"ended with 1: ***" in kept
    assert SECRET.encode() not in kept


@pytest.mark.parametrize(
    ("times", "says"), [(1, "Apply incomplete. 0 attached, 0 detached"), (2, "")]
)
def test_an_interrupt_waits_for_a_hook_and_a_second_one_ends_it(
    hooked: Lab, times: int, says: str
) -> None:
    begun, go = (pipe(hooked.folder / name) for name in ("begun", "go"))
    define(
        hooked,
        "trap 'echo ended >> ran; exit 9' TERM; echo x > begun; read x < go; echo went >> ran",
    )
    path = hooked.folder / "lab.yaml"
    only = path.read_text("utf-8").replace("web-2: {volumes: [shared]}", "web-3: {volumes: []}")
    path.write_text(only.replace("[shared, three]", "[shared]"), "utf-8")
    with Child(
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
        cwd=hooked.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        select.select([begun], [], [], PATIENCE_S)
        assert os.read(begun, 9) == b"x\n"
        assert process.stderr is not None
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            assert any("nterrupt" in line for line in process.stderr)
        if times == 1:
            os.write(go, b"\n")
        out, _ = process.communicate(timeout=PATIENCE_S)
    os.close(begun)
    os.close(go)
    assert process.returncode == 130
    assert ran(hooked) == (["went"] if times == 1 else ["ended"])
    assert hooked.changing() == 0
    assert says in out
