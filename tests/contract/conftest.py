"""Every provider that discovery finds passes every case; its world file is found by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reconciler.providers import discover
from tests.rig.plot import Plot, Wanted, vendor_of
from tests.rig.stage import Stage, stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.rig.plot import Vendor

SPECS = discover()
ATTACHING = tuple(name for name, spec in SPECS.items() if spec.can.attach)


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


@pytest.fixture(params=ATTACHING)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Give one provider after the other; those that attach, where a test says nothing else."""
    provider = str(request.param)
    return House(provider=provider, vendor=vendor_of(provider), folder=tmp_path)
