"""Fifty hostile texts in every place of a plan, a run and a history, through every sink there is.

One document holds each text as every name and message; a sink is a function of it, and a rule says
what may not be in what it gives. No sink is told which text is coming.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections import Counter
from contextlib import redirect_stderr
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from unicodedata import category
from xml.etree.ElementTree import fromstring

import pytest
from markdown_it import MarkdownIt

from reconciler.cli.logs import LINE, made_plain
from reconciler.cli.progress import PlainEvents
from reconciler.model.attachment import Attachment, AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.finding import Finding, Place
from reconciler.model.history import PastCall, PastRun, PastVerdict
from reconciler.model.outcome import Outcome, Verdict
from reconciler.model.plan import AcceptedDrift, Action, Change, Name, Plan, Standing, Update
from reconciler.model.record import NamedAttachment
from reconciler.model.watching import Answer, Correction, Difference, Held, Kind, Tick, Why
from reconciler.report.escape import json_text
from reconciler.report.events import Naming, ended_messages, plan_messages, run_messages
from reconciler.report.formats import rendered
from reconciler.report.history import DetailedRun
from reconciler.report.history import run_document as past_document
from reconciler.report.history import run_text as past_text
from reconciler.report.look import Look
from reconciler.report.run import RunReport, run_document, run_text
from reconciler.report.text import plan_text
from reconciler.report.watch import tick_document, tick_text
from reconciler.report.watch_events import looked_messages, ticked_messages
from reconciler.report.workflow import annotation
from tests.report.hostile import PAYLOADS
from tests.report.plans import document, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.report.document import Document

KEY = AttachmentKey("shop", "s-1", "v-1")
UNTIL = date(2026, 12, 1)
CALL = Call(verb=Verb.DETACH, keys=(KEY,))


def finding(text: str, scope: str = "shop") -> Finding:
    """Give a diagnostic whose every word is foreign."""
    place = Place(file=text, line=3, column=min(5, 1 + len(text)), text=text)
    return Finding(code="held", summary=text, hint=text, scope=scope, place=place, also=(place,))


def change(text: str, action: Action, *findings: Finding, scope: str = "shop") -> Change:
    """Give a change whose every word is foreign."""
    here = KEY._replace(scope=scope, volume_id=f"{action.value}{text}")
    moves = action is Action.MOVE
    return Change(
        action=action,
        key=here,
        name=Name(server=text, volume=text),
        reason=text,
        source=here._replace(server_id="s-2") if moves else None,
        source_server=text if moves else "",
        wanted=Attachment(key=KEY, device=text),
        before=None if action is Action.ATTACH else Attachment(key=KEY),
        updates=(Update(attribute="device", before=text, after=text),),
        standing=Standing.REFUSED if findings else Standing.PERMITTED,
        refusals=findings,
        place=finding(text).place,
    )


def plan_of(*texts: str) -> Document:
    """Give a plan with these texts everywhere that anybody can put one; one is the scope, too."""
    scope = texts[0] if len(texts) == 1 else "shop"
    changes: list[Change] = []
    findings: list[Finding] = []
    for text in texts:
        held = finding(text, scope)
        every = [action for action in Action if action is not Action.KEEP]
        changes += [change(text, action, scope=scope) for action in every]
        changes.append(change(text, Action.KEEP, held, scope=scope))
        findings += [held, replace(held, code="apart", place=None)]
    rows = tuple(
        NamedAttachment(server_id=text, volume_id=text, server=text, volume=text) for text in texts
    )
    plan = Plan(
        scope=scope,
        changes=tuple(changes),
        kept=(KEY._replace(scope=scope),),
        accepted=tuple(
            AcceptedDrift(change=change(text, Action.ATTACH), until=UNTIL, reason=text)
            for text in texts
        ),
        unmanaged=rows,
        released=rows,
        findings=tuple(findings),
    )
    return document(replace(told(plan), notices=texts))


def outcome(text: str) -> Outcome:
    """Give an outcome in a cloud's words."""
    return Outcome(verdict=Verdict.FAILED, code=text, message=text, request_id=text)


