"""Servers chosen at the time of the plan: all of a selector's tags AND its name pattern."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.declared import Selector
    from reconciler.model.live import Server


def matching(selector: Selector, servers: Mapping[str, Server]) -> tuple[str, ...]:
    """Give the ids of the servers that it matches, sorted; case counts in names and tags."""
    return tuple(
        identity
        for identity, server in sorted(servers.items())
        if all(server.tags.get(key) == value for key, value in selector.tags.items())
        and (selector.names is None or fnmatch.fnmatchcase(server.name, selector.names))
    )
