"""The one machine document of a plan: Terraform's plan shape, and ours under `reconciler`.

Source of the shape: Terraform's "JSON Output Format", format version 1.2.
Everything is sorted here; the renderers keep the order they find.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.plan import Action, Standing
from reconciler.report.escape import plain
from reconciler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.model.attachment import Attachment, AttachmentKey
    from reconciler.model.call import Verb
    from reconciler.model.finding import Finding, Place
    from reconciler.model.hook import Errand
    from reconciler.model.plan import AcceptedDrift, Change, Matched, Plan
    from reconciler.model.record import NamedAttachment
    from reconciler.planning.schedule import Schedule, Step

Document = dict[str, object]
"""Plain JSON: dictionaries, lists, text, numbers, booleans, None."""

TERRAFORM_SHAPE = "1.9.0"
"""The Terraform whose plan shape is written; policies read the shape, not this number."""
APPROVED = ("action", "scope", "server_id", "volume_id", "from_id", "device", "updates", "forced")
"""The members of a change that an approval is about."""
ACTIONS = {
    Action.ATTACH: ["create"],
    Action.DETACH: ["delete"],
    Action.MOVE: ["delete", "create"],
    Action.UPDATE: ["update"],
    Action.DESTROY: ["delete"],
    Action.KEEP: ["no-op"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeReport:
    """What is told of one scope."""

    plan: Plan
    schedule: Schedule
    seconds: float
    provider: str
    simulated: bool
    memory: str
    """Who remembers what was applied before: `journal`, `git`, both (`and`), or `none`."""
    notices: tuple[str, ...] = ()
    call_s: Mapping[Verb, float] = field(default_factory=dict)
    """How long a call of a verb is expected to take; absent: nobody knows."""


def plan_document(reports: Sequence[ScopeReport], findings: Sequence[Finding] = ()) -> Document:
    """Give the document of a run's plans; `findings` are those about no plan in particular."""
    return with_values(brief_document(reports, findings), reports)


def with_values(brief: Document, reports: Iterable[ScopeReport]) -> Document:
    """Give a brief document with `planned_values`: a row for each attachment that will be there."""
    ordered = sorted(reports, key=lambda report: report.plan.scope)
    head = {name: brief[name] for name in ("format_version", "terraform_version")}
    return {**head, "planned_values": {"root_module": {"resources": _planned(ordered)}}, **brief}


def brief_document(reports: Sequence[ScopeReport], findings: Sequence[Finding] = ()) -> Document:
    """Give the document without `planned_values`, which takes 1 KB an attachment."""
    ordered = sorted(reports, key=lambda report: report.plan.scope)
    changes = [_change(change) for report in ordered for change in report.plan.changes]
    told = sorted({*findings, *(f for r in ordered for f in r.plan.findings)}, key=_order)
    ours: Document = {
        "version": __version__,
        "scopes": [_scope(report) for report in ordered],
        "counts": _counts(ordered),
        "changes": changes,
        "calls": [_call(report, step) for report in ordered for step in report.schedule.steps],
        "forecast": {
            "calls": sum(len(report.schedule.steps) for report in ordered),
            "batches": sum(report.schedule.batches for report in ordered),
            "seconds": round(max((report.seconds for report in ordered), default=0.0), 1),
        },
        "findings": [finding_row(finding) for finding in told],
        "preconditions": _preconditions(ordered),
    }
    ours["digest"] = digest(ours)
    return {
        "format_version": "1.2",
        "terraform_version": TERRAFORM_SHAPE,
        "resource_changes": [
            _resource_change(change, report.provider)
            for report in ordered
            for change in report.plan.changes
        ],
        "applyable": any(report.plan.permitted for report in ordered),
        "complete": all(_complete(report.plan) for report in ordered),
        "errored": any(finding.severity.value == "error" for finding in told),
        "reconciler": ours,
    }


