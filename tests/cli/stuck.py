"""A simulated scope in which things are stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.running import SCOPE

if TYPE_CHECKING:
    from tests.cli.running import Lab

STALE_ID = "d8777f54-84cf-4809-a679-468ffed56cf1"
GONE_ID = "e8777f54-84cf-4809-a679-468ffed56cf1"
ALLOWED = "maxDetachShare: 1.0, allowStatusReset: true"
WORLD = f"""\
provider: huawei-ecs
projectId: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
jobSeconds: 0.05
latencySeconds: 0
servers:
  - {{id: s-1, name: web-1, az: a, bootVolume: boot-1}}
  - {{id: s-2, name: web-2, az: a}}
  - {{id: s-3, name: twin, az: a}}
  - {{id: s-4, name: twin, az: a}}
volumes:
  - {{id: v-1, name: one, az: a}}
  - {{id: v-2, name: stale, az: a}}
  - {{id: v-3, name: lost, az: a}}
  - {{id: v-4, name: half, az: a}}
  - {{id: v-5, name: boots, az: a, bootable: true}}
attachments:
  - {{server: web-1, volume: one}}
  - {{server: web-1, volume: stale, seenBy: storage, attachmentId: {STALE_ID}}}
  - {{server: s-9, volume: lost, seenBy: storage, attachmentId: {GONE_ID}}}
  - {{server: web-2, volume: half, seenBy: compute}}
  - {{server: web-2, volume: boots, seenBy: storage}}
"""


ENTRIES = "  servers: {web-1: {volumes: [one]}}"


def declare(lab: Lab, world: str = WORLD, policy: str = ALLOWED, entries: str = ENTRIES) -> None:
    """Write the world, and manifests that own the row of web-1."""
    (lab.folder / "lab.world.yaml").write_text(world, encoding="utf-8")
    lab.declare(entries, policy)


def leave_a_call_open(lab: Lab) -> None:
    """Let a run give up on a detach of web-1/one that the cloud is still at work on."""
    rule = '{match: "DELETE *", always: true, job: {slow: 3600}}'
    (lab.folder / "lab.world.yaml").write_text(
        f"{WORLD}faults:\n  rules:\n    - {rule}\n", encoding="utf-8"
    )
    hurried = SCOPE.replace("world:", "limits: {stepTimeout: 1s}, world:")
    # `stale` is wanted, which is refused: the rest of the row is still applied.
    lab.declare("  servers: {web-1: {volumes: [stale]}}", ALLOWED, hurried)
    assert lab.apply().code == 4
