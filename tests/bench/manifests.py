"""The manifest of a case, written line by line: a million attachments aren't kept in memory."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.bench.cases import AT_ONCE, DETACH, MOVE, PROJECT, READ, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.cases import Case

HEAD = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {{name: bench}}
spec:
  provider: {provider}
  region: ap-southeast-3
  projectId: {project}
  endpoint: {address}
  limits: {{maxConcurrency: {at_once}{rate}}}
---
apiVersion: reconciler/v1
kind: Policy
metadata: {{name: bench}}
spec: {{scopes: [bench], maxDetach: 1000000, maxDetachShare: 1.0, maxDetachPerServer: 1000{more}}}
---
apiVersion: reconciler/v1
kind: Attachments
metadata: {{name: bench}}
spec:
  scope: bench
"""


def write(case: Case, address: str, path: Path) -> None:
    """Write the manifest of a case."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            HEAD.format(
                provider=case.provider,
                project=PROJECT,
                address=address,
                at_once=AT_ONCE,
                rate="" if case.per_s is None else f", requestsPerSecond: {case.per_s:g}",
                more=", allowDestroy: true" if case.provider == WORKSPACE else "",
            )
        )
        file.writelines(f"{line}\n" for line in _rows(case))


def _rows(case: Case) -> Iterator[str]:
    if case.shared:
        yield "  volumes:"
        yield f"    {case.name_of(case.volume_ids()[0])}: {{servers: []}}"
        return
    yield "  servers:" if case.attachments else "  servers: {}"
    on: dict[str, list[str]] = defaultdict(list)
    for server, volume in case.live():
        on[server].append(case.name_of(volume))
    for server, volumes in on.items():
        listed = ", ".join(volumes)
        name = case.name_of(server)
        if case.provider == WORKSPACE:
            yield f"    {name}: {{absent: [{listed}], others: keep}}"
            continue
        yield f"    {name}: {{volumes: [{'' if case.kind in {DETACH, MOVE} else listed}]}}"
        if case.kind == MOVE:
            yield f"    {case.name_of(case.target(server))}: {{volumes: [{listed}]}}"


def changes(case: Case) -> list[tuple[str, str, str]]:
    """Give what the manifest asks for, as (verb, server, volume)."""
    if case.kind not in {DETACH, MOVE}:
        assert case.kind != READ or case.attachments
        return []
    leave = "destroy" if case.provider == WORKSPACE else "detach"
    made = [(leave, server, volume) for server, volume in case.live()]
    if case.kind == MOVE:
        made += [("attach", case.target(server), volume) for server, volume in case.live()]
    return made
