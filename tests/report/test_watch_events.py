"""The messages of `watch --json`: Terraform's types, the whole tick under `reconciler`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.call import Call, Verb
from reconciler.model.finding import Finding
from reconciler.model.outcome import Outcome, Verdict
from reconciler.model.plan import Action, Name
from reconciler.model.watching import (
    Answer,
    BreakerStanding,
    Held,
    Judged,
    Kind,
    SeenAttachment,
    WatchBreaker,
    Why,
)
from reconciler.report.escape import json_text
from reconciler.report.events import Naming, ended_messages, started_messages
from reconciler.report.watch_events import REMEDY, looked_messages, ticked_messages
from tests.report.messages import types_held
from tests.rig.watched import RUN, correction, difference, key, tick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.model.watching import Tick
    from reconciler.report.document import Document

LEFT = Held(why=Why.WAITS)


def when(seconds: float) -> str:
    """Give a date that no zone changes."""
    return f"day {seconds:.0f}"


def seen(**more: object) -> Tick:
    """Give a look that found one of each."""
    rows = (
        difference("web-1", "one"),
        difference("web-2", "two", kind=Kind.ADDED, held=Held(why=Why.OFF)),
        difference("web-3", "three", kind=Kind.MOVED, found="web-9", held=LEFT),
        difference("web-4", "four", answer=Answer.PENDING, kind=Kind.UPDATE, held=LEFT),
        difference("web-5", "five", answer=Answer.PENDING, kind=Kind.RELEASED, held=LEFT),
        difference("web-6", "six", answer=Answer.CONFLICT, held=Held(why=Why.CONFLICT)),
        difference("web-7", "seven", kind=Kind.DISPUTED, held=Held(why=Why.REFUSED)),
    )
    there = SeenAttachment(
        key=key("web-8", "eight"),
        name=Name(server="web-8", volume="八"),
        judged=Judged.IN_LINE,
        live=True,
    )
    made = tick(differences=rows, attachments=(there,), counts={"drift": 4, "in line": 1})
    return replace(made, provider="huawei-ecs", **more)  # type: ignore[arg-type] # fields of a tick


def whole_tick() -> Iterator[Document]:
    """Give what a tick tells that makes one correction, which fails for one of two."""
    naming, looked = Naming(), seen()
    yield from looked_messages(looked, naming, when)
    call = Call(verb=Verb.ATTACH, keys=(key(), key("web-8", "eight")))
    yield from started_messages(naming, "attach:1", call)
    lost = Outcome(verdict=Verdict.FAILED, code="Ecs.0005", message="no", request_id="req-1")
    outcomes = dict(zip(call.keys, (Outcome(verdict=Verdict.DONE), lost), strict=True))
    yield from ended_messages(naming, "attach:1", call, outcomes, 2.0)
    done = correction(Action.ATTACH, Verdict.DONE)
    failed = correction(Action.ATTACH, Verdict.FAILED, "web-8")
    found = Finding(code="protected", summary="it is protected", hint="an apply may", scope="shop")
    breaker = WatchBreaker(standing=BreakerStanding.OPEN, failures=3)
    more = {"corrections": (done, failed), "findings": (found,), "breaker": breaker, "run": RUN}
    yield from ticked_messages(seen(**more), when)


def test_a_tick_tells_what_was_read(golden: Callable[[str, str], None]) -> None:
    lines = (f"{json_text(one, indent=None)}\n" for one in whole_tick())
    golden("watch.ndjson", "".join(lines))


def test_every_message_has_terraforms_keys_and_types() -> None:
    assert types_held(whole_tick()) == {
        *("resource_drift", "planned_change", "apply_start", "apply_complete", "apply_errored"),
        *("diagnostic", "change_summary"),
    }


def test_drift_is_what_happened_and_a_plan_what_makes_it_good() -> None:
    told = list(looked_messages(seen(), Naming(), when))
    rows = [(one["type"], one["reconciler"]["volume"], one["change"]["action"]) for one in told]  # type: ignore[index]
    assert rows == [
        ("resource_drift", "one", "delete"),
        ("resource_drift", "two", "create"),
        ("resource_drift", "three", "update"),
        ("resource_drift", "six", "delete"),
        ("resource_drift", "seven", "update"),
        ("planned_change", "one", "create"),
        ("planned_change", "two", "delete"),
        ("planned_change", "three", "replace"),
        ("planned_change", "four", "update"),
    ]


def test_the_summary_counts_what_is_planned_or_what_was_done() -> None:
    (planned,) = ticked_messages(seen(), when)
    zero = {"import": 0, "operation": "plan"}
    assert planned["changes"] == {"add": 2, "change": 1, "remove": 2, **zero}
    assert planned["@message"] == "shop: 4 drift, 1 in line"
    *_, done = whole_tick()
    assert done["changes"] == {
        "add": 1,
        "change": 0,
        "remove": 0,
        "import": 0,
        "operation": "apply",
    }


def test_a_look_that_failed_ends_with_a_summary_too() -> None:
    why = Finding(code="cloud", summary="no answer", hint="it looks again", scope="shop")
    told = list(ticked_messages(tick(looked=False, findings=(why,)), when))
    assert [one["type"] for one in told] == ["diagnostic", "change_summary"]
    assert told[-1]["@message"] == "shop: could not look"


def test_every_kind_has_a_remedy_or_needs_a_person() -> None:
    assert set(Kind) - REMEDY.keys() == {Kind.DISPUTED, Kind.RELEASED}
