"""The facts on which a change was approved: what must still hold when a saved plan is applied.

No wider than what matters: of the volume its id, phase, servers by view and whether it boots;
of a server its id, status class, lock and zone, and of the one that a volume leaves whether it
runs, where a policy warns of that. Slots are counted anew each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.policy import WhenRunning
from reconciler.planning.remembering import when_running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.plan import Change, Facts
    from reconciler.planning.ground import Ground

RUNNING = "running"
"""The fact that only matters where it came to be: a server that was stopped holds no volume."""


def precondition(change: Change, on: Ground) -> Mapping[str, Facts]:
    """Give the facts by `volume`, `server` and, for a move, `source`."""
    facts = {
        "volume": _volume(change.key.volume_id, on),
        "server": _server(change.key.server_id, on),
    }
    if change.source is not None:
        facts["source"] = _server(change.source.server_id, on)
    warned = when_running(on.policy, on.can) is WhenRunning.WARN
    if warned and on.policy.guest_release is None and change.leaves is not None:
        left = on.live.servers.get(change.leaves.server_id)
        part = "source" if change.source is not None else "server"
        facts[part] = {**facts[part], RUNNING: left.running if left is not None else None}
    return facts


def _volume(volume_id: str, on: Ground) -> Facts:
    volume = on.live.volumes.get(volume_id)
    holders = on.holders.of(volume_id)
    return {
        "id": volume_id,
        "phase": volume.status.value if volume else None,
        "boot": volume.boot if volume else None,
        "servers": [
            f"{observed.key.server_id}:{view.value}"
            for observed in holders
            for view in on.live.views
            if view in observed.sightings
        ],
    }


def _server(server_id: str, on: Ground) -> Facts:
    server = on.live.servers.get(server_id)
    return {
        "id": server_id,
        "status": server.status.value if server else None,
        "locked": server.locked if server else None,
        "zone": server.zone if server else None,
    }
