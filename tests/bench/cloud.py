"""The simulator of a case, as a process of its own: `python -m tests.bench.cloud CASE PORT`.

Its world is made from a few numbers, not read: a million attachments as YAML would take minutes.
Beside the cloud's own paths it answers `GET /bench`: what it was asked, and how long jobs took.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from reconciler.sim.app import build
from reconciler.sim.clock import WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.records import AttachmentRow, JobTime, ServerRow, VolumeRow, World
from reconciler.sim.rules import RuleSet
from reconciler.sim.serving import run
from tests.bench.cases import PROJECT, Case, case_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from reconciler.sim.clock import Clock

LISTINGS = ("/cloudvolumes/detail", "/cloudservers/detail", "/desktops/detail")
JOBS = ("/jobs/", "/workspace-jobs/")
REFUSALS = 300
"""Statuses from here on mean that a request was not accepted."""


def world(case: Case) -> World:
    """Give the world that a case begins with."""
    volumes = [
        VolumeRow(id=v, name=case.name_of(v), multiattach=case.shared) for v in case.volume_ids()
    ]
    boots = [VolumeRow(id=f"{s}-boot", name=f"{s}-boot") for s in case.server_ids()]
    return World(
        provider=case.provider,
        project_id=PROJECT,
        job_time=JobTime(median_s=case.job_s, sigma=case.sigma),
        latency_s=case.latency_s,
        servers=tuple(
            ServerRow(id=s, name=case.name_of(s), boot_volume=f"{s}-boot")
            for s in case.server_ids()
        ),
        volumes=(*volumes, *boots),
        attachments=tuple(AttachmentRow(server_id=s, volume_id=v) for s, v in case.live()),
        rules=RuleSet(),
    )


def _wall() -> datetime:
    return datetime.now(UTC)


class Watched:
    """The simulator, with a word about itself at `/bench`."""

    def __init__(self, case: Case, clock: Clock, utc_now: Callable[[], datetime] = _wall) -> None:
        self._cloud = Cloud(world(case), clock)
        self._rows: list[Mapping[str, object]] = []
        self._app = build([self._cloud], on_request=self._rows.append, utc_now=utc_now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] == "http" and scope["path"] == "/bench":
            await JSONResponse(self.told())(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def told(self) -> dict[str, list[list[Any]]]:
        """Give what was asked in order, and every job by the servers and volumes it held."""
        return {
            "requests": [[row["at"], _kind(row), row["status"]] for row in self._rows],
            "jobs": [
                [part.began_s, part.due_s, part.server_id, part.volume_id]
                for job in self._cloud.jobs.values()
                for part in job.leaves
            ],
        }


def _kind(row: Mapping[str, object]) -> str:
    path, query = str(row["path"]), str(row["query"])
    if row["changing"]:
        status = row["status"]
        return "write" if isinstance(status, int) and status < REFUSALS else "refused"
    if path.endswith(LISTINGS):
        named = "ids=" in query or "server_id=" in query or "desktop_id=" in query
        return "look" if named else "page"
    return "job" if any(word in path for word in JOBS) else "word"


if __name__ == "__main__":
    run(Watched(case_of(sys.argv[1]), WallClock()), "127.0.0.1", int(sys.argv[2]))
