"""Schedule documents: when scopes are looked at, and which of two schedules a scope has.

1. A schedule with `scopes` wins, for those, over one without; nothing is merged.
2. Two that name one scope, or two without scopes, are an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifest.nodes import ListNode, MapNode, Pair
from reconciler.manifest.policies import refs
from reconciler.manifest.schema import ScheduleSpec
from reconciler.manifest.validate import validate
from reconciler.manifest.words import quoted
from reconciler.model.schedule import (
    MAX_DETACH_PER_DAY,
    RETENTION_S,
    SHORTEST_S,
    GitSource,
    Heal,
    Schedule,
    Webhook,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.manifest.notes import Notes
    from reconciler.manifest.reading import Reading
    from reconciler.model.declared import Ref
    from reconciler.model.finding import Place


def schedule(reading: Reading, name: Ref | None, pair: Pair) -> Schedule | None:
    """Give the schedule as written; None when it, or its name, was refused."""
    spec = validate(reading, ScheduleSpec, pair, "spec")
    if spec is None or name is None:
        return None
    assert isinstance(pair.value, MapNode)
    pairs = pair.value.pairs
    if spec.every is not None and spec.every < SHORTEST_S:
        summary = f"`every` must be {SHORTEST_S:g} s or longer, not {spec.every:g} s"
        hint = "write `10s` or more: a look asks the cloud for whole listings"
        reading.notes.error("wrong-value", summary, hint, reading.place(pairs["every"].value))
        return None
    per_day = spec.max_detach_per_day
    return Schedule(
        name=name.text,
        place=name.place,
        scopes=_scopes(reading, pair),
        every_s=spec.every,
        cron=spec.cron,
        timezone=spec.timezone,
        correct=bool(spec.correct),
        heal=Heal(spec.heal) if spec.heal is not None else Heal.APPLIED,
        max_detach_per_day=MAX_DETACH_PER_DAY if per_day is None else per_day,
        source=_source(reading, spec, pairs.get("source")),
        notify=_notify(reading, spec, pairs.get("notify")),
        retention_s=RETENTION_S if spec.retention is None else spec.retention,
    )


def _scopes(reading: Reading, pair: Pair) -> tuple[str, ...] | None:
    named = refs(reading, pair, "scopes")
    return None if named is None else tuple(ref.text for ref in named)


def _source(reading: Reading, spec: ScheduleSpec, pair: Pair | None) -> GitSource | None:
    if spec.source is None or pair is None:
        return None
    return GitSource(
        url=spec.source.git,
        branch=spec.source.branch,
        path=spec.source.path or ".",
        signed=bool(spec.source.signed),
        place=reading.place(pair.key),
    )


def _notify(reading: Reading, spec: ScheduleSpec, pair: Pair | None) -> tuple[Webhook, ...]:
    if spec.notify is None or pair is None:
        return ()
    assert isinstance(pair.value, ListNode)
    return tuple(
        Webhook(
            place=reading.place(node),
            env=row.webhook.url_from.env,
            file=row.webhook.url_from.file,
            format=row.webhook.format,
            key_env=row.webhook.key_from.env if row.webhook.key_from else None,
            key_file=row.webhook.key_from.file if row.webhook.key_from else None,
            body=row.webhook.body,
        )
        for row, node in zip(spec.notify, pair.value.children, strict=True)
    )


def check_schedules(schedules: Iterable[Schedule], notes: Notes) -> None:
    """Note every scope that two schedules are for."""
    first: dict[str | None, Place] = {}
    for one in schedules:
        assert one.place is not None, "it was written"
        for scope in dict.fromkeys(one.scopes) if one.scopes is not None else (None,):
            earlier = first.setdefault(scope, one.place)
            if earlier is not one.place:
                whom = f"scope {quoted(scope)}" if scope is not None else "every scope"
                summary = f"two schedules are for {whom}"
                hint = "name the scopes of each under `scopes`, each scope once"
                notes.error("schedule-conflict", summary, hint, one.place, (earlier,))
