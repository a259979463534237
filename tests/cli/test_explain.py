"""`explain`: why an attachment is, or isn't; every source that speaks about it is named."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.report.explanation import CAME, WENT
from tests.cli.running import REPOSITORY
from tests.cli.stuck import ALLOWED, STALE_ID, WORLD, declare, leave_a_call_open

if TYPE_CHECKING:
    from tests.cli.running import Lab

ROWS = """\
  servers:
    web-1: {volumes: [one, two]}
    web-3: {absent: [three], others: keep}
  volumes:
    shared: {servers: [web-2]}
    two: {servers: [web-1]}"""
TABLE = {
    # attachment -> attached, the first line's number, the rule's decision, the plan
    "web-1/one": (True, 12, "as wanted", None),
    "web-1/two": (False, 12, "to be attached", "move from `web-2`, refused"),
    "web-2/two": (True, 16, "owned, not wanted: to be detached", "move to `web-1`, refused"),
    "lab:s-1/v-4": (True, 12, "to be detached", "detach, refused"),
    "web-2/shared": (True, 15, "as wanted", None),
    "web-3/three": (False, 13, "nothing to do and nothing to tell", None),
    "web-2/web-2-boot": (True, None, "a boot volume is never owned", None),
    "web-2/one": (False, None, "nobody's: nothing to do and nothing to tell", None),
}


def told(lab: Lab, attachment: str) -> dict[str, Any]:
    """Give what is told of one attachment."""
    ran = lab.run("explain", attachment, "-f", "lab.yaml", "--json")
    assert (ran.code, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_the_table(lab: Lab) -> None:
    world = (lab.folder / "lab.world.yaml").read_text(encoding="utf-8")
    (lab.folder / "lab.world.yaml").write_text(
        world.replace("bootVolume: boot-2", "bootVolume: web-2-boot"), encoding="utf-8"
    )
    lab.declare(ROWS, "maxDetachPerServer: 0")
    for attachment, (attached, line, rule, plan) in TABLE.items():
        row = told(lab, attachment)
        lines = [one["place"]["line"] for one in row["lines"]]
        assert row["attached"] is attached, attachment
        assert lines[:1] == [line] * (line is not None), attachment
        assert row["rule"].endswith(rule), attachment
        says = row["plan"]["says"] if row["plan"] else None
        assert (says or "").startswith(plan or "\n" * bool(says)), (attachment, says)
    assert lab.changing() == 0


def test_what_a_run_did_is_told_with_its_request(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: [one]}}")
    assert lab.apply().code == 0
    row = told(lab, "web-1/shared")
    assert (row["attached"], row["elsewhere"]) == (False, ["web-2"])
    last = row["last_call"]
    assert (last["verb"], last["verdict"]) == ("detach", "done")
    (run,) = json.loads(lab.run("history", "--json").out)["runs"]
    assert last["run"] == run["id"]
    assert last["request_id"]
    out = lab.run("explain", "web-1/shared", "-f", "lab.yaml").out
    assert out == (
        "web-1/shared (lab:s-1/v-4): not attached\n"
        "  server: ACTIVE\n"
        "  volume: in-use\n"
        "  the volume is also on: web-2\n"
        "  manifests:\n"
        "    lab.yaml:11:13 the entry of server `web-1` owns its row\n"
        "      11 |   servers: {web-1: {volumes: [one]}}\n"
        "  rule: no view shows it; owned, not wanted: nothing to do and nothing to tell\n"
        "  plan: nothing to do\n"
        f"  last call: {last['at']} detach done, run {run['id'][:8]} "
        f"by {run['owner']} [request id {last['request_id']}]\n"
        "Scope lab is simulated.\n"
    )


def test_what_no_call_of_ours_did_is_said(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: [one, three]}, web-2: {volumes: []}}")
    assert lab.apply().code == 0
    for attachment in ("web-1/one", "web-1/three", "web-2/two", "web-3/two"):
        assert told(lab, attachment)["outside"] is None, attachment
    lab.taken("v-1")
    lab.moved("v-3", "s-2")
    row = told(lab, "web-1/one")  # It was there before the first apply: no call is about it.
    assert (row["last_call"], row["outside"]) == (None, WENT)
    row = told(lab, "web-1/three")
    assert (row["last_call"]["verb"], row["elsewhere"], row["outside"]) == (
        *("attach", ["web-2"], WENT),
    )
    assert f"  outside: {WENT}\n" in lab.run("explain", "web-1/one", "-f", "lab.yaml").out
    # Taken back, and put there once more behind our back: the last call is a detach.
    assert lab.apply().code == 0
    assert told(lab, "web-1/three")["outside"] is None
    assert told(lab, "web-2/three")["last_call"]["verb"] == "detach"
    lab.moved("v-3", "s-2")
    assert told(lab, "web-2/three")["outside"] == CAME


def test_each_view_speaks_for_itself(lab: Lab) -> None:
    declare(lab)
    row = told(lab, "web-1/stale")
    assert row["seen"] == "storage shows it, its readable server doesn't"
    assert row["views"]["compute"]["phase"] is None
    assert row["views"]["storage"]["attachment_id"] == STALE_ID
    assert [one["code"] for one in row["plan"]["refusals"]] == ["storage-only"]
    out = lab.run("explain", "web-1/stale", "-f", "lab.yaml").out
    assert "  compute: not there\n" in out
    assert "    storage-only: storage says that `stale` is on `web-1`" in out


def test_a_call_that_nobody_knows_the_end_of_is_told(lab: Lab) -> None:
    leave_a_call_open(lab)
    row = told(lab, "web-1/one")
    assert row["open_call"]["verb"] == "detach"
    assert "has no known end" in lab.run("explain", "web-1/one", "-f", "lab.yaml").out


@pytest.mark.parametrize(
    ("attachment", "codes"),
    [
        pytest.param("web-1", ["bad-attachment"], id="half of one"),
        pytest.param("web-9/one", ["attachment-not-found", "server-not-found"], id="no server"),
        pytest.param("lab:web-9/one", ["attachment-not-found", "server-not-found"], id="scoped"),
        pytest.param("web-1/none", ["attachment-not-found", "volume-not-found"], id="no volume"),
        pytest.param("web-2/none", ["attachment-not-found"], id="nobody names it"),
        pytest.param("twin/one", ["ambiguous-attachment"], id="a name that two bear"),
    ],
)
def test_what_isnt_live_is_answered_by_the_entries_that_name_it(
    lab: Lab, attachment: str, codes: list[str]
) -> None:
    entries = "  servers: {web-9: {volumes: [one]}, web-1: {volumes: [none]}}"
    declare(lab, WORLD, ALLOWED, entries)
    ran = lab.run("explain", attachment, "-f", "lab.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert [line.split("]")[0] for line in ran.err.splitlines() if line.startswith("error[")] == [
        f"error[{code}" for code in codes
    ]


@pytest.mark.parametrize(
    ("attachment", "says", "hint"),
    [
        ("web-1/tow", "no volume of scope `lab` is `tow`", "write `two`"),
        ("web2/two", "no server of scope `lab` is `web2`", "write `web-2`"),
        ("web-1/x", "no volume of scope `lab` is `x`", "`reconciler live` lists"),
        (
            "qq/x",
            "no server of scope `lab` is `qq`, and no volume is `x`",
            "`reconciler live` lists",
        ),
        ("lob:web-1/one", "no server of scope `lab` is `lob:web-1`", "write `web-1`"),
    ],
)
def test_the_half_that_is_not_known_is_told_with_the_nearest_word(
    lab: Lab, attachment: str, says: str, hint: str
) -> None:
    lab.declare("  servers: {web-1: {volumes: [one]}}")
    ran = lab.run("explain", attachment, "-f", "lab.yaml")
    assert f"error[attachment-not-found]: `{attachment}` names no attachment: {says}\n" in ran.err
    assert f"= hint: {hint}" in ran.err


def test_where_only_attached_volumes_are_shown_names_and_free_ids_will_do(lab: Lab) -> None:
    shutil.copytree(REPOSITORY / "manifests", lab.folder / "manifests")
    volume = "1a2b3c4d-5e6f-4071-8293-00000000000"
    table = {
        "desk-1/old-disk": "destroy, refused",  # nothing was applied yet
        f"train-1/{volume}2": "move from `train-0`, refused",
        f"train-1/{volume}5": "attach, refused",  # on no server: only its id is known
    }
    for attachment, plan in table.items():
        row = json.loads(lab.run("explain", attachment, "--json").out)
        assert row["plan"]["says"] == plan, (attachment, row["plan"])
        assert row["lines"], attachment


def test_hostile_names_reach_no_terminal_raw(lab: Lab) -> None:
    declare(
        lab, WORLD.replace("name: half", 'name: "ha\\e[2Jlf\\u202e"').replace("me: half", "me: v-4")
    )
    out = lab.run("explain", "s-2/v-4", "-f", "lab.yaml").out
    assert out.startswith("web-2/ha\\x1b[2Jlf\\u202e (lab:s-2/v-4): compute shows it")


def slashed(lab: Lab) -> None:
    """Give servers and volumes names with slashes; two attachments are written alike."""
    names = {"name: web-1": "name: rack/web", "name: web-2": "name: rack"}
    names |= {"name: two": "name: web/one", "name: three": "name: pvc/three"}
    names |= {"server: web-1": "server: s-1", "server: web-2": "server: s-2"}
    names |= {"volume: one": "volume: v-1", "volume: two": "volume: v-2"}
    path = lab.folder / "lab.world.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in names.items():
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    lab.declare("  servers: {rack/web: {volumes: []}, rack: {volumes: []}}")


def test_names_with_slashes_are_found_and_what_is_written_alike_is_told(lab: Lab) -> None:
    slashed(lab)
    told = lab.run("explain", "lab:rack/web/shared", "-f", "lab.yaml")
    assert (told.code, told.err) == (0, "")
    assert "rack/web/shared" in told.out
    assert lab.run("explain", "rack/web/pvc/three", "-f", "lab.yaml").code == 0
    alike = lab.run("explain", "rack/web/one", "-f", "lab.yaml")
    assert alike.code == 1
    assert "error[ambiguous-attachment]: `rack/web/one` may mean 2 attachments: " in alike.err
    assert "s-1/v-1" in alike.err
    assert "s-2/v-2" in alike.err
    nothing = lab.run("explain", "rack/web/onn", "-f", "lab.yaml")
    assert "error[attachment-not-found]" in nothing.err


def test_a_target_with_slashes_chooses_or_is_refused_with_what_it_could_mean(lab: Lab) -> None:
    slashed(lab)
    chosen = lab.plan("--target", "rack/web/shared").out
    assert "- detach rack/web/shared" in chosen
    assert "1 to detach" in chosen
    assert "2 to detach" in lab.plan("--target", "rack/web", "--exclude", "s-2").out
    for flag in ("--target", "--exclude"):
        ran = lab.apply(flag, "rack/web/one")
        assert (ran.code, lab.changing()) == (1, 0)
        assert (
            "error[selection-ambiguous]: `rack/web/one` could mean "
            "`one` of server `rack/web` or `web/one` of server `rack`\n" in ran.err
        )
