"""What is chosen: by `--target` and `--exclude`, and by selectors.

Exclude wins, and a move matches by either half.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from reconciler.model.declared import Side
from reconciler.model.plan import Matched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change, Circumstances
    from reconciler.planning.ground import Ground


def selected(
    changes: Sequence[Change], scope: str, circumstances: Circumstances
) -> tuple[list[Change], list[Change]]:
    """Give the changes in the selection and those it leaves out; without globs all are in."""
    targets = [_glob(text) for text in circumstances.targets]
    excludes = [_glob(text) for text in circumstances.excludes]
    chosen: list[Change] = []
    dropped: list[Change] = []
    for change in changes:
        names = _names(change, scope) if targets or excludes else []
        wanted = not targets or any(_matches(glob, names) for glob in targets)
        out = not wanted or any(_matches(glob, names) for glob in excludes)
        (dropped if out else chosen).append(change)
    return chosen, dropped


def chosen(key: AttachmentKey, on: Ground) -> bool:
    """Tell whether the selection has an attachment that stays as it is."""
    return together((key,), on)


def together(keys: Iterable[AttachmentKey], on: Ground) -> bool:
    """Tell whether the selection has what changes these attachments in one, as a move does."""
    about = on.circumstances
    names = [
        (on.live.scope, server, volume)
        for key in keys
        for server in {on.name(key).server, key.server_id}
        for volume in {on.name(key).volume, key.volume_id}
    ]
    inside = not about.targets or any(_matches(_glob(text), names) for text in about.targets)
    return inside and not any(_matches(_glob(text), names) for text in about.excludes)


def unmatched(on: Ground) -> tuple[str, ...]:
    """Give the globs of the selection that match no attachment at all, live or wanted, sorted."""
    globs = {*on.circumstances.targets, *on.circumstances.excludes}
    left = {text: _glob(text) for text in sorted(globs)}
    for key in on.live.observed.keys() | on.desired.wanted.keys() if left else ():
        name = on.name(key)
        names = [
            (on.live.scope, server, volume)
            for server in {name.server, key.server_id}
            for volume in {name.volume, key.volume_id}
        ]
        left = {text: glob for text, glob in left.items() if not _matches(glob, names)}
    return tuple(left)


def matched(on: Ground) -> tuple[Matched, ...]:
    """Give for each entry with a selector the servers that it matches, by volume id."""
    return tuple(
        Matched(
            volume_id=volume_id,
            volume=on.volume_name(volume_id),
            servers=tuple(sorted((on.server_name(one), one) for one in server_ids)),
            place=on.desired.rows[Side.VOLUME, volume_id].owner.place,
        )
        for volume_id, server_ids in on.desired.matched.items()
    )


def _glob(text: str) -> tuple[str, str, str]:
    """Split `[SCOPE:]SERVER/VOLUME`; a part that isn't there matches everything.

    A scope stands before the first slash: the names of volumes may hold colons.
    """
    scope, colon, rest = text.partition(":")
    if not colon or "/" in scope:
        scope, rest = "*", text
    server, slash, volume = rest.partition("/")
    return scope, server or "*", (volume or "*") if slash else "*"


def _names(change: Change, scope: str) -> list[tuple[str, str, str]]:
    """Give every way to write the change: by name and by id, and a move by both halves."""
    servers = {change.name.server, change.key.server_id}
    if change.source is not None:
        servers |= {change.source_server, change.source.server_id}
    volumes = {change.name.volume, change.key.volume_id}
    return [(scope, server, volume) for server in servers for volume in volumes]


def _matches(glob: tuple[str, str, str], names: Sequence[tuple[str, str, str]]) -> bool:
    return any(
        all(fnmatch.fnmatchcase(part, pattern) for part, pattern in zip(name, glob, strict=True))
        for name in names
    )
