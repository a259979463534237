"""What became of an apply: the verdict of each change, the exit code, what is remembered."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Verb
from reconciler.model.counting import counted
from reconciler.model.declared import Side
from reconciler.model.finding import Finding
from reconciler.model.memory import Remembers
from reconciler.model.outcome import Verdict
from reconciler.model.plan import Action, Standing
from reconciler.planning.differing import owned_rows
from reconciler.report.run import RunReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.execution.sending import Run
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.plan import Change
    from reconciler.model.record import NamedAttachment
    from reconciler.operations.plans import Planned, ScopePlan


class Ending(enum.Enum):
    """How an apply ended; the value is the exit code."""

    CONFIRMED = 0
    """Everything in the selection is confirmed."""
    ERROR = 1
    """Something is wrong, and nothing was sent."""
    REFUSED = 3
    """Held back by a guard, a digest or a person, and nothing was sent."""
    INCOMPLETE = 4
    """Something was sent, or a scope wasn't read, and not everything is confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one change of the plan."""

    change: Change
    verdict: Verdict
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of an apply."""

    planned: Planned
    ending: Ending
    results: tuple[Result, ...] = ()
    """One for each change that was permitted, sorted as in the plan; empty if nothing was sent."""
    requests: int = 0
    """API calls, looks included."""
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    """Why nothing was sent, where that isn't in the plan."""
    run: str = ""
    """What `history`, `show` and `undo` know it by; empty: it left nothing there."""


def results_of(scope: ScopePlan, outcomes: Mapping[str, Outcomes]) -> tuple[Result, ...]:
    """Give what became of each permitted change of a scope."""
    made = {
        (step.call.verb, key): outcome
        for step in scope.schedule.steps
        for key, outcome in outcomes[step.id].items()
    }
    return tuple(_result(change, made) for change in scope.plan.permitted)


def _result(change: Change, made: Mapping[tuple[Verb, AttachmentKey], Outcome]) -> Result:
    """Give the worst part of a change: a move is two, and an update may follow an attach."""
    leaving = Verb.DESTROY if change.action is Action.DESTROY else Verb.DETACH
    parts = [(leaving, change.leaves), (Verb.ATTACH, change.arrives)]
    if (Verb.UPDATE, change.key) in made:
        parts.append((Verb.UPDATE, change.key))
    told = [made[verb, key] for verb, key in parts if key is not None]
    worst = min(told, key=lambda one: (WEIGHT[one.verdict], not one.after_attach))
    verdict = worst.verdict
    if verdict is Verdict.REFUSED and any(part.verdict is Verdict.DONE for part in told):
        verdict = Verdict.FAILED  # Half of it happened: that isn't "nothing happened".
    return Result(change=change, verdict=verdict, outcome=worst)


WEIGHT = {Verdict.UNKNOWN: 0, Verdict.FAILED: 1, Verdict.REFUSED: 2, Verdict.DONE: 3}
"""The heaviest first."""


def record(fresh: Planned, runs: Mapping[str, Run], results: Sequence[Result]) -> None:
    """Remember what the manifests own and looking confirmed, where no scope was held back.

    What should have left and didn't, refused or failed, stays remembered: it is still there because
    of us. What a refused change protects stays protected, see `Plan.protected`.
    """
    undone = [result.change for result in results if result.verdict is not Verdict.DONE]
    undone += [
        change
        for scope in fresh.scopes
        for change in scope.plan.changes
        if change.standing is not Standing.PERMITTED
    ]
    missing = {key for change in undone if (key := change.arrives) is not None}
    staying = {key for change in undone if (key := change.leaves) is not None}
    for scope in fresh.scopes:
        pages, plan = scope.session.pages, scope.plan
        if scope.session.request.rows is not None:
            _taken_back(scope, runs[plan.scope].id, undone)
            continue
        held_back = plan.refused or plan.refused_entries or plan.unselected
        if pages is None or held_back or _only_a_commit_remembers(scope):
            continue
        before = pages.applied() or frozenset()
        kept = {row for row in before if _key(row, plan.scope) in staying}
        owned = set(scope.on.named(key for key in plan.owned if key not in missing))
        stays = [key for key in staying if key.scope == plan.scope]
        # What never left a row that is new stays there unasked for: nobody added it.
        ends = {(Side.SERVER, key.server_id) for key in stays}
        ends |= {(Side.VOLUME, key.volume_id) for key in stays}
        rows = frozenset(owned | kept)
        by = replace(scope.session.memory_of(plan), bare=frozenset(_bare(scope, rows)))
        lasting = owned_rows(scope.on) - (ends - pages.watch.owned_rows())
        pages.record_applied(runs[plan.scope].id, rows, by, lasting)


