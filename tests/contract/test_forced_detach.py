"""A forced detach goes alone, says so, and is made where policy, cloud and name agree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.operations.applied import Ending
from reconciler.operations.apply import apply_manifests
from reconciler.operations.plans import plan_manifests
from tests.contract.having import forcing, having, unforced
from tests.rig.plot import UNLIMITED, Plot, Wanted
from tests.rig.stage import YES
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from tests.contract.conftest import House

PLOT = Plot(
    servers=("s1", "s2", "s3"),
    shared=("all",),
    volumes=("v1", "v2"),
    attached=(("s1", "all"), ("s2", "all"), ("s3", "all"), ("s1", "v1"), ("s2", "v2")),
)
ASK = {**UNLIMITED, "forceDetach": "ask"}


@having(forcing)
def test_what_is_named_goes_by_force_and_the_rest_of_its_batch_as_ever(house: House) -> None:
    async def story() -> None:
        on = house.stage(PLOT)
        wanted = Wanted(
            provider=house.provider, servers={"s1": []}, volumes={"all": []}, policy=ASK
        )
        request = replace(on.request(wanted), forces=("s1/v1", "s2/all"))
        applied = await apply_manifests(request, on.around, YES, on.events)
        assert applied.ending is Ending.CONFIRMED
        assert set(on.truth()) == {("s2", "v2")}
        forced = [row for row in on.witness.writes if "delete_flag=1" in str(row["query"])]
        assert len(forced) == 2
        assert len(on.witness.writes) == 3, "two by force, one batch for s1 and s3"
        told = [call for _, call, _ in on.events.ended if call.forced]
        assert [len(call.keys) for call in told] == [1, 1]

    run(story())


@having(unforced)
def test_a_cloud_without_force_says_so_and_sends_nothing(house: House) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",), attached=(("s1", "v1"),)))
        wanted = Wanted(provider=house.provider, servers={"s1": []}, policy=ASK)
        volume = house.vendor.ref("v1")
        request = replace(on.request(wanted), forces=(f"s1/{volume}",))
        made = (await plan_manifests(request, on.around)).scopes[0].plan
        codes = [finding.code for change in made.changes for finding in change.refusals]
        assert codes == ["force-not-possible"]
        applied = await apply_manifests(request, on.around, YES, on.events)
        assert applied.ending is Ending.REFUSED
        assert on.witness.writes == []

    run(story())
