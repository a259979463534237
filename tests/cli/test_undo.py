"""`undo`: what it shows, what it says first, and that `--apply` makes exactly that."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import REPOSITORY, WORLD

if TYPE_CHECKING:
    from tests.cli.running import Lab

FLAGGED = WORLD.replace(
    "{server: web-1, volume: one}", "{server: web-1, volume: one, deleteOnTermination: true}"
).replace("{server: web-2, volume: two}", "{server: web-2, volume: two, deleteOnTermination: true}")
ENTRIES = """\
  servers:
    web-1: {volumes: [shared, three]}
    web-2: {volumes: [{volume: two, deleteOnTermination: false}]}"""


def holds(lab: Lab) -> set[tuple[str, str, bool]]:
    """Give server, volume and flag of everything that is attached."""
    rows = json.loads(lab.run("live", "-f", "lab.yaml", "--json").out)["scopes"][0]["attachments"]
    return {(row["server"], row["volume"], row["delete_on_termination"]) for row in rows}


def newest(lab: Lab) -> str:
    """Give the id of the newest run."""
    found: list[dict[str, Any]] = json.loads(lab.run("history", "--json").out)["runs"]
    return str(found[0]["id"])


def applied(lab: Lab) -> tuple[set[tuple[str, str, bool]], str]:
    """Apply in a world with flags; give what was there before, and the run."""
    (lab.folder / "lab.world.yaml").write_text(FLAGGED, encoding="utf-8")
    lab.declare(ENTRIES)
    before = holds(lab)
    assert lab.apply().code == 0
    return before, newest(lab)


def test_apply_and_undo_leave_the_same_attachments_with_the_same_flags(lab: Lab) -> None:
    before, past = applied(lab)
    assert ("web-1", "one", True) in before
    assert holds(lab) != before
    ran = lab.run("undo", past[:8], "-f", "lab.yaml", "--apply", "--auto-approve")
    assert ran.code == 0, ran.out + ran.err
    assert "Apply complete. 2 attached, 1 detached, 0 moved, 1 updated, 0 destroyed." in ran.out
    assert ran.out.count("the run took it away") == 2
    assert "the run put it there" in ran.out, "no manifest lists it under `absent:`"
    assert holds(lab) == before
    again = lab.run("undo", past[:8], "-f", "lab.yaml", "--apply", "--auto-approve")
    assert (again.code, again.out) == (
        0,
        f"Nothing to undo: nothing that run {past} did is still so.\n",
    )


def test_what_still_asks_for_it_is_said_first_and_nothing_is_changed(lab: Lab) -> None:
    _, past = applied(lab)
    calls = lab.changing()
    ran = lab.run("undo", past[:8], "-f", "lab.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(
        "warning[still-asked]: this line asks for the opposite of "
        "`web-1/one` (attached again) (scope lab)\n  --> lab.yaml:12:5\n"
    )
    assert ran.out.index("still-asked") < ran.out.index("Scope lab (huawei-ecs):")
    assert "+ attach web-1/one" in ran.out
    assert "- detach web-1/three" in ran.out
    assert "Plan: 2 to attach, 1 to detach, 0 to move, 1 to update" in ran.out
    told = json.loads(lab.run("undo", past, "-f", "lab.yaml", "--json").out)["reconciler"]
    assert {one["code"] for one in told["undo"]["findings"]} == {"still-asked"}
    places = [(row["place"]["file"], row["place"]["line"]) for row in told["changes"]]
    assert (f"call 1 of run {past[:8]} (web-1/one)", 0) in places
    assert lab.changing() == calls


MOVED = """\
  servers:
    web-1: {volumes: [shared]}
    web-2: {volumes: [one, shared]}"""


@pytest.mark.parametrize(
    ("entries", "flags", "said"),
    [
        (ENTRIES, ("--target", "web-1/one"), {"one"}),
        (ENTRIES, ("--target", "web-1/*", "--exclude", "web-1/one"), {"three"}),
        (ENTRIES, ("--target", "web-2/shared"), {"shared"}),
        pytest.param(MOVED, ("--target", "web-1/one"), {"one"}, id="a move by either half"),
        pytest.param(MOVED, ("--exclude", "web-2/one"), {"two"}, id="and out by either half"),
    ],
)
def test_only_lines_about_what_is_chosen_are_said(
    lab: Lab, entries: str, flags: tuple[str, ...], said: set[str]
) -> None:
    lab.declare(entries)
    assert lab.apply().code == 0
    ran = lab.run("undo", newest(lab), "-f", "lab.yaml", *flags, "--json")
    told = json.loads(ran.out)["reconciler"]
    about = [one["summary"] for one in told["undo"]["findings"] if one["code"] == "still-asked"]
    named = {name for text in about for name in re.findall(r"`[^/`]+/([^`]+)`", text)}
    assert named == said == {row["volume"] for row in told["changes"]}
    assert len(about) == (2 if entries is MOVED and said == {"one"} else 1)


def test_a_line_that_asks_for_another_flag_is_said_too(lab: Lab) -> None:
    _, past = applied(lab)
    said = lab.run("undo", past[:8], "-f", "lab.yaml").out
    assert "the opposite of `web-2/two` (`deleteOnTermination: true` again)" in " ".join(
        said.split()
    )


BY_SERVER = "    web-1: {volumes: [shared, three], protect: true}\n"
BY_VOLUME = """\
    web-1: {volumes: [shared, three]}
  volumes:
    three: {servers: [web-1], protect: true}
