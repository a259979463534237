"""Every provider that discovery finds passes every case; its world file is found by its name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from reconciler.providers import discover
from tests.rig.plot import Plot, Wanted
from tests.rig.stage import Stage, stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.rig.plot import Vendor

PROVIDERS = tuple(discover())


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One provider, a folder, and the ways to put a simulated cloud in front of it."""

    provider: str
    vendor: Vendor
    folder: Path

    def stage(self, *plots: Plot) -> Stage:
        """Give a stage with a world for each plot."""
        return stage(self.folder, *(self.vendor.world(plot) for plot in plots))

    def rows(self, **servers: Sequence[str]) -> Wanted:
        """Give entries that own these servers' rows."""
        return Wanted(provider=self.provider, servers=servers)

    def rule(self, match: str, **rest: object) -> Mapping[str, object]:
        """Give a fault rule that fires for the first match, unless `rest` says when."""
        timed = {"nth", "every", "probability", "always"} & rest.keys()
        return {"match": match, **({} if timed else {"nth": 1}), **rest}


@pytest.fixture(params=PROVIDERS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Give one provider after the other."""
    provider = str(request.param)
    module = importlib.import_module(f"tests.contract.worlds.{provider.replace('-', '_')}")
    return House(provider=provider, vendor=cast("Vendor", module), folder=tmp_path)
