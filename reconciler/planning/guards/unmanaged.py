"""Guards of `unmanaged: detach`: what nobody owns leaves only where that can be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.counting import counted
from reconciler.model.declared import Unmanaged
from reconciler.model.finding import Finding, Severity
from reconciler.planning.ground import Seen, Wish
from reconciler.planning.remembering import WHEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.planning.ground import Ground


def destroys(on: Ground) -> Iterator[Finding]:
    """Refuse the scope where taking away what nobody owns would delete it."""
    if _asked(on) and not on.can.detach_keeps_data:
        yield Finding(
            code="unmanaged-destroys",
            summary="`unmanaged: detach` would delete volumes for good: this cloud doesn't detach",
            hint="write `unmanaged: report`, and list under `absent:` what shall go",
            scope=on.live.scope,
        )


def unmarked(on: Ground) -> Iterator[Finding]:
    """Refuse the scope where nobody could tell the volumes of another controller."""
    if _asked(on) and on.can.detach_keeps_data and not on.can.shows_owner_marks:
        yield Finding(
            code="unmanaged-unclear",
            summary="this cloud shows no names or tags of volumes: one of another controller "
            "can't be told from a stray, and `unmanaged: detach` never touches those",
            hint="write `unmanaged: report`, and own the servers whose strays shall go",
            scope=on.live.scope,
        )


def shrunk_set(on: Ground) -> Iterator[Finding]:
    """Refuse the scope where documents are missing: what they owned would look like a stray."""
    if not _asked(on):
        return
    for memory in on.circumstances.memories:
        missing = sorted(memory.documents - on.circumstances.documents)
        if missing:
            named = ", ".join(f"`{name}`" for name in missing)
            yield Finding(
                code="shrunk-set",
                summary=f"{WHEN[memory.of]} {named} had entries of this scope and has none now: "
                "under `unmanaged: detach` all of that would leave",
                hint="check the paths given with -f; if it is meant, apply once with `unmanaged: "
                "report`",
                scope=on.live.scope,
            )


def uncounted(on: Ground) -> Iterator[Finding]:
    """Refuse the scope where a snapshot leaves out what may be a stray."""
    out = on.live.left_out
    if _asked(on) and out is not None and out.attachments:
        yield Finding(
            code="unmanaged-not-in-snapshot",
            summary=f"the snapshot only counts {counted(out.attachments, 'attachment')} that "
            "nobody names, and `unmanaged: detach` would take some of them away",
            hint="have it planned by somebody with credentials",
            scope=on.live.scope,
        )


def left(on: Ground) -> Iterator[Finding]:
    """Tell how much of what nobody owns is left, and why, where it would have left."""
    if not _asked(on):
        return
    marked = [
        key
        for key in on.live.observed
        if on.seen(key) is Seen.AGREED and on.wish(key) is Wish.UNOWNED and on.marks(key)
    ]
    if marked:
        first = min(marked)
        mark = on.marks(first)[0]
        are = "is" if len(marked) == 1 else "are"
        yield Finding(
            code="left-to-controller",
            summary=f"{counted(len(marked), 'attachment')} that nobody owns {are} left to another "
            f"controller, such as `{on.name(first).server}/{on.name(first).volume}`: `{mark}`",
            hint="own a row to decide about it all the same",
            severity=Severity.NOTE,
            scope=on.live.scope,
        )


def _asked(on: Ground) -> bool:
    return on.circumstances.unmanaged is Unmanaged.DETACH
