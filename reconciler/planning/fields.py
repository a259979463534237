"""Which attributes of one attachment differ. DeepDiff's only home.

Rows are compared by key elsewhere; DeepDiff sees pairs that differ, and only those: over
100,000 rows it takes 5.7 s where a keyed comparison takes 0.12 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.plan import Update

if TYPE_CHECKING:
    from reconciler.model.attachment import Attachment

ATTRIBUTES = ("device", "delete_on_termination")
"""What may differ; `asdict` would copy each of 100,000 pairs for it."""


def differences(before: Attachment, after: Attachment) -> tuple[Update, ...]:
    """Give what differs, sorted by attribute; what `after` leaves open (None) never differs."""
    asked = {name: told for name in ATTRIBUTES if (told := getattr(after, name)) is not None}
    found = {name: getattr(before, name) for name in asked}
    if asked == found:
        return ()
    from deepdiff import DeepDiff  # noqa: PLC0415 - 118 ms to import, only for pairs that differ

    diff = DeepDiff(found, asked, view="tree", ignore_type_in_groups=[(type(None), bool, str)])
    levels = [level for kind in sorted(diff) for level in diff[kind]]
    updates = (
        Update(
            attribute=str(level.path(output_format="list")[0]),
            before=_told(level.t1),
            after=_told(level.t2),
        )
        for level in levels
    )
    return tuple(sorted(updates, key=lambda update: update.attribute))


def _told(value: object) -> str:
    if value is None:
        return "unknown"
    return str(value).lower() if isinstance(value, bool) else str(value)
