"""A running service as documents: all scopes, one scope, what differs, what was done about it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.watching import Answer, BreakerStanding, Judged
from reconciler.report.document import finding_row
from reconciler.report.drift import SIGNS
from reconciler.report.watch import correction_row, difference_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.model.watching import (
        Difference,
        Fight,
        SeenAttachment,
        Tick,
        Watched,
        WatchedScope,
    )
    from reconciler.report.document import Document

    When = Callable[[float], str]
    """Seconds since 1970 -> a date; this room has no clock and no zone."""

NOT_YET = "not looked at yet"
CANNOT_LOOK = "can't look"
IN_LINE = "in line"
WEIGHT = (CANNOT_LOOK, "conflict", "drift", "pending", NOT_YET, IN_LINE)
"""How scopes are ordered: what needs a person first."""
FINDS = 100
"""How many rows of each kind a search gives."""


def watched_document(now: Watched, when: When) -> Document:
    """Give a whole service: scopes by weight, then by name; what differs, oldest first."""
    rows = [scope_row(scope, when) for scope in now.scopes]
    rows.sort(key=lambda row: (WEIGHT.index(str(row["standing"])), str(row["name"])))
    differences = [one for scope in now.scopes for one in _differences(scope)]
    return {
        "version": now.version,
        "started": when(now.started_s),
        "ready": now.ready,
        "stopping": now.stopping,
        "manifests": {
            "read": when(now.manifests.read_s) if now.manifests.read_s else None,
            "commit": now.manifests.commit,
            "refused_commit": now.manifests.refused_commit,
            "findings": [finding_row(finding) for finding in now.manifests.findings],
        },
        "scopes": rows,
        "differences": difference_rows(differences, when),
    }


def scope_row(scope: WatchedScope, when: When) -> Document:
    """Give one scope without its attachments."""
    last = scope.last
    return {
        "name": scope.name,
        "provider": scope.provider,
        "simulated": scope.simulated,
        "schedule": scope.schedule,
        "corrects": scope.corrects,
        "standing": standing(scope),
        "counts": {one.value: (last.counts.get(one.value, 0) if last else 0) for one in Judged},
        "looked": _moment(scope.looked_s, when),
        "ticking_since": _moment(scope.ticking_s, when),
        "next": _moment(scope.next_s, when),
        "last": tick_row(last, when) if last else None,
        "breaker": _breaker(last, when) if last else None,
        "fights": [_fight(one, when) for one in last.fights] if last else [],
    }


def standing(scope: WatchedScope) -> str:
    """Give how a scope stands, in one of the words of `WEIGHT`."""
    last = scope.last
    if last is None:
        return NOT_YET
    if not last.looked:
        return CANNOT_LOOK
    answers = (Answer.CONFLICT, Answer.DRIFT, Answer.PENDING)
    return next((answer.value for answer in answers if last.of(answer)), IN_LINE)


def scope_document(scope: WatchedScope, when: When) -> Document:
    """Give one scope with its picture: servers and what is on them, what differs first."""
    return {
        **scope_row(scope, when),
        "differences": difference_rows(_differences(scope), when),
        "corrections": [correction_row(one, when) for one in scope.last.corrections]
        if scope.last
        else [],
        "servers": _servers(scope),
    }


def tick_row(tick: Tick, when: When) -> Document:
    """Give one tick without its attachments."""
    return {
        "scope": tick.scope,
        "began": when(tick.began_s),
        "seconds": round(tick.took_s, 1),
        "looked": tick.looked,
        "remembered": tick.remembered,
        "counts": dict(sorted(tick.counts.items())),
        "findings": [finding_row(finding) for finding in tick.findings],
        "run": tick.run,
        "commit": tick.commit,
        "requests": tick.requests,
    }


def difference_rows(differences: Iterable[Difference], when: When) -> list[Document]:
    """Give differences as plain JSON, those that last first, then the oldest first."""
    ordered = sorted(differences, key=lambda d: (d.gone_s is not None, d.first_s, d.identity))
    return [_difference(one, when) for one in ordered]


def _difference(one: Difference, when: When) -> Document:
    return difference_row(one, when) | {"answer": one.answer.value, "sign": SIGNS[one.kind]}


def search_document(now: Watched, text: str, when: When) -> Document:
    """Give what has a text in its name or id, in any case; nothing for a text of blanks."""
    wanted = text.strip().casefold()
    scopes = [scope for scope in now.scopes if wanted and wanted in scope.name.casefold()]
    found = [
        (one.key.server_id, one)
        for scope in now.scopes
        if wanted and scope.last
        for one in scope.last.attachments
        if wanted in " ".join(_texts(one)).casefold()
    ]
    return {
        "text": text,
        "scopes": [scope_row(scope, when) for scope in scopes[:FINDS]],
        "attachments": [
            {"scope": one.key.scope, "server": one.name.server, "server_id": server_id}
            | _attachment(one)
            for server_id, one in found[:FINDS]
        ],
        "more": max(0, len(found) - FINDS),
    }


def _texts(one: SeenAttachment) -> Iterator[str]:
    yield from (one.name.server, one.name.volume, one.key.server_id, one.key.volume_id)


def _differences(scope: WatchedScope) -> tuple[Difference, ...]:
    return scope.last.differences if scope.last else ()


def _servers(scope: WatchedScope) -> list[Document]:
    by_server: dict[tuple[str, str], list[SeenAttachment]] = defaultdict(list)
    for one in scope.last.attachments if scope.last else ():
        by_server[one.name.server, one.key.server_id].append(one)
    shared = _shared(one for rows in by_server.values() for one in rows)
    servers: list[Document] = [
        {
            "server": name,
            "server_id": server_id,
            "standing": _worst(rows),
            "attachments": [
                _attachment(one) | {"servers": shared[one.key.volume_id]}
                for one in sorted(rows, key=lambda one: (_calm(one), one.name.volume, one.key))
            ],
        }
        for (name, server_id), rows in by_server.items()
    ]
    servers.sort(
        key=lambda row: (str(row["standing"]) == IN_LINE, str(row["server"]), str(row["server_id"]))
    )
    return servers


def _shared(seen: Iterable[SeenAttachment]) -> dict[str, int]:
    """Count on how many servers each volume is."""
    count: dict[str, int] = defaultdict(int)
    for one in seen:
        count[one.key.volume_id] += one.live
    return count


def _attachment(one: SeenAttachment) -> Document:
    return {
        "volume": one.name.volume,
        "volume_id": one.key.volume_id,
        "judged": one.judged.value,
        "live": one.live,
    }


LOUD = (Judged.CONFLICT, Judged.DRIFT, Judged.PENDING, Judged.IN_MOTION)
"""What a picture shows first."""


def _calm(one: SeenAttachment) -> int:
    return LOUD.index(one.judged) if one.judged in LOUD else len(LOUD)


def _worst(rows: Sequence[SeenAttachment]) -> str:
    worst = min(rows, key=_calm)
    return worst.judged.value if worst.judged in LOUD else IN_LINE


def _breaker(tick: Tick, when: When) -> Document:
    breaker = tick.breaker
    return {
        "standing": breaker.standing.value,
        "closed": breaker.standing is BreakerStanding.CLOSED,
        "failures": breaker.failures,
        "since": _moment(breaker.since_s or None, when),
        "until": _moment(breaker.until_s, when),
    }


def _fight(one: Fight, when: When) -> Document:
    return {
        "server": one.name.server,
        "server_id": one.key.server_id,
        "volume": one.name.volume,
        "volume_id": one.key.volume_id,
        "corrected": one.corrected,
        "until": when(one.until_s),
    }


def _moment(at_s: float | None, when: When) -> str | None:
    return None if at_s is None else when(at_s)
