"""The YAML that would accept a difference for a while, or adopt what is live; to be copied.

Every text is written so that the manifests read it back as it is: plain where it is a plain word,
else in quotes. A name with what can't be seen in it is no name for a manifest: its id is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.model.watching import Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from reconciler.model.watching import Difference, SeenAttachment

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
REASON = "why this is all right"
HEAD = "apiVersion: reconciler/v1"


ACCEPTED = frozenset({Kind.MISSING, Kind.ADDED, Kind.ATTACH, Kind.DETACH, Kind.DESTROY})
"""What a policy can accept: a move isn't half accepted, and what is disputed isn't known."""


def accepting(one: Difference, seen: Sequence[SeenAttachment], until: date) -> str | None:
    """Give the policy that lets a difference be until the end of a day; None: none can."""
    if one.answer is Answer.PENDING or one.kind not in ACCEPTED:
        return None
    names = _Names(seen)
    scope = _yaml(one.key.scope)
    server = _yaml(names.server(one.key.server_id, one.name.server))
    volume = _yaml(names.volume(one.key.volume_id, one.name.volume))
    return "\n".join(
        [
            HEAD,
            "kind: Policy",
            f"metadata: {{name: {_yaml(f'accept-{one.key.scope}')}}}",
            "spec:",
            f"  scopes: [{scope}]",
            "  accept:",
            f"    - {{scope: {scope}, server: {server}, volume: {volume},",
            f"       until: {until.isoformat()}, reason: {REASON}}}",
            "",
        ]
    )


def adopting(one: Difference, seen: Sequence[SeenAttachment]) -> str | None:
    """Give entries that say what is live on the servers of a difference; None: there is nothing.

    What waits for an apply, and what the views dispute, isn't to be adopted. The lists are whole:
    an entry owns its row.
    """
    if one.answer is Answer.PENDING or one.kind is Kind.DISPUTED:
        return None
    servers = {one.key.server_id: one.name.server}
    if one.found_server_id:
        servers[one.found_server_id] = one.found_server
    names = _Names(seen)
    rows = [
        f"    {_yaml(names.server(server_id, name))}: {{volumes: [{names.on(server_id)}]}}"
        for server_id, name in sorted(servers.items(), key=lambda pair: (pair[1], pair[0]))
    ]
    return "\n".join(
        [
            HEAD,
            "kind: Attachments",
            f"metadata: {{name: {_yaml(one.key.scope)}}}",
            "spec:",
            f"  scope: {_yaml(one.key.scope)}",
            "  servers:",
            *rows,
            "",
        ]
    )


class _Names:
    """Names, where one alone in the scope bears them and manifests may hold them; else ids."""

    def __init__(self, seen: Sequence[SeenAttachment]) -> None:
        self._seen = seen
        self._servers = _bearers((row.name.server, row.key.server_id) for row in seen)
        self._volumes = _bearers((row.name.volume, row.key.volume_id) for row in seen)

    def server(self, server_id: str, name: str) -> str:
        return name if _usable(name, self._servers, server_id) else server_id

    def volume(self, volume_id: str, name: str) -> str:
        return name if _usable(name, self._volumes, volume_id) else volume_id

    def on(self, server_id: str) -> str:
        """Give the volumes that are on a server now, as the inside of a list."""
        live = [row for row in self._seen if row.live and row.key.server_id == server_id]
        return ", ".join(sorted(_yaml(self.volume(r.key.volume_id, r.name.volume)) for r in live))


def _usable(name: str, bearers: Mapping[str, set[str]], cloud_id: str) -> bool:
    alone = bearers.get(name, {cloud_id}) == {cloud_id}
    return alone and bool(name) and name.isprintable() and name == name.strip()


def _bearers(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, cloud_id in pairs:
        found.setdefault(name, set()).add(cloud_id)
    return found


def _yaml(text: str) -> str:
    if PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
