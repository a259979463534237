"""Worlds of Huawei ECS, and where its calls can be made to go wrong."""

from __future__ import annotations

import hashlib
import json
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
listings = ("GET */cloudvolumes/detail", "GET */cloudservers/detail")
cut_short = dict.fromkeys(listings, ("drop-page", "lying-count", "endless"))
jobs = "GET */jobs/*"
batch_max = 16
busy = "Ecs.0603"


def identity(name: str) -> str:
    """Give the id of the server or volume of this name."""
    return f"{name}-id"


def ref(volume: str) -> str:
    """Give how manifests write a volume."""
    return volume


def world(plot: Plot) -> str:
    """Give the world file of a plot; ids are the names with `-id` behind them."""
    volumes = [{"id": f"{name}-id", "name": name} for name in plot.volumes]
    volumes += [{"id": f"{n}-id", "name": n, "multiattach": True} for n in plot.shared]  # type: ignore[dict-item]  # JSON
    volumes += [{"id": f"{name}-boot", "name": f"{name}-boot"} for name in plot.servers]
    attached = [{"server": s, "volume": v} for s, v in plot.attached]
    attached += [{"server": s, "volume": v, "seenBy": "storage"} for s, v in plot.storage_only]
    document = {
        "provider": "huawei-ecs",
        "projectId": hashlib.sha256(plot.region.encode()).hexdigest()[:32],
        "region": plot.region,
        "seed": str(plot.seed),
        "jobSeconds": {"median": plot.job_s, "sigma": plot.sigma},
        "latencySeconds": plot.latency_s,
        "servers": [
            {"id": f"{name}-id", "name": name, "bootVolume": f"{name}-boot"}
            for name in plot.servers
        ],
        "volumes": volumes,
        "attachments": attached,
        "faults": {"seed": str(plot.seed), "rules": [dict(rule) for rule in plot.rules]},
    }
    return json.dumps(document, indent=1) + "\n"
