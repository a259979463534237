"""What runs beside a change in the guests of its servers, where a policy names a hook.

1. Before a detach the guest is asked to let go; a forced one doesn't ask.
2. After an attach the guest is told.
3. A server that is stopped has no guest.
4. A hook after an attach that never ended well is owed, as long as the attachment is wanted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, Severity
from reconciler.model.hook import Errand, Occasion
from reconciler.planning.ground import Seen
from reconciler.planning.selection import chosen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change
    from reconciler.planning.ground import Ground


def with_errands(changes: Sequence[Change], on: Ground) -> list[Change]:
    """Give the same changes, each knowing which hooks run beside it, in their order."""
    if on.policy.guest_release is None and on.policy.after_attach is None:
        return list(changes)
    return [replace(change, errands=tuple(_errands(change, on))) for change in changes]


def _errands(change: Change, on: Ground) -> Iterator[Errand]:
    release, after = on.policy.guest_release, on.policy.after_attach
    leaves, arrives = change.leaves, change.arrives
    if release is not None and leaves is not None and not change.forced and _runs(leaves, on):
        yield Errand(
            occasion=Occasion.RELEASE,
            hook=release,
            key=leaves,
            server=change.source_server or change.name.server,
            volume=change.name.volume,
            device=change.before.device if change.before is not None else None,
        )
    if after is not None and arrives is not None and _runs(arrives, on):
        yield Errand(
            occasion=Occasion.ATTACHED,
            hook=after,
            key=arrives,
            server=change.name.server,
            volume=change.name.volume,
            device=change.wanted.device if change.wanted is not None else None,
        )


def owed(on: Ground) -> tuple[Errand, ...]:
    """Give the hooks that guests are still to be told by, sorted by attachment."""
    after = on.policy.after_attach
    if after is None:
        return ()
    return tuple(
        Errand(
            occasion=Occasion.ATTACHED,
            hook=after,
            key=key,
            server=on.server_name(key.server_id),
            volume=on.volume_name(key.volume_id),
            device=on.live.observed[key].device,
        )
        for key in sorted(on.circumstances.owed)
        if key in on.desired.wanted and _rests(key, on) and _runs(key, on) and chosen(key, on)
    )


def _rests(key: AttachmentKey, on: Ground) -> bool:
    return on.seen(key) is Seen.AGREED and not on.in_motion(key)


def still_owed(errand: Errand, why: str, on: Ground) -> Finding:
    """Give what is told of a hook that an apply runs again."""
    return Finding(
        code="after-attach",
        summary=f"`{errand.volume}` is attached to `{errand.server}`, and hook "
        f"`{errand.hook.name}` {why}",
        hint="`apply` runs the hook again; until it ends well, it isn't complete",
        severity=Severity.WARNING,
        place=on.desired.wanted[errand.key].place,
        scope=errand.key.scope,
    )


def _runs(key: AttachmentKey, on: Ground) -> bool:
    server = on.live.servers.get(key.server_id)
    return server is not None and server.running
