"""What these tests share: worlds, entries and plans in as few words as they need.

A server `web-1` has the id `id-web-1`, a volume `disk-1` the id `id-disk-1`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from msgspec import structs

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.declared import Entry, Listed, Ref, Selector, Side
from reconciler.model.finding import Place
from reconciler.model.live import Live, Server, Volume, VolumeStatus
from reconciler.model.plan import Circumstances, Standing
from reconciler.model.policy import Policy
from reconciler.planning.ground import ground
from reconciler.planning.planner import plan
from reconciler.planning.resolve import resolve
from reconciler.providers.huawei_ecs import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.model.capabilities import Capabilities
    from reconciler.model.plan import Change, Plan
    from reconciler.planning.ground import Ground

SCOPE = "shop"
BOTH = (View.COMPUTE, View.STORAGE)
COMPUTE = (View.COMPUTE,)
STORAGE = (View.STORAGE,)
ECS = SPEC.can
GENEROUS = Policy(max_detach=1000, max_detach_share=1.0, max_detach_per_server=1000)
"""For tests that ask about something else than limits."""
ANYHOW = Circumstances()


def key(server: str, volume: str) -> AttachmentKey:
    """Give the key of two names."""
    return AttachmentKey(SCOPE, f"id-{server}", f"id-{volume}")


def server(name: str, server_id: str = "") -> Server:
    """Give a ready server."""
    return Server(server_id=server_id or f"id-{name}", name=name)


def volume(name: str, volume_id: str = "", status: VolumeStatus = VolumeStatus.READY) -> Volume:
    """Give a volume that can't be shared."""
    return Volume(
        volume_id=volume_id or f"id-{name}", name=name, status=status, status_text=status.value
    )


def shared(name: str) -> Volume:
    """Give a ready volume that can be shared."""
    return structs.replace(volume(name), shareable=True)


def on(
    pair: str,
    views: Sequence[View] = BOTH,
    *,
    phase: Phase = Phase.ATTACHED,
    device: str | None = None,
    flag: bool | None = False,
    boot: bool = False,
) -> Observed:
    """Give the attachment `SERVER/VOLUME` as these views see it; only compute knows the flag."""
    sightings = {
        view: Sighting(
            phase=phase,
            device=device,
            delete_on_termination=flag if view is View.COMPUTE else None,
            boot=boot and view is View.COMPUTE,
        )
        for view in views
    }
    where, _, what = pair.partition("/")
    return Observed(key=key(where, what), sightings=sightings)


def world(
    servers: Iterable[Server | str] = (),
    volumes: Iterable[Volume | str] = (),
    attached: Iterable[Observed | str] = (),
    views: tuple[View, ...] = BOTH,
) -> Live:
    """Give a complete listing; text stands for an ordinary one of that name."""
    machines = [server(s) if isinstance(s, str) else s for s in servers]
    disks = [volume(v) if isinstance(v, str) else v for v in volumes]
    seen = [on(o, views) if isinstance(o, str) else o for o in attached]
    return Live(
        scope=SCOPE,
        views=views,
        servers={one.server_id: one for one in machines},
        volumes={one.volume_id: one for one in disks},
        observed={one.key: one for one in seen},
    )


def ref(text: str, path: str) -> Ref:
    """Give a name as written at a place that its path tells from all others."""
    line_number = 1 + crc32(path.encode()) % 10_000
    return Ref(text=text, place=Place(file="rows.yaml", line=line_number, column=1, text=path))


def _line(text: str | Listed, path: str) -> Listed:
    if isinstance(text, str):
        return Listed(ref=ref(text, f"{path}.{text}"))
    return structs.replace(text, ref=ref(text.ref.text, f"{path}.{text.ref.text}"))


def listed(text: str, device: str | None = None, *, flag: bool | None = None) -> Listed:
    """Give a line with attributes."""
    return Listed(ref=ref(text, ""), device=device, delete_on_termination=flag)


def _entry(
    side: Side,
    owner: str,
    names: Iterable[str | Listed],
    absent: Iterable[str],
    *,
    keep: bool,
) -> Entry:
    path = f"{side.value}s.{owner}"
    return Entry(
        side=side,
        owner=ref(owner, path),
        listed=tuple(_line(name, path) for name in names),
        absent=tuple(ref(name, f"{path}.absent.{name}") for name in absent),
        keeps_others=keep,
    )


def of_server(
    name: str, *volumes: str | Listed, absent: Iterable[str] = (), keep: bool = False
) -> Entry:
    """Give the entry of a server."""
    return _entry(Side.SERVER, name, volumes, absent, keep=keep)


def of_volume(
    name: str, *servers: str | Listed, absent: Iterable[str] = (), keep: bool = False
) -> Entry:
    """Give the entry of a volume."""
    return _entry(Side.VOLUME, name, servers, absent, keep=keep)


def chosen(
    name: str,
    names: str | None = None,
    tags: Mapping[str, str] | None = None,
    *,
    allow_empty: bool = False,
) -> Entry:
    """Give the entry of a volume whose servers a selector chooses."""
    entry = of_volume(name)
    place = ref(name, f"volumes.{name}.servers").place
    selector = Selector(place=place, tags=tags or {}, names=names, allow_empty=allow_empty)
    return structs.replace(entry, listed=None, selector=selector)


def grounded(
    live: Live,
    *entries: Entry,
    policy: Policy = GENEROUS,
    can: Capabilities = ECS,
    circumstances: Circumstances = ANYHOW,
) -> Ground:
    """Give the ground that these entries and this world make."""
    return ground(resolve(entries, live), live, policy, can, circumstances)


def planned(
    live: Live,
    *entries: Entry,
    policy: Policy = GENEROUS,
    can: Capabilities = ECS,
    circumstances: Circumstances = ANYHOW,
) -> Plan:
    """Give the plan of these entries in this world."""
    return plan(resolve(entries, live), live, policy, can, circumstances)


def lines(made: Plan) -> list[str]:
    """Give the plan as people would say it, a line a change: what, where, and why not."""
    return [line(change) for change in made.changes]


def line(change: Change) -> str:
    """Give one change, such as `attach web-1/disk-1` or `... refused: boot-volume`."""
    words = f"{change.action.value} {change.name.server}/{change.name.volume}"
    if change.source is not None:
        words += f" from {change.source_server}"
    words += "".join(f" {u.attribute} {u.before}->{u.after}" for u in change.updates)
    if change.standing is Standing.PERMITTED:
        assert change.refusals == ()
        return words
    codes = ", ".join(finding.code for finding in change.refusals)
    return f"{words} {change.standing.value}: {codes}"


def codes(made: Plan) -> list[str]:
    """Give the codes of everything the plan tells."""
    return [finding.code for finding in made.findings]


def paths(*places: Place | None) -> list[str]:
    """Give where in the entries these places are."""
    return [place.text if place else "" for place in places]
