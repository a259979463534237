"""What a service tells of a tick, as the messages of Terraform's machine-readable UI.

Source: Terraform, "Machine-readable UI Output Reference", version 1.2 of its messages. What a tick
is beyond them stands whole under `reconciler` of its last message.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.outcome import Verdict
from reconciler.model.plan import Action
from reconciler.model.watching import Answer, BreakerStanding, Kind
from reconciler.report.document import finding_row
from reconciler.report.events import ACTIONS, finding_message, message, summed
from reconciler.report.watch import difference_row, tick_document, tick_head, told_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.watching import Difference, Tick
    from reconciler.report.document import Document
    from reconciler.report.drift import When
    from reconciler.report.events import Naming

HAPPENED = {Kind.MISSING: "delete", Kind.ADDED: "create"}
"""What happened to an attachment, in Terraform's word; anything else is an `update`."""
REMEDY = {
    Kind.MISSING: Action.ATTACH,
    Kind.ADDED: Action.DETACH,
    Kind.MOVED: Action.MOVE,
    Kind.ATTACH: Action.ATTACH,
    Kind.DETACH: Action.DETACH,
    Kind.MOVE: Action.MOVE,
    Kind.UPDATE: Action.UPDATE,
    Kind.DESTROY: Action.DESTROY,
}
"""What makes live agree again, by a correction or by an apply; the other kinds need a person."""
LEFT = {
    BreakerStanding.OPEN: "too many corrections failed: the scope is only looked at",
    BreakerStanding.TRIAL: "too many corrections failed: one more decides",
}


def looked_messages(tick: Tick, naming: Naming, when: When) -> Iterator[Document]:
    """Give what somebody changed, and what makes live agree again, before that is begun."""
    naming.meet(tick)
    for one in tick.differences:
        if one.answer is not Answer.PENDING:
            yield _drifted(one, naming, when)
    for one, action in _remedies(tick):
        yield _planned(one, action, naming, when)


def _remedies(tick: Tick) -> Iterator[tuple[Difference, Action]]:
    """Give what a correction or an apply makes good, and by what; a conflict needs a person."""
    for one in tick.differences:
        if one.answer is not Answer.CONFLICT and one.kind in REMEDY:
            yield one, REMEDY[one.kind]


def _drifted(one: Difference, naming: Naming, when: When) -> Document:
    told = difference_row(one, when)
    text = f"{one.answer.value}: {told_of(told)}"
    change = {"resource": naming.subject(one.key), "action": HAPPENED.get(one.kind, "update")}
    ours = told | {"answer": one.answer.value}
    return message("resource_drift", text, {"change": change, "reconciler": ours})


def _planned(one: Difference, action: Action, naming: Naming, when: When) -> Document:
    why = "" if one.held is None else f"; left: {one.held.why.value}"
    text = f"{one.name.server}/{one.name.volume}: {action.value} is planned{why}"
    change = {"resource": naming.subject(one.key), "action": ACTIONS[action.value]}
    ours = difference_row(one, when) | {"answer": one.answer.value, "action": action.value}
    return message("planned_change", text, {"change": change, "reconciler": ours})


def ticked_messages(tick: Tick, when: When) -> Iterator[Document]:
    """Give what is wrong, then the summary: one for each tick, its last message."""
    for finding in tick.findings:
        yield finding_message(finding_row(finding))
    standing = tick.breaker.standing
    if standing in LEFT:
        summary = f"scope {tick.scope}: {LEFT[standing]}"
        hint = "`reconciler watch --reset-breaker SCOPE` lets it be corrected again"
        told = {"severity": "warning", "summary": summary, "detail": hint}
        warned = {"diagnostic": told, "reconciler": {"breaker": standing.value}}
        yield message("diagnostic", f"Warning: {summary}", warned, "warn")
    document = tick_document(tick, when)
    counts = Counter(one.value for one in _counted(tick))
    changes = summed(counts, "plan" if tick.run is None else "apply")
    members = {"changes": changes, "reconciler": document}
    yield message("change_summary", f"{tick.scope}: {tick_head(document)}", members)


def _counted(tick: Tick) -> Iterator[Action]:
    """Give what was done; where no run corrected anything, what would make live agree."""
    if tick.run is not None:
        yield from (one.action for one in tick.corrections if one.verdict is Verdict.DONE)
    else:
        yield from (action for _, action in _remedies(tick))
