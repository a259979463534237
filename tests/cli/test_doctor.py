"""`doctor`: what is stuck, as lines and as JSON, and its exit codes; it never changes anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.operations import doctor
from tests.cli.stuck import STALE_ID, WORLD, declare, leave_a_call_open

if TYPE_CHECKING:
    from tests.cli.running import Lab


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PAUSE_S", 0.0)


def rows(lab: Lab) -> dict[tuple[str, str], Any]:
    """Give what is told, by server id and volume id."""
    document = json.loads(lab.run("doctor", "-f", "lab.yaml", "--json").out)
    (scope,) = document["scopes"]
    return {(row["server_id"], row["volume_id"]): row for row in scope["diagnoses"]}


def test_nothing_stuck_is_one_line_and_zero(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: [one, shared]}}")
    ran = lab.run("doctor", "-f", "lab.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == ("Scope lab: 7 attachments. Nothing is stuck.\nScope lab is simulated.\n")


def test_everything_stuck_is_told_with_its_views_and_next_step(lab: Lab) -> None:
    declare(lab)
    ran = lab.run("doctor", "-f", "lab.yaml")
    assert ran.code == 2, ran.err
    assert "Scope lab: 6 attachments. 4 stuck.\n" in ran.out
    assert (
        f"""\
  storage-only   web-1/stale
      storage shows `stale` on `web-1`, and the server can be read and doesn't show it
      ids: s-1/v-2
      storage: attached (attachment {STALE_ID})
      the server itself: it doesn't have the volume
      next: repair: run `reconciler repair lab:s-1/v-2`
"""
        in ran.out
    )
    assert "Scope lab is simulated." in ran.out
    assert lab.changing() == 0


def test_each_row_says_who_says_what(lab: Lab) -> None:
    declare(lab)
    told = rows(lab)
    assert {pair: (row["code"], row["next"]["step"]) for pair, row in told.items()} == {
        ("s-1", "v-2"): ("storage-only", "repair"),
        ("s-9", "v-3"): ("server-unseen", "repair"),
        ("s-2", "v-4"): ("compute-only", "ticket"),
        ("s-2", "v-5"): ("storage-only", "ticket"),
    }
    assert told["s-1", "v-2"]["views"] == {
        "storage": {"phase": "attached", "attachment_id": STALE_ID}
    }
    assert told["s-9", "v-3"]["server_says"] == "there is no such server"
    assert told["s-2", "v-4"]["views"] == {"compute": {"phase": "attached", "attachment_id": None}}


def test_the_same_world_gives_the_same_bytes(lab: Lab) -> None:
    declare(lab)
    first, second = (lab.run("doctor", "-f", "lab.yaml", "--json").out for _ in range(2))
    assert first == second


def test_without_a_policy_the_hint_says_what_is_missing(lab: Lab) -> None:
    declare(lab, policy="maxDetachShare: 1.0")
    assert "set `allowStatusReset: true`" in rows(lab)["s-1", "v-2"]["next"]["hint"]


def test_a_volume_in_motion_is_waited_for_by_a_person(lab: Lab) -> None:
    moving = WORLD.replace("name: one, az: a", "name: one, az: a, status: detaching")
    declare(lab, moving)
    row = rows(lab)["s-1", "v-1"]
    assert (row["code"], row["next"]["step"]) == ("in-motion", "wait")
    assert "`detaching`" in row["summary"]


def test_a_call_of_a_dead_run_is_told_with_its_job(lab: Lab) -> None:
    leave_a_call_open(lab)
    row = rows(lab)["s-1", "v-1"]
    assert row["code"] == "unsettled"
    assert row["call"]["verb"] == "detach"
    assert row["call"]["job"]
    assert row["call"]["job"] in lab.run("doctor", "-f", "lab.yaml").out


def test_a_detach_whose_job_failed_is_told_with_what_a_ticket_needs(lab: Lab) -> None:
    rule = '{match: "DELETE *", always: true, job: fail, effect: none}'
    world = f"{WORLD}faults:\n  rules:\n    - {rule}\n"
    declare(lab, world, entries="  servers: {web-1: {volumes: []}}")
    assert lab.apply().code == 4
    row = rows(lab)["s-1", "v-1"]
    assert (row["code"], row["next"]["step"], row["stuck"]) == ("job-failed", "plan again", True)
    last = row["last_call"]
    assert (last["verb"], last["verdict"]) == ("detach", "failed")
    assert all(last[name] for name in ("run", "job", "code", "message", "request_id"))
    out = lab.run("doctor", "-f", "lab.yaml").out
    assert f"job {last['job']} [request id {last['request_id']}]" in out
    assert "unmount it in the guest" in row["next"]["hint"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ('{match: "GET */cloudvolumes/*", always: true, answer: 403}', "scope-unreadable"),
        (
            '{match: "GET */cloudvolumes/*", always: true, listing: lying-count}',
            "incomplete-listing",
        ),
    ],
)
def test_what_cant_be_read_is_an_error_and_no_diagnosis(lab: Lab, fault: str, code: str) -> None:
    declare(lab, WORLD + f"faults:\n  rules:\n    - {fault}\n")
    ran = lab.run("doctor", "-f", "lab.yaml")
    assert ran.code == 1
    assert code in ran.err
    assert "stuck" not in ran.out


def test_hostile_names_reach_no_terminal_raw(lab: Lab) -> None:
    named = WORLD.replace("name: stale", 'name: "sta\\e[2Jle\\u202e"')
    declare(lab, named.replace("volume: stale", "volume: v-2"))
    ran = lab.run("doctor", "-f", "lab.yaml")
    assert ran.code == 2
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
