"""Changes that would disarm their own refusal, by the command line, one apply after the other."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.flags import surroundings
from reconciler.operations.older import memories_of, older_manifests
from reconciler.operations.sessions import Request, loaded
from tests.cli.running import SCOPE
from tests.repository.making import commit, git

if TYPE_CHECKING:
    from tests.cli.running import Lab

STAYS = """\
  servers:
    web-1: {volumes: [one, shared], protect: true}
    web-2: {volumes: [two, shared]}"""
OPEN = STAYS.replace(", protect: true", "")
LEAVES = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [two, shared]}}"
MOVES = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [two, shared, one]}}"
DELETED = "  servers: {web-2: {volumes: [two, shared]}}\n  volumes: {one: {servers: []}}"
HERE = {("web-1", "one"), ("web-1", "shared"), ("web-2", "two"), ("web-2", "shared")}


@pytest.fixture
def applied(lab: Lab) -> Lab:
    """Give a lab in which everything is as wanted, `web-1` is protected, and that was applied."""
    lab.first = False
    lab.declare(STAYS)
    ran = lab.apply()
    assert ran.code == 0, ran.out + ran.err
    return lab


@pytest.mark.parametrize(
    ("entries", "action"),
    [(LEAVES, "detach"), (MOVES, "move"), (DELETED, "detach")],
    ids=["the flag is dropped and it leaves", "it moves", "the entry is deleted, another owns it"],
)
def test_what_was_protected_at_the_last_apply_leaves_in_two_steps(
    applied: Lab, entries: str, action: str
) -> None:
    applied.declare(entries)
    ran = applied.apply()
    assert (ran.code, applied.changing()) == (3, 0), ran.out + ran.err
    assert "protected: `one` would leave `web-1`, and server `web-1` was protected at" in ran.out
    assert "Memory: journal." in ran.out
    again = applied.apply()
    assert (again.code, applied.changing()) == (3, 0), "a refused apply is no apply"
    applied.declare(OPEN)
    assert applied.apply().code == 0
    applied.declare(entries)
    ran = applied.apply()
    assert ran.code == 0, ran.out + ran.err
    assert f"{action} " in ran.out
    assert applied.live() != HERE


STUCK = "  servers: {web-1: {volumes: [one, shared, two], protect: true}}"
"""`two` is on a server that nobody owns: that it comes is refused, in each apply."""


def test_what_is_refused_for_good_keeps_no_other_row_from_being_remembered(lab: Lab) -> None:
    lab.first = False
    lab.declare(STUCK)
    ran = lab.apply("--first-apply")
    assert (ran.code, lab.changing()) == (3, 0)
    assert "held-by-unmanaged" in ran.out
    together = STUCK.replace("one, ", "").replace(", protect: true", "")
    lab.declare(together)
    for _ in range(2):
        ran = lab.apply()
        assert (ran.code, lab.changing()) == (3, 0), "dropped together, the flag isn't forgotten"
        assert "protected: `one` would leave `web-1`, and server `web-1` was protected" in ran.out
    lab.declare(STUCK.replace(", two", "").replace(", protect: true", ""))
    assert lab.apply().code == 0
    lab.declare(together)
    assert (lab.apply().code, lab.changing()) == (4, 1), "`one` leaves, `two` is refused still"


def test_a_flag_is_dropped_beside_what_is_refused_for_good(lab: Lab) -> None:
    lab.first = False
    rows = "  servers: {web-2: {volumes: [two, shared], protect: true}, web-3: {volumes: [one]}}"
    lab.declare(rows)
    assert lab.apply("--first-apply").code == 3
    lab.declare(rows.replace(", protect: true", ""))
    assert lab.apply().code == 3
    lab.declare(rows.replace("two, shared], protect: true", "shared]"))
    assert (lab.apply().code, lab.changing()) == (4, 1)


def test_a_raised_limit_asks_as_the_last_applied_one_did(applied: Lab) -> None:
    applied.declare(OPEN, "maxDetach: 1, maxDetachShare: 1.0")
    assert applied.apply().code == 0
    none = "  servers: {web-1: {volumes: []}, web-2: {volumes: []}}"
    applied.declare(none, "maxDetach: 9, maxDetachShare: 1.0")
    ran = applied.apply()
    assert (ran.code, applied.changing()) == (3, 0)
    assert "limit-detach: 4 of 4 owned attachments would be detached, 1 may be by the" in ran.out
    assert "warning[policy-loosened]: `maxDetach` is looser than at the last apply: 1 -> 9" in (
        ran.out
    )
    assert applied.apply("--ack-detach", "3").code == 3
    assert applied.apply("--ack-detach", "4").code == 0
    applied.declare(OPEN, "maxDetach: 9, maxDetachShare: 1.0")
    assert applied.apply().code == 0
    assert "policy-loosened" not in applied.plan().out, "applied once, it is what there was"


def test_a_scope_of_another_name_has_no_memory_and_another_data_folder_neither(
    applied: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied.declare(LEAVES, scope=SCOPE.replace("{name: lab}", "{name: renamed}"))
    path = applied.folder / "lab.yaml"
    path.write_text(path.read_text("utf-8").replace("scope: lab", "scope: renamed"), "utf-8")
    ran = applied.apply()
    assert (ran.code, applied.changing("renamed")) == (3, 0)
    assert "no-memory: 1 attachment would leave, and neither" in ran.out
    applied.declare(LEAVES)
    monkeypatch.setenv("RECONCILER_DATA_DIR", "elsewhere")
    ran = applied.apply()
    assert (ran.code, applied.changing()) == (3, 0)
    assert "no-memory" in ran.out


def test_without_a_memory_only_a_first_apply_takes_something_away(lab: Lab) -> None:
    lab.first = False
    lab.declare(LEAVES)
    planned = lab.plan("--detailed-exitcode")
    assert planned.code == 3
    assert "hint: say `--first-apply`" in planned.out
    assert "Memory: none." in planned.out
    assert (lab.apply().code, lab.changing()) == (3, 0)
    (scope,) = json.loads(lab.plan("--json", "--first-apply").out)["reconciler"]["scopes"]
    assert (scope["memory"], scope["refusals"]) == ("none", [])
    assert lab.apply("--first-apply").code == 0
    ran = lab.apply("--first-apply")
    assert ran.out.endswith(
        "No changes. Your attachments match the manifests.\nScope lab is simulated.\n"
    )
    assert "Memory: journal." in ran.out, "once there is one, the flag means nothing"


def test_a_saved_plan_keeps_that_it_was_to_be_the_first_apply(lab: Lab) -> None:
    lab.first = False
    lab.declare(LEAVES)
    assert lab.plan("--out", "p.plan", "--first-apply").code == 0
    ran = lab.run("apply", "p.plan")
    assert ran.code == 0, ran.out + ran.err


STRAYS = SCOPE.replace("world: lab", "unmanaged: detach, world: lab")
OTHERS = """\
---
apiVersion: reconciler/v1
kind: Attachments
metadata: {name: others}
spec: {scope: lab, servers: {web-2: {volumes: [two, shared]}}}
"""
ONE = "  servers: {web-1: {volumes: [one, shared]}}"


def test_a_document_that_is_gone_takes_nothing_with_it(lab: Lab) -> None:
    lab.first = False
    lab.declare(ONE, scope=STRAYS)
    path = lab.folder / "lab.yaml"
    short = path.read_text("utf-8")
    path.write_text(short + OTHERS, "utf-8")
    assert lab.apply().code == 0
    path.write_text(short, "utf-8")
    ran = lab.apply("--ack-detach", "2")
    assert (ran.code, lab.changing()) == (3, 0)
    assert "shrunk-set: at the last apply `others` had entries of this scope" in ran.out
    path.write_text(short.replace("unmanaged: detach", "unmanaged: report"), "utf-8")
    assert lab.apply().code == 0
    assert lab.live() == HERE, "released, and nothing else"
    path.write_text(short, "utf-8")
    ran = lab.apply("--ack-detach", "2")
    assert ran.code == 0, ran.out + ran.err
    assert lab.live() == {("web-1", "one"), ("web-1", "shared")}


@pytest.fixture
def committed(lab: Lab) -> Lab:
    """Give a lab whose commit protects `web-1`, and from which nothing was applied."""
    lab.first = False
    lab.declare(STAYS, "maxDetach: 1, maxDetachShare: 1.0")
    commit(lab.folder)
    return lab


@pytest.mark.parametrize("dirty", [True, False], ids=["a dirty tree", "two commits"])
@pytest.mark.parametrize("entries", [LEAVES, MOVES, DELETED])
def test_a_commit_remembers_as_the_journal_does(
    committed: Lab, entries: str, *, dirty: bool
) -> None:
    committed.declare(entries)
    rev = "HEAD"
    if not dirty:
        commit(committed.folder)
        rev = "HEAD~1"
    ran = committed.apply("--base", rev)
    assert (ran.code, committed.changing()) == (3, 0), ran.out + ran.err
    assert "and server `web-1` was protected at the base commit" in ran.out
    assert "Memory: git." in ran.out
    committed.declare(OPEN)
    commit(committed.folder)
    committed.declare(entries)
    ran = committed.apply("--base", "HEAD")
    assert ran.code == 0, ran.out + ran.err
    assert "Memory: journal and git." in committed.plan("--base", "HEAD").out


def test_a_scope_that_was_renamed_is_found_by_its_cloud(lab: Lab) -> None:
    lab.first = False
    scope = SCOPE.replace("endpoint: simulator, world: lab.world.yaml", "projectId: p1")
    lab.declare(STAYS, scope=scope)
    commit(lab.folder)
    lab.declare(LEAVES, scope=scope.replace("{name: lab}", "{name: renamed}"))
    path = lab.folder / "lab.yaml"
    path.write_text(path.read_text("utf-8").replace("scope: lab", "scope: renamed"), "utf-8")
    request = Request(files=("lab.yaml",), compare_with="HEAD")
    read = loaded(request).declared
    assert read is not None
    (declared,) = read.scopes.values()
    around = surroundings()
    older = older_manifests(request.files, "HEAD", around, recursive=False)
    (memory,) = memories_of(declared, older)
    assert [(row.side.value, row.name) for row in memory.protected] == [("server", "web-1")]
    other = replace(declared, project_id="p2")
    assert memories_of(other, older) == ()


@pytest.mark.parametrize(
    ("rev", "code"),
    [("nobody", "unknown-revision"), ("--help", "unknown-revision"), ("torn", "base-unreadable")],
)
def test_a_base_that_cannot_be_read_ends_the_run(committed: Lab, rev: str, code: str) -> None:
    text = (committed.folder / "lab.yaml").read_text("utf-8")
    (committed.folder / "lab.yaml").write_text(text.replace("kind: Scope", "kind: Torn"), "utf-8")
    commit(committed.folder)
    git(committed.folder, "tag", "torn")
    (committed.folder / "lab.yaml").write_text(text, "utf-8")
    ran = committed.apply(f"--base={rev}", "--first-apply")
    assert (ran.code, ran.out, committed.requests()) == (1, "", [])
    assert f"error[{code}]" in ran.err
    if rev == "torn":
        assert "the manifests at `torn` can't be read" in ran.err
        assert "(lab.yaml:2:" in ran.err


def test_a_commit_without_the_manifests_is_no_memory(lab: Lab) -> None:
    lab.first = False
    commit(lab.folder)
    (lab.folder / "new").mkdir()
    lab.declare(LEAVES)
    ran = lab.apply("--base", "HEAD")
    assert (ran.code, lab.changing()) == (3, 0)
    assert "no-memory" in ran.out


def test_the_history_has_the_commit_of_the_manifests(committed: Lab) -> None:
    head = git(committed.folder, "rev-parse", "HEAD")
    committed.declare(OPEN.replace("one, shared", "shared"), "maxDetachShare: 1.0")
    assert committed.apply("--first-apply").code == 0
    committed.declare(OPEN, "maxDetachShare: 1.0")
    again = commit(committed.folder)
    assert committed.apply().code == 0
    last, first = json.loads(committed.run("history", "--json").out)["runs"]
    assert (first["commit"], first["dirty"]) == (head, True)
    assert (last["commit"], last["dirty"]) == (again, False)
    _, second_line, first_line = committed.run("history").out.splitlines()
    assert f" {again[:12]}  " in second_line
    assert f" {head[:12]}+ " in first_line
    told = committed.run("history", first["id"]).out
    assert f"  manifests of commit {head}, changed since\n" in told


@pytest.mark.parametrize(
    ("words", "flags", "code"),
    [
        ("yes\n2\n", (), 0),
        ("yes\n3\n", (), 3),
        ("yes\nyes\n", (), 3),
        ("no\n2\n", (), 3),
        ("yes\n", ("--ack-detach", "2"), 0),
        ("yes\n2\n", ("--no-input",), 3),
    ],
    ids=["the number", "another one", "no number", "no approval", "said before", "nobody asks"],
)
def test_the_number_of_detaches_may_be_typed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, words: str, flags: tuple[str, ...], code: int
) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}", "maxDetach: 1, maxDetachShare: 1.0")
    monkeypatch.setattr("sys.stdin", StringIO(words))
    ran = lab.run("apply", "-f", "lab.yaml", *flags)
    assert (ran.code, lab.changing()) == (code, 0 if code else 2), ran.out + ran.err
    asked = "2 attachments of scope lab would leave, more than a limit allows." in ran.err
    assert asked is (words.startswith("yes") and not flags)


def test_one_is_told_as_one(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: [one, shared]}}")
    assert "no-memory" not in lab.apply().out
    told = lab.run("live", "-f", "lab.yaml").out.splitlines()[0]
    assert told == "Scope lab: 3 servers, 7 volumes, 7 attachments"
    assert lab.run("watch", "-f", "lab.yaml", "--once").code == 0
    assert "\n1 look, 0 of which saw nothing; " in lab.run("history").out
