"""What became of a run, as a document and as its closing lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reconciler.model.outcome import Verdict
from reconciler.report.escape import plain
from reconciler.report.history import ID_LENGTH
from reconciler.report.text import attachment, in_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change
    from reconciler.report.document import Document

DONE = {
    "attach": "attached",
    "detach": "detached",
    "move": "moved",
    "update": "updated",
    "destroy": "destroyed",
}
"""Action -> the word for it once it is confirmed."""
DOING = {
    "attach": "attaching",
    "detach": "detaching",
    "update": "updating",
    "destroy": "destroying",
    "reset": "resetting",
}
"""Verb -> the word while a call of it is under way."""

AFTER_ATTACH = "after-attach"
"""The code of an attach that is done and whose hook failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What is told of a run."""

    plan: Document
    """The document of the plan that was made."""
    results: Sequence[tuple[Change, Verdict, Outcome]]
    requests: int
    seconds: float
    complete: bool
    """True when everything in the selection is confirmed: exit code 0, and only then."""
    refused: bool
    """True when it was held back and nothing was sent."""
    run: str = ""
    """Its id; empty: the history has nothing of it, because nothing was adopted or changed."""


def run_document(report: RunReport) -> Document:
    """Give plain JSON; the counts of refused and unknown include what the plan held back."""
    ours = cast("Mapping[str, object]", report.plan["reconciler"])
    counts = cast("Mapping[str, int]", ours["counts"])
    verdicts = [verdict for _, verdict, _ in report.results]
    done = [c.action.value for c, verdict, _ in report.results if verdict is Verdict.DONE]
    return {
        "run": report.run or None,
        "complete": report.complete,
        "refused_whole": report.refused,
        "done": {action: done.count(action) for action in DONE},
        "refused": counts["refused"] + verdicts.count(Verdict.REFUSED),
        "failed": verdicts.count(Verdict.FAILED),
        "unknown": counts["in_motion"] + counts["unknown"] + verdicts.count(Verdict.UNKNOWN),
        "requests": report.requests,
        "seconds": round(report.seconds, 1),
        "scopes": ours["scopes"],
        "in_line": not report.results and in_line(ours),
        "open": [
            _row(change, verdict, outcome)
            for change, verdict, outcome in report.results
            if verdict is not Verdict.DONE or outcome.after_attach
        ],
    }


def _row(change: Change, verdict: Verdict, outcome: Outcome) -> Document:
    return {
        "scope": change.key.scope,
        "action": change.action.value,
        "server": change.name.server,
        "volume": change.name.volume,
        "from": change.source_server or None,
        "verdict": verdict.value,
        "code": AFTER_ATTACH if outcome.after_attach else outcome.code,
        "message": outcome.after_attach or outcome.message,
        "request_id": outcome.request_id,
    }


def run_text(document: Document) -> str:
    """Give the closing lines of a run; where the plan said that all is well, its id at most."""
    lines = [*_known_as(document)]
    if document["refused_whole"]:
        lines += ["Apply refused. Nothing was sent."]
    elif not (document["complete"] and document["in_line"]):
        lines = [*_open(document), *lines, _counts(document), *_simulated(document)]
    return "".join(f"{line}\n" for line in lines)


def _known_as(document: Document) -> Iterator[str]:
    """Give the id of a run that the history has; above the lines that scripts take for the last."""
    if document["run"]:
        run = str(document["run"])[:ID_LENGTH]
        yield f"Run {run}: see `reconciler history {run}`."


def _open(document: Document) -> Iterator[str]:
    rows = cast("list[dict[str, object]]", document["open"])
    for row in rows:
        code = f" ({plain(str(row['code']))})" if row["code"] else ""
        asked = f" [request id {plain(str(row['request_id']))}]" if row["request_id"] else ""
        said = f": {plain(str(row['message']))}" if row["message"] else ""
        yield f"  {row['verdict']:<7} {row['action']} {attachment(row)}{code}{said}{asked}"
    if rows:
        yield ""


def _counts(document: Document) -> str:
    done = cast("dict[str, int]", document["done"])
    made = ", ".join(f"{done[action]} {word}" for action, word in DONE.items())
    cost = f"{document['requests']} API calls, {cast('float', document['seconds']):.0f} s."
    if document["complete"]:
        return f"Apply complete. {made}. {cost}"
    rest = f"{document['refused']} refused, {document['failed']} failed"
    return f"Apply incomplete. {made}, {rest}, {document['unknown']} unknown. {cost}"


def _simulated(document: Document) -> list[str]:
    scopes = cast("list[dict[str, object]]", document["scopes"])
    simulated = [plain(str(scope["name"])) for scope in scopes if scope["simulated"]]
    return [f"Scope {name} is simulated." for name in simulated]
