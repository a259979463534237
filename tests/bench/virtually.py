"""A case in one process and in virtual time: how it would go if computing took no time at all.

What is measured on a machine says what the machine did; this says what we asked, and when. The
same case gives the same numbers everywhere, so that tests may hold them against the bounds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import reconciler
from reconciler.operations.applied import Ending
from reconciler.operations.apply import apply_manifests
from reconciler.operations.plans import plan_manifests
from reconciler.operations.sessions import Request
from reconciler.operations.wiring import Surroundings
from reconciler.sim.clock import LoopClock
from tests.bench.cases import DETACH, MOVE
from tests.bench.cloud import Watched
from tests.bench.manifests import changes, write
from tests.bench.measuring import WrongError, counted
from tests.bench.running import AROUND, asked_of
from tests.rig.stage import YES, Remembering, utc_now
from tests.rig.transport import InProcess
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from reconciler.operations.applied import Applied
    from reconciler.operations.plans import Planned
    from tests.bench.cases import Case
    from tests.bench.measuring import Row
    from tests.bench.running import Asked

CHANGING = frozenset({DETACH, MOVE})
HOUSE = Path(reconciler.__file__).parent
OURS = tuple(f"{room}/" for room in sorted(HOUSE.iterdir()) if room.is_dir() and room.name != "sim")
ADDRESS = "http://localhost:8480"


def applied(case: Case, folder: Path) -> tuple[Applied, Asked]:
    """Apply a case; give what became of it, and what its cloud was asked meanwhile."""
    manifests = folder / "manifests.yaml"
    write(case, ADDRESS, manifests)
    destroyed = frozenset(volume for verb, _, volume in changes(case) if verb == "destroy")

    async def story() -> tuple[Applied, Asked]:
        cloud = Watched(case, LoopClock(), utc_now)
        request = Request(files=(str(manifests),), first_apply=True, destroys=destroyed)
        ended = await apply_manifests(request, _around(cloud, folder), YES, Remembering())
        return ended, asked_of(cloud.told(), case.latency_s)

    return run(story())


def planned(case: Case, folder: Path) -> tuple[Planned, int]:
    """Plan a case; give the plan, and how often our functions were called for it."""
    manifests = folder / f"{case.name}.yaml"
    write(case, ADDRESS, manifests)
    calls = 0

    def count(frame: FrameType, event: str, _told: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename.startswith(OURS)

    async def story() -> Planned:
        around = _around(Watched(case, LoopClock(), utc_now), folder)
        return await plan_manifests(Request(files=(str(manifests),), first_apply=True), around)

    sys.setprofile(count)
    try:
        return run(story()), calls
    finally:
        sys.setprofile(None)


def _around(cloud: Watched, folder: Path) -> Surroundings:
    return Surroundings(
        environ=AROUND, folder=folder / "kept", transport=InProcess(cloud), utc_now=utc_now
    )


def rows_of(case: Case) -> Iterator[Row]:
    """Hold a case against its bounds; nothing where it changes nothing. Raises WrongError."""
    if case.kind not in CHANGING:
        return
    with tempfile.TemporaryDirectory() as name:
        ended, asked = applied(case, Path(name))
    if ended.ending is not Ending.CONFIRMED:
        raise WrongError(f"{case.name} left with {ended.ending.value}")
    yield from counted(case, asked)
