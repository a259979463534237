"""Why one attachment is, or isn't: as a document and as lines for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reconciler.model.declared import Side
from reconciler.model.plan import Standing
from reconciler.planning.ground import Seen
from reconciler.planning.planner import DECISIONS
from reconciler.report.diagnosis import last_call_row
from reconciler.report.document import finding_row, place_row, where
from reconciler.report.escape import plain
from reconciler.report.history import ID_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.finding import Place
    from reconciler.model.history import LastCall
    from reconciler.model.plan import Change, Plan
    from reconciler.model.record import OpenIntent
    from reconciler.planning.ground import Ground
    from reconciler.report.document import Document
    from reconciler.report.history import When

BOOT = "a boot volume is never owned"
MOVING = "the cloud is at work on the volume: nothing is decided until it rests"
NOBODY = "no entry owns its server or its volume"
WENT = "the last apply left it attached; it went since, and by no call of this journal"
CAME = "a call of this journal took it away; it came back since, and by none of them"
STAYED = frozenset({None, ("attach", "done"), ("update", "done")})
"""How the last call about an attachment ends that the journal leaves attached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that speaks about one attachment."""

    key: AttachmentKey
    simulated: bool
    on: Ground
    plan: Plan
    last: LastCall | None
    """The last call about it that is known of."""
    open_call: OpenIntent | None
    """A call about it that has no known end."""


def explanation_document(told: Explanation, when: When) -> Document:
    """Give plain JSON."""
    on, key = told.on, told.key
    name, observed, last, call = on.name(key), on.live.observed.get(key), told.last, told.open_call
    server, volume = on.live.servers.get(key.server_id), on.live.volumes.get(key.volume_id)
    return {
        "scope": key.scope,
        "simulated": told.simulated,
        "server": name.server,
        "server_id": key.server_id,
        "server_status": server.status_text if server is not None else None,
        "volume": name.volume,
        "volume_id": key.volume_id,
        "volume_status": volume.status_text if volume is not None else None,
        "attached": on.seen(key) is Seen.AGREED,
        "views": {view.value: _view(told, view.value) for view in on.live.views}
        if observed is not None
        else {},
        "seen": on.seen(key).value,
        "wish": on.wish(key).value,
        "lines": [{"says": says, "place": place_row(place)} for says, place in _lines(told)],
        "rule": _rule(told),
        "elsewhere": sorted(
            on.server_name(one.key.server_id)
            for one in on.holders.of(key.volume_id)
            if one.key != key
        ),
        "plan": _planned(told),
        "owed_hook": _owed(told),
        "outside": _outside(told),
        "last_call": None if last is None else {"at": when(last.at_s), **last_call_row(last)},
        "open_call": None
        if call is None
        else {"run": call.run, "verb": call.call.verb.value, "job": call.handle},
    }


def _view(told: Explanation, view: str) -> Document:
    sightings = told.on.live.observed[told.key].sightings
    seen = {one.value: sighting for one, sighting in sightings.items()}.get(view)
    if seen is None:
        return {"phase": None, "device": None, "attachment_id": None}
    return {
        "phase": seen.phase.value,
        "device": seen.device,
        "attachment_id": seen.attachment_id,
    }


def _lines(told: Explanation) -> Iterator[tuple[str, Place]]:
    """Give the lines of the manifests that speak about it, the one that decides first."""
    on, key = told.on, told.key
    wanted, absent = on.desired.wanted.get(key), on.desired.absent.get(key)
    if wanted is not None:
        yield "wants it", wanted.place
    if absent is not None:
        yield "says that it shall not be there", absent
    for side, identity in ((Side.SERVER, key.server_id), (Side.VOLUME, key.volume_id)):
        entry = on.desired.rows.get((side, identity))
        if entry is None:
            continue
        owner = f"the entry of {side.value} `{entry.owner.text}`"
        if entry.keeps_others:
            yield f"{owner} keeps what it doesn't list", entry.owner.place
        else:
            yield f"{owner} owns its row", entry.owner.place


def _rule(told: Explanation) -> str:
    """Give the row of the planner's table that decides, or what comes before the table."""
    on, key = told.on, told.key
    if on.boot(key):
        return BOOT
    if on.in_motion(key):
        return MOVING
    seen, wish = on.seen(key), on.wish(key)
    return f"{seen.value}; {wish.value}: {DECISIONS[seen, wish].value}"


def _change(told: Explanation) -> Change | None:
    mine = (one for one in told.plan.changes if told.key in {one.key, one.source})
    return next(mine, None)


def _planned(told: Explanation) -> Document | None:
    """Give what the next plan does about it; None: nothing."""
    change = _change(told)
    known = [one for one in told.plan.accepted if told.key in {one.change.key, one.change.source}]
    if known:
        text = f"accepted as it is until {known[0].until.isoformat()}: {known[0].reason}"
        return {"says": text, "standing": "accepted", "refusals": []}
    if change is None:
        return None
    there = f"to `{change.name.server}`" if change.source == told.key else ""
    if change.source is not None and change.key == told.key:
        there = f"from `{change.source_server}`"
    says = f"{change.action.value} {there}".rstrip()
    return {
        "says": says
        if change.standing is Standing.PERMITTED
        else f"{says}, {change.standing.value}",
        "standing": change.standing.value,
        "refusals": [finding_row(one) for one in change.refusals],
    }


