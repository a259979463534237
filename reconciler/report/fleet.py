"""A fleet's documents as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.model.counting import counted
from reconciler.report.escape import plain
from reconciler.report.history import leases_text, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.report.document import Document

    Rows = Sequence[Mapping[str, object]]

SCHEDULE_HEAD = ("SCOPE", "SCHEDULE", "CORRECTS", "NEXT")
WORKER_HEAD = ("WORKER", "HEARD OF", "LOOKS AT")
SCOPE_HEAD = ("SCOPE", "STANDING", "WORKER", "DUE", "FAILURES", "LAST LOOK")


def schedule_text(document: Document) -> str:
    """Give a line for each scope: when it is due."""
    rows = [
        (
            plain(str(one["scope"])),
            plain(str(one["schedule"])),
            "yes" if one["corrects"] else "no",
            str(one["next"]),
        )
        for one in cast("Rows", document["scopes"])
    ]
    return table([SCHEDULE_HEAD, *rows])


def fleet_text(document: Document) -> str:
    """Give workers, the queue, scopes and leases."""
    looks = cast("Mapping[str, int]", document["looks"])
    queue = ", ".join(f"{count} {name}" for name, count in sorted(looks.items())) or "empty"
    more = cast("int", document["more"])
    parts = [
        _workers(cast("Rows", document["workers"])),
        f"Queue: {queue}.\n",
        _scopes(cast("Rows", document["scopes"])),
        *([f"and {counted(more, 'more scope')}: --after, --search, --limit\n"] if more else []),
        leases_text(document),
    ]
    return "\n".join(parts)


def _workers(rows: Rows) -> str:
    if not rows:
        return "No worker runs.\n"
    told = [
        (str(one["worker"]), f"{one['silent_s']} s ago", f"{one['looks']} scope(s)") for one in rows
    ]
    return table([WORKER_HEAD, *told])


def _scopes(rows: Rows) -> str:
    if not rows:
        return "No scope of that name.\n"
    told = [
        (
            plain(str(one["scope"])),
            str(one["standing"]),
            _or_dash(one["worker"]),
            _or_dash(one["due"]),
            str(one["failures"]),
            _or_dash(one["last"]) + (" (failed)" if one["looked"] is False else ""),
        )
        for one in rows
    ]
    return table([SCOPE_HEAD, *told])


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
