"""`plan`: what it prints, what it saves, and its exit codes."""

from __future__ import annotations

import json
import shlex
import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.running import Lab

IN_LINE = "  servers: {web-1: {volumes: [one, shared]}, web-2: {volumes: [two, shared]}}"
MOVE = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, two, shared]}}"


def test_a_plan_changes_nothing_and_ends_with_the_lines_that_scripts_read(lab: Lab) -> None:
    lab.declare(MOVE)
    ran = lab.plan()
    assert ran.code == 0
    assert "-/+ move   web-1 -> web-2/one" in ran.out
    assert ran.out.splitlines()[-3:] == [
        (
            "Plan: 0 to attach, 0 to detach, 1 to move, 0 to update, 0 to destroy. 3 unchanged, "
            "0 unmanaged (reported), 0 accepted, 0 in motion, 0 refused."
        ),
        "Calls: 2 (0 batch). About 20 s.",
        "Scope lab is simulated.",
    ]
    assert lab.changing() == 0


@pytest.mark.parametrize(
    ("entries", "policy", "plain", "detailed"),
    [
        pytest.param(IN_LINE, "", 0, 0, id="nothing to do"),
        pytest.param(MOVE, "", 0, 2, id="changes"),
        pytest.param(MOVE, "maxDetach: 0", 0, 3, id="a guard refuses"),
        pytest.param("  servers: {web-9: {volumes: []}}", "", 0, 3, id="an entry is refused"),
    ],
)
def test_exit_codes(lab: Lab, entries: str, policy: str, plain: int, detailed: int) -> None:
    lab.declare(entries, policy)
    assert lab.plan().code == plain
    assert lab.plan("--detailed-exitcode").code == detailed


REMARKED = {
    "plan": (),
    "apply": ("--first-apply", "--auto-approve"),
    "drift": (),
    "doctor": (),
    "import": ("--scope", "lab"),
    "watch": ("--once",),
}


@pytest.mark.parametrize(("verb", "flags"), REMARKED.items(), ids=REMARKED)
def test_what_is_odd_in_manifests_is_told_once_and_stops_nothing(
    lab: Lab, verb: str, flags: tuple[str, ...]
) -> None:
    lab.declare(IN_LINE)
    (lab.folder / "lost.yaml").write_text("", encoding="utf-8")
    ran = lab.run(verb, "-f", "lab.yaml", "-f", "lost.yaml", *flags)
    assert ran.code == 0
    assert (
        ran.err.count("warning[empty-file]: the file holds no document\n  --> lost.yaml:1:1") == 1
    )


def test_a_selector_tells_whom_it_matches(lab: Lab) -> None:
    many = "".join(f"  - {{id: b-{n:02}, name: batch-{n:02}, az: a}}\n" for n in range(12))
    path = lab.folder / "lab.world.yaml"
    text = path.read_text(encoding="utf-8").replace("volumes:\n", f"{many}volumes:\n", 1)
    path.write_text(
        text.replace("az: a, bootVolume: boot-1", "az: a, tags: {role: web}", 1), "utf-8"
    )
    lab.declare("  volumes: {shared: {servers: {names: 'batch-*', tags: {role: batch}}}}")
    ran = lab.plan()
    assert "[selector-empty]: the selector of `shared` matches none of 15 servers" in ran.out
    assert "      selector  shared  matches no server\n" in ran.out
    lab.declare("  volumes: {shared: {servers: {names: 'web-*', tags: {role: web}}}}")
    ran = lab.plan()
    assert "      selector  shared  matches 1 server: web-1\n" in ran.out
    assert "- detach web-2/shared" in ran.out
    lab.declare("  volumes: {shared: {servers: {names: 'batch-*'}}}", "maxDetachShare: 1.0")
    listed = ", ".join(f"batch-{n:02}" for n in range(10))
    told = f"      selector  shared  matches 12 servers: {listed} and 2 more\n"
    ran = lab.plan()
    assert told in ran.out
    (row,) = json.loads(lab.plan("--json").out)["reconciler"]["scopes"][0]["selectors"]
    assert [one["server_id"] for one in row["servers"]] == [f"b-{n:02}" for n in range(12)]
    assert (row["volume_id"], row["place"]["line"]) == ("v-4", 11)


def test_no_changes_is_said_only_when_all_is_well(lab: Lab) -> None:
    lab.declare(IN_LINE)
    assert "No changes. Your attachments match the manifests.\n" in lab.plan().out
    lab.declare("  servers: {web-1: {volumes: [one, shared]}, web-9: {volumes: []}}")
    assert "No changes." not in lab.plan().out


def test_an_entry_taken_away_is_reported_and_detaches_nothing(lab: Lab) -> None:
    lab.declare(IN_LINE)
    assert lab.apply().code == 0
    lab.declare("  servers: {web-1: {volumes: [one, shared]}}")
    ran = lab.plan("--detailed-exitcode")
    assert ran.code == 2
    assert "released  web-2/two" in ran.out
    assert "No changes." not in ran.out
    assert "0 to detach" in ran.out


