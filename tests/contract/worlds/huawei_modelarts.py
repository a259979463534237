"""Worlds of Huawei ModelArts, and where its calls can be made to go wrong."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.rig.plot import Plot

attaches = True
throttles = (429, 503, "throttle-202")
scope: Mapping[str, object] = {}
policy: Mapping[str, object] = {}
attach = "* *attachvolume*"
detach = "* *detachvolume*"
write = "* *tachvolume*"
listings = ("GET */dev-servers",)
cut_short = dict.fromkeys(listings, ("drop-page", "lying-count", "endless"))
jobs = "GET */operation/*"
batch_max = 1
busy = "ModelArts.6357"


def identity(name: str) -> str:
    """Give the id of the server or volume of that name: a UUID, as the documents want it."""
    return str(uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4))


def ref(volume: str) -> str:
    """Give how manifests write a volume: by its id, because it has no name here."""
    return identity(volume)


def world(plot: Plot) -> str:
    """Give the world file of a plot; volumes bear their names in it, and the API shows none."""
    names = [*plot.volumes, *(f"{name}-boot" for name in plot.servers)]
    volumes: list[object] = [{"id": identity(name), "name": name} for name in names]
    volumes += [{"id": identity(n), "name": n, "multiattach": True} for n in plot.shared]
    attached = [{"server": s, "volume": v} for s, v in plot.attached]
    attached += [{"server": s, "volume": v, "seenBy": "storage"} for s, v in plot.storage_only]
    document = {
        "provider": "huawei-modelarts",
        "projectId": hashlib.sha256(plot.region.encode()).hexdigest()[:32],
        "region": plot.region,
        "seed": str(plot.seed),
        "jobSeconds": {"median": plot.job_s, "sigma": plot.sigma},
        "latencySeconds": plot.latency_s,
        "servers": [
            {"id": identity(name), "name": name, "bootVolume": f"{name}-boot"}
            for name in plot.servers
        ],
        "volumes": volumes,
        "attachments": attached,
        "faults": {"seed": str(plot.seed), "rules": [dict(rule) for rule in plot.rules]},
    }
    return json.dumps(document, indent=1) + "\n"
