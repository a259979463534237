"""One folder with a scope of every cloud: one plan, one apply, one summary."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from reconciler.providers import discover
from reconciler.sim.app import build
from reconciler.sim.clock import WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import serving
from reconciler.sim.world import read_worlds
from tests.cli.running import REPOSITORY, WORLD
from tests.rig.plot import Plot, Wanted, vendor_of
from tests.rig.stage import stage, verdicts
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Lab

    Document = dict[str, dict[str, Any]]

SPECS = discover()
MANIFESTS = sorted(
    path.name
    for path in (REPOSITORY / "manifests").glob("*.yaml")
    if not path.name.endswith(".world.yaml")
)
AFAR = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {name: afar}
spec:
  provider: huawei-ecs
  region: eu-west-101
  projectId: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
  credentials: {accessKey: {env: RECONCILER_CRED_A}, secretKey: {env: RECONCILER_CRED_S}}
---
apiVersion: reconciler/v1
kind: Attachments
metadata: {name: afar}
spec:
  scope: afar
  servers: {web-1: {volumes: [one, three, shared]}}
"""
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Folder:
    """The project's manifests in a lab, and what they say."""

    lab: Lab

    @property
    def path(self) -> Path:
        return self.lab.folder / "manifests"

    def documents(self, kind: str, name: str = "*.yaml") -> list[Document]:
        """Give the documents of one kind, of all manifests or of one."""
        paths = [p for p in sorted(self.path.glob(name)) if not p.name.endswith(".world.yaml")]
        told = [one for p in paths for one in yaml.safe_load_all(p.read_text(encoding="utf-8"))]
        return [one for one in told if one["kind"] == kind]

    def scopes(self, name: str = "*.yaml") -> dict[str, str]:
        """Give the declared scopes, each with its provider."""
        told = self.documents("Scope", name)
        return {one["metadata"]["name"]: one["spec"]["provider"] for one in told}

    def losing(self, name: str = "*.yaml") -> list[str]:
        """Give the flags that agree to lose all that stands under `absent:`."""
        rows: list[dict[str, list[str]]] = []
        for one in self.documents("Attachments", name):
            rows += one["spec"].get("servers", {}).values()
        gone = [volume for row in rows for volume in row.get("absent", ())]
        return [word for volume in gone for word in ("--ack-destroy", volume)]

    def add(self, endpoint: str) -> None:
        """Add a second scope of ECS; its cloud is the lab's."""
        lines = [f"  endpoint: {endpoint}"]
        if endpoint == "simulator":
            lines.append("  world: afar.world.yaml")
            shutil.copy(self.lab.folder / "lab.world.yaml", self.path / "afar.world.yaml")
        text = AFAR.replace("  projectId", "\n".join([*lines, "  projectId"]), 1)
        (self.path / "afar.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def folder(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Copy the project's manifests into the lab; their clouds work forty times as fast."""
    made = Folder(lab)
    shutil.copytree(REPOSITORY / "manifests", made.path)
    for path in made.path.glob("*.world.yaml"):
        text = path.read_text(encoding="utf-8")
        quick = re.sub(r"(?m)^jobSeconds: .*$", "jobSeconds: 0.05", text)
        path.write_text(quick, encoding="utf-8")
    monkeypatch.setenv("RECONCILER_CRED_A", "simulator")
    monkeypatch.setenv("RECONCILER_CRED_S", "simulator-secret")
    return made


def endings(lab: Lab) -> dict[str, str]:
    """Give how the only run of the history ended, by scope."""
    rows = json.loads(lab.run("history", "--json").out)["runs"]
    assert len({row["id"] for row in rows}) == 1
    return {row["scope"]: row["ending"] for row in rows}


def test_a_run_is_incomplete_only_in_the_scope_that_lacks_something(folder: Folder) -> None:
    folder.add("simulator")
    world = folder.path / "afar.world.yaml"
    faults = "faults: {seed: 1, rules: [{match: 'POST *attachvolume*', always: true, answer: 400}]}"
    world.write_text(f"{world.read_text('utf-8')}{faults}\n", "utf-8")
    ran = folder.lab.run("apply", "-f", "manifests", "--auto-approve", *folder.losing())
    assert ran.code == 4, ran.out
    told = endings(folder.lab)
    assert told.pop("afar") == "incomplete"
    assert set(told.values()) == {"confirmed"}


def test_one_apply_makes_the_scopes_of_every_cloud_true(folder: Folder) -> None:
    folder.add("simulator")
    scopes, lab = folder.scopes(), folder.lab
    assert set(scopes.values()) == set(SPECS)
    assert len(scopes) > len(SPECS), "one cloud has two scopes"
    before = lab.run("plan", "-f", "manifests", "--json")
    assert before.code == 0, before.err
    told = json.loads(before.out)["reconciler"]
    assert {scope["name"] for scope in told["scopes"]} == set(scopes)
    assert {row["scope"] for row in told["changes"]} == set(scopes)
    assert told["counts"]["refused"] == 0

    ran = lab.run("apply", "-f", "manifests", "--auto-approve", *folder.losing())
    assert ran.code == 0, ran.out + ran.err
    (summary,) = re.findall(r"(?m)^Apply complete\. .*$", ran.out)
    assert "3 destroyed" in summary
    for name in scopes:
        assert f"Scope {name} is simulated." in ran.out.splitlines()
        calls = [row for row in told["calls"] if row["scope"] == name]
        assert lab.changing(name) == len(calls), name

    again = lab.run("plan", "-f", "manifests", "--detailed-exitcode")
    assert again.code == 0, again.out
    assert sum(map(lab.changing, scopes)) == len(told["calls"])


def test_without_consent_every_other_change_of_every_cloud_is_made(folder: Folder) -> None:
    ran = folder.lab.run("apply", "-f", "manifests", "--auto-approve")
    assert ran.code == 4
    assert "0 destroyed, 3 refused" in ran.out
    assert "destroy-not-acknowledged" in ran.out
    assert set(endings(folder.lab).values()) == {"confirmed"}, "nothing was sent where one is left"
    for name, provider in folder.scopes().items():
        assert (folder.lab.changing(name) > 0) == SPECS[provider].can.detach_keeps_data


def test_a_scope_that_can_not_be_read_is_named_and_the_others_are_done(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world,) = read_worlds(WORLD, "afar")
    asked: list[object] = []
    app = build([Cloud(world, WallClock())], on_request=asked.append)
    # A key of its own: what one scope learns of a key holds for all that use it.
    monkeypatch.setenv("RECONCILER_CRED_A", "AKIDSTRANGER")
    scopes = folder.scopes()
    with serving(app) as address:
        folder.add(address)
        seen = folder.lab.run("plan", "-f", "manifests", "--out", "all.plan")
        ran = folder.lab.run("apply", "-f", "manifests", "--auto-approve", *folder.losing())
    assert (seen.code, ran.code) == (1, 4), ran.out + ran.err
    assert "Saved to all.plan without `afar`, which could not be read; apply exactly" in seen.out
    assert len(asked) <= 4, "a wrong key is no reason to ask again and again"
    for told in (seen.err, ran.err):
        assert told.count("error[scope-unreadable]") == 1
        assert "afar" in told
    assert "3 destroyed, 0 refused, 0 failed, 0 unknown" in ran.out
    assert endings(folder.lab) == dict.fromkeys(scopes, "confirmed"), "afar wasn't, and has no line"
    for name in scopes:
        assert folder.lab.changing(name) > 0
        assert f"Scope {name} is simulated." in ran.out.splitlines()
    chosen = [word for name in scopes for word in ("--scope", name)]
    again = folder.lab.run("plan", "-f", "manifests", *chosen, "--detailed-exitcode")
    assert again.code == 0, again.out


@pytest.mark.parametrize("name", MANIFESTS)
def test_each_of_the_projects_manifests_can_be_planned_and_applied(
    folder: Folder, name: str
) -> None:
    lab, losing = folder.lab, folder.losing(name)
    path = f"manifests/{name}"
    planned = lab.run("plan", "-f", path, "--json")
    assert planned.code == 0, planned.err
    told = json.loads(planned.out)["reconciler"]
    assert [one for one in told["findings"] if one["severity"] == "error"] == []
    assert told["counts"]["refused"] == 0
    ran = lab.run("apply", "-f", path, "--auto-approve", *losing)
    assert ran.code == 0, ran.out + ran.err
    (scope,) = folder.scopes(name)
    assert lab.changing(scope) == len(told["calls"]) > 0
    assert lab.run("plan", "-f", path, "--detailed-exitcode").code == 0


def wanted(number: int, provider: str) -> Wanted:
    """Give a scope of a cloud in a region of its own, with one thing to do."""
    region = f"r{number}"
    if SPECS[provider].can.attach:
        rows = {"s1": ["v1", "v2"]}
        return Wanted(provider=provider, servers=rows, scope=f"scope-{number}", region=region)
    return Wanted(provider=provider, absent={"s1": ["v1"]}, scope=f"scope-{number}", region=region)


def test_a_cloud_that_can_not_be_reached_holds_back_no_other(tmp_path: Path) -> None:
    every = [wanted(number, provider) for number, provider in enumerate(SPECS)]
    plot = Plot(servers=("s1",), volumes=("v1", "v2"), attached=(("s1", "v1"),))
    plots = [(one.provider, replace(plot, region=one.region)) for one in every]
    worlds = [vendor_of(provider).world(plot) for provider, plot in plots]
    keys = {"accessKey": {"env": "RECONCILER_CRED_A"}, "secretKey": {"env": "RECONCILER_CRED_A"}}
    lost = Wanted(
        provider="huawei-ecs",
        servers={"s1": ["v2"]},
        scope="afar",
        endpoint=NOWHERE,
        more={"projectId": "0" * 32, "credentials": keys},
    )

    def unreachable(request: httpx.Request) -> None:
        if str(request.url).startswith(NOWHERE):
            raise httpx.ConnectError("nobody listens here", request=request)

    async def story() -> None:
        on = stage(tmp_path, *worlds)
        on.environ = {"RECONCILER_CRED_A": "simulator-secret"}
        on.transport.watchers.append(unreachable)
        destroys = [vendor_of(one.provider).identity("v1") for one in every]
        applied = await on.apply(*every, lost, destroys=destroys)
        assert applied.ending is Ending.INCOMPLETE
        assert [(f.code, f.scope) for f in applied.planned.findings] == [
            ("scope-unreadable", "afar")
        ]
        assert verdicts(applied) == {Verdict.DONE: len(every)}
        assert len(on.witness.writes) == len(every)

    run(story())
