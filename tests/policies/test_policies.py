"""Rego policies over real plans: the examples, and ones that were written for Terraform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest
from regopy import Interpreter

from reconciler.operations.plans import plan_manifests
from reconciler.operations.sessions import Request
from reconciler.report.document import ACTIONS
from tests.architecture.reading import REPOSITORY
from tests.cli.running import SCOPE, WORLD
from tests.rig.stage import stage
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from pathlib import Path

    Document = dict[str, object]

EXAMPLES = REPOSITORY / "manifests" / "policies"
TERRAFORM = REPOSITORY / "tests" / "policies"
LOOSE = "maxDetachShare: 1.0"
MOVE = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, two, shared]}}"
DETACH = "  servers: {web-2: {volumes: []}}"
ATTACH = "  servers: {web-3: {volumes: [three]}}"
SET = "  servers: {web-1: {volumes: [{volume: one, deleteOnTermination: true}, shared]}}"
IN_LINE = "  servers: {web-1: {volumes: [one, shared]}}"


def asked(document: Document, path: Path, query: str) -> object:
    """Give what a policy says of a document."""
    rego = Interpreter()
    rego.add_module(path.name, path.read_text(encoding="utf-8"))
    rego.set_input(document)
    # Its answer is JSON in which no quote is escaped: reasons have to do without.
    told = json.loads(str(rego.query(f"told := {query}")))
    return told["bindings"]["told"]


def denied(document: Document, policy: str) -> list[str]:
    """Give the reasons of one example, sorted."""
    return sorted(cast("list[str]", asked(document, EXAMPLES / policy, "data.main.deny")))


class Planning:
    """Real plans of one small world, without a command line around them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, entries: str, policy: str = LOOSE) -> Document:
        """Give the document of a plan, as `plan --json` prints it."""
        path = self._folder / "lab.yaml"
        path.write_text(
            f"{SCOPE}---\napiVersion: reconciler/v1\nkind: Attachments\nmetadata: {{name: lab}}\n"
            f"spec:\n  scope: lab\n{entries}\n---\napiVersion: reconciler/v1\nkind: Policy\n"
            f"metadata: {{name: default}}\nspec: {{{policy}}}\n",
            encoding="utf-8",
        )
        around = stage(self._folder, WORLD).around
        made = run(plan_manifests(Request(files=(str(path),), first_apply=True), around))
        return cast("Document", json.loads(json.dumps(made.whole)))


@pytest.fixture
def planned(tmp_path: Path) -> Planning:
    """Give the plans of one small world."""
    return Planning(tmp_path)


@pytest.mark.parametrize(
    ("policy", "entries", "reasons"),
    [
        ("servers-by-name.rego", DETACH, ["shared would leave web-2", "two would leave web-2"]),
        ("servers-by-name.rego", MOVE, ["one would leave web-1"]),
        ("servers-by-name.rego", ATTACH, []),
        ("moves-by-scope.rego", DETACH, []),
        ("moves-by-scope.rego", MOVE, []),
        ("kept-with-server.rego", SET, ["volume v-1 would go with its server"]),
        ("kept-with-server.rego", ATTACH, []),
        ("at-most-deletes.rego", DETACH, []),
    ],
)
def test_an_example_says_what_it_is_about(
    planned: Planning, policy: str, entries: str, reasons: list[str]
) -> None:
    assert denied(planned(entries), policy) == reasons


def test_the_examples_refuse_what_they_are_there_for(planned: Planning) -> None:
    many = planned(DETACH)
    rows = cast("list[dict[str, object]]", many["resource_changes"])
    many["resource_changes"] = [{**rows[0], "address": str(number)} for number in range(6)]
    assert denied(many, "at-most-deletes.rego") == ["6 deletes in one plan, 5 may be"]
    moved = planned(MOVE)
    for row in cast("list[dict[str, object]]", moved["resource_changes"]):
        row["name"] = "shop"
    assert denied(moved, "moves-by-scope.rego") == ["volume v-1 would move in scope shop"]


def test_what_is_refused_already_is_no_change_to_a_policy(planned: Planning) -> None:
    document = planned(DETACH, "maxDetach: 1")
    ours = cast("dict[str, dict[str, int]]", document["reconciler"])
    assert ours["counts"]["refused"] == 2
    assert denied(document, "servers-by-name.rego") == []
    assert asked(document, TERRAFORM / "no_deletes.rego", "data.terraform.deletes.deny") == []


@pytest.mark.parametrize(
    ("entries", "reasons"),
    [(DETACH, ["reconciler_attachment would be deleted"]), (ATTACH, []), (IN_LINE, [])],
)
def test_a_policy_against_deletes_fires_unchanged(
    planned: Planning, entries: str, reasons: list[str]
) -> None:
    document = planned(entries)
    told = asked(document, TERRAFORM / "no_deletes.rego", "data.terraform.deletes.deny")
    assert told == reasons


@pytest.mark.parametrize(
    ("entries", "score", "goes"),
    [(IN_LINE, 0, True), (ATTACH, 1, True), (MOVE, 6, True), (DETACH, 10, False)],
)
def test_a_policy_that_weighs_changes_fires_unchanged(
    planned: Planning, entries: str, score: int, *, goes: bool
) -> None:
    document, path = planned(entries), TERRAFORM / "blast_radius.rego"
    assert asked(document, path, "data.terraform.weighing.score") == score
    assert asked(document, path, "data.terraform.weighing.goes") is goes


@pytest.mark.parametrize("entries", [IN_LINE, ATTACH, MOVE, DETACH, SET])
def test_before_and_after_are_those_of_their_action(planned: Planning, entries: str) -> None:
    document = planned(entries)
    path = TERRAFORM / "only_known_shape.rego"
    assert asked(document, path, "data.terraform.shape.whole") is True


def test_what_reads_planned_values_alone_sees_no_detach(planned: Planning) -> None:
    # That is what Checkov's graph of a plan is built from: what shall be, never what goes.
    document = planned(DETACH)
    values = cast("dict[str, dict[str, list[object]]]", document["planned_values"])
    assert values["root_module"]["resources"] == []
    changes = cast("list[dict[str, dict[str, object]]]", document["resource_changes"])
    assert [row["change"]["actions"] for row in changes] == [["delete"], ["delete"]]


def test_every_action_has_its_word_of_terraform() -> None:
    words = {tuple(actions) for actions in ACTIONS.values()}
    terraform = {("create",), ("delete",), ("delete", "create"), ("update",), ("no-op",)}
    assert words == terraform


def test_the_page_names_every_example() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "policies.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in page for path in EXAMPLES.glob("*.rego"))
