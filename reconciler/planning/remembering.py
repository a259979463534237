"""What memories say of a plan: which rows they protect, and where the policy got looser."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.declared import Side
from reconciler.model.memory import Remembers
from reconciler.model.policy import WhenRunning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.capabilities import Capabilities
    from reconciler.model.finding import Place
    from reconciler.model.live import Live
    from reconciler.model.memory import Memory, Protected
    from reconciler.model.policy import Policy, Window
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


def protections(
    desired: Desired, live: Live, memories: Sequence[Memory]
) -> Mapping[Row, Protection]:
    """Give every protected row; what an entry says now comes before what is remembered."""
    found: dict[Row, Protection] = {}
    names = {
        Side.SERVER: _by_name({i: s.name for i, s in live.servers.items()}),
        Side.VOLUME: _by_name({i: v.name for i, v in live.volumes.items()}),
    }
    for memory in memories:
        for row in memory.protected:
            for owner_id in _meant(row, names[row.side]):
                found[row.side, owner_id] = Protection(place=None, when=WHEN[memory.of])
    for key, entry in desired.protected.items():
        found[key] = Protection(place=entry.owner.place)
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
    return (*names.get(row.name, ()), *names.get(row.name.lower(), ()), row.name)


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
