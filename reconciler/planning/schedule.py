"""Plan -> the fewest calls: steps with needs and locks; waves are a view for people.

1. A change is one call, or shares one with others of its verb that the cloud can batch.
2. A move is a detach and an attach; what an attach can't carry is an update after it.
3. Needs point from arrivals to leaves and from updates to arrivals: there are no cycles.
4. A forced detach is a call of its own.
5. Without the rule on a server's disks the number of calls is the lower bound of the manifest
   language; with it, at most one more for each arrival whose server ends above the rule.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from reconciler.model.call import Call, Verb
from reconciler.model.capabilities import BatchBy, SetBy
from reconciler.model.hook import Occasion
from reconciler.model.plan import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.capabilities import Batch, Capabilities
    from reconciler.model.hook import Errand
    from reconciler.model.plan import Change, Plan

    Need = tuple[Verb, AttachmentKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """The second half of a move undone: the calls in their order, and where they lead."""

    source: AttachmentKey
    server: str
    """What people call the server that the volume came from."""
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call, what each of its attachments needs first, and what it must not share."""

    id: str
    label: str
    """What people call it: `SERVER/VOLUME`, and how many more go with it."""
    call: Call
    needs: Mapping[AttachmentKey, tuple[Need, ...]]
    """By attachment, for those that need something: what must be done, sorted."""
    locks: tuple[str, ...]
    """Sorted: `server:ID` and `volume:ID`, the volume and every server of the call."""
    returns: Mapping[AttachmentKey, PutBack] = field(default_factory=dict)
    """By arrival of a move: how its volume gets back to where it was, should the attach fail."""
    errands: Mapping[AttachmentKey, Errand] = field(default_factory=dict)
    """The hook of each attachment that has one: before it leaves, or after it arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Steps in a fixed order: destroys, leaves, arrivals, updates; `waves` is derived."""

    steps: tuple[Step, ...] = ()

    @property
    def batches(self) -> int:
        """How many of the calls carry more than one attachment."""
        return sum(len(step.call.keys) > 1 for step in self.steps)

    def waves(self) -> tuple[tuple[Step, ...], ...]:
        """Group the steps so that each wave needs only earlier ones."""
        owner = {(step.call.verb, key): step for step in self.steps for key in step.call.keys}
        by_id = {step.id: step for step in self.steps}
        graph = {
            step.id: {owner[need].id for needs in step.needs.values() for need in needs}
            for step in self.steps
        }
        sorter = TopologicalSorter(graph)
        sorter.prepare()
        waves: list[tuple[Step, ...]] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            waves.append(tuple(by_id[step_id] for step_id in ready))
            sorter.done(*ready)
        return tuple(waves)


def schedule(plan: Plan, can: Capabilities) -> Schedule:
    """Give the fewest calls that make the permitted changes of a plan, in a fixed order."""
    permitted = plan.permitted
    destroyed = {change.key: change for change in permitted if change.action is Action.DESTROY}
    leaving = {
        key: change
        for change in permitted
        if (key := change.leaves) is not None and key not in destroyed
    }
    arriving = {key: change for change in permitted if (key := change.arrives) is not None}
    carried = can.delete_on_termination is SetBy.WITH_ATTACH
    updated = {
        change.key: change
        for change in permitted
        if change.updates and not (carried and change.arrives is not None)
    }
    steps = [
        *_steps(Verb.DESTROY, destroyed, can),
        *_steps(Verb.DETACH, leaving, can),
        *_steps(Verb.ATTACH, arriving, can),
        *(_update(change, arriving) for _, change in sorted(updated.items())),
    ]
    return Schedule(steps=tuple(steps))


def _steps(
    verb: Verb, changes: Mapping[AttachmentKey, Change], can: Capabilities
) -> Iterator[Step]:
    for keys in sorted(_groups(verb, changes, can)):
        needs = {
            key: tuple((Verb.DETACH, need) for need in changes[key].needs)
            for key in keys
            if verb is Verb.ATTACH and changes[key].needs
        }
        devices = {
            key: wanted.device
            for key in keys
            if verb is Verb.ATTACH and (wanted := changes[key].wanted) and wanted.device
        }
        call = Call(
            verb=verb,
            keys=keys,
            devices=devices,
            delete_on_termination=_carried(verb, changes[keys[0]], can),
            forced=verb is Verb.DETACH and changes[keys[0]].forced,
            had={} if verb is Verb.ATTACH else _had({key: changes[key] for key in keys}),
            names=_names(changes[key] for key in keys) if verb is Verb.DESTROY else {},
        )
        made = _step(call, needs, _server_of(verb, changes[keys[0]]), changes[keys[0]].name.volume)
        made = replace(made, errands=_errands(verb, keys, changes))
        moved = {key: changes[key] for key in keys if changes[key].action is Action.MOVE}
        if verb is Verb.ATTACH and moved:
            backs = {key: _put_back(change, can) for key, change in moved.items()}
            made = replace(made, returns=backs)
        yield made


