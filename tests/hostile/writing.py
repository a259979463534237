"""The texts that the cases are made of."""

from __future__ import annotations

import textwrap

SCOPE = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {name: lab}
spec: {provider: huawei-ecs, region: ap-southeast-3, endpoint: simulator, world: lab.world.yaml}
"""
REAL = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {name: lab}
spec: {provider: huawei-ecs, region: ap-southeast-3, projectId: p, endpoint: "ADDRESS"}
"""
HEAD = "apiVersion: reconciler/v1\nkind: %s\nmetadata: {name: %s}\nspec:\n"
LOOSE = (
    "---\napiVersion: reconciler/v1\nkind: Policy\nmetadata: {name: default}\n"
    "spec: {maxDetachShare: 1.0, maxDetachPerServer: 20}\n"
)
WORLD = """\
provider: huawei-ecs
projectId: p
jobSeconds: 0.05
latencySeconds: 0
servers:
  - {id: s-1, name: web-1, az: a, bootVolume: boot-1}
  - {id: s-2, name: web-2, az: a, bootVolume: boot-2}
volumes:
  - {id: v-1, name: one, sizeGib: 10, az: a}
  - {id: v-2, name: two, sizeGib: 10, az: a}
  - {id: v-3, name: three, sizeGib: 10, az: a}
attachments:
  - {server: web-1, volume: one}
  - {server: web-2, volume: two}
"""


def document(kind: str, body: str, name: str = "lab") -> str:
    """Write one document; the first line of its spec's body is its line 5."""
    return HEAD % (kind, name) + textwrap.indent(textwrap.dedent(body).strip("\n"), "  ") + "\n"


def rows(body: str, scope: str = SCOPE) -> str:
    """Write a scope and its Attachments; the first line of the body is line 11."""
    written = document("Attachments", "scope: lab\n" + textwrap.dedent(body))
    return f"{scope}---\n{written}"
