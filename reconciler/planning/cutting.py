"""What a snapshot shows of a scope: what its manifests name, and counts of the rest.

1. Named is what an entry owns, lists or has under `absent:`, by name or by id, every bearer of such
   a name, and what a selector matches.
2. Every attachment of what is named is shown; its other end, where nobody names it, by id alone.
3. Of what is shown a plan needs some facts. The others, the tags that no selector asks for and
   whatever a cloud says in its own words are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import structs

from reconciler.model.attachment import Observed
from reconciler.model.declared import Side
from reconciler.model.live import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.model.declared import Entry
    from reconciler.model.live import Live, Server, Volume
    from reconciler.planning.resolve import Desired

MARKED = "another controller's"
"""What stands in the place of the marks of other controllers: which one is nobody's business."""
BARRED = "is barred from changes"
"""The same for a server whose attachments this cloud never changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The ids of one scope that its manifests name."""

    servers: frozenset[str]
    volumes: frozenset[str]


def cut(live: Live, desired: Desired, entries: Sequence[Entry]) -> Live:
    """Give what may be shown of a listing to whoever may read the manifests."""
    named = _named(live, desired, entries)
    shown = {
        key: seen
        for key, seen in live.observed.items()
        if key.server_id in named.servers or key.volume_id in named.volumes
    }
    servers = named.servers | {key.server_id for key in shown} & live.servers.keys()
    volumes = named.volumes | {key.volume_id for key in shown} & live.volumes.keys()
    selectors = [entry.selector for entry in entries if entry.selector is not None]
    tags = frozenset(tag for selector in selectors for tag in selector.tags)
    return replace(
        live,
        servers={i: _server(live.servers[i], named, tags) for i in sorted(servers)},
        volumes={i: _volume(live.volumes[i], named) for i in sorted(volumes)},
        observed={key: _bare(shown[key]) for key in sorted(shown)},
        notices=(),
        left_out=LeftOut(
            servers=len(live.servers) - len(named.servers),
            volumes=len(live.volumes) - len(named.volumes),
            attachments=len(live.observed) - len(shown),
            server_ends=frozenset(servers - named.servers),
            volume_ends=frozenset(volumes - named.volumes),
            unseen=frozenset(key.volume_id for key in desired.wanted) - live.volumes.keys(),
            selectors=frozenset((frozenset(s.tags.items()), s.names) for s in selectors),
        ),
    )


def _named(live: Live, desired: Desired, entries: Sequence[Entry]) -> Named:
    texts = _texts(entries)
    keys = (*desired.wanted, *desired.absent)
    servers = {key.server_id for key in keys} | {s for ids in desired.matched.values() for s in ids}
    servers |= _bearers(texts[Side.SERVER], live.servers)
    volumes = {key.volume_id for key in keys} | _bearers(texts[Side.VOLUME], live.volumes)
    return Named(
        servers=_with_namesakes(servers, live.servers),
        volumes=_with_namesakes(volumes, live.volumes),
    )


def _with_namesakes(ids: set[str], known: Mapping[str, Server | Volume]) -> frozenset[str]:
    """Add who bears the name of one of these: whoever writes it next must find it ambiguous."""
    names = frozenset(known[i].name for i in ids & known.keys()) - {""}
    return frozenset(ids & known.keys()) | {i for i, one in known.items() if one.name in names}


def _bearers(texts: frozenset[str], known: Mapping[str, Server | Volume]) -> set[str]:
    """Give the ids of all that one of these texts may mean; ids are compared without case."""
    folded = {text.lower() for text in texts}
    return {i for i, one in known.items() if one.name in texts or i.lower() in folded}


def _texts(entries: Iterable[Entry]) -> Mapping[Side, frozenset[str]]:
    """Give every text by which entries mean a server, and every one by which they mean a volume."""
    found: dict[Side, set[str]] = {side: set() for side in Side}
    for entry in entries:
        other = Side.VOLUME if entry.side is Side.SERVER else Side.SERVER
        found[entry.side].add(entry.owner.text)
        found[other] |= {line.ref.text for line in entry.listed or ()}
        found[other] |= {ref.text for ref in entry.absent}
    return {side: frozenset(texts) for side, texts in found.items()}


def _server(server: Server, named: Named, tags: frozenset[str]) -> Server:
    mine = server.server_id in named.servers
    return replace(
        server,
        name=server.name if mine else "",
        status_text=server.status.value,
        barred=BARRED if server.barred else "",
        tags={tag: text for tag, text in server.tags.items() if mine and tag in tags},
        owner_marks=(MARKED,) if server.owner_marks else (),
    )


def _volume(volume: Volume, named: Named) -> Volume:
    return structs.replace(
        volume,
        name=volume.name if volume.volume_id in named.volumes else "",
        size_gib=None,
        status_text=volume.status.value,
        owner_marks=(MARKED,) if volume.owner_marks else (),
    )


def _bare(seen: Observed) -> Observed:
    bare = {view: structs.replace(one, attachment_id=None) for view, one in seen.sightings.items()}
    return Observed(key=seen.key, sightings=bare)
