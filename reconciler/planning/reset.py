"""When a stale attachment may be taken out of the storage view: every condition, in words; pure.

A reset is offered only where all of these hold, in looks that are apart:

1. storage shows the attachment, at rest and by an id of its own, and compute doesn't;
2. the server can be read and says itself that it doesn't have the volume; or there is no such
   server at all;
3. nothing of ours is in flight about the volume or the server;
4. no server boots from the volume.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.attachment import Phase, View, Witness
from reconciler.model.finding import Finding
from reconciler.model.live import ServerStatus, VolumeStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.model.record import OpenIntent

DOCTOR = "`reconciler doctor` says what is stuck and what comes next"


def reset_refusals(
    key: AttachmentKey, live: Live, open_calls: Sequence[OpenIntent]
) -> tuple[Finding, ...]:
    """Give what a look says against resetting an attachment; empty: nothing does."""
    if not live.complete:
        notice = live.notices[0] if live.notices else "rows are missing"
        said = f"the look can't be trusted: {notice}"
        return (_finding(key, "incomplete-listing", said, "run it again"),)
    return (*_by_view(key, live), *_at_rest(key, live), *_unsettled(key, open_calls))


def contradiction(key: AttachmentKey, live: Live, said: Witness) -> Finding | None:
    """Give what the server's own answer says against it; None where it agrees with the look."""
    listed = key.server_id in live.servers
    match said:
        case Witness.PRESENT:
            words = "the server says itself that it has the volume: this is no stale record"
            return _finding(key, "server-has-it", words, "detach it by an entry and `plan`")
        case Witness.ABSENT if listed:
            return None
        case Witness.SERVER_GONE if not listed:
            return None
    words = f"asked for the volume, the server's answer means: {said.value}; and it is " + (
        "listed" if listed else "not listed"
    )
    return _finding(key, "server-unclear", words, "leave it, or open a ticket with these ids")


def _finding(key: AttachmentKey, code: str, summary: str, hint: str) -> Finding:
    return Finding(code=code, summary=f"{key}: {summary}", hint=hint, scope=key.scope)


def _by_view(key: AttachmentKey, live: Live) -> Iterator[Finding]:
    observed = live.observed.get(key)
    sightings = observed.sightings if observed is not None else {}
    if View.STORAGE not in sightings:
        said = "storage doesn't show it: there is nothing to reset"
        yield _finding(key, "not-in-storage", said, DOCTOR)
    elif sightings[View.STORAGE].attachment_id is None:
        said = "storage names no attachment id, and without one a reset could take another one"
        yield _finding(key, "no-attachment-id", said, "open a ticket with these ids")
    if View.COMPUTE in sightings:
        said = "the server shows it too: this is an attachment, not a stale record"
        yield _finding(key, "server-has-it", said, "detach it by an entry and `plan`")
    volume = live.volumes.get(key.volume_id)
    if (observed is not None and observed.boot) or (volume is not None and volume.boot):
        said = "the volume is a boot volume"
        yield _finding(key, "boot-volume", said, "open a ticket: a boot volume is never reset")


def _at_rest(key: AttachmentKey, live: Live) -> Iterator[Finding]:
    volume, server = live.volumes.get(key.volume_id), live.servers.get(key.server_id)
    observed = live.observed.get(key)
    phases = {one.phase for one in observed.sightings.values()} if observed is not None else set()
    if volume is None:
        said = "storage doesn't list the volume"
        yield _finding(key, "volume-not-in-use", said, "check the id, or look again")
    elif volume.status is not VolumeStatus.READY or phases - {Phase.ATTACHED}:
        said = f"storage says that the volume is `{volume.status_text or volume.status.value}`"
        yield _finding(key, "volume-not-in-use", said, "wait until it rests; then look again")
    if server is not None and server.status is ServerStatus.MOVING:
        said = f"the server is `{server.status_text or server.status.value}`"
        yield _finding(key, "server-moving", said, "wait until it rests; then look again")


def _unsettled(key: AttachmentKey, open_calls: Sequence[OpenIntent]) -> Iterator[Finding]:
    for one in open_calls:
        mine = {key.volume_id, key.server_id}
        about = {word for other in one.call.keys for word in (other.volume_id, other.server_id)}
        if mine & about:
            verb = one.call.verb.value
            said = f"a call of ours ({verb}, {one.label}) has no known end"
            hint = "`reconciler apply` finds out what became of it; then run this again"
            yield _finding(key, "call-in-flight", said, hint)
