"""Small fakes of the ports: a cloud of one view, a journal in memory, events on a list."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.execution.clock import LoopClock
from reconciler.execution.retry import Patience
from reconciler.execution.sending import Run
from reconciler.execution.settle import Settling
from reconciler.execution.watcher import Durations, Watcher
from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.call import Call, Verb
from reconciler.model.live import Live, Server, Volume, VolumeStatus
from reconciler.model.outcome import Answer, JobState, Progress, Receipt
from reconciler.planning.schedule import Schedule, Step, locks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.errors import ProviderError
    from reconciler.model.outcome import Outcomes
    from reconciler.model.record import Intent, OpenIntent

ACCEPTED = Receipt(answer=Answer.ACCEPTED)


def key(server: str, volume: str) -> AttachmentKey:
    """Give an attachment of the scope that all of these tests are about."""
    return AttachmentKey("prod", server, volume)


def step(
    verb: Verb, *keys: AttachmentKey, needs: Mapping[AttachmentKey, AttachmentKey] | None = None
) -> Step:
    """Give a step; `needs` says which detach an attachment waits for."""
    detaches = {one: ((Verb.DETACH, other),) for one, other in (needs or {}).items()}
    call = Call(verb=verb, keys=tuple(sorted(keys)))
    name = f"{verb.value}:{'+'.join(f'{k.volume_id}@{k.server_id}' for k in keys)}"
    return Step(id=name, label=name, call=call, needs=detaches, locks=locks(call.keys))


@dataclass
class FakeCloud:
    """A provider of one view whose changes take `job_s`; `answers` come before its own."""

    attached: set[AttachmentKey] = field(default_factory=set)
    job_s: float = 6.0
    answers: dict[Verb, deque[Receipt]] = field(default_factory=lambda: defaultdict(deque))
    """Given in turn and without effect, unless they are ACCEPTED."""
    always: Receipt | None = None
    """Given, without effect, to every call."""
    refuses: set[AttachmentKey] = field(default_factory=set)
    """Attachments that it never makes."""
    lost: set[str] = field(default_factory=set)
    """Handles of calls that are accepted, never happen and keep their volume in motion."""
    effective: bool = True
    """False: what is accepted never happens."""
    calls: list[Call] = field(default_factory=list)
    looks: list[frozenset[AttachmentKey]] = field(default_factory=list)
    blind: deque[ProviderError] = field(default_factory=deque)
    """Raised by looks, in turn."""
    loses_rows: bool = False
    """True: no look shows an attachment, and each says that it may lack rows."""
    look_s: float = 0.0
    running: bool = True
    """Whether its servers have guests."""
    shows_motion: bool = False
    """True: a volume that a call is at work on is in motion."""
    busiest: int = 0
    tells_s: float | None = None
    """What its jobs say that they took."""
    tracked: int = 0
    """Questions to jobs."""
    overlaps: list[str] = field(default_factory=list)
    _open: set[str] = field(default_factory=set)
    _calls_open: int = 0
    _stuck: set[str] = field(default_factory=set)

    async def list_live(self) -> Live:
        """Give everything."""
        return await self.observe(tuple(self.attached))

    async def observe(self, keys: Collection[AttachmentKey]) -> Live:
        """Give what is attached of these."""
        self.looks.append(frozenset(keys))
        await asyncio.sleep(self.look_s)
        if self.blind:
            raise self.blind.popleft()
        sighting = {View.COMPUTE: Sighting(phase=Phase.ATTACHED)}
        return Live(
            scope="prod",
            views=(View.COMPUTE,),
            servers={
                k.server_id: Server(server_id=k.server_id, name="", running=self.running)
                for k in keys
            },
            volumes={k.volume_id: self._volume(k.volume_id) for k in keys},
            observed={
                k: Observed(key=k, sightings=sighting)
                for k in keys
                if k in self.attached and not self.loses_rows
            },
            complete=not self.loses_rows,
        )

    def _volume(self, volume_id: str) -> Volume:
        at_work = self.shows_motion and f"volume:{volume_id}" in self._open
        moving = volume_id in self._stuck or at_work
        status = VolumeStatus.MOVING if moving else VolumeStatus.READY
        return Volume(volume_id=volume_id, name="", status=status)

    async def submit(self, call: Call) -> Receipt:
        """Take a change on; it happens when its job ends."""
        self.calls.append(call)
        queue = self.answers[call.verb]
        receipt = self.always or (queue.popleft() if queue else ACCEPTED)
        if call.verb is Verb.ATTACH and self.refuses & set(call.keys):
            return Receipt(answer=Answer.REFUSED, code="no", message="it won't fit")
        if receipt.handle in self.lost:
            self._stuck |= {one.volume_id for one in call.keys}
            return receipt
        if receipt.answer is Answer.ACCEPTED:
            self._begin(call)
            return Receipt(answer=Answer.ACCEPTED, handle=f"job-{len(self.calls)}")
        return receipt

    def _begin(self, call: Call) -> None:
        names = set(locks(call.keys))
        self.overlaps += sorted(names & self._open)
        self._open |= names
        self._calls_open += 1
        self.busiest = max(self.busiest, self._calls_open)
        asyncio.get_running_loop().call_later(self.job_s, self._end, call)

    def _end(self, call: Call) -> None:
        self._open -= set(locks(call.keys))
        self._calls_open -= 1
        if self.effective:
            change = self.attached.update if call.verb is Verb.ATTACH else self._leave
            change(call.keys)

    def _leave(self, keys: Collection[AttachmentKey]) -> None:
        self.attached -= set(keys)

    async def track(self, handle: str) -> Progress:
        """Say that every job is under way while any call is: a hint, as good as none."""
        del handle
        self.tracked += 1
        return Progress(state=JobState.SUCCEEDED, took_s=self.tells_s)

    async def aclose(self) -> None:
        """Release nothing."""


@dataclass
class MemoryJournal:
    """A journal that forgets when the test ends."""

    begun: list[Intent] = field(default_factory=list)
    handles: dict[int, str] = field(default_factory=dict)
    ended: dict[int, Outcomes] = field(default_factory=dict)
    left_open: tuple[OpenIntent, ...] = ()

    def begin(self, intent: Intent) -> int:
        """Give it a number."""
        self.begun.append(intent)
        return len(self.begun)

    def accepted(self, intent_id: int, handle: str) -> None:
        """Keep it."""
        self.handles[intent_id] = handle

    def end(self, intent_id: int, outcomes: Outcomes) -> None:
        """Keep them; nothing ends twice."""
        assert intent_id not in self.ended
        self.ended[intent_id] = outcomes

    def open_intents(self) -> tuple[OpenIntent, ...]:
        """Give what the test put there."""
        return self.left_open

    def job_seconds(self) -> Mapping[str, float]:
        """Give nothing learned."""
        return {}


class Silent:
    """Events for nobody."""

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell nobody."""

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Tell nobody."""

    def adopted(self, intent: OpenIntent, outcome: object) -> None:
        """Tell nobody."""


PATIENCE = Patience(clock=LoopClock(), chance=lambda: 0.0)


def run_of(
    cloud: FakeCloud, *, at_once: int = 32, deadline_s: float = 600.0, shows_motion: bool = True
) -> Run:
    """Give a run on a fake cloud with a journal in memory."""
    return Run(
        id="run-1",
        journal=MemoryJournal(),
        events=Silent(),
        settling=Settling(
            provider=cloud,
            watcher=Watcher(cloud, PATIENCE),
            patience=PATIENCE,
            durations=Durations({}),
            deadline_s=deadline_s,
            shows_motion=shows_motion,
        ),
        at_once=at_once,
    )


def scheduled(*steps: Step) -> Schedule:
    """Give a schedule of these steps."""
    return Schedule(steps=steps)


def flat(outcomes: Mapping[str, Outcomes]) -> Iterator[tuple[AttachmentKey, str, str]]:
    """Give key, verdict and code of everything in an execution."""
    for by_key in outcomes.values():
        for one, outcome in by_key.items():
            yield one, outcome.verdict.value, outcome.code
