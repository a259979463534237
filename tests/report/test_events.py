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
    ended_message,
    finding_message,
    plan_messages,
    progress_messages,
    run_messages,
    started_messages,
)
from reconciler.report.run import RunReport, run_document
from tests.report.plans import PLANS, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.report.document import Document

DONE = Outcome(verdict=Verdict.DONE, request_id="req-1")
LOST = Outcome(verdict=Verdict.UNKNOWN, code="Ecs.0319", message="no\nanswer", request_id="req-2")
HEAD = {"@level": str, "@message": str, "@module": str, "type": str, "reconciler": dict}
MEMBERS: dict[str, dict[str, dict[str, type]]] = {
    "planned_change": {"change": {"resource": dict, "action": str}},
    "change_summary": {
        "changes": {"add": int, "change": int, "import": int, "remove": int, "operation": str}
    },
    "apply_start": {"hook": {"resource": dict, "action": str}},
    "apply_progress": {"hook": {"resource": dict, "action": str, "elapsed_seconds": int}},
    "apply_complete": {
        "hook": {
            "resource": dict,
            "action": str,
            "id_key": str,
            "id_value": str,
            "elapsed_seconds": int,
        }
    },
    "apply_errored": {"hook": {"resource": dict, "action": str, "elapsed_seconds": int}},
    "diagnostic": {"diagnostic": {"severity": str, "summary": str, "detail": str}},
}
"""Type -> its member's keys and types; Terraform's "Machine-readable UI Output Reference"."""
SUBJECT = {
    *("addr", "module", "resource", "implied_provider"),
    *("resource_type", "resource_name", "resource_key"),
}
MAY_HAVE = {"diagnostic": {"range", "snippet", "address"}, "planned_change": {"reason"}}


def whole_run() -> Iterator[Document]:
    """Give what a run of the ordinary plan would tell."""
    plan, naming = PLANS["ordinary"](), Naming()
    yield from plan_messages(plan, naming)
    keys = tuple(AttachmentKey("shop", f"id-db-{n}", "id-shared") for n in (2, 3))
    call = Call(verb=Verb.DETACH, keys=keys)
    yield from started_messages(naming, "detach:1", call)
    yield from progress_messages(naming, "detach:1", call, 10.4)
    for key, outcome in zip(keys, (DONE, LOST), strict=True):
        yield ended_message(naming, "detach:1", call, (key, outcome), 12.6)
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
    seen = set()
    for told in chain(whole_run(), troubled):
        one = json.loads(json_text(told))
        seen.add(one["type"])
        members = MEMBERS[one["type"]]
        assert one.keys() == {*HEAD, *members}
        assert all(isinstance(one[name], kind) for name, kind in HEAD.items())
        for member, keys in members.items():
            assert one[member].keys() - MAY_HAVE.get(one["type"], set()) == keys.keys()
            assert all(isinstance(one[member][name], kind) for name, kind in keys.items())
            if "resource" in keys:
                assert one[member]["resource"].keys() == SUBJECT
                assert all(isinstance(text, str) for text in one[member]["resource"].values())
        if one["type"] == "diagnostic":
            assert one["diagnostic"]["severity"] in {"error", "warning"}
    assert seen == MEMBERS.keys()


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