def _bare(scope: ScopePlan, rows: frozenset[NamedAttachment]) -> Iterator[tuple[Side, str, str]]:
    """Give the rows that are owned by a name, and that no attachment remembers the name of."""
    told = {(Side.SERVER, row.server_id) for row in rows}
    told |= {(Side.VOLUME, row.volume_id) for row in rows}
    for (side, owner_id), entry in scope.on.desired.rows.items():
        if (side, owner_id) not in told and entry.owner.text != owner_id:
            yield side, entry.owner.text, owner_id


def _only_a_commit_remembers(scope: ScopePlan) -> bool:
    """Tell whether what refused a change may be known from a base commit alone.

    A first line of the journal would then speak for commits to come, and hold them back.
    """
    refused = scope.plan.standing(Standing.REFUSED)
    memories = scope.on.circumstances.memories
    return bool(refused and memories) and all(one.of is Remembers.GIT for one in memories)


def _taken_back(scope: ScopePlan, run: str, undone: Sequence[Change]) -> None:
    """Remember that a part of what was owned was taken back; what it didn't name stays as it is."""
    pages, plan = scope.session.pages, scope.plan
    if pages is None:
        return
    before, by = pages.applied(), pages.remembered()
    if before is None or by is None:
        return
    made = [change for change in plan.permitted if change not in undone]
    gone = {key for change in made if (key := change.leaves) is not None}
    come = {key for change in made if (key := change.arrives) is not None}
    stays = {row for row in before if _key(row, plan.scope) not in gone}
    come_rows = set(scope.on.named(key for key in plan.owned if key in come))
    pages.record_applied(run, frozenset(stays | come_rows), by)


def _key(row: NamedAttachment, scope: str) -> AttachmentKey:
    return AttachmentKey(scope, row.server_id, row.volume_id)


def ending_of(fresh: Planned, results: Sequence[Result], *, sent: bool) -> Ending:
    """Give how an apply ended: confirmed only when nothing is left, held back or unread."""
    confirmed = all(
        result.verdict is Verdict.DONE and not result.outcome.after_attach for result in results
    )
    clean = confirmed and not fresh.findings and all(_clear(scope) for scope in fresh.scopes)
    if clean:
        return Ending.CONFIRMED
    if sent or fresh.findings:
        return Ending.INCOMPLETE
    return Ending.REFUSED


def ending_in(name: str, applied: Applied) -> Ending:
    """Give how a run ended in one scope: what another one lacks doesn't make it incomplete.

    A finding that names no scope is everybody's.
    """
    if applied.ending is not Ending.INCOMPLETE:
        return applied.ending
    fresh = applied.planned
    mine = tuple(scope for scope in fresh.scopes if scope.plan.scope == name)
    told = (*fresh.findings, *applied.findings)
    here = replace(
        fresh, scopes=mine, findings=tuple(one for one in told if one.scope in {None, name})
    )
    results = [one for one in applied.results if one.change.key.scope == name]
    return ending_of(here, results, sent=any(scope.schedule.steps for scope in mine))


def short_of(applied: Applied, shown: Planned) -> Applied:
    """Tell of changes that came up since a plan was shown, and that nobody was asked about.

    They were left out, so not all that the manifests say is true; what is shown tells what
    `--target` left out before.
    """
    count = _unselected(applied.planned) - _unselected(shown)
    if count <= 0:
        return applied
    finding = Finding(
        code="came-up-since",
        summary=f"{counted(count, 'more change')} came up since this plan was shown: left out",
        hint="run `reconciler apply` again: it shows them, and asks",
    )
    short = Ending.INCOMPLETE if applied.results else Ending.REFUSED
    ending = short if applied.ending is Ending.CONFIRMED else applied.ending
    return replace(applied, ending=ending, findings=(*applied.findings, finding))


def _unselected(shown: Planned) -> int:
    return sum(scope.plan.unselected for scope in shown.scopes)


def _clear(scope: ScopePlan) -> bool:
    plan = scope.plan
    stuck = len(plan.changes) - len(plan.permitted)
    return not (stuck or plan.refused or plan.refused_entries)


def run_report(applied: Applied) -> RunReport:
    """Give what the report room tells of an apply."""
    return RunReport(
        plan=applied.planned.document,
        results=[(result.change, result.verdict, result.outcome) for result in applied.results],
        requests=applied.requests,
        seconds=applied.seconds,
        complete=applied.ending is Ending.CONFIRMED,
        refused=applied.ending is Ending.REFUSED,
        run=applied.run,
    )