def test_json_carries_terraforms_shape_and_ours_under_one_key(lab: Lab) -> None:
    lab.declare(MOVE)
    document = json.loads(lab.plan("--json").out)
    (change,) = document["resource_changes"]
    assert document["format_version"] == "1.2"
    assert change["change"]["actions"] == ["delete", "create"]
    assert change["change"]["before"]["server_id"] == "s-1"
    assert change["change"]["after"]["server_id"] == "s-2"
    ours = document["reconciler"]
    assert {"changes", "calls", "forecast", "findings", "preconditions", "digest"} <= ours.keys()
    assert [call["step"] for call in ours["calls"]] == ["detach:v-1@s-1", "attach:v-1@s-2"]


def test_the_same_plan_twice_is_the_same_bytes(lab: Lab) -> None:
    lab.declare(MOVE)
    assert lab.plan("--json").out == lab.plan("--json").out


def test_a_saved_plan_is_readable_by_its_owner_alone(lab: Lab) -> None:
    lab.declare(MOVE)
    assert lab.plan("--out", "p.plan").code == 0
    assert stat.S_IMODE((lab.folder / "p.plan").stat().st_mode) == 0o600


def test_a_digest_that_differs_fails_closed(lab: Lab) -> None:
    lab.declare(MOVE)
    digest = json.loads(lab.plan("--json").out)["reconciler"]["digest"]
    assert lab.plan("--expect-digest", digest).code == 0
    ran = lab.plan("--expect-digest", "sha256:other")
    assert ran.code == 3
    assert digest in ran.err


@pytest.mark.parametrize("flag", ["--target", "--exclude"])
def test_a_glob_that_leaves_a_name_out_is_refused_before_any_request(lab: Lab, flag: str) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}")
    for glob in ("", " ", "/", "s:", ":", "lab:/", "lab:web-1/", ":web-1/one", "web-1/", "/one"):
        for verb in (lab.plan, lab.apply):
            ran = verb(flag, glob)
            assert (ran.code, ran.out) == (1, ""), glob
            assert f"`{flag} {shlex.quote(glob)}` leaves a name out" in ran.err
    assert lab.requests() == []
    assert lab.plan(flag, "web-1").code == 0


def test_an_empty_path_is_not_this_folder(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}")
    for verb in ("plan", "validate", "live", "drift"):
        ran = lab.run(verb, "-f", "")
        assert (ran.code, "`-f ''` names no file" in ran.err) == (1, True), verb
    assert lab.requests() == []


def test_target_and_exclude_choose_and_exclude_wins(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: []}, web-2: {volumes: []}}")
    chosen = lab.plan("--target", "web-1/*", "--exclude", "lab:*/shared").out
    assert "- detach web-1/one" in chosen
    assert "web-2" not in chosen
    assert "1 to detach" in chosen
    left = "Left out: 3 more changes of these manifests, which nobody chose or approved.\nPlan: "
    assert left in chosen
    assert "Left out" not in lab.plan().out
    assert "No changes." not in lab.plan("--target", "nothing/*").out
    told = json.loads(lab.plan("--target", "web-1/one", "--json").out)["reconciler"]
    assert (told["counts"]["unselected"], told["counts"]["detach"]) == (3, 1)


def test_an_acknowledgement_takes_the_exact_number(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}", "maxDetach: 1")
    refused = lab.plan("--detailed-exitcode")
    assert refused.code == 3
    assert "--ack-detach lab=2" in refused.out
    assert lab.plan("--detailed-exitcode", "--ack-detach", "3").code == 3
    assert lab.plan("--detailed-exitcode", "--ack-detach", "lab=2").code == 2
    assert lab.plan("--ack-detach", "two").code == 1


def test_validate_tells_code_scanning_what_is_wrong_and_that_nothing_is(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volums: []}}")
    ran = lab.run("validate", "-f", "lab.yaml", "--format", "sarif")
    assert (ran.code, ran.err) == (1, "")
    (run,) = json.loads(ran.out)["runs"]
    assert {one["ruleId"] for one in run["results"]} == {"missing-key", "unknown-key"}
    (place,) = run["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "lab.yaml"
    assert run["invocations"][0]["executionSuccessful"] is False
    lab.declare("  servers: {web-1: {volumes: []}}")
    ran = lab.run("validate", "-f", "lab.yaml", "--format", "sarif")
    assert (ran.code, json.loads(ran.out)["runs"][0]["results"]) == (0, [])
    both = lab.run("validate", "-f", "lab.yaml", "--format", "sarif", "--json")
    assert (both.code, "leave it or `--format sarif` out" in both.err) == (1, True)
