"""One wheel for all of them, a cloud on loopback, and a repository that `init` wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reconciler.sim.app import build
from reconciler.sim.clock import WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import serving
from reconciler.sim.world import read_worlds
from reconciler.starter import files
from tests.ci.installing import environment, machine, wheel
from tests.repository.making import commit, git
from tests.rig.stage import truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EMBEDDED = """\
  endpoint: simulator               # a real cloud: take this line and the next one out,
  world: shop.world.yaml            # and set HW_ACCESS_KEY and HW_SECRET_KEY
"""
SECRETS = {"HW_ACCESS_KEY": "simulator", "HW_SECRET_KEY": "simulator-secret"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A repository at a host, a clone of it to work in, and the cloud that it is about."""

    origin: Path
    clone: Path
    cloud: Cloud
    environ: dict[str, str]
    """Of a runner."""

    def push(self, branch: str, *, cache_on: str) -> str:
        """Commit on a branch of main where the volume `cache` shall be; give the id."""
        git(self.clone, "checkout", "-q", "-B", branch, "main")
        path = self.clone / "manifests" / "shop.yaml"
        rows = ("web-1: {volumes: [web-1-data]}", "web-2: {volumes: [web-2-data, cache]}")
        text = path.read_text(encoding="utf-8")
        assert all(row in text for row in rows)
        if cache_on == "web-1":
            text = text.replace(rows[0], "web-1: {volumes: [web-1-data, cache]}")
            text = text.replace(rows[1], "web-2: {volumes: [web-2-data]}")
        if not cache_on:
            text = text.replace(rows[1], "web-2: {volumes: []}").replace(
                rows[0], "web-1: {volumes: []}"
            )
        path.write_text(text + f"# {branch}\n", encoding="utf-8")
        made = commit(self.clone, branch)
        git(self.clone, "push", "-q", "origin", branch)
        return made

    def keep_public(self, key: str) -> None:
        """Commit to main the public half of the key that signs snapshots."""
        path = self.clone / ".github" / "workflows" / "attachments.yml"
        text = path.read_text(encoding="utf-8")
        empty = 'RECONCILER_SNAPSHOT_PUBLIC_KEY: ""'
        assert empty in text
        path.write_text(text.replace(empty, f'{empty[:-1]}{key}"'), encoding="utf-8")
        commit(self.clone, "Prove snapshots")
        git(self.clone, "push", "-q", "origin", "main")

    def merge(self, branch: str) -> str:
        """Merge a branch into main, as the host does; give the id."""
        git(self.clone, "checkout", "-q", "main")
        git(self.clone, "merge", "-q", "--no-ff", "-m", f"Merge {branch}", branch)
        git(self.clone, "push", "-q", "origin", "main")
        return git(self.clone, "rev-parse", "HEAD")

    def holds(self) -> set[tuple[str, str]]:
        """Give (server, volume) of what is attached in the cloud."""
        return set(truth(self.cloud))


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the environment of a runner on which nothing is installed yet."""
    folder = tmp_path_factory.mktemp("machine")
    wheel(folder / "wheels")
    return environment(machine(folder / "python"), folder / "wheels", folder)


@pytest.fixture
def shop(tmp_path: Path, environ: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Give the starter repository of the CI that the test's parameter names, on main at a host."""
    written = files(request.param)
    (world,) = read_worlds(written["manifests/shop.world.yaml"].replace("1.0", "0.05"), "world")
    cloud = Cloud(world, WallClock())
    with serving(build([cloud])) as address:
        for path, text in written.items():
            target = tmp_path / "clone" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path == "manifests/shop.yaml":
                assert EMBEDDED in text
                text = text.replace(EMBEDDED, f"  endpoint: {address}\n")  # noqa: PLW2901 - the real one
            target.write_text(text, encoding="utf-8")
        origin = tmp_path / "origin.git"
        git(tmp_path, "init", "-q", "--bare", "-b", "main", str(origin))
        commit(tmp_path / "clone", "Begin")
        git(tmp_path / "clone", "remote", "add", "origin", str(origin))
        git(tmp_path / "clone", "push", "-q", "origin", "main")
        yield Shop(origin=origin, clone=tmp_path / "clone", cloud=cloud, environ=environ)
