"""What is live -> rows that manifests may own, so that planning them right after changes nothing.

1. Only what every view shows, at rest, is listed; boot volumes and what others own never are.
2. A row beside which something else stays says `others: keep`: an import takes nothing away.
3. A row that an entry owns already is left to it. Where an entry is about to take something away,
   nothing is written that would hold or double that.
4. A shared volume stands in the rows of its servers and in its own: rows that own must agree.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.attachment import Phase
from reconciler.model.declared import Side
from reconciler.model.imported import Imported, LiveRow
from reconciler.planning.ground import Seen, Wish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from reconciler.model.attachment import AttachmentKey
    from reconciler.planning.ground import Ground

BOOT = "boot volumes are never owned"
OUT_OF_SIGHT = "on servers that this account can't see"
DISAGREE = "the views disagree about them"
MOVING = "the cloud is at work on them, or was and failed"
BARRED = "on servers whose attachments this cloud never changes"
MARKED = "of another controller, by its marks on the volume"
UNWRITABLE = "their ids are no text that a manifest may hold"
OWNED = "the manifests own them already"


def imported(on: Ground, unwritable: AbstractSet[str] = frozenset()) -> Imported:
    """Give the rows to write; `unwritable` are ids that no manifest may hold."""
    left: dict[str, list[AttachmentKey]] = defaultdict(list)
    fit: set[AttachmentKey] = set()
    for key in sorted(on.live.observed):
        why = _unfit(key, on, unwritable)
        if why is None:
            fit.add(key)
        else:
            left[why].append(key)
    rows = (*_rows(Side.SERVER, fit, on), *_rows(Side.VOLUME, fit, on))
    listed = {key for row in rows for key in row.keys}
    left[OWNED] = sorted(fit - listed)
    return Imported(
        rows=rows, left={why: tuple(keys) for why, keys in sorted(left.items()) if keys}
    )


def _unfit(key: AttachmentKey, on: Ground, unwritable: AbstractSet[str]) -> str | None:
    """Give why an attachment is left out; None where it may be listed."""
    seen, volume = on.seen(key), on.live.volumes.get(key.volume_id)
    server = on.live.servers.get(key.server_id)
    resting = all(
        sighting.phase is Phase.ATTACHED for sighting in on.live.observed[key].sightings.values()
    )
    rules = (
        (on.boot(key), BOOT),
        (seen is Seen.FOREIGN or server is None, OUT_OF_SIGHT),
        (seen is not Seen.AGREED or volume is None, DISAGREE),
        (on.in_motion(key) or not resting, MOVING),
        (server is not None and bool(server.barred), BARRED),
        (volume is not None and bool(volume.owner_marks), MARKED),
        (not unwritable.isdisjoint((key.server_id, key.volume_id)), UNWRITABLE),
    )
    return next((why for holds, why in rules if holds), None)


def _rows(side: Side, fit: AbstractSet[AttachmentKey], on: Ground) -> Iterator[LiveRow]:
    by_owner: dict[str, list[AttachmentKey]] = defaultdict(list)
    for key in sorted(on.live.observed):
        by_owner[key.server_id if side is Side.SERVER else key.volume_id].append(key)
    for owner_id, keys in sorted(by_owner.items()):
        others = [key for key in keys if key not in fit and not on.boot(key)]
        listed = tuple(key for key in keys if key in fit)
        leaving = any(on.wish(key) is Wish.UNWANTED for key in keys)
        shared = on.shareable(owner_id) and len(keys) > 1
        if not listed or leaving or (side, owner_id) in on.desired.rows:
            continue
        if side is Side.SERVER or shared:
            yield LiveRow(side=side, owner_id=owner_id, keys=listed, keeps_others=bool(others))
