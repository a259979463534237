"""The phases of a repair, in virtual time: apart, doubted, durable, and one request."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError, ProviderError
from reconciler.journal.journal import Pages
from reconciler.model.finding import FindingsError
from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from reconciler.operations.repair import APART_S, Consent, Repaired, Subject, repair
from reconciler.sim.changes import act
from tests.rig.plot import UNLIMITED, Wanted
from tests.rig.stage import Stage, stage
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
POLICY = {**UNLIMITED, "allowStatusReset": True}
WORLD = {
    "provider": "huawei-ecs",
    "projectId": PROJECT,
    "region": "r1",
    "jobSeconds": 4,
    "latencySeconds": 0,
    "servers": [{"id": "s-1", "name": "web-1"}, {"id": "s-2", "name": "web-2"}],
    "volumes": [
        {"id": "v-1", "name": "one"},
        {"id": "v-2", "name": "stale"},
        {"id": "v-3", "name": "lost"},
    ],
    "attachments": [
        {"server": "s-1", "volume": "v-1"},
        {"server": "s-1", "volume": "v-2", "seenBy": "storage"},
        {"server": "s-9", "volume": "v-3", "seenBy": "storage"},
    ],
}
MAIN = Wanted(
    provider="huawei-ecs",
    servers={"web-1": ("one",)},
    policy=POLICY,
    more={"projectId": PROJECT},
)


@dataclass
class Person:
    """Who types every name, after doing something else."""

    meanwhile: Callable[[], object] = lambda: None
    asked: list[Subject] = field(default_factory=list)

    def ask(self, subject: Subject) -> bool:
        self.asked.append(subject)
        self.meanwhile()
        return True

    @property
    def consent(self) -> Consent:
        return Consent(ask=self.ask, tell=lambda _: None)


@pytest.fixture
def lab(tmp_path: Path) -> Stage:
    """Give a stage with a stale record on a server, and one on a server that is gone."""
    return stage(tmp_path, json.dumps(WORLD))


def mend(
    lab: Stage, there: str = "web-1/stale", person: Person | None = None, *wanted: Wanted
) -> Repaired:
    """Repair in virtual time."""
    consent = (person or Person()).consent
    return run(repair(there, lab.request(*(wanted or (MAIN,))), lab.around, consent))


def asked_at(lab: Stage) -> list[float]:
    """Give when the server itself was asked, in seconds."""
    rows = lab.witness.rows
    return [float(str(row["at"])) for row in rows if "/block_device/" in str(row["path"])]


def codes(told: Repaired) -> list[str]:
    return [finding.code for finding in told.findings]


def test_the_server_is_asked_twice_apart_and_once_more_before_the_one_request(lab: Stage) -> None:
    told = mend(lab)
    assert told.ending is Ending.CONFIRMED
    first, second, last = asked_at(lab)
    assert second - first >= APART_S == 30.0
    (write,) = lab.witness.writes
    assert float(str(write["at"])) >= last >= second
    assert str(write["path"]).endswith("/volumes/v-2/action")
    assert "v-2" not in lab.cloud.held["s-1"]


def test_everything_a_person_is_asked_about_is_what_is_sent(lab: Stage) -> None:
    held = lab.cloud.held["s-1"]["v-2"]
    person = Person()
    assert mend(lab, person=person).ending is Ending.CONFIRMED
    (subject,) = person.asked
    assert (subject.attachment_id, subject.server_gone) == (held.attachment_id, False)


def test_a_record_that_heals_between_the_looks_is_left_alone(lab: Stage) -> None:
    def heal(request: object) -> None:
        if len(asked_at(lab)) == 1:
            server, volume = lab.cloud.servers["s-1"], lab.cloud.volumes["v-2"]
            server.disks["v-2"] = volume.holders["s-1"]
        del request

    lab.transport.watchers.append(heal)
    told = mend(lab)
    assert (told.ending, codes(told)) == (Ending.REFUSED, ["server-has-it"])
    assert lab.witness.writes == []


def test_what_changes_while_somebody_thinks_is_seen(lab: Stage) -> None:
    def another() -> None:
        server, volume = lab.cloud.servers["s-1"], lab.cloud.volumes["v-2"]
        act(lab.cloud, "detach", server, volume)
        act(lab.cloud, "attach", server, volume)
        del server.disks["v-2"]

    told = mend(lab, person=Person(meanwhile=another))
    assert (told.ending, codes(told)) == (Ending.REFUSED, ["changed-meanwhile"])
    assert lab.witness.writes == []


def test_a_server_that_is_gone_is_asked_for_and_settled(lab: Stage) -> None:
    person = Person()
    told = mend(lab, "s-9/lost", person)
    assert told.ending is Ending.CONFIRMED
    assert person.asked[0].server_gone
    assert lab.cloud.volumes["v-3"].status == "available"


def test_another_scope_of_the_project_that_lists_it_has_the_say(lab: Stage) -> None:
    other = replace(MAIN, scope="arts", region="r2", servers={"web-2": ()})
    told = mend(lab, "prod:s-9/lost", None, MAIN, other)
    assert (told.ending, codes(told)) == (Ending.REFUSED, ["listed-elsewhere"])
    # Where the server can be read, nobody else is asked.
    assert mend(lab, "prod:web-1/stale", None, MAIN, other).ending is Ending.CONFIRMED


def test_a_scope_that_cant_be_read_may_list_it(lab: Stage) -> None:
    away = "ffffffffffffffffffffffffffffffff"
    other = replace(
        MAIN, scope="arts", region="r2", servers={"web-2": ()}, more={"projectId": away}
    )
    # Another project has no say, readable or not.
    assert mend(lab, "prod:s-9/lost", None, MAIN, other).ending is Ending.CONFIRMED
    # But what is written without a scope may mean one that can't be read.
    with pytest.raises(FindingsError, match="project"):
        mend(lab, "web-1/stale", None, MAIN, other)


def test_the_same_record_in_two_scopes_is_ambiguous(lab: Stage) -> None:
    other = replace(MAIN, scope="arts", region="r2", servers={"web-2": ()})
    with pytest.raises(FindingsError, match="may mean 2 attachments"):
        mend(lab, "web-1/stale", None, MAIN, other)


def test_the_intent_is_durable_before_the_request_leaves(
    lab: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise JournalError("the disk is full")

    monkeypatch.setattr(Pages, "begin", full)
    with pytest.raises(JournalError):
        mend(lab)
    assert lab.witness.writes == []


def test_a_verdict_that_cant_be_kept_is_told_all_the_same(
    lab: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr(Pages, "end", full)
    told = mend(lab)
    assert (told.ending, codes(told)) == (Ending.INCOMPLETE, ["journal"])
    assert told.outcome is not None
    assert told.outcome.verdict is Verdict.DONE
    # The next run adopts what was left open: it looks, and issues nothing again.
    monkeypatch.undo()
    applied = run(lab.apply(MAIN))
    assert applied.ending is Ending.CONFIRMED
    ((intent, outcome),) = lab.events.found
    assert (intent.call.verb.value, outcome.verdict) == ("reset", Verdict.DONE)
    assert len(lab.witness.writes) == 1


def test_the_journal_keeps_what_was_asked_and_what_came_of_it(lab: Stage) -> None:
    mend(lab)
    with sqlite3.connect(lab.around.folder / "journal.db") as journal:
        rows = journal.execute(
            "select verb, label, verdict, took_s from intents join verdicts on intent = id"
        ).fetchall()
    assert rows == [("reset", "web-1/stale", "done", None)]


@pytest.mark.parametrize(
    ("rule", "ending", "verdict", "least_s"),
    [
        ({"answer": 500}, Ending.INCOMPLETE, Verdict.FAILED, 10.0),
        ({"answer": 500, "effect": "applied"}, Ending.CONFIRMED, Verdict.DONE, 0.0),
        ({"answer": "timeout"}, Ending.INCOMPLETE, Verdict.FAILED, 10.0),
        ({"answer": "timeout", "effect": "applied"}, Ending.CONFIRMED, Verdict.DONE, 0.0),
    ],
)
def test_every_answer_is_settled_by_looking(
    lab: Stage, rule: dict[str, object], ending: Ending, verdict: Verdict, least_s: float
) -> None:
    lab.set_rules({"match": "POST */action", "nth": 1, **rule})
    told = mend(lab)
    assert told.outcome is not None
    assert (told.ending, told.outcome.verdict) == (ending, verdict)
    assert told.seconds >= APART_S + least_s
    assert len(lab.witness.writes) == 1


@pytest.mark.parametrize(
    ("verbs", "ending", "verdict", "code"),
    [
        (("detach",), Ending.CONFIRMED, Verdict.DONE, ""),
        (("detach", "attach"), Ending.INCOMPLETE, Verdict.REFUSED, "conflictingRequest"),
    ],
    ids=["somebody was faster", "another attachment stands there"],
)
def test_what_happens_just_before_the_request_arrives(
    lab: Stage, verbs: tuple[str, ...], ending: Ending, verdict: Verdict, code: str
) -> None:
    def meanwhile(request: httpx.Request) -> None:
        server, volume = lab.cloud.servers["s-1"], lab.cloud.volumes["v-2"]
        if request.method == "POST":
            for verb in verbs:
                assert act(lab.cloud, verb, server, volume) is None

    lab.transport.watchers.append(meanwhile)
    told = mend(lab)
    assert told.outcome is not None
    assert (told.ending, told.outcome.verdict, told.outcome.code) == (ending, verdict, code)


def test_an_accepted_reset_of_which_nothing_is_seen_is_a_failure(lab: Stage) -> None:
    # The status code alone, and nothing of the effect.
    lab.set_rules({"match": "POST */action", "nth": 1, "answer": 202})
    told = mend(lab)
    assert told.outcome is not None
    assert (told.ending, told.outcome.verdict) == (Ending.INCOMPLETE, Verdict.FAILED)


def test_a_witness_that_cant_be_asked_ends_it_before_anything_is_sent(lab: Stage) -> None:
    lab.set_rules({"match": "GET */block_device/*", "always": True, "answer": 503})
    with pytest.raises(ProviderError):
        mend(lab)
    assert lab.witness.writes == []


def test_a_misspelt_scope_is_told_before_anything_is_opened(lab: Stage) -> None:
    request = replace(lab.request(MAIN), scopes=("prd",))
    with pytest.raises(FindingsError, match="prd"):
        run(repair("web-1/stale", request, lab.around, Person().consent))
    assert lab.witness.rows == []
