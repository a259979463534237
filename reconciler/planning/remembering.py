"""What memories say of a plan: which rows they protect, and where the policy got looser."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.declared import Side
from reconciler.model.memory import Protected, Remembers
from reconciler.model.policy import WhenRunning
from reconciler.planning.names import HEX_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.model.capabilities import Capabilities
    from reconciler.model.declared import Entry
    from reconciler.model.finding import Place
    from reconciler.model.live import Live
    from reconciler.model.memory import Memory
    from reconciler.model.policy import Policy, Window
    from reconciler.model.record import NamedAttachment
    from reconciler.planning.resolve import Desired

    Row = tuple[Side, str]

WHEN = {Remembers.JOURNAL: "at the last apply", Remembers.GIT: "at the base commit"}
STRICTEST = (WhenRunning.REQUIRE, WhenRunning.WARN, WhenRunning.IGNORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Why nothing of a row is taken away."""

    place: Place | None
    """The entry that says so now; None: only a memory does."""
    when: str = ""
    """When it was said, where nobody says so now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What is protected, and what was and nobody can tell where it is."""

    rows: Mapping[Row, Protection]
    """Every protected row; what an entry says now comes before what is remembered."""
    lost: Mapping[Side, tuple[str, ...]]
    """Protected names of a commit, sorted, that nothing bears now and nothing bore at the last
    apply: any row of that side may be theirs, renamed since."""


def protections(
    desired: Desired,
    live: Live,
    memories: Sequence[Memory],
    applied: Iterable[NamedAttachment],
    beside: Sequence[Entry] = (),
) -> Placed:
    """Give what is protected; a commit's names mean what they mean now, and at the last apply.

    `beside` are entries of today that protect, but whose rows aren't those of this plan.
    """
    found: dict[Row, Protection] = {}
    lost: dict[Side, list[str]] = defaultdict(list)
    remembered = [memory for memory in memories if memory.protected]
    bound = _bound(remembered, applied if remembered else ())
    names = {}
    if remembered or beside:
        names[Side.SERVER] = _by_name({i: s.name for i, s in live.servers.items()})
        names[Side.VOLUME] = _by_name({i: v.name for i, v in live.volumes.items()})
    for memory in remembered:
        for row in memory.protected:
            meant = {*_meant(row, names[row.side]), *bound.get((row.side, row.name), ())}
            if row.owner_id is None and not meant and not HEX_ID.fullmatch(row.name):
                lost[row.side].append(row.name)
            for owner_id in (*meant, *((row.name,) if row.owner_id is None else ())):
                found[row.side, owner_id] = Protection(place=None, when=WHEN[memory.of])
    for entry in beside:
        row = Protected(side=entry.side, name=entry.owner.text)
        for owner_id in _meant(row, names[entry.side]):
            found[entry.side, owner_id] = Protection(place=entry.owner.place)
    for key, entry in desired.protected.items():
        found[key] = Protection(place=entry.owner.place)
    return Placed(rows=found, lost={side: tuple(sorted(set(told))) for side, told in lost.items()})


def _bound(
    memories: Sequence[Memory], applied: Iterable[NamedAttachment]
) -> Mapping[tuple[Side, str], set[str]]:
    """Give the ids that names meant at the last apply: who is renamed isn't somebody else."""
    found: dict[tuple[Side, str], set[str]] = defaultdict(set)
    for one in applied:
        found[Side.SERVER, one.server].add(one.server_id)
        found[Side.VOLUME, one.volume].add(one.volume_id)
    for memory in memories:
        for row in memory.protected:
            if row.owner_id is not None:
                found[row.side, row.name].add(row.owner_id)
    return found


def _by_name(named: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Give the ids that a word may mean: an id itself, in any case, and every bearer of a name."""
    found: dict[str, list[str]] = defaultdict(list)
    for identity, name in named.items():
        found[name].append(identity)
        found[identity.lower()].append(identity)
    return {word: tuple(ids) for word, ids in found.items()}


def _meant(row: Protected, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if row.owner_id is not None:
        return (row.owner_id,)
    return (*names.get(row.name, ()), *names.get(row.name.lower(), ()))


def looser(before: Policy, after: Policy, can: Capabilities) -> Iterator[tuple[str, str, str]]:
    """Give each key that allows more than before, with what it was and what it is."""
    numbers = {
        "maxDetach": (before.max_detach, after.max_detach),
        "maxDetachShare": (before.max_detach_share, after.max_detach_share),
        "maxDetachPerServer": (before.max_detach_per_server, after.max_detach_per_server),
    }
    for key, (was, is_now) in numbers.items():
        if is_now > was:
            yield key, f"{was:g}", f"{is_now:g}"
    flags = {
        "allowDestroy": (before.allow_destroy, after.allow_destroy),
        "allowStatusReset": (before.allow_status_reset, after.allow_status_reset),
    }
    for key, (had, has) in flags.items():
        if has and not had:
            yield key, "false", "true"
    first, second = when_running(before, can), when_running(after, can)
    if STRICTEST.index(second) > STRICTEST.index(first):
        yield "whenRunning", first.value, second.value
    if _wider(before.windows, after.windows):
        yield "windows", _told(before.windows), _told(after.windows)


def when_running(policy: Policy, can: Capabilities) -> WhenRunning:
    """Give what a policy asks before a volume leaves a running server."""
    default = WhenRunning.REQUIRE if can.guest_must_release else WhenRunning.IGNORE
    return policy.when_running or default


def _wider(before: Sequence[Window], after: Sequence[Window]) -> bool:
    """Tell whether changes may be made at a time at which they might not: where in doubt, yes."""
    allowed = {window for window in before if window.allows}
    allows = {window for window in after if window.allows}
    denied = {window for window in before if not window.allows}
    denies = {window for window in after if not window.allows}
    more = bool(allowed) and (not allows or bool(allows - allowed))
    return more or bool(denied - denies)


def _told(windows: Sequence[Window]) -> str:
    words = (f"{'allow' if one.allows else 'deny'} `{one.cron}`" for one in windows)
    return ", ".join(words) or "always"
