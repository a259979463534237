"""`apply`: asking, doing, confirming, and what is done when it can't."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

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
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "-f", "lab.yaml"],
        cwd=lab.folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(ours, answer.encode())
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    prompt = (
        "Do you want to perform these actions?\n"
        "  Only 'yes' will be accepted to approve.\n\n  Enter a value: "
    )
    assert prompt in out
    assert (process.returncode, lab.changing()) == (code, calls)


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


def test_a_database_url_is_refused_in_words_until_it_is_built(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_DATABASE_URL", "postgresql://nowhere")
    lab.declare(MOVE)
    ran = lab.apply()
    assert ran.code == 1
    assert "not supported yet" in ran.err
