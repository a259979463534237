"""What a dead run left behind: its calls in flight are adopted, never issued again.

1. A call with a handle is followed to its end; one without is looked at.
2. Whatever the journal says, live state decides what the next plan does.
3. A call that still can't be told stays open for the run after this one.
4. Where nothing can be looked at they all stay open, and the plan that follows says why.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.execution.settle import settle
from reconciler.model.outcome import Answer, Outcome, Receipt, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.execution.executor import Run
    from reconciler.model.record import OpenIntent


async def adopt(run: Run) -> tuple[tuple[OpenIntent, Outcome], ...]:
    """Settle what earlier runs left open; give each with its worst outcome, oldest first.

    Empty as well when the scope can't be read: a wrong key is no reason to wait for a deadline.
    """
    intents = run.journal.open_intents()
    if not await _readable(intents, run):
        return ()
    found: dict[int, Outcome] = {}

    async def one(intent: OpenIntent) -> None:
        found[intent.intent_id] = await _settled(intent, run)

    async with asyncio.TaskGroup() as group:
        for intent in intents:
            group.create_task(one(intent))
    return tuple((intent, found[intent.intent_id]) for intent in intents)


async def _readable(intents: Sequence[OpenIntent], run: Run) -> bool:
    keys = {key for intent in intents for key in intent.call.keys}
    if not keys:
        return True
    try:
        await run.settling.watcher.look(keys)
    except ProviderError:
        return False
    return True


async def _settled(intent: OpenIntent, run: Run) -> Outcome:
    answer = Answer.ACCEPTED if intent.handle else Answer.UNKNOWN
    receipt = Receipt(answer=answer, handle=intent.handle)
    outcomes = await settle(intent.call, receipt, run.settling)
    worst = min(outcomes.values(), key=lambda outcome: _WEIGHT[outcome.verdict])
    if worst.verdict is not Verdict.UNKNOWN:
        run.journal.end(intent.intent_id, outcomes)
    run.events.adopted(intent, worst)
    return worst


_WEIGHT = {Verdict.UNKNOWN: 0, Verdict.FAILED: 1, Verdict.REFUSED: 2, Verdict.DONE: 3}
"""The heaviest first."""
