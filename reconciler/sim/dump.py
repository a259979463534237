"""A cloud as a document: what `GET /_sim/world` answers, and the text of a world file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sim.cloud import Cloud
    from reconciler.sim.entities import Attachment, Server, Volume
    from reconciler.sim.records import Job

FINISHED_JOBS_SAVED = 100
"""How many jobs that have ended a world file keeps, for clients that ask for them later."""

# YAML doesn't take these raw, and some of them are line breaks to it.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

_LISTS = ("servers", "volumes", "attachments", "jobs")


def document(cloud: Cloud) -> dict[str, object]:
    """Give the world now, sorted; secrets are left out, `jobs` are those in flight."""
    world = cloud.world
    time = world.job_time
    job_seconds: object = time.median_s
    if time.sigma:
        job_seconds = {"median": time.median_s, "sigma": time.sigma}
    return {
        "provider": world.provider,
        "projectId": world.project_id,
        "region": world.region,
        "seed": world.seed,
        "jobSeconds": job_seconds,
        "latencySeconds": world.latency_s,
        "servers": [_server(cloud, row) for _, row in sorted(cloud.servers.items())],
        "volumes": [_volume(row) for _, row in sorted(cloud.volumes.items())],
        "attachments": _attachments(cloud),
        "jobs": [_job(job) for _, job in sorted(cloud.jobs.items()) if not job.ended],
        "faults": cloud.faults.document(counts=False),
    }


def cloud_text(cloud: Cloud) -> str:
    """Give a world file: `document`, the secrets, and what it takes to go on from here."""
    world = cloud.world
    written = document(cloud)
    written["keys"] = [{"accessKey": a, "secretKey": s} for a, s in sorted(world.keys.items())]
    written["users"] = [
        {"name": user.name, "password": user.password, "domain": user.domain}
        for user in world.users
    ]
    written["faults"] = cloud.faults.document(counts=True)
    written["elapsedSeconds"] = cloud.at_s
    written["drawn"] = cloud.dice.drawn
    ended = [job for job in cloud.jobs.values() if job.ended][-FINISHED_JOBS_SAVED:]
    running = [job for job in cloud.jobs.values() if not job.ended]
    # The oldest is forgotten first, so the order in which jobs began is kept.
    saved = sorted([*ended, *running], key=lambda job: job.began_s)
    written["jobs"] = [_job(job) for job in saved]
    return "".join(_lines(written))


def _lines(written: Mapping[str, object]) -> list[str]:
    lines = []
    for key, value in written.items():
        if key in _LISTS and isinstance(value, list) and value:
            lines.append(f"{key}:\n")
            lines += [f"  - {_flow(row)}\n" for row in value]
        else:
            lines.append(f"{key}: {_flow(value)}\n")
    return lines


def _flow(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _server(cloud: Cloud, server: Server) -> dict[str, object]:
    row = server.row
    written: dict[str, object] = {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "az": row.az,
        "flavor": row.flavor,
        "tags": dict(row.tags),
        "freeSlots": server.free_slots,
        **row.facts,
    }
    # A boot disk that was detached is left out, or reading the file would bring it back.
    held = cloud.held.get(row.id, {})
    if row.boot_volume is not None and (row.boot_volume in server.disks or row.boot_volume in held):
        written["bootVolume"] = row.boot_volume
    written |= {word: True for word in ("locked", "frozen") if getattr(row, word)}
    if row.motion is not None:
        written["taskState"] = row.motion
    return written


def _volume(volume: Volume) -> dict[str, object]:
    row = volume.row
    return {
        "id": row.id,
        "name": row.name,
        "sizeGib": row.size_gib,
        "az": row.az,
        "multiattach": row.multiattach,
        "type": row.type,
        "status": volume.status,
        "bootable": row.bootable,
        "tags": dict(row.tags),
        "metadata": dict(row.metadata),
        **row.facts,
    }


def _attachments(cloud: Cloud) -> list[dict[str, object]]:
    compute = {
        (server_id, volume_id): row
        for server_id, server in cloud.servers.items()
        for volume_id, row in server.disks.items()
    }
    storage = {
        (server_id, volume_id): row
        for server_id, held in cloud.held.items()
        for volume_id, row in held.items()
    }
    views = {
        **dict.fromkeys(compute, "compute"),
        **dict.fromkeys(storage, "storage"),
        **dict.fromkeys(compute.keys() & storage.keys(), "both"),
    }
    return [
        _attachment(compute.get(pair) or storage[pair], view)
        for pair, view in sorted(views.items())
    ]


def _attachment(row: Attachment, seen_by: str) -> dict[str, object]:
    return {
        "server": row.server_id,
        "volume": row.volume_id,
        "device": row.device,
        "seenBy": seen_by,
        "deleteOnTermination": row.delete_on_termination,
        "attachmentId": row.attachment_id,
        "attachedAt": row.attached_s,
    }


def _job(job: Job) -> dict[str, object]:
    written: dict[str, object] = {
        "id": job.id,
        "verb": job.verb,
        "volume": job.volume_id,
        "server": job.server_id,
        "device": job.device,
        "deleteOnTermination": job.delete_on_termination or None,
        "beganAt": job.began_s,
        "dueAt": job.due_s,
        "applies": job.applies,
        "ends": job.ends,
        "shows": job.shows,
        "done": job.done,
        "parts": [_job(part) for part in job.parts],
    }
    return {key: value for key, value in written.items() if value not in (None, [])}
