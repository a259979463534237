"""Worlds of Huawei Workspace, and where its calls can be made to go wrong."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.rig.plot import Plot

attaches = False
throttles = (429,)
scope: Mapping[str, object] = {}
policy: Mapping[str, object] = {"allowDestroy": True}
attach = "POST */no-such-call"
"""Nothing attaches here."""
detach = "POST */volumes/batch-delete"
write = detach
listings = ("GET */desktops/detail",)
cut_short = dict.fromkeys(listings, ("drop-page", "lying-count", "endless"))
jobs = "GET */workspace-jobs/*"
batch_max = 10
busy = "WKS.0407"


def identity(name: str) -> str:
    """Give the id of the desktop or disk of that name."""
    return f"{name}-id"


def ref(volume: str) -> str:
    """Give how manifests write a disk: by its name, which counts within its desktop."""
    return volume


def world(plot: Plot) -> str:
    """Give the world file of a plot; ids are the names with `-id` behind them."""
    volumes = [{"id": identity(name), "name": name} for name in (*plot.volumes, *plot.shared)]
    volumes += [{"id": f"{name}-boot", "name": f"{name}-boot"} for name in plot.servers]
    attached = [{"server": s, "volume": v} for s, v in plot.attached]
    attached += [{"server": s, "volume": v, "seenBy": "storage"} for s, v in plot.storage_only]
    document = {
        "provider": "huawei-workspace",
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