"""


@pytest.mark.parametrize("protected", [BY_SERVER, BY_VOLUME], ids=["server", "volume"])
def test_what_todays_entries_protect_stays(lab: Lab, protected: str) -> None:
    _, past = applied(lab)
    lab.declare(
        "  servers:\n" + protected + "    web-77: {volumes: []}\n" * ("three:" not in protected)
    )
    calls = lab.changing()
    ran = lab.run("undo", past[:8], "-f", "lab.yaml", "--apply", "--auto-approve")
    assert "protected: `three` would leave `web-1`" in ran.out
    assert "is protected by its entry" in ran.out
    assert ("web-1", "three") in lab.live()
    assert lab.changing() > calls, "the rest is taken back"


def test_nobody_approved_is_nothing_sent(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    _, past = applied(lab)
    calls = lab.changing()
    ran = [lab.run("undo", past, "-f", "lab.yaml", "--apply", "--no-input")]
    monkeypatch.setenv("RECONCILER_INPUT", "0")
    ran.append(lab.run("undo", past, "-f", "lab.yaml", "--apply"))
    assert ([one.code for one in ran], lab.changing()) == ([3, 3], calls)
    assert all("not-approved" in one.err for one in ran)


def test_what_the_manifests_own_is_remembered_but_for_what_was_taken_back(lab: Lab) -> None:
    _, past = applied(lab)
    assert lab.run("undo", past, "-f", "lab.yaml", "--apply", "--auto-approve").code == 0
    plan = json.loads(lab.plan("--json").out)["reconciler"]
    assert plan["scopes"][0]["memory"] == "journal"
    assert {(row["action"], row["volume"]) for row in plan["changes"]} == {
        *(("detach", "one"), ("attach", "three"), ("detach", "shared"), ("update", "two")),
    }, "the manifests still ask for all of it"


def test_what_was_taken_back_in_part_is_remembered_in_part(lab: Lab) -> None:
    _, past = applied(lab)
    only = ("--target", "*/three")
    ran = lab.run("undo", past, "-f", "lab.yaml", "--apply", "--auto-approve", *only)
    assert ran.code == 0, ran.out + ran.err
    lab.declare("  servers: {web-2: {volumes: [two]}}")
    (scope,) = json.loads(lab.plan("--json").out)["reconciler"]["scopes"]
    assert [row["volume"] for row in scope["released"]] == ["shared"], "`three` isn't ours any more"


def test_a_volume_that_is_gone_is_said_and_the_rest_comes_back(lab: Lab) -> None:
    _, past = applied(lab)
    kept = lab.folder / ".reconciler" / "simulator" / "lab.world.yaml"
    lines = kept.read_text(encoding="utf-8").splitlines()
    kept.write_text("\n".join(line for line in lines if '"v-1"' not in line) + "\n", "utf-8")
    ran = lab.run("undo", past, "-f", "lab.yaml")
    assert "warning[undo-impossible]: `web-1/v-1` can't come back" in ran.out
    assert "+ attach web-2/shared" in ran.out


def test_a_destroyed_disk_does_not_come_back(lab: Lab) -> None:
    shutil.copytree(REPOSITORY / "manifests", lab.folder / "m")
    path = lab.folder / "m" / "huawei-workspace.world.yaml"
    quick = path.read_text(encoding="utf-8").replace("jobSeconds: 2.0", "jobSeconds: 0.05")
    path.write_text(quick, encoding="utf-8")
    asked = ("-f", "m/huawei-workspace.yaml")
    lost = [
        word for name in ("old-disk", "scratch-1", "scratch-2") for word in ("--ack-destroy", name)
    ]
    assert lab.run("apply", *asked, "--auto-approve", *lost).code == 0
    past = newest(lab)
    ran = lab.run("undo", past, *asked, "--apply", "--auto-approve")
    assert ran.code == 0
    assert ran.out.count("warning[undo-impossible]: ") == 3
    assert "was deleted for good, with everything on it" in ran.out
    assert ran.out.endswith(f"Nothing to undo: nothing else that run {past} did is still so.\n")
    assert "everything else" not in ran.out, "there is nothing else"


@pytest.mark.parametrize("flags", [["--auto-approve"], ["--no-input"], ["--expect-digest", "x"]])
def test_a_flag_that_would_mean_nothing_is_refused(lab: Lab, flags: list[str]) -> None:
    ran = lab.run("undo", "abc", *flags)
    assert (ran.code, ran.out) == (1, "")
    assert "go with `--apply`" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("nix", "-f", "lab.yaml"), "unknown-run", id="no such run"),
        pytest.param(("", "-f", "lab.yaml"), "unknown-run", id="no run at all"),
        pytest.param(("RUN", "-f", "other.yaml"), "undo-scope", id="another cloud's manifests"),
        pytest.param(("RUN", "-f", "none.yaml"), "file-not-found", id="no manifests"),
    ],
)
def test_what_cant_be_undone_is_said_in_words(
    lab: Lab, arguments: tuple[str, ...], code: str
) -> None:
    _, past = applied(lab)
    text = (lab.folder / "lab.yaml").read_text(encoding="utf-8")
    (lab.folder / "other.yaml").write_text(
        text.replace("lab}", "pad}").replace("scope: lab", "scope: pad")
    )
    ran = lab.run("undo", *(past if word == "RUN" else word for word in arguments))
    assert (ran.code, ran.out) == (1, "")
    assert f"error[{code}]" in ran.err


def test_a_refusal_names_the_call_that_it_comes_from_and_no_line_of_a_file(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, two, shared]}}")
    assert lab.apply().code == 0
    past = newest(lab)
    lab.moved("v-1", "s-3")
    ran = lab.run("undo", past, "-f", "lab.yaml")
    assert re.search(rf"(at|-->) call \d+ of run {past[:8]} \(web-1/one\)\n", ran.out), ran.out
    assert f"{past}:" not in ran.out