def ended(text: str) -> Document:
    """Give the end of a run in which everything failed."""
    results = [(change(text, Action.MOVE), Verdict.FAILED, outcome(text))]
    return run_document(
        RunReport(
            plan=plan_of(text),
            results=results,
            requests=1,
            seconds=1.0,
            complete=False,
            refused=False,
        )
    )


def past(text: str) -> Document:
    """Give a past run of foreign words."""
    verdict = PastVerdict(
        server_id=text,
        volume_id=text,
        verdict="failed",
        code=text,
        message=text,
        request_id=text,
        took_s=1.0,
        at_s=0.0,
        run=None,
    )
    call = PastCall(
        intent_id=1,
        run="r",
        step_id=text,
        label=text,
        verb="detach",
        attachments=((text, text),),
        had={},
        at_s=0.0,
        handle=text,
        verdicts=(verdict,),
    )
    run = PastRun(
        id="r", identity=text, scope=text, verb=text, began_s=0.0, ended_s=1.0, ending="x"
    )
    return past_document([DetailedRun(run=run, calls=(call,))], lambda _: "then")


def progress(text: str) -> str:
    """Give the lines of a run, with names by a plan that was learned."""
    events, said = PlainEvents(), io.StringIO()
    named = plan_of(text)
    ours = json.loads(json_text(named))["reconciler"]
    key = KEY._replace(volume_id=ours["changes"][0]["volume_id"])
    call = replace(CALL, keys=(key,))
    with redirect_stderr(said):
        events.learn(named)
        events.step_started("1", call)
        events.step_ended("1", call, {key: outcome(text)})
    return said.getvalue()


def logged(text: str) -> str:
    """Give a line of the log that quotes."""
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "asked: %s", (text,), None)
    assert made_plain(record)
    return LINE.format(record)


def traced(text: str) -> str:
    """Give a traceback in the log."""
    raised = (ValueError, ValueError(text), None)
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "failed", (), raised)
    assert made_plain(record)
    first, *rest = LINE.format(record).splitlines()
    assert all(line.startswith("    ") for line in rest)
    return "\n".join([first, *rest])


def annotated(text: str) -> str:
    """Give the workflow commands of a plan."""
    ours = json.loads(json_text(plan_of(text)))["reconciler"]
    return "\n".join(annotation(row) for row in ours["findings"])


def messages(text: str) -> str:
    """Give the stream of a run."""
    naming = Naming()
    stream = [
        *plan_messages(plan_of(text), naming),
        *ended_messages(naming, text, CALL, {KEY: outcome(text)}, 1.0),
        *run_messages(ended(text), []),
    ]
    return "".join(f"{json_text(one, indent=None)}\n" for one in stream)


def looked(text: str) -> Tick:
    """Give a tick of foreign words."""
    name = Name(server=text, volume=text)
    one = Difference(
        answer=Answer.DRIFT,
        kind=Kind.MOVED,
        key=KEY,
        name=name,
        found_server_id=text,
        found_server=text,
        held=Held(why=Why.REFUSED, words=text),
    )
    made = Correction(
        key=KEY,
        name=name,
        action=Action.MOVE,
        verdict=Verdict.FAILED,
        run=text,
        at_s=0.0,
        code=text,
        message=text,
        request_id=text,
    )
    found = Finding(code="cloud", summary=text, hint=text, scope=text)
    blank = Tick(scope=text, began_s=0.0, took_s=1.0, looked=True, provider=text)
    return replace(blank, differences=(one,), gone=(one,), corrections=(made,), findings=(found,))


def tick_messages(text: str) -> str:
    """Give the stream of a service."""
    tick, naming = looked(text), Naming()
    stream = (*looked_messages(tick, naming, str), *ticked_messages(tick, str))
    return "".join(f"{json_text(one, indent=None)}\n" for one in stream)


SINKS: dict[str, Callable[[str], str]] = {
    "terminal": lambda text: plan_text(plan_of(text)),
    "narrow terminal": lambda text: plan_text(plan_of(text), Look(columns=40)),
    "end of a run": lambda text: run_text(ended(text)),
    "history": lambda text: past_text(past(text)),
    "history as JSON": lambda text: json_text(past(text)),
    "progress": progress,
    "log": logged,
    "traceback in the log": traced,
    "workflow": annotated,
    "messages": messages,
    "tick": lambda text: tick_text(tick_document(looked(text), str)),
    "messages of a tick": tick_messages,
    **{
        form: lambda text, form=form: rendered(plan_of(text), form)  # type: ignore[misc] # bound now
        for form in ("json", "markdown", "html", "junit", "sarif", "gitlab")
    },
}


