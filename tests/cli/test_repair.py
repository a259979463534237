"""`repair`: what it asks, what it refuses, what it does, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.operations import repair
from tests.cli.stuck import WORLD, declare, leave_a_call_open
from tests.rig.processes import Child

if TYPE_CHECKING:
    from tests.cli.running import Lab, Ran

ACTION = "POST */action"
HURRIED = """
from reconciler.cli.main import main
from reconciler.operations import repair
repair.APART_S = 0.0
main()
"""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "APART_S", 0.0)


def mend(lab: Lab, *arguments: str, there: str = "web-1/stale") -> Ran:
    return lab.run("repair", there, "-f", "lab.yaml", *arguments)


def views(lab: Lab) -> dict[tuple[str, str], dict[str, str]]:
    """Give what each view says, by ids."""
    document = json.loads(lab.run("live", "-f", "lab.yaml", "--json").out)
    rows = document["scopes"][0]["attachments"]
    return {(row["server_id"], row["volume_id"]): row["views"] for row in rows}


def faulty(*rules: str) -> str:
    return WORLD + "faults:\n  rules:\n" + "".join(f"    - {rule}\n" for rule in rules)


def test_the_typed_name_resets_one_record_and_nothing_else(lab: Lab) -> None:
    declare(lab)
    before = views(lab)
    ran = mend(lab, "--confirm", "stale")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Repair complete. Storage no longer shows web-1/stale. ")
    assert ran.out.endswith("Scope lab is simulated.\n")
    del before["s-1", "v-2"]
    assert views(lab) == before
    assert lab.changing() == 1
    # It is free now: the next plan finds nothing left to puzzle about.
    assert lab.run("repair", "web-1/stale", "-f", "lab.yaml", "--confirm", "stale").code == 1


def test_it_says_what_it_will_do_before_it_asks(lab: Lab) -> None:
    declare(lab)
    assert "nothing is detached from any server" in mend(lab, "--confirm", "stale").err


@pytest.mark.parametrize(
    "arguments",
    [("--confirm", "no"), ("--confirm", ""), ("--no-input",), ()],
    ids=["another name", "no name", "told", "no terminal"],
)
def test_what_can_no_longer_be_confirmed_is_refused_at_once(
    lab: Lab, arguments: tuple[str, ...]
) -> None:
    declare(lab)
    ran = mend(lab, *arguments)
    assert (ran.code, lab.changing()) == (3, 0)
    assert ran.out == "Repair refused. Nothing was sent.\n"
    assert "error[not-confirmed]" in ran.err
    assert "--confirm NAME" in ran.err
    assert "asking the server" not in ran.err
    asked = [row for row in lab.requests() if "/block_device/" in str(row["path"])]
    assert len(asked) == 1, "nothing is waited for, so nothing is asked again"


@pytest.mark.parametrize(
    ("typed", "code", "calls"),
    [("stale\n", 0, 1), ("yes\n", 3, 0), ("\n", 3, 0)],
    ids=["the name", "yes isn't the name", "nothing"],
)
def test_only_the_name_at_the_prompt_approves(lab: Lab, typed: str, code: int, calls: int) -> None:
    declare(lab)
    ours, theirs = pty.openpty()
    with Child(
        [sys.executable, "-c", HURRIED, "repair", "web-1/stale", "-f", "lab.yaml"],
        cwd=lab.folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    ) as process:
        os.write(ours, typed.encode())
        out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert "Only the volume's name will be accepted to approve: stale" in err
    assert "Enter a value" not in out
    assert (process.returncode, lab.changing()) == (code, calls), err


@pytest.mark.parametrize(
    ("there", "code", "finding"),
    [
        ("lab:s-1/v-2", 0, ""),
        ("s-1/stale", 0, ""),
        ("lab:web-1/v-2", 0, ""),
        ("web-1/one", 3, "server-has-it"),
        ("web-2/half", 3, "not-in-storage"),
        ("web-2/boots", 3, "boot-volume"),
        ("web-1/none", 1, "attachment-not-found"),
        ("web-2/stale", 1, "attachment-not-found"),
        ("other:web-1/stale", 1, "attachment-not-found"),
        ("stale", 1, "bad-attachment"),
        ("web-1/", 1, "bad-attachment"),
    ],
)
def test_exactly_one_stale_record_can_be_meant(
    lab: Lab, there: str, code: int, finding: str
) -> None:
    declare(lab)
    ran = mend(lab, "--confirm", "stale", there=there)
    assert ran.code == code, ran.err
    assert finding in ran.err
    assert lab.changing() == (code == 0)


def test_a_name_that_two_servers_bear_is_an_error_with_both_ids(lab: Lab) -> None:
    twin = "  - {server: s-3, volume: one, seenBy: storage}\n"
    declare(lab, WORLD.replace("name: one, az: a", "name: one, az: a, multiattach: true") + twin)
    ran = mend(lab, "--confirm", "one", there="twin/one")
    assert ran.code == 1
    assert "`lab:s-3/v-1`, `lab:s-4/v-1`" in ran.err


def test_without_the_policy_it_refuses_before_it_asks_anybody(lab: Lab) -> None:
    declare(lab, policy="maxDetachShare: 1.0")
    ran = mend(lab, "--confirm", "stale")
    assert (ran.code, lab.changing()) == (3, 0)
    assert "reset-not-allowed" in ran.err
    assert not any("block_device" in str(row["path"]) for row in lab.requests())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--confirm", "lost", "--confirm-server", "s-9"), 0),
        (("--confirm", "lost"), 3),
        (("--confirm", "lost", "--confirm-server", "s-1"), 3),
        (("--confirm-server", "s-9"), 3),
    ],
    ids=["both typed", "no server", "another server", "no name"],
)
def test_a_server_that_is_gone_wants_its_id_typed_too(
    lab: Lab, arguments: tuple[str, ...], code: int
) -> None:
    declare(lab)
    ran = mend(lab, *arguments, there="s-9/lost")
    assert (ran.code, lab.changing()) == (code, code == 0), ran.err
    assert "there is no such server" in ran.err
    assert (("s-9", "v-3") in views(lab)) == (code != 0)


def test_json_is_one_document_on_stdout(lab: Lab) -> None:
    declare(lab)
    ran = mend(lab, "--confirm", "stale", "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["verdict"], document["volume_id"]) == (0, "done", "v-2")
    refused = json.loads(mend(lab, "--json", there="web-1/one").out)
    assert refused["verdict"] is None
    assert refused["findings"][0]["code"] == "server-has-it"


def test_an_open_call_of_ours_comes_first(lab: Lab) -> None:
    leave_a_call_open(lab)
    ran = mend(lab, "--confirm", "stale")
    assert (ran.code, lab.changing()) == (3, 1)
    assert "call-in-flight" in ran.err


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        (f'{{match: "{ACTION}", always: true, answer: 403}}', 4, "refused reset web-1/stale"),
        (f'{{match: "{ACTION}", always: true, answer: 401}}', 4, "refused reset web-1/stale"),
        (f'{{match: "{ACTION}", always: true, answer: 429}}', 4, "refused reset web-1/stale"),
        (f'{{match: "{ACTION}", nth: 1, answer: 500}}', 4, "failed reset web-1/stale"),
        (f'{{match: "{ACTION}", nth: 1, answer: 500, effect: applied}}', 0, "Repair complete."),
        (f'{{match: "{ACTION}", nth: 1, answer: reset, effect: applied}}', 0, "Repair complete."),
        (f'{{match: "{ACTION}", nth: 1, answer: html, effect: applied}}', 0, "Repair complete."),
    ],
    ids=["403", "401", "429", "500", "500, and it happened", "reset, and it happened", "a page"],
)
def test_the_answer_is_a_hint_and_the_views_are_the_truth(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, rule: str, code: int, said: str
) -> None:
    monkeypatch.setattr("reconciler.execution.settle.SILENT_AFTER_S", 0.5)
    declare(lab, faulty(rule))
    ran = mend(lab, "--confirm", "stale")
    assert ran.code == code, ran.err
    assert said in ran.out
    assert lab.changing() == 1
    # Whatever came of it is durable, and no later run has to look after it.
    assert "call-in-flight" not in mend(lab, "--confirm", "no").err


def test_plan_and_apply_never_reset(lab: Lab) -> None:
    declare(lab, entries="  servers: {web-1: {volumes: [one, stale]}}")
    ran = lab.apply()
    assert ran.code == 3
    assert "storage-only" in ran.out
    assert lab.changing() == 0
