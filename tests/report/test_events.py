"""The messages of `apply --json`, by Terraform's documented types and keys."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Outcome, Verdict
from reconciler.report.document import finding_row
from reconciler.report.escape import json_text
from reconciler.report.events import (
    Naming,
    ended_messages,
    finding_message,
    plan_messages,
    progress_messages,
    run_messages,
    started_messages,
)
from reconciler.report.run import RunReport, run_document
from tests.report.messages import MEMBERS, types_held
from tests.report.plans import PLANS, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.report.document import Document

DONE = Outcome(verdict=Verdict.DONE, request_id="req-1")
LOST = Outcome(verdict=Verdict.UNKNOWN, code="Ecs.0319", message="no\nanswer", request_id="req-2")


def whole_run() -> Iterator[Document]:
    """Give what a run of the ordinary plan would tell."""
    plan, naming = PLANS["ordinary"](), Naming()
    yield from plan_messages(plan, naming)
    keys = tuple(AttachmentKey("shop", f"id-db-{n}", "id-shared") for n in (2, 3))
    call = Call(verb=Verb.DETACH, keys=keys)
    yield from started_messages(naming, "detach:1", call)
    yield from progress_messages(naming, "detach:1", call, 10.4)
    outcomes = dict(zip(keys, (DONE, LOST), strict=True))
    yield from ended_messages(naming, "detach:1", call, outcomes, 12.6)
    report = RunReport(
        plan=plan, results=(), requests=31, seconds=41.0, complete=False, refused=False
    )
    row = {"scope": "shop", "action": "detach", "server": "db-3", "volume": "shared"}
    lost = {**row, "from": None, "verdict": "unknown", "message": "no answer"}
    ended = {**run_document(report), "open": [{**lost, "code": "", "request_id": "req-2"}]}
    yield from run_messages(ended, [finding_row(finding("journal", "it is full"))])


def test_a_run_tells_what_was_read(golden: Callable[[str, str], None]) -> None:
    golden("apply.ndjson", "".join(f"{json_text(one, indent=None)}\n" for one in whole_run()))


def test_every_message_has_terraforms_keys_and_types() -> None:
    troubled = plan_messages(PLANS["troubled"](), Naming())
    assert types_held(chain(whole_run(), troubled)) == MEMBERS.keys() - {"resource_drift"}


def test_a_diagnostic_points_at_the_word_that_begins_at_its_place() -> None:
    ours = json.loads(json_text(PLANS["troubled"]()))["reconciler"]
    held = next(row for row in ours["findings"] if row["code"] == "held-by-unmanaged")
    told = finding_message(held)["diagnostic"]
    assert isinstance(told, dict)
    snippet, code = told["snippet"], "数据盘"
    assert (
        snippet["code"][snippet["highlight_start_offset"] : snippet["highlight_end_offset"]] == code
    )
    start = told["range"]["start"]["column"]
    assert told["range"]["end"] == {"line": 7, "column": start + len(code)}


def test_a_refused_change_is_found_and_not_planned() -> None:
    told = list(plan_messages(PLANS["troubled"](), Naming()))
    planned = [one["change"] for one in told if one["type"] == "planned_change"]
    assert len(planned) == 2
    assert sum(one["type"] == "diagnostic" for one in told) == 6
