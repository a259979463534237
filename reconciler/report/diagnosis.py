"""What is stuck, and what became of a repair: as documents and as lines for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reconciler.model.counting import counted
from reconciler.model.outcome import Verdict
from reconciler.report.document import finding_row
from reconciler.report.escape import plain
from reconciler.report.history import ID_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey, Observed
    from reconciler.model.finding import Finding
    from reconciler.model.history import LastCall
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Name
    from reconciler.planning.diagnosis import Diagnosis
    from reconciler.report.document import Document

NOTHING_STUCK = "Nothing is stuck."


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeDiagnoses:
    """What is told of one scope that could be read."""

    scope: str
    simulated: bool
    attachments: int
    """How many were looked at."""
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What is told of a repair."""

    key: AttachmentKey
    name: Name
    outcome: Outcome | None
    """None where nothing was sent."""
    requests: int
    seconds: float
    simulated: bool
    findings: tuple[Finding, ...]


def diagnosis_document(
    scopes: Sequence[ScopeDiagnoses], findings: Sequence[Finding] = ()
) -> Document:
    """Give plain JSON, sorted; `findings` say why a scope isn't in it."""
    told = sorted(set(findings), key=lambda finding: finding.order)
    return {
        "scopes": [
            {
                "name": one.scope,
                "simulated": one.simulated,
                "attachments": one.attachments,
                "stuck": sum(made.stuck for made in one.diagnoses),
                "diagnoses": [_row(made) for made in one.diagnoses],
            }
            for one in sorted(scopes, key=lambda one: one.scope)
        ],
        "findings": [finding_row(finding) for finding in told],
    }


def _row(made: Diagnosis) -> Document:
    call, last = made.call, made.last
    return {
        "code": made.ailment.value,
        "stuck": made.stuck,
        "server": made.name.server or None,
        "server_id": made.key.server_id or None,
        "volume": made.name.volume,
        "volume_id": made.key.volume_id,
        "views": _views(made.observed),
        "server_says": made.witness.value if made.witness is not None else None,
        "call": None
        if call is None
        else {
            "verb": call.call.verb.value,
            "run": call.run,
            "job": call.handle,
            "age_seconds": round(call.age_s),
        },
        "last_call": last_call_row(last) if last is not None else None,
        "summary": made.summary,
        "next": {"step": made.step.value, "hint": made.hint},
    }


def last_call_row(last: LastCall) -> Document:
    """Give the last call about an attachment as plain JSON."""
    return {
        "run": last.run,
        "owner": last.owner,
        "verb": last.verb,
        "job": last.handle,
        "verdict": last.verdict,
        "code": last.code or None,
        "message": last.message or None,
        "request_id": last.request_id or None,
    }


def _views(observed: Observed | None) -> Document:
    if observed is None:
        return {}
    return {
        view.value: {"phase": seen.phase.value, "attachment_id": seen.attachment_id}
        for view, seen in observed.sightings.items()
    }


def diagnosis_text(document: Document) -> str:
    """Give the same as lines; a scope in which nothing is stuck is one line."""
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(document: Document) -> Iterator[str]:
    for scope in cast("list[dict[str, object]]", document["scopes"]):
        rows = cast("list[dict[str, object]]", scope["diagnoses"])
        said = f"{scope['stuck']} stuck." if scope["stuck"] else NOTHING_STUCK
        there = counted(cast("int", scope["attachments"]), "attachment")
        yield f"Scope {scope['name']}: {there}. {said}"
        for row in rows:
            yield ""
            yield from _diagnosis(row)
        if rows:
            yield ""
        if scope["simulated"]:
            yield f"Scope {scope['name']} is simulated."


def _diagnosis(row: Mapping[str, object]) -> Iterator[str]:
    server = plain(str(row["server"] or "?"))
    yield f"  {row['code']:<14} {server}/{plain(str(row['volume']))}"
    yield f"      {plain(str(row['summary']))}"
    yield f"      ids: {plain(str(row['server_id'] or '?'))}/{plain(str(row['volume_id']))}"
    views = cast("dict[str, dict[str, str | None]]", row["views"])
    for view, seen in views.items():
        named = f" (attachment {plain(seen['attachment_id'])})" if seen["attachment_id"] else ""
        yield f"      {view}: {seen['phase']}{named}"
    if row["server_says"]:
        yield f"      the server itself: {row['server_says']}"
    last = cast("dict[str, str | None] | None", row["last_call"])
    if last is not None:
        yield f"      last call: {_last_call(last)}"
    call = cast("dict[str, object] | None", row["call"])
    if call is not None:
        job = f", job {plain(str(call['job']))}" if call["job"] else ""
        yield f"      run {call['run']}{job}, {call['age_seconds']} s ago"
    step = cast("dict[str, str]", row["next"])
    yield f"      next: {step['step']}: {plain(step['hint'])}"


def _last_call(last: Mapping[str, str | None]) -> str:
    said = f"{last['verb']} {last['verdict']}"
    said += f" ({plain(last['code'])})" if last["code"] else ""
    said += f", run {str(last['run'])[:ID_LENGTH]}"
    said += f" by {plain(last['owner'])}" if last["owner"] else ""
    said += f", job {plain(last['job'])}" if last["job"] else ""
    return said + (f" [request id {plain(last['request_id'])}]" if last["request_id"] else "")


def repair_document(report: RepairReport) -> Document:
    """Give plain JSON."""
    outcome = report.outcome
    return {
        "scope": report.key.scope,
        "server": report.name.server,
        "server_id": report.key.server_id,
        "volume": report.name.volume,
        "volume_id": report.key.volume_id,
        "verdict": outcome.verdict.value if outcome is not None else None,
        "code": outcome.code if outcome is not None else "",
        "message": outcome.message if outcome is not None else "",
        "request_id": outcome.request_id if outcome is not None else "",
        "requests": report.requests,
        "seconds": round(report.seconds, 1),
        "simulated": report.simulated,
        "findings": [finding_row(finding) for finding in report.findings],
    }


def repair_text(document: Document) -> str:
    """Give the closing lines of a repair."""
    if document["verdict"] is None:
        return "Repair refused. Nothing was sent.\n"
    there = f"{plain(str(document['server']))}/{plain(str(document['volume']))}"
    cost = f"{document['requests']} API calls, {cast('float', document['seconds']):.0f} s."
    if document["verdict"] == Verdict.DONE.value:
        lines = [f"Repair complete. Storage no longer shows {there}. {cost}"]
    else:
        code = f" ({plain(str(document['code']))})" if document["code"] else ""
        asked = str(document["request_id"])
        named = f" [request id {plain(asked)}]" if asked else ""
        said = f": {plain(str(document['message']))}" if document["message"] else ""
        lines = [
            f"  {document['verdict']} reset {there}{code}{said}{named}",
            f"Repair incomplete. {cost}",
        ]
    if document["simulated"]:
        lines.append(f"Scope {document['scope']} is simulated.")
    return "".join(f"{line}\n" for line in lines)