def _outside(told: Explanation) -> str | None:
    """Give what somebody else did since; None where the journal accounts for how it is."""
    on, key = told.on, told.key
    if told.open_call is not None or on.in_motion(key):
        return None
    ended = None if told.last is None else (told.last.verb, told.last.verdict)
    if on.seen(key) is Seen.AGREED:
        return CAME if ended == ("detach", "done") else None
    if on.seen(key) is not Seen.NOWHERE or ended not in STAYED:
        return None
    ids = (key.server_id, key.volume_id)
    applied = on.circumstances.applied or ()
    return WENT if any((one.server_id, one.volume_id) == ids for one in applied) else None


def _owed(told: Explanation) -> Document | None:
    """Give the hook after its attach that the next apply runs again; None: none is owed."""
    errand = next((one for one in told.plan.owed if one.key == told.key), None)
    if errand is None:
        return None
    return {"hook": errand.hook.name, "says": told.on.circumstances.owed[errand.key]}


def explanation_text(document: Document) -> str:
    """Give the same as lines."""
    return "".join(f"{line}\n" for line in _told(document))


def _told(row: Mapping[str, object]) -> Iterator[str]:
    word = "attached" if row["attached"] else "not attached" if not row["views"] else row["seen"]
    there = f"{plain(str(row['server']))}/{plain(str(row['volume']))}"
    ids = f"{row['scope']}:{plain(str(row['server_id']))}/{plain(str(row['volume_id']))}"
    yield f"{there} ({ids}): {word}"
    yield from _told_views(row)
    lines = cast("list[dict[str, object]]", row["lines"])
    yield "  manifests:" if lines else f"  manifests: {NOBODY}"
    for line in lines:
        place, says = cast("dict[str, object]", line["place"]), plain(str(line["says"]))
        yield f"    {where(place)} {says}"
        if place["text"]:
            yield f"      {place['line']} | {plain(str(place['text']))}"
    yield f"  rule: {row['rule']}"
    yield from _told_plan(cast("dict[str, object] | None", row["plan"]))
    owed = cast("dict[str, str] | None", row["owed_hook"])
    if owed is not None:
        said = f"hook `{plain(owed['hook'])}` {plain(owed['says'])}"
        yield f"  owed: {said}; `apply` runs it again"
    yield from _told_calls(row)
    if row["simulated"]:
        yield f"Scope {row['scope']} is simulated."


def _told_views(row: Mapping[str, object]) -> Iterator[str]:
    for view, seen in cast("dict[str, dict[str, str | None]]", row["views"]).items():
        device = f" as {plain(seen['device'])}" if seen["device"] else ""
        named = f" (attachment {plain(seen['attachment_id'])})" if seen["attachment_id"] else ""
        yield f"  {view}: {seen['phase'] or 'not there'}{device}{named}"
    for side in ("server", "volume"):
        status = row[f"{side}_status"]
        yield f"  {side}: " + (
            plain(str(status)) or "there" if status is not None else "not listed"
        )
    servers = ", ".join(plain(one) for one in cast("list[str]", row["elsewhere"]))
    if servers:
        yield f"  the volume is also on: {servers}"


def _told_plan(planned: Mapping[str, object] | None) -> Iterator[str]:
    yield f"  plan: {plain(str(planned['says'])) if planned is not None else 'nothing to do'}"
    refusals = planned["refusals"] if planned is not None else []
    for refusal in cast("list[dict[str, object]]", refusals):
        yield f"    {refusal['code']}: {plain(str(refusal['summary']))}"
        yield f"    hint: {plain(str(refusal['hint']))}"


def _told_calls(row: Mapping[str, object]) -> Iterator[str]:
    call = cast("dict[str, str | None] | None", row["open_call"])
    if call is not None:
        job = f", job {plain(call['job'])}" if call["job"] else ""
        run = str(call["run"])[:ID_LENGTH]
        yield f"  open call: {call['verb']} of run {run}{job} has no known end"
    if row["outside"]:
        yield f"  outside: {row['outside']}"
    last = cast("dict[str, str | None] | None", row["last_call"])
    if last is None:
        yield "  last call: none is in the journal"
        return
    code = f" ({plain(last['code'])})" if last["code"] else ""
    said = f": {plain(last['message'])}" if last["message"] else ""
    asked = f" [request id {plain(last['request_id'])}]" if last["request_id"] else ""
    run = str(last["run"])[:ID_LENGTH]
    by = f" by {plain(last['owner'])}" if last["owner"] else ""
    ended = f"{last['at']} {last['verb']} {last['verdict']}, run {run}{by}"
    yield f"  last call: {ended}{code}{said}{asked}"
