"""The GitHub workflow that `init` writes: from a pull request to the applied plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.sim.changes import act
from reconciler.sim.serving import serving
from tests.ci.actions import Ran, Runner
from tests.ci.conftest import SECRETS
from tests.ci.hub import REPOSITORY, Hub
from tests.repository.making import git
from tests.rig.pem import pem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ci.conftest import Shop

MARKER = "<!-- reconciler plan -->"


@dataclass(kw_only=True)
class Host:
    """The shop's repository at GitHub, with its runners."""

    shop: Shop
    hub: Hub
    runner: Runner
    heads: dict[int, str] = field(default_factory=dict)

    def request(self, number: int, branch: str, *, source: str = REPOSITORY) -> Ran:
        """Open a pull request of a branch, or push to it; give what its plan says."""
        clone, head = self.shop.clone, git(self.shop.clone, "rev-parse", branch)
        git(clone, "checkout", "-q", "-B", "trial", "main")
        git(clone, "merge", "-q", "--no-ff", "-m", "trial", branch)
        ref = f"refs/pull/{number}/merge"
        git(clone, "push", "-q", "-f", "origin", f"trial:{ref}")
        told = {
            "number": number,
            "base": {"sha": git(clone, "rev-parse", "main")},
            "head": {"sha": head, "repo": {"full_name": source}},
        }
        trusted = source == REPOSITORY
        ran = self.runner.run("plan", "pull_request", ref, {"pull_request": told}, trusted=trusted)
        self.hub.runs.append(
            {
                "id": self.runner.count,
                "head_sha": head,
                "event": "pull_request",
                "conclusion": "failure" if ran.failed else "success",
            }
        )
        return ran

    def merged(self, branch: str, *, source: str = REPOSITORY) -> Ran:
        """Merge a pull request's branch; give what applying says."""
        made, head = self.shop.merge(branch), git(self.shop.clone, "rev-parse", branch)
        told: dict[str, object] = {"sha": head, "repo": {"full_name": source}}
        self.hub.pulls[made] = [{"merged_at": "2026-01-01T00:00:00Z", "head": told}]
        return self.runner.run("apply", "push", "refs/heads/main", {})


@pytest.fixture
def host(shop: Shop, tmp_path: Path) -> Iterator[Host]:
    """Give the repository at a hub on loopback."""
    hub = Hub()
    with serving(hub.app()) as address:
        runner = Runner(
            origin=shop.origin,
            folder=tmp_path / "runs",
            environ=shop.environ,
            api=address,
            secrets=SECRETS,
        )
        yield Host(shop=shop, hub=hub, runner=runner)


github = pytest.mark.parametrize("shop", ["github"], indirect=True)


@github
def test_what_was_reviewed_is_applied_and_the_comment_is_one(host: Host) -> None:
    host.shop.push("move", cache_on="web-2")
    for _ in range(2):
        ran = host.request(1, "move")
        assert not ran.failed, ran.log
    (comment,) = host.hub.comments
    assert str(comment["body"]).startswith(MARKER)
    assert "1 to attach, 0 to detach, 1 to move" in str(comment["body"])
    assert ("web-1", "cache") in host.shop.holds(), "a plan changes nothing"

    # What somebody does meanwhile was not reviewed, and stays.
    applied = host.merged("move")
    assert not applied.failed, applied.log
    assert "Apply complete. 1 attached, 0 detached, 1 moved" in applied.summary
    assert host.shop.holds() == {
        ("web-1", "web-1-data"),
        ("web-2", "web-2-data"),
        ("web-2", "cache"),
        ("db-1", "db-1-log"),
    }


