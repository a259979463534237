"""Run a schedule: needs, then locks, then the call; the views decide.

Phases of a step, in this order, because each other order loses something:
  ready    what needs something that didn't happen is refused; the rest of a batch goes on
  locked   its volume and servers, sorted, then a slot: slot first would starve idle servers;
           what a call without a known end holds stays held until the run is over
  guests   what leaves is released by its guest first: see `guests`
  send     see `sending`
  fallback a batch refused as a whole is looked at, sent once more cut to what is still so,
           then in singles
  return   a move whose attach failed for good puts its volume back where it was, once the step
           has let go of its locks

A run that shall stop sends nothing new; a move whose volume has left is no new change.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.execution.sending import SO_ALREADY, Sender, shown
from reconciler.execution.settle import Picture
from reconciler.model.call import Verb
from reconciler.model.outcome import Answer, Outcome, Verdict
from reconciler.planning.schedule import Step, locks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.execution.sending import Run
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.hook import Errand
    from reconciler.model.outcome import Outcomes
    from reconciler.planning.schedule import PutBack, Schedule

RETURN = "return:"
"""How the id of a step begins that puts a volume back."""


async def execute(schedule: Schedule, run: Run) -> Mapping[str, Outcomes]:
    """Run every step as soon as its needs are met; give the outcomes by step id.

    Every attachment of every step is in the result exactly once. Raises JournalError (in an
    exception group) before the next request when the journal can't take it.
    """
    execution = _Execution(schedule, run)
    keys = [key for step in schedule.steps for key in step.call.keys]
    calls = Counter(step.call.verb for step in schedule.steps)
    ends = ({key.server_id for key in keys}, {key.volume_id for key in keys}, schedule.steps)
    run.settling.watcher.expects(calls, min(map(len, ends)))
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
        self._sender = Sender(run)
        self._unsettled: set[str] = set()
        """What a call that nobody can tell of yet may still be at work on."""

    async def perform(self, step: Step) -> None:
        """Take one step through its phases."""
        outcomes = dict(await self._unready(step))
        ready = tuple(key for key in step.call.keys if key not in outcomes)
        if ready:
            async with AsyncExitStack() as held:
                for name in step.locks:
                    await held.enter_async_context(self._locks[name])
                outcomes |= self._met(ready)
                free = tuple(key for key in ready if key not in outcomes)
                if free:
                    outcomes |= await self._among_guests(step, _cut(step.call, free))
                self._hold(outcomes)
        outcomes |= await self._returned(step, outcomes)
        self.outcomes[step.id] = outcomes
        for key, outcome in outcomes.items():
            self._ended[step.call.verb, key].set_result(outcome)
        self._run.events.step_ended(step.id, step.call, outcomes)

    async def _returned(self, step: Step, outcomes: Outcomes) -> Outcomes:
        """Put the volumes of moves back whose attach failed for good; say where they are."""
        told: dict[AttachmentKey, Outcome] = {}
        for key, back in step.returns.items():
            outcome, left = outcomes[key], self._ended[Verb.DETACH, back.source].result()
            lost = outcome.verdict in {Verdict.REFUSED, Verdict.FAILED}
            if lost and left.verdict is Verdict.DONE:
                told[key] = replace(
                    outcome,
                    verdict=Verdict.FAILED,
                    message=f"{outcome.message}; {await self._put_back(back)}",
                )
        return told

    async def _put_back(self, back: PutBack) -> str:
        """Attach a volume where it was; give what became of it, as half a sentence."""
        for call in back.calls:
            step = Step(
                id=f"{RETURN}{back.source.volume_id}@{back.source.server_id}",
                label=f"{back.server}/{back.source.volume_id}, put back",
                call=call,
                needs={},
                locks=locks(call.keys),
            )
            async with AsyncExitStack() as held:
                for name in step.locks:
                    await held.enter_async_context(self._locks.setdefault(name, asyncio.Lock()))
                outcomes = self._met(call.keys)
                if not outcomes:
                    outcomes, _ = await self._sender.send(step, call, lambda: True)
                    self._hold(outcomes)
            outcome = outcomes[back.source]
            if outcome.verdict is not Verdict.DONE and call.verb is Verb.UPDATE:
                return f"it is back on `{back.server}`, where deleteOnTermination couldn't be set"
            if outcome.verdict is not Verdict.DONE:
                why = outcome.message or outcome.code
                if outcome.verdict is Verdict.UNKNOWN:
                    return f"whether it is back on `{back.server}` can't be told: {why}"
                return f"it stays detached, `{back.server}` didn't take it back: {why}"
        return f"it is back on `{back.server}`; a guest that let go of it has it unmounted still"

    def _hold(self, outcomes: Outcomes) -> None:
        """Keep what a call without a known end may be at work on from every other call."""
        unknown = [key for key, one in outcomes.items() if one.verdict is Verdict.UNKNOWN]
        self._unsettled |= set(locks(unknown))

    def _met(self, keys: Sequence[AttachmentKey]) -> Outcomes:
        """Refuse what would meet a call that the cloud may still be at work on."""
        met = (key for key in keys if self._unsettled & set(locks((key,))))
        message = "an earlier call on this server or volume has no known end yet"
        outcome = Outcome(verdict=Verdict.REFUSED, code="unsettled", message=message)
        return dict.fromkeys(met, outcome)

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

    async def _among_guests(self, step: Step, call: Call) -> Outcomes:
        """Make a call of what its guests let go; what comes after an attach belongs to sending."""
        self._run.events.step_started(step.id, call)
        errands = {key: step.errands[key] for key in call.keys if key in step.errands}
        guests = self._run.guests
        if not errands or call.verb is Verb.ATTACH:
            return await self._make(step, call)
        assert guests is not None, "an apply brings what its plan names"
        refused = await guests.released(errands, lambda: self._sender.held(lambda: False))
        going = tuple(key for key in call.keys if key not in refused)
        made = await self._make(step, _cut(call, going)) if going else {}
        return {**refused, **{k: _let_go(o, errands.get(k)) for k, o in made.items()}}

    async def _make(self, step: Step, call: Call) -> Outcomes:
        outcomes, answer = await self._send(step, call)
        if len(call.keys) == 1 or answer is not Answer.REFUSED:
            return outcomes  # Busy or denied as a whole: its parts would be just the same.
        done, rest = await self._still_so(call)
        if 1 < len(rest) < len(call.keys):
            outcomes, answer = await self._send(step, _cut(call, rest))
            if answer is not Answer.REFUSED:
                return {**done, **outcomes}
        singles: dict[AttachmentKey, Outcome] = dict(done)
        for key in rest:
            outcomes, _ = await self._send(step, _cut(call, (key,)))
            singles |= outcomes
        return singles

    async def _still_so(self, call: Call) -> tuple[Outcomes, tuple[AttachmentKey, ...]]:
        """Look at a batch that was refused as a whole: what is done already, what isn't."""
        seen = await shown(call, self._run)
        already = Outcome(verdict=Verdict.DONE, message=SO_ALREADY)
        done = {key: already for key in call.keys if seen.get(key) is Picture.REACHED}
        return done, tuple(key for key in call.keys if key not in done)

    async def _send(self, step: Step, call: Call) -> tuple[Outcomes, Answer]:
        return await self._sender.send(step, call, lambda: self._begun(step))

    def _begun(self, step: Step) -> bool:
        """Tell whether a volume of a step is on no server because a move has taken it off one."""
        leaves = (self._ended[Verb.DETACH, back.source] for back in step.returns.values())
        return any(left.done() and left.result().verdict is Verdict.DONE for left in leaves)


def _let_go(outcome: Outcome, errand: Errand | None) -> Outcome:
    """Tell of a volume that stays that its guest has let go of it."""
    if errand is None or outcome.verdict is Verdict.DONE:
        return outcome
    told = f"hook `{errand.hook.name}` had its guest let go of it before"
    said = f"{outcome.message}; {told}" if outcome.message else told
    return replace(outcome, message=said)


def _cut(call: Call, keys: tuple[AttachmentKey, ...]) -> Call:
    devices = {key: device for key, device in call.devices.items() if key in keys}
    return replace(call, keys=keys, devices=devices)
