"""The least permissions: what an apply really asks is in them, and nothing that can't happen."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.operations.permissions import calls_of
from reconciler.operations.sessions import Request, loaded
from reconciler.providers import discover
from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from tests.cli.running import Lab

EXAMPLES = {
    "quickstart": "quickstart",
    "huawei-modelarts": "training",
    "huawei-workspace": "desks",
    "samsung-virtualserver": "samsung",
}
ACKS = ("--ack-destroy=old-disk", "--ack-destroy=scratch-1", "--ack-destroy=scratch-2")


def pattern(call: str) -> re.Pattern[str]:
    """Give what matches the method and path of a documented call."""
    words = re.split(r"\{[^}]*\}", call)
    return re.compile("[^/]+".join(map(re.escape, words)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_an_apply_asks_is_among_what_it_needs(lab: Lab, name: str) -> None:
    for end in ("yaml", "world.yaml"):
        shutil.copy(REPOSITORY / "manifests" / f"{name}.{end}", lab.folder)
    world = lab.folder / f"{name}.world.yaml"
    quick = re.sub(r"jobSeconds: .*", "jobSeconds: 0.05", world.read_text("utf-8"))
    world.write_text(quick, "utf-8")
    assert lab.run("apply", "-f", f"{name}.yaml", "--auto-approve", *ACKS).code == 0
    declared = loaded(Request(files=(f"{name}.yaml",))).declared
    assert declared is not None
    ((scope_name, scope),) = declared.scopes.items()
    assert scope_name == EXAMPLES[name]
    spec = discover()[scope.provider]
    calls = calls_of(scope, spec, declared.entries[scope_name], declared.policies[scope_name])
    patterns = [pattern(one.call) for one in calls]
    asked = {f"{row['method']} {row['path']}".rstrip("/") for row in lab.requests(scope_name)}
    # Samsung's discovery of versions is asked without credentials.
    strangers = {one for one in asked if not any(p.fullmatch(one) for p in patterns)} - {"GET "}
    assert strangers == set()


def actions(lab: Lab, entries: str, policy: str = "") -> list[str]:
    """Give the documented actions that these entries need."""
    lab.declare(entries, policy)
    ran = lab.run("permissions", "-f", "lab.yaml", "--json")
    assert ran.code == 0
    (row,) = json.loads(ran.out)["scopes"]
    return [action for action in row["actions"] if not action.startswith("evs:volumes:")]


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ("  servers: {web-1: {others: keep}}", []),
        ("  servers: {web-1: {volumes: []}}", ["ecs:cloudServers:detachVolume"]),
        (
            "  servers: {web-1: {volumes: [one], others: keep}}",
            ["ecs:cloudServers:attach"],
        ),
        (
            "  volumes: {shared: {servers: [web-1, web-2], others: keep}}",
            ["ecs:cloudServers:attach", "ecs:cloudServers:attachSharedVolume"],
        ),
    ],
)
def test_only_what_the_entries_can_cause_is_needed(
    lab: Lab, entries: str, wanted: list[str]
) -> None:
    assert actions(lab, entries) == wanted


def test_every_call_without_a_documented_action_is_named(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {others: keep}}")
    ran = lab.run("permissions", "-f", "lab.yaml")
    assert "for which the vendor documents no action:" in ran.out
    assert "GET /v1/{project_id}/cloudservers/detail" in ran.out
    assert "detachvolume" not in ran.out
