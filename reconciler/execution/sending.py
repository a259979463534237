"""Sending one call until it is settled: journal, call, settle; busy clouds and lost answers.

attempt  intent (durable) -> submit -> handle (durable) -> settle -> hook -> verdict (durable)
again    a call that left neither an answer nor a trace is sent again, a few times
slot     is held while a request is under way; what its job does takes none, where a view shows
         that it is at work. While a busy cloud is waited for, the slot is somebody else's
look     an answer that says no without saying why is looked at before it is believed
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.execution.ledger import Ledger
from reconciler.execution.settle import Picture, Settling, picture, settle
from reconciler.model.call import Verb
from reconciler.model.outcome import Answer, Outcome, Receipt, Verdict
from reconciler.model.record import Intent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.execution.guests import Guests
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcomes
    from reconciler.planning.schedule import Step
    from reconciler.ports import Events, Journal

SO_ALREADY = "it was so already"
STOPPED = Receipt(
    answer=Answer.REFUSED,
    code="interrupted",
    message="the run was told to stop before this was sent",
)
CLOSED = Receipt(
    answer=Answer.REFUSED,
    code="window-closed",
    message="the window for changes closed before this was sent",
)
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
    """Calls at most that wait for their answer."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set from outside: nothing new is sent any more."""
    closed: Callable[[], bool] = lambda: False
    """Tells whether the window has closed: nothing new is sent then, either."""
    guests: Guests | None = None
    """None: no hook is named for anything that this run does."""


class Sender:
    """Sends the calls of one run; what one of them learns of the credentials holds for all."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ledger = Ledger(run.journal)
        self._slots = asyncio.Semaphore(run.at_once)
        self._denied: Receipt | None = None

    async def send(
        self, step: Step, call: Call, begun: Callable[[], bool]
    ) -> tuple[Outcomes, Answer]:
        """Send a call, and once more where it left neither an answer nor a trace.

        `begun` tells whether the call goes on although the run shall stop.
        """
        for _ in range(SENT_AGAIN):
            outcomes, receipt = await self._patiently(step, call, begun)
            silent = receipt.answer is Answer.UNKNOWN and receipt.handle is None
            if not silent or any(o.verdict is not Verdict.FAILED for o in outcomes.values()):
                return outcomes, receipt.answer
        outcomes, receipt = await self._patiently(step, call, begun)
        return outcomes, receipt.answer

    async def _patiently(
        self, step: Step, call: Call, begun: Callable[[], bool]
    ) -> tuple[Outcomes, Receipt]:
        """Send a call until the cloud isn't busy; while it waits, its slot is somebody else's."""
        patience = self._run.settling.patience
        attempt = 0
        while True:
            async with self._slots:
                # Asked again after each wait: another call may have been denied meanwhile.
                held = self._holding(begun)
                if held is not None:
                    return dict.fromkeys(call.keys, _refusal(held)), held
                intent_id, receipt = await self._sent(step, call)
                ended = None
                if not self._run.settling.shows_motion:
                    # Silence proves little there: how many are in flight stays bounded.
                    ended = await self._ended(intent_id, step, call, receipt)
            # The slot is given away first: the next intent is made durable with this handle.
            outcomes, receipt = ended or await self._ended(intent_id, step, call, receipt)
            delay_s = patience.backoff.delay_s(attempt, receipt.retry_after_s, patience.chance())
            if receipt.answer is not Answer.BUSY or delay_s is None:
                return outcomes, receipt
            await self._pause(delay_s, begun)
            attempt += 1

    def held(self, begun: Callable[[], bool]) -> Outcome | None:
        """Give why a call would not leave now; None: it would."""
        holding = self._holding(begun)
        return None if holding is None else _refusal(holding)

    def _holding(self, begun: Callable[[], bool]) -> Receipt | None:
        return self._denied or (None if begun() else self._over())

    def _over(self) -> Receipt | None:
        """Give why nothing new is sent; None while it is."""
        if self._run.stop.is_set():
            return STOPPED
        return CLOSED if self._run.closed() else None

    async def _pause(self, seconds: float, begun: Callable[[], bool]) -> None:
        """Let time pass, unless the run stops and the call may not go on anyhow."""
        clock = self._run.settling.patience.clock
        if begun():
            await clock.sleep(seconds)
            return
        sleeping = asyncio.ensure_future(clock.sleep(seconds))
        stopping = asyncio.ensure_future(self._run.stop.wait())
        try:
            await asyncio.wait((sleeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()

    async def _sent(self, step: Step, call: Call) -> tuple[int, Receipt]:
        """Send a call one time; every try has an intent of its own."""
        run = self._run
        intent_id = await self._ledger.begin(
            Intent(run=run.id, step_id=step.id, label=step.label, call=call)
        )
        receipt = await run.settling.provider.submit(call)
        if receipt.answer is Answer.DENIED:
            self._denied = receipt
        return intent_id, receipt

    async def _ended(
        self, intent_id: int, step: Step, call: Call, receipt: Receipt
    ) -> tuple[Outcomes, Receipt]:
        """Settle a call that was sent."""
        run = self._run
        outcomes: Outcomes
        if receipt.handle is not None:
            await self._ledger.accepted(intent_id, receipt.handle)
        if receipt.look:
            receipt, outcomes = await self._believed(call, receipt)
        elif receipt.answer in {Answer.REFUSED, Answer.DENIED, Answer.BUSY}:
            outcomes = dict.fromkeys(call.keys, _refusal(receipt))
        else:
            outcomes = await settle(call, receipt, run.settling)
        if call.verb is Verb.ATTACH and step.errands:
            assert run.guests is not None, "an apply brings what its plan names"
            # Before the verdict: where we die meanwhile, whoever adopts the call tells the guest.
            outcomes = await run.guests.told(step.errands, outcomes, run.settling.watcher)
        await self._ledger.end(intent_id, outcomes)
        return outcomes, receipt

    async def _believed(self, call: Call, receipt: Receipt) -> tuple[Receipt, Outcomes]:
        """Look before an answer is believed that says no without saying why.

        What is so already is done; where the cloud is at work the call may pass later; else the
        answer stands.
        """
        refused = dict.fromkeys(call.keys, _refusal(receipt))
        seen = await shown(call, self._run)
        done = {
            key: Outcome(verdict=Verdict.DONE, request_id=receipt.request_id, message=SO_ALREADY)
            for key, there in seen.items()
            if there is Picture.REACHED
        }
        if len(done) == len(call.keys):
            return replace(receipt, answer=Answer.ALREADY, look=False), done
        if Picture.MOVING in seen.values():
            receipt = replace(receipt, answer=Answer.BUSY)
        return receipt, refused


async def shown(call: Call, run: Run) -> Mapping[AttachmentKey, Picture]:
    """Give what a look says of each attachment of a call; empty where none can be had."""
    try:
        live = await run.settling.watcher.look(call.keys)
    except ProviderError:
        return {}
    return {key: picture(call, key, live) for key in call.keys} if live.complete else {}


def _refusal(receipt: Receipt) -> Outcome:
    return Outcome(
        verdict=Verdict.REFUSED,
        code=receipt.code,
        message=receipt.message,
        request_id=receipt.request_id,
    )
