"""Manifests from what is live: text that reads back as exactly what it was written from.

1. A name is written where it means one thing and a manifest may hold it; else the id is.
2. What another YAML reader could take for anything but text stands in double quotes.
3. A comment is one printable line, whatever a cloud says.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import yaml

from reconciler.manifest import scalars
from reconciler.manifest.nodes import TextNode
from reconciler.manifest.notes import RefusalError
from reconciler.manifest.source import FORBIDDEN
from reconciler.manifest.words import shown
from reconciler.model.declared import Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from reconciler.model.imported import Imported, LiveRow
    from reconciler.model.live import Live

LONGEST = 255
"""Longer names are no help to a reader; as a key, YAML takes 1,024 characters at most."""
COLUMN = 40
"""Where comments begin, unless the text before them is longer."""
HEAD = """\
# What was attached in scope {scope} when this was written. An entry owns its row.
apiVersion: reconciler/v1
kind: Attachments
metadata: {{name: {name}}}
spec:
  scope: {scope}
"""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
"""What some reader or other takes for more than a text, in any case."""


def writable(text: str) -> bool:
    """Tell whether a manifest may hold this as a name or an id."""
    if len(text) > LONGEST or FORBIDDEN.search(text):
        return False
    try:
        scalars.text(TextNode(text, plain=False, line=1, column=1))
    except RefusalError:
        return False
    return True


def scalar(text: str) -> str:
    """Give a text as YAML on one line, in quotes unless every reader takes it for that text."""
    if _PLAIN.fullmatch(text) and text.lower().strip(".") not in _WORDS:
        return text
    quoted: str = yaml.safe_dump(text, default_style='"', width=10 * LONGEST, allow_unicode=True)
    return quoted.rstrip("\n")


def free_name(scope: str, taken: AbstractSet[str]) -> str:
    """Give a name for the document that no other one has."""
    first = f"{scope}-imported"[-scalars.NAME_CHARACTERS :].lstrip("._-")
    names = (first, *(f"{first[:200]}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def written(rows: Imported, live: Live, name: str) -> str:
    """Give one Attachments document of the scope that is live; at least one row is needed."""
    refs = _Refs(live)
    lines = [HEAD.format(scope=scalar(live.scope), name=scalar(name)).rstrip("\n")]
    for side, section in ((Side.SERVER, "servers"), (Side.VOLUME, "volumes")):
        mine = [row for row in rows.rows if row.side is side]
        mine.sort(key=lambda row: refs.ref(row.side, row.owner_id))
        lines += [f"  {section}:"] if mine else []
        lines += [line for row in mine for line in _entry(row, live, refs)]
    return "\n".join(lines) + "\n"


class _Refs:
    """How servers and volumes are written: by name where it means one thing."""

    def __init__(self, live: Live) -> None:
        self._names = {
            Side.SERVER: {one: server.name for one, server in live.servers.items()},
            Side.VOLUME: {one: volume.name for one, volume in live.volumes.items()},
        }
        self._bearers = {side: Counter(names.values()) for side, names in self._names.items()}
        # Where only attached volumes are shown, a free one may bear the name tomorrow; on its own
        # server the name means this one all the same.
        self._here: Mapping[str, Counter[str]] = {}
        if not live.shows_free:
            on_server: dict[str, Counter[str]] = {}
            for key in live.observed:
                volume = self._names[Side.VOLUME].get(key.volume_id, "")
                on_server.setdefault(key.server_id, Counter())[volume] += 1
            self._here = on_server

    def ref(self, side: Side, identity: str, server_id: str | None = None) -> tuple[str, str]:
        """Give what is written, and what the comment says beside it."""
        names = self._names[side]
        name = names.get(identity, "")
        bearers = self._here.get(server_id or "", self._bearers[side])[name]
        # A name that looks like an id could be taken for one, and an id always wins.
        sure = bearers == 1 and name not in names and not _HEX_ID.fullmatch(name)
        if name and sure and writable(name):
            return name, identity
        return identity, "" if name == identity else name


def _entry(row: LiveRow, live: Live, refs: _Refs) -> Iterator[str]:
    of_server = row.side is Side.SERVER
    text, told = refs.ref(row.side, row.owner_id)
    yield _line(f"    {scalar(text)}:", told)
    yield "      volumes:" if of_server else "      servers:"
    lines: list[tuple[str, str]] = []
    for key in row.keys:
        if of_server:
            member, beside = refs.ref(Side.VOLUME, key.volume_id, key.server_id)
        else:
            member, beside = refs.ref(Side.SERVER, key.server_id)
        device = live.observed[key].device
        said = ", ".join(word for word in (beside, device if of_server else None) if word)
        lines.append((member, said))
    yield from (_line(f"        - {scalar(member)}", said) for member, said in sorted(lines))
    if row.keeps_others:
        yield "      others: keep"


def _line(text: str, said: str) -> str:
    return f"{text:<{COLUMN}}  # {shown(said)}" if said else text
