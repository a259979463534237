"""Running the command line in this process, in a folder of its own."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

REPOSITORY = Path(__file__).parents[2]

SCOPE = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {name: lab}
spec: {provider: huawei-ecs, region: ap-southeast-3, endpoint: simulator, world: lab.world.yaml}
"""
WORLD = """\
provider: huawei-ecs
projectId: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
jobSeconds: 0.05
latencySeconds: 0
servers:
  - {id: s-1, name: web-1, az: a, bootVolume: boot-1}
  - {id: s-2, name: web-2, az: a, bootVolume: boot-2}
  - {id: s-3, name: web-3, az: a, bootVolume: boot-3}
volumes:
  - {id: v-1, name: one, sizeGib: 10, az: a}
  - {id: v-2, name: two, sizeGib: 10, az: a}
  - {id: v-3, name: three, sizeGib: 10, az: a}
  - {id: v-4, name: shared, sizeGib: 10, az: a, multiattach: true}
attachments:
  - {server: web-1, volume: one}
  - {server: web-2, volume: two}
  - {server: web-1, volume: shared}
  - {server: web-2, volume: shared}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Lab:
    """A folder with a simulated scope `lab`, in which commands are run."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.first = True
        """Whether `plan` and `apply` say that nothing was applied before."""
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)
        for name in ("RECONCILER_INPUT", "RECONCILER_DATA_DIR", "HW_ACCESS_KEY", "HW_SECRET_KEY"):
            monkeypatch.delenv(name, raising=False)
        (folder / "lab.world.yaml").write_text(WORLD, encoding="utf-8")

    def declare(self, entries: str, policy: str = "", scope: str = SCOPE) -> None:
        """Write `lab.yaml`: the scope, its entries (the lines below `spec`) and a policy."""
        attachments = (
            "---\napiVersion: reconciler/v1\nkind: Attachments\nmetadata: {name: lab}\n"
            f"spec:\n  scope: lab\n{entries}\n"
        )
        loose = policy or "maxDetachShare: 1.0"
        policies = (
            "---\napiVersion: reconciler/v1\nkind: Policy\nmetadata: {name: default}\n"
            f"spec: {{{loose}}}\n"
        )
        text = scope + attachments + policies
        (self.folder / "lab.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> Ran:
        """Run one command line; `plan` and `apply` say `--first-apply`, unless `first` is False."""
        if self.first and arguments[:1] in {("plan",), ("apply",)}:
            arguments = (*arguments, "--first-apply")
        self._monkeypatch.setattr(sys, "argv", ["reconciler", *arguments])
        self._capsys.readouterr()
        try:
            main()
        except SystemExit as end:
            code = end.code
        told = self._capsys.readouterr()
        assert isinstance(code, int)
        return Ran(code=code, out=told.out, err=told.err)

    def apply(self, *arguments: str) -> Ran:
        """Run `apply -f lab.yaml --auto-approve` with more arguments."""
        return self.run("apply", "-f", "lab.yaml", "--auto-approve", *arguments)

    def plan(self, *arguments: str) -> Ran:
        """Run `plan -f lab.yaml` with more arguments."""
        return self.run("plan", "-f", "lab.yaml", *arguments)

    def requests(self, scope: str = "lab") -> list[dict[str, object]]:
        """Give the kept request log of a simulated scope."""
        path = self.folder / ".reconciler" / "simulator" / f"{scope}.requests.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def changing(self, scope: str = "lab") -> int:
        """Count the calls that asked the simulated cloud for a change."""
        return sum(row["changing"] is True for row in self.requests(scope))

    def live(self) -> set[tuple[str, str]]:
        """Give (server, volume) of every attachment that isn't a boot volume."""
        document = json.loads(self.run("live", "-f", "lab.yaml", "--json").out)
        rows = document["scopes"][0]["attachments"]
        return {(row["server"], row["volume"]) for row in rows if not row["boot"]}

    def moved(self, volume_id: str, server_id: str) -> None:
        """Put a volume onto another server, behind everybody's back."""

        def move(world: dict[str, Any]) -> None:
            (row,) = [one for one in world["attachments"] if one["volume"] == volume_id]
            row["server"] = server_id

        self._tampered(move)

    def taken(self, volume_id: str) -> None:
        """Take a volume off its server, behind everybody's back."""

        def take(world: dict[str, Any]) -> None:
            rows = world["attachments"]
            world["attachments"] = [row for row in rows if row["volume"] != volume_id]
            (volume,) = [one for one in world["volumes"] if one["id"] == volume_id]
            volume["status"] = "available"

        self._tampered(take)

    def _tampered(self, change: Callable[[dict[str, Any]], None]) -> None:
        path = self.folder / ".reconciler" / "simulator" / "lab.world.yaml"
        world = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(world)
        path.write_text(yaml.safe_dump(world), encoding="utf-8")
