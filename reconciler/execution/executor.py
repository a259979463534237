"""Run a schedule: needs, then locks, then a slot; journal, call, settle; the views decide.

Phases of a step, in this order, because each other order loses something:
  ready    what needs something that didn't happen is refused; the rest of a batch goes on
  locked   its volume and servers, sorted, then a slot: slot first would starve idle servers,
           and a slot kept while a busy cloud is waited for would, too
  attempt  intent (durable) -> submit -> handle (durable) -> settle -> verdict (durable)
  fallback a batch refused as a whole is looked at, sent once more cut to what is still so,
           then in singles
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.execution.settle import Picture, Settling, picture, settle
from reconciler.model.outcome import Answer, Outcome, Verdict
from reconciler.model.record import Intent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call, Verb
    from reconciler.model.outcome import Outcomes, Receipt
    from reconciler.planning.schedule import Schedule, Step
    from reconciler.ports import Events, Journal

SO_ALREADY = "it was so already"
SENT_AGAIN = 2
"""How often a call that got no answer, and of which nothing was seen, is sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything a run needs from outside, named once."""

    id: str
    journal: Journal
    events: Events
    settling: Settling
    at_once: int
    """Calls in flight at most."""


async def execute(schedule: Schedule, run: Run) -> Mapping[str, Outcomes]:
    """Run every step as soon as its needs are met; give the outcomes by step id.

    Every attachment of every step is in the result exactly once. Raises JournalError (in an
    exception group) before the next request when the journal can't take it.
    """
    execution = _Execution(schedule, run)
    async with asyncio.TaskGroup() as group:
        for step in schedule.steps:
            group.create_task(execution.perform(step))
    return execution.outcomes


class _Execution:
    """One pass over a schedule: who waits for what, and what became of it."""

    def __init__(self, schedule: Schedule, run: Run) -> None:
        loop = asyncio.get_running_loop()
        self.outcomes: dict[str, Outcomes] = {}
        self._run = run
        self._ended: dict[tuple[Verb, AttachmentKey], asyncio.Future[Outcome]] = {
            (step.call.verb, key): loop.create_future()
            for step in schedule.steps
            for key in step.call.keys
        }
        self._locks = {name: asyncio.Lock() for step in schedule.steps for name in step.locks}
        self._slots = asyncio.Semaphore(run.at_once)
        self._denied: Receipt | None = None

    async def perform(self, step: Step) -> None:
        """Take one step through its phases."""
        outcomes = dict(await self._unready(step))
        ready = tuple(key for key in step.call.keys if key not in outcomes)
        if ready:
            async with AsyncExitStack() as held:
                for name in step.locks:
                    await held.enter_async_context(self._locks[name])
                outcomes |= await self._make(step, _cut(step.call, ready))
        self.outcomes[step.id] = outcomes
        for key, outcome in outcomes.items():
            self._ended[step.call.verb, key].set_result(outcome)
        self._run.events.step_ended(step.id, step.call, outcomes)

    async def _unready(self, step: Step) -> Outcomes:
        """Wait for every need; give a refusal for each attachment whose need isn't done."""
        refused: dict[AttachmentKey, Outcome] = {}
        for key in step.call.keys:
            for verb, needed in step.needs.get(key, ()):
                before = await self._ended[verb, needed]
                if before.verdict is not Verdict.DONE:
                    refused[key] = Outcome(
                        verdict=Verdict.REFUSED,
                        code="needs-failed",
                        message=f"needs the {verb.value} of {needed.volume_id} from "
                        f"{needed.server_id}, which is {before.verdict.value}: {before.message}",
                    )
        return refused

    async def _make(self, step: Step, call: Call) -> Outcomes:
        self._run.events.step_started(step.id, call)
        outcomes, answer = await self._attempt(step, call)
        if len(call.keys) == 1 or answer is not Answer.REFUSED:
            return outcomes  # Busy or denied as a whole: its parts would be just the same.
        done, rest = await self._still_so(call)
        if 1 < len(rest) < len(call.keys):
            outcomes, answer = await self._attempt(step, _cut(call, rest))
            if answer is not Answer.REFUSED:
                return {**done, **outcomes}
        singles: dict[AttachmentKey, Outcome] = dict(done)
        for key in rest:
            outcomes, _ = await self._attempt(step, _cut(call, (key,)))
            singles |= outcomes
        return singles

    async def _still_so(self, call: Call) -> tuple[Outcomes, tuple[AttachmentKey, ...]]:
        """Look at a batch that was refused as a whole: what is done already, what isn't."""
        shown = await self._shown(call)
        already = Outcome(verdict=Verdict.DONE, message=SO_ALREADY)
        done = {key: already for key in call.keys if shown.get(key) is Picture.REACHED}
        return done, tuple(key for key in call.keys if key not in done)

    async def _attempt(self, step: Step, call: Call) -> tuple[Outcomes, Answer]:
        """Send a call, and once more where it left neither an answer nor a trace."""
        for _ in range(SENT_AGAIN):
            outcomes, receipt = await self._patiently(step, call)
            silent = receipt.answer is Answer.UNKNOWN and receipt.handle is None
            if not silent or any(o.verdict is not Verdict.FAILED for o in outcomes.values()):
                return outcomes, receipt.answer
        outcomes, receipt = await self._patiently(step, call)
        return outcomes, receipt.answer

    async def _patiently(self, step: Step, call: Call) -> tuple[Outcomes, Receipt]:
        """Send a call until the cloud isn't busy; while it waits, its slot is somebody else's."""
        patience = self._run.settling.patience
        attempt = 0
        while True:
            async with self._slots:
                # Asked again after each wait: another call may have been denied meanwhile.
                if self._denied is not None:
                    return dict.fromkeys(call.keys, _refusal(self._denied)), self._denied
                outcomes, receipt = await self._once(step, call)
            delay_s = patience.backoff.delay_s(attempt, receipt.retry_after_s, patience.chance())
            if receipt.answer is not Answer.BUSY or delay_s is None:
                return outcomes, receipt
            await patience.clock.sleep(delay_s)
            attempt += 1

    async def _once(self, step: Step, call: Call) -> tuple[Outcomes, Receipt]:
        """Send a call one time and settle it; every try has an intent of its own."""
        run = self._run
        intent_id = run.journal.begin(
            Intent(run=run.id, step_id=step.id, label=step.label, call=call)
        )
        outcomes: Outcomes
        receipt = await run.settling.provider.submit(call)
        if receipt.handle is not None:
            run.journal.accepted(intent_id, receipt.handle)
        if receipt.answer is Answer.DENIED:
            self._denied = receipt
        if receipt.look:
            receipt, outcomes = await self._believed(call, receipt)
        elif receipt.answer in {Answer.REFUSED, Answer.DENIED, Answer.BUSY}:
            outcomes = dict.fromkeys(call.keys, _refusal(receipt))
        else:
            outcomes = await settle(call, receipt, run.settling)
        run.journal.end(intent_id, outcomes)
        return outcomes, receipt

    async def _believed(self, call: Call, receipt: Receipt) -> tuple[Receipt, Outcomes]:
        """Look before an answer is believed that says no without saying why.

        What is so already is done; where the cloud is at work the call may pass later; else the
        answer stands.
        """
        refused = dict.fromkeys(call.keys, _refusal(receipt))
        shown = await self._shown(call)
        done = {
            key: Outcome(verdict=Verdict.DONE, request_id=receipt.request_id, message=SO_ALREADY)
            for key, seen in shown.items()
            if seen is Picture.REACHED
        }
        if len(done) == len(call.keys):
            return replace(receipt, answer=Answer.ALREADY, look=False), done
        if Picture.MOVING in shown.values():
            receipt = replace(receipt, answer=Answer.BUSY)
        return receipt, refused

    async def _shown(self, call: Call) -> Mapping[AttachmentKey, Picture]:
        """Give what a look says of each attachment of a call; empty where none can be had."""
        try:
            live = await self._run.settling.watcher.look(call.keys)
        except ProviderError:
            return {}
        return {key: picture(call, key, live) for key in call.keys} if live.complete else {}


def _cut(call: Call, keys: tuple[AttachmentKey, ...]) -> Call:
    devices = {key: device for key, device in call.devices.items() if key in keys}
    return replace(call, keys=keys, devices=devices)


def _refusal(receipt: Receipt) -> Outcome:
    return Outcome(
        verdict=Verdict.REFUSED,
        code=receipt.code,
        message=receipt.message,
        request_id=receipt.request_id,
    )
