"""`plan --preflight`: the cloud is asked beforehand what it would say of plain attaches.

1. A plain attach waits for nothing: its volume and its slot are free now, so an answer means it.
2. One question at a time. An answer that carries a job says that the cloud didn't rehearse, it
   began: nothing more is asked, and it is told as the change that it is.
3. Such a job is kept in the journal, as a call of this run: the next apply looks after it.
4. Where nobody can tell what became of a question, nothing more is asked either.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from reconciler.errors import JournalError
from reconciler.model.call import Call, Verb
from reconciler.model.counting import counted
from reconciler.model.finding import Finding, Severity
from reconciler.model.history import RunEnd
from reconciler.model.outcome import Answer, Verdict
from reconciler.model.plan import Action
from reconciler.model.record import Intent
from reconciler.operations import wiring
from reconciler.operations.refusals import not_recorded
from reconciler.planning.approval import device_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.outcome import Receipt
    from reconciler.model.plan import Change, Plan
    from reconciler.operations.asked import Surroundings
    from reconciler.operations.sessions import Session
    from reconciler.ports import Preflight, Provider

VERB = "plan --preflight"
"""What the history calls the run whose question turned out to be a change."""
NONE = "this cloud has no dry run: it wasn't asked beforehand"


@dataclass(slots=True)
class Asked:
    """What the clouds of a run said so far."""

    happened: list[Finding] = field(default_factory=list)
    """Changes that a question turned out to be: errors of the whole run."""
    began: list[tuple[Call, str]] = field(default_factory=list)
    """The attaches that questions turned out to be, each with its job."""
    over: bool = False
    """True once nothing more may be asked."""


async def ask_beforehand(
    plan: Plan, provider: Provider, asked: Asked
) -> tuple[tuple[Finding, ...], str]:
    """Give what a cloud has against the plain attaches of a plan, and how many it was asked."""
    plain = [change for change in plan.permitted if _plain(change)]
    if getattr(provider, "rehearse", None) is None:
        return (), NONE
    found, passed = await rehearsed(cast("Preflight", provider), plain, asked)
    others = len(plan.permitted) - len(plain)
    left = len(plain) - passed - len(found)
    about = counted(passed + len(found), "plain attach", "plain attaches")
    notice = f"the cloud was asked about {about}: {passed} would pass"
    notice += f"; {counted(others, 'other change')} can't be asked about" if others else ""
    notice += f"; {left} more {'was' if left == 1 else 'were'} not asked about" if left else ""
    return tuple(found), notice


def _plain(change: Change) -> bool:
    return change.action is Action.ATTACH and not change.needs


async def rehearsed(
    provider: Preflight, changes: Sequence[Change], asked: Asked
) -> tuple[list[Finding], int]:
    """Ask about these attaches; give what is wrong, one finding each, and how many would pass."""
    found: list[Finding] = []
    passed = 0
    for change in changes:
        if asked.over:
            break
        device = device_of(change)
        devices = {change.key: device} if device else {}
        call = Call(verb=Verb.ATTACH, keys=(change.key,), devices=devices)
        receipt = await provider.rehearse(call)
        if receipt.handle is not None:
            asked.began.append((call, receipt.handle))
            asked.happened.append(_happened(change, receipt.handle))
            asked.over = True
            break
        if receipt.answer is Answer.ACCEPTED:
            passed += 1
            continue
        asked.over = receipt.answer in {Answer.UNKNOWN, Answer.DENIED}
        found.append(_refused(change, receipt))
    return found, passed


def remembered(asked: Asked, session: Session, around: Surroundings) -> tuple[Finding, ...]:
    """Keep the jobs of a scope that questions began; give why one couldn't be kept."""
    mine = [one for one in asked.began if one[0].keys[0].scope == session.scope.name]
    if not mine:
        return ()
    made = None
    try:
        pages = session.pages
        if pages is None:
            made = around.book or wiring.book(around, writing=True)
            assert made is not None, "it was to be made"
            pages = made.pages(session.identity, session.scope.name)
        run = uuid.uuid4().hex
        pages.runs.began(run, VERB)
        for call, handle in mine:
            label = f"{call.keys[0].server_id}/{call.keys[0].volume_id}"
            intent = Intent(run=run, step_id="preflight", label=label, call=call)
            pages.accepted(pages.begin(intent), handle)
        counts = {Verdict.UNKNOWN.value: len(mine)}
        requests = session.pace.requests
        pages.runs.ended(run, RunEnd(ending="incomplete", counts=counts, requests=requests))
    except JournalError as error:
        return (not_recorded(f"job `{mine[0][1]}`, which the cloud began,", error),)
    finally:
        if made is not None and around.book is None:
            made.close()
    return ()


def _happened(change: Change, handle: str) -> Finding:
    return Finding(
        code="preflight-changed",
        summary=f"THE CLOUD IS ATTACHING `{change.name.volume}` to `{change.name.server}`: it was "
        f"asked for a dry run and answered with job `{handle}`",
        hint="this was a change: it is in the journal, and the next `apply` looks after it; plan "
        "without `--preflight`, nothing more was asked",
        place=change.place,
        scope=change.key.scope,
    )


def _refused(change: Change, receipt: Receipt) -> Finding:
    words = f"`{receipt.code}` {receipt.message}".strip()
    asked = f" [request id {receipt.request_id}]" if receipt.request_id else ""
    unknown = receipt.answer is Answer.UNKNOWN
    said = "gave no answer that tells" if unknown else "would refuse it now"
    return Finding(
        code="preflight-unknown" if unknown else "preflight-refused",
        summary=f"asked whether `{change.name.volume}` can be attached to `{change.name.server}`, "
        f"the cloud {said}: {words}{asked}",
        hint="look at the attachment and plan again; nothing more was asked"
        if unknown
        else "see what the cloud says; `apply` would be told the same",
        severity=Severity.WARNING,
        place=change.place,
        scope=change.key.scope,
    )
