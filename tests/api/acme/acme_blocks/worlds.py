"""Worlds of Acme Blocks for the contract suite, and where its calls can be made to go wrong."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.rig.plot import Plot

attaches = True
throttles = (429,)
scope: Mapping[str, object] = {}
policy: Mapping[str, object] = {}
attach = "PUT */v2/machines/*/blocks/*"
detach = "DELETE */v2/machines/*/blocks/*"
write = "* */v2/machines/*/blocks/*"
listings = ("GET */v2/machines", "GET */v2/blocks")
cut_short: Mapping[str, tuple[str, ...]] = {}
"""There are no pages that could be lost."""
jobs = "GET */no-jobs/*"
batch_max = 1
busy = "busy"


def identity(name: str) -> str:
    """Give the id of the server or volume of this name."""
    return f"{name}-id"


def ref(volume: str) -> str:
    """Give how manifests write a volume."""
    return volume


def world(plot: Plot) -> str:
    """Give the world file of a plot, with a key of its own for its region."""
    volumes: list[object] = [{"id": identity(name), "name": name} for name in plot.volumes]
    volumes += [{"id": identity(n), "name": n, "multiattach": True} for n in plot.shared]
    volumes += [{"id": f"{name}-boot", "name": f"{name}-boot"} for name in plot.servers]
    attached = [{"server": s, "volume": v} for s, v in plot.attached]
    document = {
        "provider": "acme-blocks",
        "projectId": hashlib.sha256(plot.region.encode()).hexdigest()[:32],
        "region": plot.region,
        "seed": str(plot.seed),
        "keys": [{"accessKey": f"key-{plot.region}", "secretKey": f"secret-of-{plot.region}"}],
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
