"""An independent reading of the specification: bounds, the best of all ways, and what is legal.

Nothing here asks `reconciler.planning`: it counts calls by the formula of the manifest language,
tries every order of legal calls, and acts a schedule out on the servers that really hold disks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import ceil
from typing import TYPE_CHECKING

from reconciler.model.attachment import View
from reconciler.model.call import Verb
from reconciler.model.live import ANY_BUS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from random import Random

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change
    from reconciler.planning.schedule import Schedule
    from tests.planning.worlds import World

Single = tuple[Verb, "AttachmentKey"]
Attached = frozenset["AttachmentKey"]


def singles(changes: Sequence[Change]) -> list[Single]:
    """Give each attach and each detach alone; a move is both."""
    leaves = [(Verb.DETACH, key) for change in changes if (key := change.leaves) is not None]
    arrivals = [(Verb.ATTACH, key) for change in changes if (key := change.arrives) is not None]
    return [*leaves, *arrivals]


def updates(changes: Sequence[Change]) -> int:
    """Give how many calls set an attribute: no attach carries one on this cloud."""
    return sum(bool(change.updates) for change in changes)


def lower_bound(changes: Sequence[Change], of: World) -> int:
    """Give LB(C) of the manifest language."""
    count = updates(changes)
    for verb in (Verb.ATTACH, Verb.DETACH):
        most = of.can.batch[verb].maximum
        volumes = [key.volume_id for each, key in singles(changes) if each is verb]
        for volume_id in set(volumes):
            pairs = volumes.count(volume_id)
            count += ceil(pairs / most) if of.live.volumes[volume_id].shareable else pairs
    return count


def crowded(changes: Sequence[Change], of: World) -> int:
    """Give the pairs that join a server whose final disks exceed the batch rule by more than one.

    What only storage shows counts as a disk: nobody can be sure that it doesn't take a slot.
    """
    rule = of.can.batch[Verb.ATTACH].disks_at_most
    if rule is None:
        return 0
    final: dict[str, int] = {}
    for key in of.live.observed:
        final[key.server_id] = final.get(key.server_id, 0) + 1
    arrivals: list[str] = []
    for verb, key in singles(changes):
        final[key.server_id] = final.get(key.server_id, 0) + (1 if verb is Verb.ATTACH else -1)
        arrivals += [key.server_id] * (verb is Verb.ATTACH)
    return sum(final[server_id] > rule + 1 for server_id in arrivals)


@dataclass(frozen=True)
class Rules:
    """What a cloud takes at one moment, given the attachments that truly are."""

    world: World

    def start(self) -> Attached:
        """Give what truly is: what compute shows, and what is on servers out of sight."""
        live = self.world.live
        return frozenset(
            key
            for key, observed in live.observed.items()
            if View.COMPUTE in observed.sightings or key.server_id not in live.servers
        )

    def refusal(self, verb: Verb, keys: Collection[AttachmentKey], now: Attached) -> str | None:
        """Tell why a call can't be made now; None where it can."""
        batch = self.world.can.batch[verb]
        volumes = {key.volume_id for key in keys}
        if len(keys) > 1:
            if len(volumes) > 1 or len(keys) > batch.maximum:
                return "a batch of too much"
            if not self._shareable(*volumes):
                return "a batch of a volume that can't be shared"
        if verb is Verb.DETACH:
            return None if now.issuperset(keys) else "a detach of what isn't there"
        if not now.isdisjoint(keys):
            return "an attach of what is there"
        if len(keys) > 1 and batch.disks_at_most is not None:
            most = max(sum(k.server_id == key.server_id for k in now) for key in keys)
            if most > batch.disks_at_most:
                return "a batch with a server of too many disks"
        return self._overfull(now.union(keys), keys)

    def _shareable(self, volume_id: str) -> bool:
        return self.world.live.volumes[volume_id].shareable

    def _overfull(self, then: Attached, keys: Collection[AttachmentKey]) -> str | None:
        for key in keys:
            servers = sum(k.volume_id == key.volume_id for k in then)
            if servers > 1 and not self._shareable(key.volume_id):
                return "a volume that can't be shared on two servers"
            if servers > self.world.can.max_servers_per_volume:
                return "a volume on too many servers"
            disks = [k.volume_id for k in then if k.server_id == key.server_id]
            scsi = sum(self.world.live.volumes[disk].bus == "scsi" for disk in disks)
            room = self.world.room[key.server_id]
            if len(disks) > room[ANY_BUS] or scsi > room["scsi"]:
                return "a server with more disks than slots"
        return None


def act(made: Schedule, of: World, random: Random) -> Attached:
    """Make the calls in any order that respects needs; give what truly is afterwards."""
    rules, done = Rules(of), set[Single]()
    now, waiting = rules.start(), list(made.steps)
    while waiting:
        ready = [
            step
            for step in waiting
            if all(need in done for needs in step.needs.values() for need in needs)
        ]
        assert ready, "nothing can start: the needs go round in a circle"
        step = random.choice(ready)
        waiting.remove(step)
        call = step.call
        if call.verb is Verb.UPDATE:
            assert now.issuperset(call.keys), f"{step.id}: an update of what isn't there"
            continue
        refusal = rules.refusal(call.verb, call.keys, now)
        assert refusal is None, f"{step.id}: {refusal}"
        now = now.union(call.keys) if call.verb is Verb.ATTACH else now.difference(call.keys)
        done |= {(call.verb, key) for key in call.keys}
    return now


def fewest_calls(changes: Sequence[Change], of: World) -> int:
    """Give the fewest legal calls that make these changes, by trying them all; updates count."""
    rules, todo = Rules(of), frozenset(singles(changes))
    frontier, seen, calls = {frozenset[Single]()}, set[frozenset[Single]](), 0
    while todo not in frontier:
        assert frontier, "no order of legal calls makes these changes"
        seen |= frontier
        frontier = {
            done | {(verb, key) for key in keys}
            for done in frontier
            for verb, keys in _legal(todo - done, _after(rules.start(), done), rules)
        } - seen
        calls += 1
    return calls + updates(changes)


def _after(now: Attached, done: frozenset[Single]) -> Attached:
    gone = {key for verb, key in done if verb is Verb.DETACH}
    return (now - gone) | {key for verb, key in done if verb is Verb.ATTACH}


def _legal(
    left: frozenset[Single], now: Attached, rules: Rules
) -> Iterator[tuple[Verb, tuple[AttachmentKey, ...]]]:
    together: dict[tuple[Verb, str], list[AttachmentKey]] = {}
    for verb, key in left:
        together.setdefault((verb, key.volume_id), []).append(key)
    for (verb, _), keys in together.items():
        most = rules.world.can.batch[verb].maximum
        for size in range(1, min(most, len(keys)) + 1):
            for subset in combinations(keys, size):
                if rules.refusal(verb, subset, now) is None:
                    yield verb, subset
