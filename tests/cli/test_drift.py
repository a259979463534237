"""`drift` says what differs, keeps the three answers apart, and can't change anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.running import SCOPE, WORLD

if TYPE_CHECKING:
    from tests.cli.running import Lab


APPLIED = "  servers:\n    web-1: {volumes: [one, shared]}\n    web-2: {volumes: [two, shared]}"


def test_drift_against_the_manifests_then_against_what_was_applied(lab: Lab) -> None:
    lab.declare(APPLIED)
    unrecorded = lab.run("drift", "-f", "lab.yaml")
    assert unrecorded.code == 0
    assert "No drift. What the manifests ask is what is live.\n" in unrecorded.out
    assert "no apply is on record here" in unrecorded.out

    assert lab.apply().code == 0
    recorded = lab.run("drift", "-f", "lab.yaml")
    assert recorded.code == 0
    assert recorded.out == (
        "No drift. What was last applied is what is live.\nScope lab is simulated.\n"
    )

    lab.declare(
        "  servers:\n    web-1: {volumes: [one, three, shared]}\n    web-2: {volumes: [two]}"
    )
    pending = lab.run("drift", "-f", "lab.yaml")
    assert pending.code == 0, "what waits for an apply is no drift"
    assert "    + attach lab:web-1/three" in pending.out
    assert "    - detach lab:web-2/shared" in pending.out
    assert "Drift: 0. Pending: 2. Conflict: 0. 3 in line, 0 unmanaged.\n" in pending.out


def test_a_move_that_failed_and_was_put_back_waits_for_the_next_apply(lab: Lab) -> None:
    fault = '{match: "POST */cloudservers/s-1/attachvolume*", nth: 1, job: fail}'
    world = lab.folder / "lab.world.yaml"
    world.write_text(f"{WORLD}faults:\n  rules:\n    - {fault}\n", encoding="utf-8")
    lab.declare(
        "  servers:\n    web-1: {volumes: [one, two, shared]}\n    web-2: {volumes: [shared]}"
    )
    assert lab.apply().code == 4
    assert ("web-2", "two") in lab.live(), "it was put back"
    said = lab.run("drift", "-f", "lab.yaml")
    assert said.code == 0, said.out
    assert "  -/+ move lab:web-1/two  now on web-2" in said.out
    assert "Drift: 0. Pending: 1. Conflict: 0." in said.out
    assert lab.apply().code == 0


def test_conflict_and_pending_stay_apart_from_drift(lab: Lab) -> None:
    lab.declare(APPLIED)
    assert lab.apply().code == 0
    lab.declare(
        "  servers:\n    web-1: {volumes: [one, three, shared]}\n    web-2: {volumes: [two]}"
    )
    lab.moved("v-2", "s-3")
    drifted = lab.run("drift", "-f", "lab.yaml", "--json")
    assert drifted.code == 2
    ours = json.loads(drifted.out)["reconciler"]
    assert [(r["kind"], r["server"], r["found_on"]) for r in ours["drift"]] == [
        ("moved", "web-2", "web-3")
    ]
    assert [row["kind"] for row in ours["pending"]] == ["attach", "detach"]
    assert ours["conflict"] == []
    assert ours["scopes"][0]["memory"] == "journal"

    lab.declare(
        "  servers:\n    web-1: {volumes: [one, two, shared]}\n    web-2: {volumes: [shared]}"
    )
    both = lab.run("drift", "-f", "lab.yaml")
    assert both.code == 2
    assert "Conflict: both differ" in both.out
    assert "  -/+ move lab:web-1/two  now on web-3\n" in both.out
    assert lab.changing() == 0, "nothing was ever to be applied, and nothing was sent"


def test_drift_of_what_cannot_be_read_is_an_error(lab: Lab) -> None:
    lab.declare("  servers:\n    web-1: {volumes: [one]}", scope=SCOPE.replace("lab.world", "none"))
    ran = lab.run("drift", "-f", "lab.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert "error[world]" in ran.err


def test_a_name_that_means_nothing_is_told_beside_the_drift(lab: Lab) -> None:
    lab.declare("  servers:\n    web-1: {volumes: [one, shared, nowhere]}")
    ran = lab.run("drift", "-f", "lab.yaml")
    assert "error[volume-not-found]" in ran.err
    assert ran.code == 0