WHOLE = {"json", "messages", "messages of a tick", "history as JSON", "sarif"}
"""What machines read keeps every value as it is, however long (SARIF: the paths of files)."""


def acted_on(text: str) -> set[str]:
    """Give the characters that a terminal or a reader's eye would be led by."""
    return {char for char in text if category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}}


def commands(text: str) -> list[str]:
    """Give the lines that a runner would obey."""
    return [
        line
        for line in text.splitlines()
        if line.lstrip().startswith("::") or re.search(r"##\[|##vso\[", line, re.IGNORECASE)
    ]


@pytest.mark.parametrize("sink", SINKS)
def test_nothing_arrives_raw(sink: str) -> None:
    for name, payload in PAYLOADS.items():
        given = SINKS[sink](payload)
        assert acted_on(given) <= {"\n"}, f"{name}: {acted_on(given)}"
        told_to = commands(given)
        if sink == "workflow":
            assert len(told_to) == 2, name
            for line in told_to:
                head, _, said = line.removeprefix("::error ").partition("::")
                names = [pair.partition("=")[0] for pair in head.split(",")]
                assert names in (["file", "line", "col", "title"], ["title"]), name
                assert "##[" not in said
                assert "%0A" not in said.replace("%250A", "")
        else:
            assert told_to == [], name
        if sink not in WHOLE:
            assert len(given) < 100_000, f"{name}: {len(given)}"


@pytest.mark.parametrize("sink", ["terminal", "end of a run", "progress", "history", "log", "tick"])
def test_no_text_makes_a_line_of_its_own(sink: str) -> None:
    wanted = len(SINKS[sink]("harmless").splitlines())
    counted = {name: len(SINKS[sink](text).splitlines()) for name, text in PAYLOADS.items()}
    assert {name: lines for name, lines in counted.items() if lines != wanted} == {}


class Page(HTMLParser):
    """What a browser would make of a page: its tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str]] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text.append(data)


def test_a_page_has_the_same_tags_whatever_the_names() -> None:
    harmless = Page()
    harmless.feed(rendered(plan_of("harmless"), "html"))
    for name, payload in PAYLOADS.items():
        page = Page()
        page.feed(rendered(plan_of(payload), "html"))
        assert Counter(page.tags) == Counter(harmless.tags), name
        assert {one for one, _ in page.attributes} == {one for one, _ in harmless.attributes}, name
        assert all(value.startswith("#") for one, value in page.attributes if one == "href"), name


def test_a_comment_holds_foreign_text_in_code_alone() -> None:
    harmless = outside_code(rendered(plan_of("harmless"), "markdown"))
    for name, payload in PAYLOADS.items():
        assert outside_code(rendered(plan_of(payload), "markdown")) == harmless, name


def outside_code(text: str) -> list[tuple[str, str]]:
    """Give what a renderer makes of a comment beside code: kinds of things, and their words."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    told: list[tuple[str, str]] = []
    for one in reader.parse(text):
        for inner in one.children or [one]:
            if inner.type in {"fence", "code_inline"}:
                told.append((inner.type, ""))
            else:
                words = re.sub(r"<code>[^<]*</code>", "", inner.content)
                told.append((inner.type, words))
    return [(kind, words) for kind, words in told if "sha256" not in words]


def test_machines_read_values_back() -> None:
    for name, payload in PAYLOADS.items():
        ours = json.loads(rendered(plan_of(payload), "json"))["reconciler"]
        assert ours["changes"][0]["server"] == payload, name
        cases = fromstring(rendered(plan_of(payload), "junit")).iter("testcase")  # noqa: S314
        assert len(list(cases)) == 11, name
        (run,) = json.loads(rendered(plan_of(payload), "sarif"))["runs"]
        assert len(run["results"]) == 1, name
        said = run["results"][0]["message"]["text"]
        assert not re.search(r"(?<!\\)[\[\]]", said.replace("\\\\", "")), name


def test_there_are_enough() -> None:
    assert len(PAYLOADS) >= 30
