"""A plan on a snapshot is the plan that a look would give, for what the snapshot tells of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.operations.offline import drift_with_snapshot, plan_offline
from tests.rig.pem import pem
from tests.rig.plot import Plot
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from reconciler.operations.plans import Planned
    from tests.contract.conftest import House

KEY, PUBLIC = pem(Ed25519PrivateKey.generate())
KEYS = {"RECONCILER_SNAPSHOT_KEY": KEY, "RECONCILER_SNAPSHOT_PUBLIC_KEY": PUBLIC}
PLOT = Plot(
    servers=("s1", "s2", "s3"),
    volumes=("moves", "goes", "stays", "other", "free"),
    attached=(("s1", "moves"), ("s1", "goes"), ("s2", "stays"), ("s3", "other")),
    rules=(),
)


def rows(made: Planned) -> list[tuple[object, ...]]:
    """Give what a plan says of each change, names left out: an end may have none."""
    return [
        (change.action, change.key, change.source, change.standing, change.updates)
        for scope in made.scopes
        for change in scope.plan.changes
    ]


def test_every_change_between_named_rows_is_the_same_without_a_cloud(
    house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path: Path = tmp_path_factory.mktemp("artifacts") / "live.snapshot"
    looked = house.rows(s1=["moves"], s2=["stays", "free"])

    async def story() -> None:
        on = house.stage(PLOT)
        on.environ = KEYS
        await drift_with_snapshot(on.request(looked), on.around, path)
        asked = len(on.witness.rows)
        for wanted in (
            looked,
            house.rows(s1=[], s2=["stays", "moves"]),
            house.rows(s1=["moves", "stays", "free"], s2=[]),
        ):
            request = replace(on.request(wanted), snapshot=str(path))
            offline = await plan_offline(request, replace(on.around, transport=None))
            assert len(on.witness.rows) == asked, "nothing is asked"
            live = await on.plan(wanted)
            asked = len(on.witness.rows)
            assert rows(offline) == rows(live)
            assert len(rows(live)) > 0
            assert offline.findings == ()

    run(story())


def test_a_volume_that_is_not_in_it_is_refused(
    house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path: Path = tmp_path_factory.mktemp("artifacts") / "live.snapshot"

    async def story() -> None:
        on = house.stage(PLOT)
        on.environ = KEYS
        await drift_with_snapshot(on.request(house.rows(s1=["moves"])), on.around, path)
        vendor_id = next(i for i, v in on.cloud.volumes.items() if v.row.name == "other")
        for text in ("other", vendor_id):
            request = replace(on.request(house.rows(s1=["moves", text])), snapshot=str(path))
            made = await plan_offline(request, on.around)
            codes = {finding.code for finding in made.scopes[0].plan.findings}
            assert "not-in-snapshot" in codes
            assert not made.approvable

    run(story())
