"""What is chosen: by `--target` and `--exclude`, and by selectors.

Exclude wins, and a move matches by either half. Names may hold slashes, so a text is read in every
way that it can be; where two of them choose different attachments, it is refused (`read_as`).
"""

from __future__ import annotations

import fnmatch
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.model.declared import Side
from reconciler.model.plan import Matched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change, Circumstances
    from reconciler.planning.ground import Ground

    Glob = tuple[str, str, str]


def selected(
    changes: Sequence[Change], scope: str, circumstances: Circumstances
) -> tuple[list[Change], list[Change]]:
    """Give the changes in the selection and those it leaves out; without globs all are in."""
    targets = [glob for text in circumstances.targets for glob in _globs(text)]
    excludes = [glob for text in circumstances.excludes for glob in _globs(text)]
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
    names = [spelt for key in keys for spelt in _spelt(key, on)]
    inside = not about.targets or any(_chosen(text, names) for text in about.targets)
    return inside and not any(_chosen(text, names) for text in about.excludes)


def read_as(on: Ground) -> Mapping[str, Mapping[str, bool]]:
    """Give, by each glob that matches anything live or wanted, how it is read, in words.

    With each reading that matches stands whether it alone matches all that any of them does: where
    none does, nobody knows what is meant. A glob that isn't there matches nothing.
    """
    texts = sorted({*on.circumstances.targets, *on.circumstances.excludes})
    servers, volumes = on.live.servers.values(), on.live.volumes.values()
    named = chain((one.name for one in servers), (one.name for one in volumes))
    # Only names with slashes have several readings; a single one is tried until it matches.
    one = bool(texts) and not any("/" in name for name in named)
    globs = [(text, glob) for text in texts for glob in (_globs(text)[:1] if one else _globs(text))]
    hits: dict[tuple[str, Glob], set[AttachmentKey]] = {}
    for key in on.live.observed.keys() | on.desired.wanted.keys() if texts else ():
        names = _spelt(key, on)
        for row in globs if not one else [row for row in globs if row not in hits]:
            if _matches(row[1], names):
                hits.setdefault(row, set()).add(key)
    read: dict[str, dict[str, bool]] = {}
    for text, glob in [row for row in globs if row in hits]:
        every = set().union(*(keys for (of, _), keys in hits.items() if of == text))
        read.setdefault(text, {})[_in_words(glob)] = hits[text, glob] == every
    return read


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


def splits(text: str) -> list[tuple[str, str]]:
    """Give every `SERVER/VOLUME` that a text may be, as the two halves; none without a slash."""
    parts = text.split("/")
    cut = (("/".join(parts[:n]), "/".join(parts[n:])) for n in range(1, len(parts)))
    return [(server, volume) for server, volume in cut if server and volume]


def _globs(text: str) -> list[Glob]:
    """Read `[SCOPE:]SERVER/VOLUME` in every way; a part that isn't there matches everything.

    A scope stands before the first slash: the names of volumes may hold colons. The first reading
    is the one at the first slash, the last that of a server alone.
    """
    scope, colon, rest = text.partition(":")
    if not colon or "/" in scope:
        scope, rest = "*", text
    server, slash, volume = rest.partition("/")
    first = (scope, server or "*", (volume or "*") if slash else "*")
    others = [(scope, *halves) for halves in splits(rest)]
    # What ends with a slash leaves a name out, which never means everything.
    alone = [(scope, rest, "*")] if not rest.endswith("/") else []
    return list(dict.fromkeys([first, *others, *alone]))


def _in_words(glob: Glob) -> str:
    _, server, volume = glob
    return f"all of server `{server}`" if volume == "*" else f"`{volume}` of server `{server}`"


def _spelt(key: AttachmentKey, on: Ground) -> list[Glob]:
    """Give every way to write an attachment: by name and by id."""
    name = on.name(key)
    return [
        (on.live.scope, server, volume)
        for server in {name.server, key.server_id}
        for volume in {name.volume, key.volume_id}
    ]


def _chosen(text: str, names: Sequence[Glob]) -> bool:
    return any(_matches(glob, names) for glob in _globs(text))


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