def digest(ours: Mapping[str, object]) -> str:
    """Give the fingerprint of what would be approved: permitted changes and their facts."""
    rows = ours["changes"]
    assert isinstance(rows, list)
    permitted = [
        {name: row[name] for name in APPROVED}
        for row in rows
        if row["standing"] == Standing.PERMITTED.value
    ]
    text = json.dumps([permitted, ours["preconditions"]], sort_keys=True, ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def finding_row(finding: Finding) -> Document:
    """Give one finding as plain JSON."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "scope": finding.scope,
        "summary": finding.summary,
        "hint": finding.hint,
        "place": place_row(finding.place),
        "also": [place_row(place) for place in finding.also],
    }


def place_row(place: Place | None) -> Document | None:
    """Give one place as plain JSON; None where there is none."""
    if place is None:
        return None
    return {"file": place.file, "line": place.line, "column": place.column, "text": place.text}


def where(place: Mapping[str, object]) -> str:
    """Give a place for people: `FILE:LINE:COLUMN`, or the words that stand for one."""
    file = plain(str(place["file"]))
    return f"{file}:{place['line']}:{place['column']}" if place["line"] else file


def _order(finding: Finding) -> tuple[object, ...]:
    return finding.order


def _complete(plan: Plan) -> bool:
    return not plan.refused and len(plan.permitted) == len(plan.changes)


def _scope(report: ScopeReport) -> Document:
    plan = report.plan
    return {
        "name": plan.scope,
        "provider": report.provider,
        "simulated": report.simulated,
        "memory": report.memory,
        "refusals": [finding_row(finding) for finding in plan.refusals],
        "in_line": plan.in_line,
        "owned": len(plan.owned),
        "unmanaged": [_row(row) for row in plan.unmanaged],
        "released": [_row(row) for row in plan.released],
        "accepted": [_accepted(drift) for drift in plan.accepted],
        "selectors": [_matched(one) for one in plan.matched],
        "unselected": plan.unselected,
        "already": plan.already,
        "notices": list(report.notices),
    }


def _row(row: NamedAttachment) -> Document:
    return {
        "server": row.server,
        "server_id": row.server_id,
        "volume": row.volume,
        "volume_id": row.volume_id,
    }


def _accepted(drift: AcceptedDrift) -> Document:
    change = drift.change
    return {
        "action": change.action.value,
        "server": change.name.server,
        "server_id": change.key.server_id,
        "volume": change.name.volume,
        "volume_id": change.key.volume_id,
        "until": drift.until.isoformat(),
        "reason": drift.reason,
    }


def _matched(one: Matched) -> Document:
    return {
        "volume": one.volume,
        "volume_id": one.volume_id,
        "servers": [{"server": name, "server_id": identity} for name, identity in one.servers],
        "place": place_row(one.place),
    }


def _counts(reports: Sequence[ScopeReport]) -> Document:
    permitted = [change.action for report in reports for change in report.plan.permitted]
    counted = [change.standing for report in reports for change in report.plan.changes]
    return {
        "attach": permitted.count(Action.ATTACH),
        "detach": permitted.count(Action.DETACH),
        "move": permitted.count(Action.MOVE),
        "update": permitted.count(Action.UPDATE),
        "destroy": permitted.count(Action.DESTROY),
        "unchanged": sum(len(report.plan.kept) for report in reports),
        "unmanaged": sum(len(report.plan.unmanaged) for report in reports),
        "accepted": sum(len(report.plan.accepted) for report in reports),
        "in_motion": counted.count(Standing.IN_MOTION),
        "unknown": counted.count(Standing.UNKNOWN),
        "refused": counted.count(Standing.REFUSED)
        + sum(report.plan.refused_entries for report in reports),
        "unselected": sum(report.plan.unselected for report in reports),
    }


def _change(change: Change) -> Document:
    return {
        "scope": change.key.scope,
        "action": change.action.value,
        "standing": change.standing.value,
        "server": change.name.server,
        "server_id": change.key.server_id,
        "volume": change.name.volume,
        "volume_id": change.key.volume_id,
        "from": change.source_server or None,
        "from_id": change.source.server_id if change.source else None,
        "device": change.wanted.device if change.wanted else None,
        "forced": change.forced,
        "hooks": [_errand(errand) for errand in change.errands],
        "updates": [[u.attribute, u.before, u.after] for u in change.updates],
        "reason": change.reason,
        "refusals": [finding_row(finding) for finding in change.refusals],
        "place": place_row(change.place),
    }


def _errand(errand: Errand) -> Document:
    return {
        "occasion": errand.occasion.value,
        "hook": errand.hook.name,
        "server": errand.server,
        "timeout_seconds": errand.hook.timeout_s,
    }


def _call(report: ScopeReport, step: Step) -> Document:
    seconds = report.call_s.get(step.call.verb)
    return {
        "scope": report.plan.scope,
        "step": step.id,
        "seconds": round(seconds, 1) if seconds is not None else None,
        "verb": step.call.verb.value,
        "attachments": [[key.server_id, key.volume_id] for key in step.call.keys],
        "needs": sorted(
            {
                f"{verb.value}:{key.volume_id}@{key.server_id}"
                for needs in step.needs.values()
                for verb, key in needs
            }
        ),
    }


def _preconditions(reports: Iterable[ScopeReport]) -> Document:
    return {
        f"{change.action.value} {change.key}": dict(change.precondition)
        for report in reports
        for change in report.plan.permitted
    }


def _values(attachment: Attachment | None) -> Document | None:
    if attachment is None:
        return None
    return {
        "server_id": attachment.key.server_id,
        "volume_id": attachment.key.volume_id,
        "device": attachment.device,
        "delete_on_termination": attachment.delete_on_termination,
    }


def address(key: AttachmentKey) -> Document:
    """Give what Terraform's documents call one attachment."""
    index = f"{key.server_id}/{key.volume_id}"
    return {
        "address": f"reconciler_attachment.{key.scope}[{json.dumps(index)}]",
        "mode": "managed",
        "type": "reconciler_attachment",
        "name": key.scope,
        "index": index,
    }


def _resource_change(change: Change, provider: str) -> Document:
    made = change.standing is Standing.PERMITTED
    before = _values(change.before)
    after = _values(change.wanted) if made else before
    return {
        **address(change.key),
        "provider_name": provider,
        "change": {
            "actions": ACTIONS[change.action] if made else ["no-op"],
            "before": before,
            "after": after,
            "after_unknown": {},
            "before_sensitive": False,
            "after_sensitive": False,
        },
    }


def _planned(reports: Iterable[ScopeReport]) -> list[Document]:
    rows: list[Document] = []
    for report in reports:
        arriving = [key for change in report.plan.permitted if (key := change.arrives)]
        updated = [c.key for c in report.plan.permitted if c.action is Action.UPDATE]
        rows += [
            {
                **address(key),
                "provider_name": report.provider,
                "schema_version": 0,
                "values": {"server_id": key.server_id, "volume_id": key.volume_id},
                "sensitive_values": {},
            }
            for key in sorted({*report.plan.kept, *arriving, *updated})
        ]
    return rows
