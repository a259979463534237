"""Changes that were accepted: the jobs that carry them out, and what a fault makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sim.records import Job

if TYPE_CHECKING:
    from reconciler.sim.cloud import Cloud
    from reconciler.sim.entities import Server, Volume
    from reconciler.sim.rules import Rule


@dataclass(frozen=True, slots=True)
class Target:
    """One attachment of an accepted call, with the device asked for."""

    server: Server
    volume: Volume
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One accepted call: `attach`, `detach` or `destroy`, and what it is about.

    `batch`: its job is a parent with a part for each target. `delete_on_termination`: what an
    attach that carries it sets.
    """

    verb: str
    targets: tuple[Target, ...]
    batch: bool = False
    delete_on_termination: bool = False


def begin(cloud: Cloud, change: Change, rule: Rule | None) -> Job:
    """Give the job of a change, under way; a batch's has a part for each target."""
    rule = rule if rule is not None and rule.kind == "job" else None
    parts = tuple(_leaf(cloud, change, target, rule) for target in change.targets)
    job = parts[0]
    if change.batch:
        job = Job(
            id=cloud.dice.token(),
            verb=change.verb,
            volume_id=change.targets[0].volume.row.id,
            began_s=cloud.at_s,
            due_s=max(part.due_s for part in parts),
            parts=parts,
            ends="FAIL" if any(part.ends == "FAIL" for part in parts) else "SUCCESS",
        )
    if rule is not None and rule.fault in ("gone", "init-first"):
        job.shows = rule.fault
    cloud.watch(job)
    return job


def _leaf(cloud: Cloud, change: Change, target: Target, rule: Rule | None) -> Job:
    server = target.server
    time = cloud.world.job_time
    lasts_s = cloud.dice.lognormal(time.median_s, time.sigma)
    job = Job(
        id=cloud.dice.token(),
        verb=change.verb,
        volume_id=target.volume.row.id,
        server_id=server.row.id,
        device=target.device,
        delete_on_termination=change.delete_on_termination,
        began_s=cloud.at_s,
        due_s=cloud.at_s + lasts_s,
    )
    if rule is not None:
        _spoil(job, server, rule)
    return job


def _spoil(job: Job, server: Server, rule: Rule) -> None:
    if rule.fault == "slow":
        job.due_s = job.began_s + rule.seconds
    if rule.fault == "partial":
        if not {server.row.id, server.row.name} & set(rule.servers):
            return
        job.ends = "FAIL"
    if rule.fault == "fail":
        job.ends = "FAIL"
    job.applies = rule.applied


def act(cloud: Cloud, verb: str, server: Server, volume: Volume) -> str | None:
    """Do at once what somebody at the console did; the reason when it can't be."""
    held = volume.row.id in server.disks or server.row.id in volume.holders
    pair = f"`{volume.row.id}` on `{server.row.id}`"
    if volume.in_flight or server.in_flight:
        return f"{pair}: a change is in flight; wait for it"
    if verb == "detach":
        if not held:
            return f"{pair} isn't attached"
        cloud.part(server, volume)
    else:
        if held:
            return f"{pair} is attached already"
        if volume.holders and not volume.row.multiattach:
            return f"`{volume.row.id}` isn't shareable and is attached elsewhere"
        if not server.free_slots:
            return f"`{server.row.id}` has no free slot"
        cloud.join(server, volume)
    cloud.settle(volume)
    return None
