"""`apply`: asking, doing, confirming, and what is done when it can't."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.errors import JournalError
from reconciler.journal.journal import Pages
from tests.cli.running import SCOPE
from tests.rig.processes import Child

if TYPE_CHECKING:
    from tests.cli.running import Lab

MOVE = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, two, shared]}}"


def test_it_makes_true_what_is_declared_and_says_what_it_cost(lab: Lab) -> None:
    lab.declare(MOVE)
    ran = lab.apply()
    assert ran.code == 0, ran.err
    done, simulated = ran.out.splitlines()[-2:]
    assert done.startswith(
        "Apply complete. 0 attached, 0 detached, 1 moved, 0 updated, 0 destroyed. "
    )
    assert done.endswith(" s.")
    assert simulated == "Scope lab is simulated."
    assert ("web-2", "one") in lab.live()
    assert ("web-1", "one") not in lab.live()
    assert "web-1/one: detach done" in ran.err


def test_nobody_to_ask_is_a_refusal(lab: Lab) -> None:
    lab.declare(MOVE)
    ran = lab.run("apply", "-f", "lab.yaml", "--no-input")
    assert ran.code == 3
    assert "Apply refused. Nothing was sent." in ran.out
    assert "--auto-approve" in ran.err
    assert lab.changing() == 0


@pytest.mark.parametrize(
    ("answer", "code", "calls"),
    [("yes\n", 0, 2), ("y\n", 3, 0), ("\n", 3, 0)],
    ids=["yes", "y isn't yes", "nothing"],
)
def test_only_yes_at_the_prompt_approves(lab: Lab, answer: str, code: int, calls: int) -> None:
    lab.declare(MOVE)
    ours, theirs = pty.openpty()
    with Child(
        [sys.executable, "-m", "reconciler", "apply", "-f", "lab.yaml", "--first-apply"],
        cwd=lab.folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(ours, answer.encode())
        out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    prompt = (
        "Do you want to perform these actions?\n"
        "  Only 'yes' will be accepted to approve.\n\n  Enter a value: "
    )
    assert err.startswith(prompt)
    assert prompt not in out
    assert (process.returncode, lab.changing()) == (code, calls)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupt_at_the_prompt_ends_it_at_once(lab: Lab, number: signal.Signals) -> None:
    lab.declare(MOVE)
    ours, theirs = pty.openpty()
    with Child(
        [sys.executable, "-m", "reconciler", "apply", "-f", "lab.yaml", "--first-apply"],
        cwd=lab.folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _until_asked(process)
            process.send_signal(number)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()  # Nothing where it ended; without it, a hang would be the test's too.
    os.close(ours)
    os.close(theirs)
    assert (process.returncode, lab.changing()) == (130, 0)
    assert err.endswith("Interrupted. Nothing was sent that changes anything.\n")


def test_a_guard_refuses_and_nothing_is_sent(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}", "maxDetach: 1")
    ran = lab.apply()
    assert ran.code == 3
    assert "limit-detach: 2 of 2 owned attachments would be detached, 1 may be" in ran.out
    assert lab.changing() == 0
    assert lab.apply("--ack-detach", "2").code == 0


def test_a_set_without_any_entry_is_an_error(lab: Lab) -> None:
    lab.declare("  servers: {}")
    ran = lab.apply()
    assert ran.code == 1
    assert "no-entries" in ran.err
    assert lab.changing() == 0


def test_what_can_be_done_is_done_and_the_rest_is_told(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: [one, shared, three]}, web-9: {volumes: []}}")
    ran = lab.apply()
    assert ran.code == 4
    assert "Apply incomplete. 1 attached, 0 detached, 0 moved, 0 updated, 0 destroyed, " in ran.out
    assert "1 refused, 0 failed, 0 unknown." in ran.out
    assert ("web-1", "three") in lab.live()


def test_a_saved_plan_narrows_and_never_adds(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: [one, shared, three]}}")
    assert lab.plan("--out", "p.plan").code == 0
    # After the approval the manifests ask for more: the file doesn't.
    lab.declare("  servers: {web-1: {volumes: [one, shared, three]}, web-2: {volumes: []}}")
    ran = lab.run("apply", "p.plan")
    assert ran.code == 0, ran.out + ran.err
    assert "1 attached, 0 detached" in ran.out
    assert {("web-1", "three"), ("web-2", "two"), ("web-2", "shared")} <= lab.live()
    assert lab.changing() == 1
    # The same file again: it is so already.
    again = lab.run("apply", "p.plan")
    assert (again.code, lab.changing()) == (0, 1)


def test_what_changed_since_the_approval_is_refused_and_shown(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: [one, shared, three]}, web-2: {volumes: [shared]}}")
    assert lab.plan("--out", "p.plan").code == 0
    # Meanwhile somebody put `three` on web-3, and an entry lets it be taken from there.
    world = lab.folder / ".reconciler" / "simulator" / "lab.world.yaml"
    text = world.read_text(encoding="utf-8")
    world.write_text(
        text.replace("attachments:", "attachments:\n  - {server: s-3, volume: v-3}", 1),
        encoding="utf-8",
    )
    lab.declare(
        "  servers: {web-1: {volumes: [one, shared, three]}, web-2: {volumes: [shared]}, "
        "web-3: {volumes: []}}"
    )
    ran = lab.run("apply", "p.plan")
    assert ran.code == 4
    assert "stale" in ran.out
    assert ("web-3", "three") in lab.live()
    assert ("web-2", "two") not in lab.live()


def test_a_saved_plan_keeps_its_selection(lab: Lab) -> None:
    lab.declare(
        "  servers: {web-1: {volumes: []}, web-2: {volumes: []}}",
        "maxDetach: 2, maxDetachShare: 1.0",
    )
    assert lab.plan("--target", "web-1/*", "--out", "p.plan").code == 0
    ran = lab.run("apply", "p.plan")
    assert ran.code == 0, ran.out + ran.err
    assert lab.live() == {("web-2", "two"), ("web-2", "shared")}


def test_a_plan_that_a_guard_held_back_approves_nothing(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}", "maxDetach: 1")
    lab.plan("--out", "p.plan")
    ran = lab.run("apply", "p.plan")
    assert ran.code == 1
    assert "held scope `lab` back" in ran.err
    assert lab.changing() == 0


def test_an_approved_scope_that_is_gone_holds_everything_back(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.plan("--out", "p.plan")
    path = lab.folder / "lab.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("{name: lab}\nspec: {prov", "{name: other}\nspec: {prov").replace(
            "scope: lab", "scope: other"
        ),
        encoding="utf-8",
    )
    ran = lab.run("apply", "p.plan")
    assert ran.code == 3
    assert "changes of scope `lab` were approved" in ran.err
    assert lab.changing() + lab.changing("other") == 0


def test_an_acknowledgement_says_whose_detaches_it_means(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}", "maxDetach: 1")
    more = (lab.folder / "lab.yaml").read_text(encoding="utf-8").replace("lab", "lab2")
    (lab.folder / "lab2.world.yaml").write_text(
        (lab.folder / "lab.world.yaml").read_text(encoding="utf-8").replace("0a1b", "0b1b"),
        encoding="utf-8",
    )
    both = more.split("---\napiVersion: reconciler/v1\nkind: Policy")[0]
    (lab.folder / "lab2.yaml").write_text(both, encoding="utf-8")
    ran = lab.apply("-f", "lab2.yaml", "--ack-detach", "2")
    assert ran.code == 1
    assert "error[ack-ambiguous]" in ran.err
    assert lab.apply("-f", "lab2.yaml", "--ack-detach", "lbb=2").code == 1
    assert lab.changing() == 0
    ran = lab.apply("-f", "lab2.yaml", "--ack-detach", "lab=2", "--ack-detach", "lab2=2")
    assert ran.code == 0, ran.out + ran.err


def test_a_misspelt_exclude_stops_everything(lab: Lab) -> None:
    lab.declare(MOVE)
    ran = lab.apply("--exclude", "web1/one")
    assert ran.code == 1
    assert "error[selection-unmatched]: `web1/one` matches no attachment" in ran.err
    assert lab.changing() == 0


def test_a_reader_that_goes_away_changes_nothing(lab: Lab) -> None:
    lab.declare(MOVE)
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
        cwd=lab.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
        code = process.wait(timeout=60)
    assert code == 0
    assert ("web-2", "one") in lab.live()


def test_a_memory_that_fails_at_the_end_is_told_and_hides_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise JournalError("disk full")

    lab.declare(MOVE)
    monkeypatch.setattr(Pages, "record_applied", full)
    ran = lab.apply()
    assert ran.code == 4
    assert "1 moved" in ran.out
    assert "disk full" in ran.err


def test_what_changed_while_a_person_thought_is_shown(lab: Lab) -> None:
    lab.declare(MOVE)
    world = lab.folder / "lab.world.yaml"
    server = [sys.executable, "-m", "reconciler", "simulator", "--world", str(world)]
    port = _free_port()
    with Child(
        [*server, "--listen", f"127.0.0.1:{port}"], cwd=lab.folder, stdout=subprocess.PIPE
    ) as simulator:
        assert simulator.stdout is not None
        simulator.stdout.readline()
        address = f"http://127.0.0.1:{port}"
        scope = SCOPE.replace(
            "endpoint: simulator, world: lab.world.yaml", f'endpoint: "{address}"'
        )
        lab.declare(MOVE, scope=scope)
        try:
            code, out = _answered_late(lab, address)
        finally:
            simulator.terminate()
    assert code == 3, out
    assert "stale" in out


def _until_asked(process: subprocess.Popen[str]) -> str:
    """Read what a command says on stderr until it asks, or ends."""
    assert process.stderr is not None
    seen = ""
    while not seen.endswith("Enter a value: "):
        said = process.stderr.read(1)
        assert said, f"it ended without asking: {seen}"
        seen += said
    return seen


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _answered_late(lab: Lab, address: str) -> tuple[int, str]:
    """Run an apply, act at the console while it asks, then say yes."""
    keys = {"HW_ACCESS_KEY": "simulator", "HW_SECRET_KEY": "simulator-secret"}
    with Child(
        [sys.executable, "-m", "reconciler", "apply", "-f", "lab.yaml", "--first-apply"],
        cwd=lab.folder,
        env={**os.environ, **keys},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        seen = _until_asked(process)
        for act in (
            {"detach": {"server": "s-1", "volume": "v-1"}},
            {"attach": {"server": "s-3", "volume": "v-1"}},
        ):
            httpx.post(f"{address}/_sim/act", json=act).raise_for_status()
        out, err = process.communicate("yes\n", timeout=60)
    return process.returncode, seen + out + err


def test_a_plan_file_that_was_edited_is_refused(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.plan("--out", "p.plan")
    path = lab.folder / "p.plan"
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved["plan"]["reconciler"]["changes"][0]["volume_id"] = "v-2"
    path.write_text(json.dumps(saved), encoding="utf-8")
    ran = lab.run("apply", "p.plan")
    assert ran.code == 1
    assert "plan-file" in ran.err
    assert lab.changing() == 0


def test_a_digest_that_differs_sends_nothing(lab: Lab) -> None:
    lab.declare(MOVE)
    assert lab.apply("--expect-digest", "sha256:other").code == 3
    assert lab.changing() == 0


def test_the_journal_has_an_intent_and_a_verdict_for_each_call(lab: Lab) -> None:
    lab.declare(MOVE)
    assert lab.apply().code == 0
    with sqlite3.connect(lab.folder / ".reconciler" / "journal.db") as journal:
        steps = journal.execute("select step from intents order by id").fetchall()
        verdicts = journal.execute("select verdict from verdicts").fetchall()
        handles = journal.execute("select count(*) from handles").fetchone()
    journal.close()
    assert steps == [("detach:v-1@s-1",), ("attach:v-1@s-2",)]
    assert verdicts == [("done",), ("done",)]
    assert handles == (2,)


def test_a_database_url_of_another_kind_is_refused_and_not_repeated(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_DATABASE_URL", "mysql://me:hush@nowhere/x")
    lab.declare(MOVE)
    ran = lab.apply()
    assert ran.code == 1
    assert "write it as postgresql://USER:PASSWORD@HOST/NAME" in ran.err
    assert "hush" not in ran.err


def test_its_end_names_the_run_that_the_history_knows(lab: Lab) -> None:
    lab.declare(MOVE)
    made = lab.apply()
    (told,) = re.findall(r"(?m)^Run (\w{8}): see `reconciler history \1`\.$", made.out)
    (row,) = lab.run("history").out.splitlines()[1:]
    assert row.startswith(f"{told}  ")
    assert lab.run("undo", told, "-f", "lab.yaml").code == 0
    assert "Run " not in lab.apply().out, "nothing was adopted or changed: no run is known"


def test_a_program_hears_the_run_that_the_history_knows(lab: Lab) -> None:
    lab.declare(MOVE)
    ends = [json.loads(lab.apply("--json").out.splitlines()[-1]) for _ in range(2)]
    (past,) = json.loads(lab.run("history", "--json").out)["runs"]
    assert [end["reconciler"]["run"] for end in ends] == [past["id"], None]
