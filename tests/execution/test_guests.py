"""Hooks around calls: their order, what a failing one cuts, and what an interrupt does to them."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.execution.executor import execute
from reconciler.execution.guests import Guests
from reconciler.execution.recovery import adopt
from reconciler.model.call import Call, Verb
from reconciler.model.finding import Place
from reconciler.model.hook import Errand, Hook, HookEnd, HookVerdict, Occasion
from reconciler.model.outcome import Answer, Outcome, Receipt, Verdict
from reconciler.model.record import OpenIntent
from reconciler.planning.schedule import PutBack
from tests.execution.fakes import FakeCloud, MemoryJournal, key, run_of, scheduled, step
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.execution.sending import Run
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.finding import Finding
    from reconciler.model.outcome import Outcomes
    from reconciler.model.record import Intent
    from reconciler.planning.schedule import Step

HOOK = Hook(name="hook", timeout_s=60.0, place=Place(file="p.yaml", line=1, column=1))
BAD = HookEnd(verdict=HookVerdict.FAILED, message="ended with 3: busy")
ONE, TWO, THREE = key("s1", "v1"), key("s2", "v1"), key("s3", "v1")


@dataclass
class FakeHooks:
    """Hooks and their record that take `long_s`, and a log of everything in its order."""

    log: list[str] = field(default_factory=list)
    fails: set[AttachmentKey] = field(default_factory=set)
    long_s: float = 3.0
    torn: bool = False
    devices: list[str | None] = field(default_factory=list)

    def problem(self, hook: Hook) -> Finding | None:
        """Know every hook."""
        del hook
        return None

    async def run(self, errand: Errand, run: str) -> HookEnd:
        """Take a while, then end as the test says."""
        del run
        self.devices.append(errand.device)
        self.log.append(f"run {errand.key.server_id}")
        await asyncio.sleep(self.long_s)
        self.log.append(f"end {errand.key.server_id}")
        return BAD if errand.key in self.fails else HookEnd(verdict=HookVerdict.DONE)

    def hook_began(self, run: str, errand: Errand) -> int:
        """Write it down."""
        del run
        if self.torn:
            raise JournalError("the disk is full")
        self.log.append(f"began {errand.key.server_id}")
        return len(self.log)

    def hook_ended(self, number: int, end: HookEnd) -> None:
        """Write it down."""
        del number
        self.log.append(f"ended {end.verdict.value}")


@dataclass
class LoggingJournal(MemoryJournal):
    """A journal whose intents stand in the log of the hooks."""

    log: list[str] = field(default_factory=list)

    def begin(self, intent: Intent) -> int:
        """Write it down."""
        self.log.append("intent")
        return super().begin(intent)


def hooked(made: Step) -> Step:
    """Give a step with a hook for each of its attachments."""
    late = made.call.verb is Verb.ATTACH
    occasion = Occasion.ATTACHED if late else Occasion.RELEASE
    errands = {
        one: Errand(occasion=occasion, hook=HOOK, key=one, server=one.server_id, volume="v1")
        for one in made.call.keys
    }
    return replace(made, errands=errands)


def running(cloud: FakeCloud, hooks: FakeHooks) -> Run:
    """Give a run whose hooks, journal and cloud write into one log."""
    guests = Guests(run="run-1", hooks=hooks, pages=hooks)
    return replace(run_of(cloud), guests=guests, journal=LoggingJournal(log=hooks.log))


def executed(cloud: FakeCloud, hooks: FakeHooks, *steps: Step) -> Mapping[AttachmentKey, Outcome]:
    """Run steps and give what became of each attachment."""

    async def story() -> Mapping[str, Outcomes]:
        return await execute(scheduled(*steps), running(cloud, hooks))

    return {one: told for by_key in run(story()).values() for one, told in by_key.items()}


def test_the_hook_ends_before_the_intent_is_durable_and_that_before_the_request() -> None:
    cloud, hooks = FakeCloud(attached={ONE}), FakeHooks()
    submit = cloud.submit

    async def submitted(call: Call) -> Receipt:
        hooks.log.append("request")
        return await submit(call)

    cloud.submit = submitted  # type: ignore[method-assign]  # what leaves is what this is about
    outcomes = executed(cloud, hooks, hooked(step(Verb.DETACH, ONE)))
    assert outcomes[ONE].verdict is Verdict.DONE
    assert hooks.log == ["began s1", "run s1", "end s1", "ended done", "intent", "request"]


def test_a_guest_that_does_not_let_go_is_cut_from_the_batch_and_the_others_go() -> None:
    cloud, hooks = FakeCloud(attached={ONE, TWO, THREE}), FakeHooks(fails={TWO})
    outcomes = executed(cloud, hooks, hooked(step(Verb.DETACH, ONE, TWO, THREE)))
    assert [call.keys for call in cloud.calls] == [(ONE, THREE)]
    assert {one: told.verdict.value for one, told in outcomes.items()} == {
        ONE: "done",
        TWO: "refused",
        THREE: "done",
    }
    assert outcomes[TWO].code == "guest-release"
    assert outcomes[TWO].message == "hook `hook` ended with 3: busy"
    assert cloud.attached == {TWO}


def test_where_no_guest_lets_go_nothing_is_sent() -> None:
    cloud, hooks = FakeCloud(attached={ONE, TWO}), FakeHooks(fails={ONE, TWO})
    executed(cloud, hooks, hooked(step(Verb.DETACH, ONE, TWO)))
    assert cloud.calls == []
    assert "intent" not in hooks.log


def test_hooks_of_one_server_run_one_after_the_other_those_of_others_at_once() -> None:
    mine, other, far = key("s1", "v1"), key("s1", "v2"), key("s2", "v3")
    hooks = FakeHooks()
    executed(
        FakeCloud(attached={mine, other, far}), hooks, hooked(step(Verb.DESTROY, mine, other, far))
    )
    order = [line for line in hooks.log if line.startswith(("run", "end "))]
    assert order == ["run s1", "run s2", "end s1", "run s1", "end s2", "end s1"]


def test_a_failing_hook_after_an_attach_undoes_nothing_and_is_told() -> None:
    cloud, hooks = FakeCloud(), FakeHooks(fails={ONE})
    outcomes = executed(cloud, hooks, hooked(step(Verb.ATTACH, ONE)))
    assert outcomes[ONE].verdict is Verdict.DONE
    assert outcomes[ONE].after_attach == "hook `hook` ended with 3: busy"
    assert cloud.attached == {ONE}
    assert hooks.log[0] == "intent", "the attach came first"


def test_an_attach_that_was_not_made_is_told_to_nobody() -> None:
    cloud, hooks = FakeCloud(refuses={ONE}), FakeHooks()
    outcomes = executed(cloud, hooks, hooked(step(Verb.ATTACH, ONE)))
    assert (outcomes[ONE].verdict, outcomes[ONE].after_attach) == (Verdict.REFUSED, "")
    assert hooks.log == ["intent"]


def test_a_detach_that_the_cloud_refuses_says_that_its_guest_let_go() -> None:
    cloud = FakeCloud(attached={ONE})
    cloud.always = Receipt(answer=Answer.REFUSED, code="no", message="not today")
    outcomes = executed(cloud, FakeHooks(), hooked(step(Verb.DETACH, ONE)))
    assert outcomes[ONE].message == "not today; hook `hook` had its guest let go of it before"


def test_a_move_asks_one_guest_and_tells_the_other_and_not_of_a_put_back() -> None:
    leave, arrive = hooked(step(Verb.DETACH, ONE)), hooked(step(Verb.ATTACH, TWO, needs={TWO: ONE}))
    hooks = FakeHooks()
    executed(FakeCloud(attached={ONE}), hooks, leave, arrive)
    assert [line for line in hooks.log if line.startswith("run")] == ["run s1", "run s2"]
    cloud, hooks = FakeCloud(attached={ONE}), FakeHooks()
    cloud.answers[Verb.ATTACH] = deque([Receipt(answer=Answer.REFUSED, message="full")])
    back = PutBack(source=ONE, server="web-1", calls=(Call(verb=Verb.ATTACH, keys=(ONE,)),))
    outcomes = executed(cloud, hooks, leave, replace(arrive, returns={TWO: back}))
    assert [line for line in hooks.log if line.startswith("run")] == ["run s1"]
    assert "a guest that let go of it has it unmounted still" in outcomes[TWO].message
    assert cloud.attached == {ONE}


@pytest.mark.parametrize(
    ("stops_s", "ran", "told"),
    [(0.0, [], "told to stop"), (1.0, ["run s1", "end s1"], "had its guest let go")],
)
def test_a_run_that_shall_stop_begins_no_hook_and_waits_for_the_one_that_runs(
    stops_s: float, ran: list[str], told: str
) -> None:
    cloud, hooks = FakeCloud(attached={ONE}), FakeHooks()

    async def story() -> Mapping[str, Outcomes]:
        on = running(cloud, hooks)
        asyncio.get_running_loop().call_later(stops_s, on.stop.set)
        await asyncio.sleep(0.0 if stops_s else 1.0)
        return await execute(scheduled(hooked(step(Verb.DETACH, ONE))), on)

    (outcomes,) = run(story()).values()
    assert [line for line in hooks.log if line.startswith(("run", "end "))] == ran
    assert cloud.calls == []
    assert outcomes[ONE].code == "interrupted"
    assert told in outcomes[ONE].message


def test_nobody_who_waits_leaves_an_end_behind_that_says_so() -> None:
    hooks = FakeHooks(long_s=1000.0)

    async def story() -> None:
        on = running(FakeCloud(attached={ONE}), hooks)
        async with asyncio.timeout(5):
            await execute(scheduled(hooked(step(Verb.DETACH, ONE))), on)

    with pytest.raises(TimeoutError):
        run(story())
    assert hooks.log == ["began s1", "run s1", "ended failed"]


def test_a_journal_that_takes_no_line_stops_before_the_hook() -> None:
    hooks = FakeHooks(torn=True)
    with pytest.raises(ExceptionGroup):
        executed(FakeCloud(attached={ONE}), hooks, hooked(step(Verb.DETACH, ONE)))
    assert hooks.log == []


@pytest.mark.parametrize(
    ("verb", "attached", "stopped", "ran"),
    [
        (Verb.ATTACH, {ONE}, False, ["run s1"]),
        (Verb.ATTACH, set(), False, []),
        (Verb.ATTACH, {ONE}, True, []),
        (Verb.DETACH, set(), False, []),
    ],
    ids=["attached", "not attached", "stopped", "detached"],
)
def test_an_attach_whose_run_died_before_its_verdict_is_told_by_who_adopts_it(
    verb: Verb, attached: set[AttachmentKey], ran: list[str], *, stopped: bool
) -> None:
    cloud, hooks = FakeCloud(attached=attached, running=not stopped), FakeHooks(fails={ONE})
    left = OpenIntent(
        intent_id=7,
        run="dead",
        step_id="x",
        label="web-1/disk",
        call=Call(verb=verb, keys=(ONE,)),
        handle=None,
        age_s=500.0,
    )
    journal = LoggingJournal(log=hooks.log, left_open=(left,))
    guests = Guests(run="run-2", hooks=hooks, pages=hooks, after=HOOK)
    assert run(adopt(replace(run_of(cloud), guests=guests, journal=journal))) == frozenset()
    assert [line for line in hooks.log if line.startswith("run")] == ran
    assert bool(journal.ended[7][ONE].after_attach) == bool(ran)


def test_a_run_that_dies_while_it_tells_leaves_its_call_open() -> None:
    hooks = FakeHooks(long_s=1000.0)

    async def story() -> MemoryJournal:
        on = running(FakeCloud(), hooks)
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                await execute(scheduled(hooked(step(Verb.ATTACH, ONE))), on)
        assert isinstance(on.journal, MemoryJournal)
        return on.journal

    journal = run(story())
    assert "run s1" in hooks.log
    assert (len(journal.begun), journal.ended) == (1, {})