def _errands(
    verb: Verb, keys: Sequence[AttachmentKey], changes: Mapping[AttachmentKey, Change]
) -> Mapping[AttachmentKey, Errand]:
    """Give the hooks of a call: a move has one for either half."""
    occasion = Occasion.ATTACHED if verb is Verb.ATTACH else Occasion.RELEASE
    errands = (errand for key in keys for errand in changes[key].errands)
    return {errand.key: errand for errand in errands if errand.occasion is occasion}


def _put_back(change: Change, can: Capabilities) -> PutBack:
    """Give what attaches a moved volume to where it was, with what was set there."""
    source, before = change.source, change.before
    assert source is not None, "a move has a source"
    device = before.device if before is not None and can.device else None
    flag = before.delete_on_termination if before is not None else None
    carried = flag if can.delete_on_termination is SetBy.WITH_ATTACH else None
    attach = Call(
        verb=Verb.ATTACH,
        keys=(source,),
        devices={source: device} if device else {},
        delete_on_termination=carried,
    )
    sets = bool(flag) and can.delete_on_termination is SetBy.AFTERWARDS
    update = Call(verb=Verb.UPDATE, keys=(source,), delete_on_termination=flag)
    calls = (attach, update) if sets else (attach,)
    return PutBack(source=source, server=change.source_server, calls=calls)


def _carried(verb: Verb, change: Change, can: Capabilities) -> bool | None:
    """Give what an attach sets on its way, where the cloud takes it along."""
    if verb is not Verb.ATTACH or can.delete_on_termination is not SetBy.WITH_ATTACH:
        return None
    return change.wanted.delete_on_termination if change.wanted is not None else None


def _had(changes: Mapping[AttachmentKey, Change]) -> dict[AttachmentKey, bool]:
    """Give what was set before, where it was told."""
    told = ((key, change.before) for key, change in changes.items())
    flags = ((key, before.delete_on_termination) for key, before in told if before is not None)
    return {key: flag for key, flag in flags if flag is not None}


def _names(changes: Iterable[Change]) -> dict[AttachmentKey, tuple[str, str]]:
    return {change.key: (change.name.server, change.name.volume) for change in changes}


def _groups(
    verb: Verb, changes: Mapping[AttachmentKey, Change], can: Capabilities
) -> Iterator[tuple[AttachmentKey, ...]]:
    batch = can.batch.get(verb)
    together: dict[str, list[AttachmentKey]] = defaultdict(list)
    for key, change in sorted(changes.items()):
        if batch is None or not _batchable(verb, change, batch):
            yield (key,)
        else:
            together[key.volume_id if batch.by is BatchBy.VOLUME else key.server_id].append(key)
    for keys in together.values():
        assert batch is not None
        for start in range(0, len(keys), batch.maximum):
            yield tuple(keys[start : start + batch.maximum])


def _batchable(verb: Verb, change: Change, batch: Batch) -> bool:
    if (batch.shareable_only and not change.shareable) or (verb is Verb.DETACH and change.forced):
        return False
    if verb is not Verb.ATTACH or batch.disks_at_most is None:
        return True
    return change.disks_after <= batch.disks_at_most + 1


def _update(change: Change, arriving: Mapping[AttachmentKey, Change]) -> Step:
    wanted = change.wanted
    assert wanted is not None
    call = Call(
        verb=Verb.UPDATE,
        keys=(change.key,),
        delete_on_termination=wanted.delete_on_termination,
        had={} if change.key in arriving else _had({change.key: change}),
    )
    needs = {change.key: ((Verb.ATTACH, change.key),)} if change.key in arriving else {}
    return _step(call, needs, change.name.server, change.name.volume)


def _server_of(verb: Verb, change: Change) -> str:
    """Give the name of the server that a call on this change is about: a move is two of them."""
    return change.source_server if verb is Verb.DETACH and change.source else change.name.server


def _step(
    call: Call, needs: Mapping[AttachmentKey, tuple[Need, ...]], server: str, volume: str
) -> Step:
    first, more = call.keys[0], len(call.keys) - 1
    return Step(
        label=f"{server}/{volume}"
        + (f" and {more} more" if more else "")
        + (", forced" if call.forced else ""),
        id=f"{call.verb.value}:{first.volume_id}@{first.server_id}" + (f"+{more}" if more else ""),
        call=call,
        needs=needs,
        locks=locks(call.keys),
    )


def locks(keys: Sequence[AttachmentKey]) -> tuple[str, ...]:
    """Give the names that a call on these attachments must hold alone, sorted."""
    names = {f"server:{key.server_id}" for key in keys} | {f"volume:{k.volume_id}" for k in keys}
    return tuple(sorted(names))