@github
def test_a_fork_is_validated_without_credentials_and_nothing_of_it_is_applied(host: Host) -> None:
    before = host.shop.holds()
    host.shop.push("theirs", cache_on="web-2")
    ran = host.request(2, "theirs", source="stranger/attachments")
    assert not ran.failed, ran.log
    assert set(ran.steps) == {"Install", "Validate", "Find the snapshot for a fork"}
    assert "a fork gets no credentials" in ran.summary
    assert not host.hub.comments
    assert not host.runner.artifacts

    applied = host.merged("theirs", source="stranger/attachments")
    assert not applied.failed, applied.log
    assert "Apply" not in applied.steps
    assert "Nothing was applied." in applied.summary
    assert host.shop.holds() == before


@github
def test_a_fork_is_planned_on_the_snapshot_of_the_night_and_on_none_that_it_brings(
    host: Host,
) -> None:
    private, public = pem(Ed25519PrivateKey.generate())
    host.runner.secrets = {**SECRETS, "RECONCILER_SNAPSHOT_KEY": private}
    host.shop.keep_public("".join(public.splitlines()[1:-1]))
    looked = host.runner.run("drift", "schedule", "refs/heads/main", {})
    assert not looked.failed, looked.log
    night = host.runner.count
    ours = {"id": night, "repository_id": 1, "head_repository_id": 1, "head_branch": "main"}
    theirs = {**ours, "id": 99, "head_repository_id": 2}
    for run in (ours, theirs):
        told = {"name": "attachments-snapshot", "expired": False, "workflow_run": run}
        host.hub.artifacts.append(told)

    host.shop.push("theirs", cache_on="web-2")
    ran = host.request(5, "theirs", source="stranger/attachments")
    assert not ran.failed, ran.log
    assert ran.steps["Plan for a fork"] == 0
    assert "1 to attach, 0 to detach, 1 to move" in ran.summary
    assert "planned from a snapshot of " in ran.summary
    assert not host.hub.comments
    kept = host.runner.artifacts[str(night), "attachments-snapshot"]
    kept.write_bytes(kept.read_bytes().replace(b'"web-1"', b'"web-2"'))
    ran = host.request(5, "theirs", source="stranger/attachments")
    assert "snapshot-signature" in ran.summary
    assert "to attach" not in ran.summary


@github
def test_a_refused_plan_is_told_and_can_never_be_applied(host: Host) -> None:
    before = host.shop.holds()
    host.shop.push("empty", cache_on="")
    ran = host.request(3, "empty")
    assert ran.failed
    assert ran.steps["Fail where something is refused"] == 3
    (comment,) = host.hub.comments
    assert "limit-detach" in str(comment["body"])
    assert not host.runner.artifacts, "there is nothing that a merge could apply"
    assert host.shop.holds() == before


@github
def test_a_broken_manifest_fails_before_any_credential_is_near(host: Host) -> None:
    git(host.shop.clone, "checkout", "-q", "-b", "broken", "main")
    path = host.shop.clone / "manifests" / "shop.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("servers:", "severs:", 1))
    git(host.shop.clone, "commit", "-qam", "broken")
    ran = host.request(4, "broken")
    assert ran.failed
    assert list(ran.steps) == ["Install", "Validate"]
    assert "did you mean `servers`" in ran.log or "`severs`" in ran.log
    assert "::error file=manifests/shop.yaml" in ran.log


@github
def test_drift_opens_one_issue_and_closes_it_again(host: Host) -> None:
    cloud = host.shop.cloud
    servers = {one.row.name: one for one in cloud.servers.values()}
    volumes = {one.row.name: one for one in cloud.volumes.values()}

    def looked() -> list[tuple[object, bool]]:
        ran = host.runner.run("drift", "schedule", "refs/heads/main", {})
        assert not ran.failed, ran.log
        return [(one["state"], "web-2/cache" in str(one["body"])) for one in host.hub.issues]

    for _ in range(2):
        assert looked() == [("open", True)]
    for verb, server, volume in (
        ("detach", "web-1", "cache"),
        ("attach", "web-2", "cache"),
        ("attach", "db-1", "db-1-log"),
    ):
        assert act(cloud, verb, servers[server], volumes[volume]) is None
    assert looked() == [("closed", True)]
    assert len(host.hub.issues) == 1
