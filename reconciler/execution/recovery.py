"""What a dead run left behind: its calls in flight are adopted, never issued again.

1. A call with a handle is followed to its end; one without is looked at.
2. Whatever the journal says, live state decides what the next plan does.
3. Where a policy names a hook after an attach, it runs for one that is found done: its run died
   before that was written, so nobody knows whether it ran.
4. What still can't be told stays open for the run after this one, and nothing is planned for
   its volume: a call that is still on its way must not meet another one.
5. Where nothing can be looked at, nothing is planned at all.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.execution.settle import CONTRADICTED_AFTER_S, settle
from reconciler.model.call import Verb
from reconciler.model.outcome import Answer, Receipt, Verdict

if TYPE_CHECKING:
    from reconciler.execution.sending import Run
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.outcome import Outcomes
    from reconciler.model.record import OpenIntent

AT_LEAST_S = CONTRADICTED_AFTER_S + 30.0
"""How long an old call is followed at least: its deadline may be over, its job may not."""
LATE_S = 1800.0
"""So long after its deadline a call that is under way still won't end in the next minute."""


async def adopt(run: Run) -> frozenset[AttachmentKey]:
    """Settle what earlier runs left open; give the attachments that nobody can tell of yet.

    Raises ProviderError at once when the scope can't be read: a wrong key is no reason to wait
    for a deadline.
    """
    intents = run.journal.open_intents()
    if not intents:
        return frozenset()
    await run.settling.watcher.look({key for intent in intents for key in intent.call.keys})
    unsettled: set[AttachmentKey] = set()

    async def one(intent: OpenIntent) -> None:
        outcomes = await _settled(intent, run)
        unsettled.update(k for k, o in outcomes.items() if o.verdict is Verdict.UNKNOWN)

    async with asyncio.TaskGroup() as group:
        for intent in intents:
            group.create_task(one(intent))
    return frozenset(unsettled)


async def _settled(intent: OpenIntent, run: Run) -> Outcomes:
    answer = Answer.ACCEPTED if intent.handle else Answer.UNKNOWN
    deadline_s = run.settling.deadline_s
    left_s = max(AT_LEAST_S, deadline_s - intent.age_s)
    late = intent.age_s >= deadline_s + LATE_S
    outcomes = await settle(
        intent.call,
        Receipt(answer=answer, handle=intent.handle),
        replace(run.settling, deadline_s=left_s, late=late),
        intent.age_s,
    )
    if intent.call.verb is Verb.ATTACH and run.guests is not None:
        outcomes = await run.guests.told_late(outcomes, run.settling.watcher)
    run.journal.end(intent.intent_id, outcomes)
    worst = min(outcomes.values(), key=lambda one: (_WEIGHT[one.verdict], not one.after_attach))
    run.events.adopted(intent, worst)
    return outcomes


_WEIGHT = {Verdict.UNKNOWN: 0, Verdict.FAILED: 1, Verdict.REFUSED: 2, Verdict.DONE: 3}
"""The heaviest first."""
