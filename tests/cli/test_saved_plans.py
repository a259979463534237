"""A saved plan: whole and as it was written, applied where its manifests are, and once."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.operations.planfile import FORMAT, MARK, seal
from tests.cli.running import SCOPE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.running import Lab

    Saved = dict[str, object]

ATTACH = "  servers: {web-1: {volumes: [one, shared, three]}}"


@pytest.fixture
def saved(lab: Lab) -> Path:
    """Give a saved plan of one attach."""
    lab.declare(ATTACH)
    assert lab.plan("--out", "p.plan").code == 0
    return lab.folder / "p.plan"


def _other_files(told: Saved) -> None:
    told["files"] = ["elsewhere.yaml"]


def _other_format(told: Saved) -> None:
    told[MARK] = FORMAT - 1


def _sealed(change: Callable[[Saved], None]) -> Callable[[Saved], None]:
    """Give a change by someone who knows how a seal is made."""

    def changed(told: Saved) -> None:
        change(told)
        told["seal"] = seal({key: value for key, value in told.items() if key != "seal"})

    return changed


def _ours(told: Saved) -> dict[str, object]:
    plan = told["plan"]
    assert isinstance(plan, dict)
    ours = plan["reconciler"]
    assert isinstance(ours, dict)
    return ours


def _no_list(told: Saved) -> None:
    _ours(told)["changes"] = "none"


def _no_scopes(told: Saved) -> None:
    del _ours(told)["scopes"]


def _wider(told: Saved) -> None:
    _ours(told)["changes"] = []


CHANGES = {
    "another path": (_other_files, "it was changed after it was written"),
    "another format": (_other_format, f"it is of format {FORMAT - 1}, and this version reads"),
    "no seal": (lambda told: told.pop("seal"), "it was changed after it was written"),
    "other changes, sealed": (_sealed(_wider), "its changes don't match its digest"),
    "no list of changes, sealed": (_sealed(_no_list), "its changes don't match its digest"),
    "no scopes, sealed": (_sealed(_no_scopes), "isn't a plan to apply"),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_was_changed_is_refused(
    lab: Lab, saved: Path, change: Callable[[Saved], None], said: str
) -> None:
    told = json.loads(saved.read_text(encoding="utf-8"))
    change(told)
    saved.write_text(json.dumps(told), encoding="utf-8")
    _refused(lab, said)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_a_plan_that_a_guard_held_back_is_saved_as_what_it_is(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}", "maxDetach: 1")
    ran = lab.plan("--out", "p.plan")
    said = "Saved to p.plan; it approves nothing: a guard held scope `lab` back.\n"
    assert (ran.code, said in ran.out, "apply exactly this" in ran.out) == (0, True, False)
    ran = lab.run("apply", "p.plan")
    assert (ran.code, "a guard held scope `lab` back" in ran.err) == (1, True)
    # What the hint names shows the number, and planning with it gives a plan that applies.
    assert "= hint: `reconciler show p.plan` says what would let the guard pass" in ran.err
    assert "say `--ack-detach lab=2`" in lab.run("show", "p.plan").out
    assert lab.plan("--out", "p.plan", "--ack-detach", "lab=2").code == 0
    assert lab.run("apply", "p.plan", "--ack-detach", "lab=2").code == 0


WRONG = {
    "cut short": (_cut, "it isn't whole, or it is another file"),
    "empty": (lambda path: path.write_bytes(b""), "it isn't whole, or it is another file"),
    "a list": (lambda path: path.write_text("[]"), "it is another file"),
    "no text": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is no text"),
    "nested": (lambda path: path.write_text("[" * 100_000), "is nested too deep"),
    "gone": (lambda path: path.unlink(), "can't be read: No such file"),
    "a pipe": (_piped, "isn't a file"),
    "a folder": (_folder, "isn't a file"),
}


@pytest.mark.parametrize(("spoil", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_plan_file_is_refused(
    lab: Lab, saved: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(saved)
    _refused(lab, said)


def _refused(lab: Lab, said: str) -> None:
    ran = lab.run("apply", "p.plan")
    assert (ran.code, ran.out) == (1, "")
    assert "error[plan-file]: the plan file `p.plan` " in ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert lab.changing() == 0


def test_the_document_of_plan_json_approves_nothing(lab: Lab, saved: Path) -> None:
    saved.write_text(lab.plan("--json").out, encoding="utf-8")
    _refused(lab, "it is what `plan --json` prints")


def test_elsewhere_it_says_where_it_was_made(
    lab: Lab, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = lab.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    ran = lab.run("apply", str(saved))
    assert (ran.code, ran.out) == (1, "")
    assert f"was made in `{lab.folder}`, and its manifests aren't here: `lab.yaml`" in ran.err
    assert not (elsewhere / ".reconciler").exists()


def test_another_checkout_is_as_good(
    lab: Lab, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = lab.folder / "other"
    other.mkdir()
    for name in ("lab.yaml", "lab.world.yaml"):
        shutil.copy(lab.folder / name, other / name)
    monkeypatch.chdir(other)
    ran = lab.run("apply", str(saved))
    assert ran.code == 0, ran.out + ran.err
    assert "Apply complete. 1 attached" in ran.out


@pytest.mark.parametrize("entries", [ATTACH, "  servers: {web-1: {volumes: [shared]}}"])
def test_what_one_cloud_was_approved_for_is_sent_to_no_other(lab: Lab, entries: str) -> None:
    there = SCOPE.replace("region:", "projectId: 0a1b2c3d4e5f60718293a4b5c6d7e8f9, region:")
    lab.declare(entries, scope=there)
    assert lab.plan("--out", "p.plan").code == 0
    # A copy, with the same ids: a rehearsal, or a region that was restored.
    lab.declare(entries, scope=there.replace("ap-southeast-3", "cn-north-4"))
    ran = lab.run("apply", "p.plan")
    assert (ran.code, lab.changing()) == (3, 0), ran.out + ran.err
    told = "scope `lab` was `huawei-ecs|simulator/lab|ap-southeast-3`, is `huawei-ecs|"
    assert told in ran.out + ran.err
    lab.declare(entries, scope=there)
    assert lab.run("apply", "p.plan").code == 0


def test_its_manifests_may_be_named_anew(lab: Lab, saved: Path) -> None:
    (lab.folder / "lab.yaml").rename(lab.folder / "moved.yaml")
    assert lab.run("apply", "p.plan").code == 1
    assert lab.run("apply", "p.plan", "-f", "moved.yaml").code == 0
    assert saved.exists()


def test_a_digest_kept_apart_from_the_file_holds_it(lab: Lab, saved: Path) -> None:
    digest = _ours(json.loads(saved.read_text(encoding="utf-8")))["digest"]
    ran = lab.run("apply", "p.plan", "--expect-digest", "sha256:other")
    assert (ran.code, lab.changing()) == (3, 0)
    assert "error[digest-differs]" in ran.err
    assert lab.run("apply", "p.plan", "--expect-digest", str(digest)).code == 0


def test_the_same_plan_on_the_same_facts_has_the_same_digest(lab: Lab, saved: Path) -> None:
    digest = str(_ours(json.loads(saved.read_text(encoding="utf-8")))["digest"])
    assert lab.plan("--expect-digest", digest).code == 0
    lab.declare("  servers: {web-1: {volumes: [one, shared]}}")
    assert lab.plan("--expect-digest", digest).code == 3


def test_consent_is_said_again_to_whoever_applies(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volumes: []}}", "maxDetach: 1, maxDetachShare: 1.0")
    planned = lab.plan("--out", "two.plan", "--ack-detach", "2")
    assert planned.code == 0
    assert "with `reconciler apply two.plan --ack-detach 2`.\n" in planned.out
    told = lab.run("apply", "two.plan")
    assert (told.code, lab.changing()) == (3, 0)
    assert "limit-detach" in told.out
    assert lab.run("apply", "two.plan", "--ack-detach", "2").code == 0
