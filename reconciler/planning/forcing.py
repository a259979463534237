"""Detaches that a person forces: named one by one, exactly, never by a glob.

A forced detach takes a volume from a guest that doesn't let go of it, and may lose what the guest
hasn't written. So nothing is forced that the command line doesn't name, and a text that names two
attachments forces none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change
    from reconciler.planning.ground import Ground


def forced(changes: Sequence[Change], on: Ground) -> list[Change]:
    """Give the same changes; those that take away what is named alone are forced."""
    named = {found[0] for found in named_to_force(on).values() if len(found) == 1}
    return [
        replace(change, forced=True) if change.leaves in named else change for change in changes
    ]


def named_to_force(on: Ground) -> Mapping[str, tuple[AttachmentKey, ...]]:
    """Give, by each text `[SCOPE:]SERVER/VOLUME`, the live attachments that it names, sorted."""
    texts = on.circumstances.forces
    if not texts:
        return {}
    spelt = {key: _spellings(key, on) for key in sorted(on.live.observed)}
    return {text: tuple(key for key, ways in spelt.items() if text in ways) for text in texts}


def _spellings(key: AttachmentKey, on: Ground) -> frozenset[str]:
    """Give every way to write an attachment: by name and by id, with and without its scope."""
    name = on.name(key)
    pairs = {
        f"{server}/{volume}"
        for server in (name.server, key.server_id)
        for volume in (name.volume, key.volume_id)
    }
    return frozenset(pairs | {f"{key.scope}:{pair}" for pair in pairs})
