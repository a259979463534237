"""What a run tells, as the messages of Terraform's machine-readable UI: an object a message.

Everything of ours is under `reconciler`. Who prints a message adds its `@timestamp`.
Source: Terraform, "Machine-readable UI Output Reference", version 1.2 of its messages. Positions
have no `byte`: only lines and columns are known here.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, cast

from reconciler.model.plan import Standing
from reconciler.report.document import TERRAFORM_SHAPE, address
from reconciler.report.escape import plain
from reconciler.report.run import DOING, DONE, run_text
from reconciler.report.text import attachment, counts_line
from reconciler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.watching import Tick
    from reconciler.report.document import Document

    Row = Mapping[str, object]

MODULE = "reconciler.ui"
UI = "1.2"
ACTIONS = {
    "attach": "create",
    "detach": "delete",
    "move": "replace",
    "update": "update",
    "destroy": "delete",
}
"""Action or verb -> Terraform's word."""
LEVELS = {"error": "error", "warning": "warn", "note": "info"}
SEVERITIES = {"error": "error", "warning": "warning", "note": "warning"}
"""Terraform knows two."""
WORD = re.compile(r"[^\s,:\[\]{}]+|.?")
"""What a diagnostic's place points at: the word that begins there."""


def message(kind: str, text: str, members: Row, level: str = "info") -> Document:
    """Give a message of a type; its words are plain, its members are what they are."""
    head = {"@level": level, "@message": plain(text), "@module": MODULE, "type": kind}
    return {**head, **members}


def version_message() -> Document:
    """Give the first message of every run."""
    told = {"terraform": TERRAFORM_SHAPE, "ui": UI, "reconciler": {"version": __version__}}
    return message("version", f"reconciler {__version__}", told)


class Naming:
    """What a plan or a look calls its attachments: by the cloud's ids, in people's words."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._providers: dict[str, str] = {}

    def learn(self, document: Document) -> None:
        """Take the names of a plan."""
        ours = cast("Mapping[str, Sequence[Row]]", document["reconciler"])
        for scope in ours["scopes"]:
            self._providers[str(scope["name"])] = str(scope["provider"])
        for change in ours["changes"]:
            for end in ("server", "volume", "from"):
                if change[f"{end}_id"] is not None:
                    there = (str(change["scope"]), str(change[f"{end}_id"]))
                    self._names[there] = str(change[end])

    def meet(self, tick: Tick) -> None:
        """Take the names of what a look saw."""
        if tick.provider:
            self._providers[tick.scope] = tick.provider
        named = chain(
            ((one.key, one.name) for one in tick.attachments),
            ((one.key, one.name) for one in tick.differences),
        )
        for key, name in named:
            self._names[key.scope, key.server_id] = name.server
            self._names[key.scope, key.volume_id] = name.volume

    def names(self, key: AttachmentKey) -> tuple[str, str]:
        """Give server and volume, by id where no name is known; foreign text, as it is."""
        server, volume = (key.scope, key.server_id), (key.scope, key.volume_id)
        return self._names.get(server, key.server_id), self._names.get(volume, key.volume_id)

    def told(self, key: AttachmentKey) -> str:
        """Give `SERVER/VOLUME`."""
        return "/".join(self.names(key))

    def subject(self, key: AttachmentKey) -> Document:
        """Give the attachment as Terraform's messages name what they speak of."""
        return _subject(address(key), self._providers.get(key.scope, ""))


def _subject(named: Row, provider: str) -> Document:
    return {
        "addr": named["address"],
        "module": "",
        "resource": named["address"],
        "implied_provider": provider,
        "resource_type": named["type"],
        "resource_name": named["name"],
        "resource_key": named["index"],
    }


def plan_messages(document: Document, naming: Naming) -> Iterator[Document]:
    """Give what is found, what would be changed, and the summary of a plan."""
    ours = cast("Mapping[str, Sequence[Row]]", document["reconciler"])
    naming.learn(document)
    for finding in ours["findings"]:
        yield finding_message(finding)
    rows = cast("Sequence[Row]", document["resource_changes"])
    for change, row in zip(ours["changes"], rows, strict=True):
        if change["standing"] != Standing.PERMITTED.value:
            continue
        action = str(change["action"])
        named = _subject(row, str(row["provider_name"]))
        text = f"{attachment(change)}: {action} is planned: {change['reason']}"
        planned = {"resource": named, "action": ACTIONS[action]}
        yield message("planned_change", text, {"change": planned, "reconciler": dict(change)})
    counts = cast("Mapping[str, int]", ours["counts"])
    told = {name: ours[name] for name in ("counts", "forecast", "digest")}
    members = {"changes": summed(counts, "plan"), "reconciler": told}
    yield message("change_summary", counts_line(ours), members)


def summed(counts: Mapping[str, int], operation: str) -> Document:
    """Give changes by action as Terraform counts them; a move is one added and one removed."""
    return {
        "add": counts["attach"] + counts["move"],
        "change": counts["update"],
        "import": 0,
        "remove": counts["detach"] + counts["move"] + counts["destroy"],
        "operation": operation,
    }


def finding_message(finding: Row) -> Document:
    """Give one finding as a diagnostic."""
    severity = str(finding["severity"])
    told: Document = {
        "severity": SEVERITIES[severity],
        "summary": finding["summary"],
        "detail": finding["hint"],
    }
    place = cast("Row | None", finding["place"])
    if place is not None and place["line"]:
        told |= _place(place)
    words = f"{severity.capitalize()}: {finding['summary']}"
    members = {"diagnostic": told, "reconciler": dict(finding)}
    return message("diagnostic", words, members, LEVELS[severity])


def _place(place: Row) -> Document:
    text, column = str(place["text"]), cast("int", place["column"])
    found = WORD.match(text, column - 1)
    length = len(found[0]) if found else 0
    start = {"line": place["line"], "column": column}
    told: Document = {
        "range": {
            "filename": place["file"],
            "start": start,
            "end": {"line": place["line"], "column": column + length},
        }
    }
    if text:
        told["snippet"] = {
            "context": None,
            "code": text,
            "start_line": place["line"],
            "highlight_start_offset": column - 1,
            "highlight_end_offset": column - 1 + length,
            "values": [],
        }
    return told


def started_messages(naming: Naming, step: str, call: Call) -> Iterator[Document]:
    """Tell for each attachment of a call that it is about to be made."""
    for key in call.keys:
        text = f"{naming.told(key)}: {DOING[call.verb.value]} ..."
        yield message("apply_start", text, _hook(naming, step, call, key))


def progress_messages(naming: Naming, step: str, call: Call, seconds: float) -> Iterator[Document]:
    """Tell for each attachment of a call that it still is under way."""
    for key in call.keys:
        text = f"{naming.told(key)}: still {DOING[call.verb.value]} after {seconds:.0f} s"
        yield message("apply_progress", text, _hook(naming, step, call, key, seconds))


def ended_messages(
    naming: Naming, step: str, call: Call, outcomes: Outcomes, seconds: float
) -> Iterator[Document]:
    """Tell what became of each attachment of a call."""
    for key, outcome in sorted(outcomes.items(), key=lambda pair: pair[0]):
        yield _ended(naming, step, call, (key, outcome), seconds)


def _ended(
    naming: Naming, step: str, call: Call, outcome: tuple[AttachmentKey, Outcome], seconds: float
) -> Document:
    key, became = outcome
    done = became.verdict.value == "done"
    word = (
        DONE.get(call.verb.value, "done") if done else f"{call.verb.value} {became.verdict.value}"
    )
    members = _hook(naming, step, call, key, seconds)
    if done:
        members["hook"] |= {"id_key": "id", "id_value": f"{key.server_id}/{key.volume_id}"}
    members["reconciler"] |= {
        "verdict": became.verdict.value,
        "code": became.code,
        "message": became.message,
        "request_id": became.request_id,
    }
    said = f": {became.message}" if became.message and not done else ""
    text = f"{naming.told(key)}: {word} after {seconds:.0f} s{said}"
    kind, level = ("apply_complete", "info") if done else ("apply_errored", "error")
    return message(kind, text, members, level)


def _hook(
    naming: Naming, step: str, call: Call, key: AttachmentKey, seconds: float | None = None
) -> dict[str, Document]:
    server, volume = naming.names(key)
    hook: Document = {
        "resource": naming.subject(key),
        "action": ACTIONS.get(call.verb.value, "update"),
    }
    if seconds is not None:
        hook["elapsed_seconds"] = round(seconds)
    told: Document = {
        "scope": key.scope,
        "step": step,
        "verb": call.verb.value,
        "server": server,
        "server_id": key.server_id,
        "volume": volume,
        "volume_id": key.volume_id,
    }
    return {"hook": hook, "reconciler": told}


def run_messages(document: Document, findings: Sequence[Row]) -> Iterator[Document]:
    """Give the end of a run: a diagnostic for what isn't done, then the summary."""
    for finding in findings:
        yield finding_message(finding)
    for row in cast("Sequence[Row]", document["open"]):
        summary = f"{row['action']} {attachment(row)}: {row['verdict']}"
        told = {"severity": "error", "summary": summary, "detail": row["message"]}
        told_of = {"diagnostic": told, "reconciler": dict(row)}
        yield message("diagnostic", f"Error: {summary}", told_of, "error")
    counts = cast("Mapping[str, int]", document["done"])
    lines = run_text(document).splitlines()
    closing = [line for line in lines if line.startswith("Apply ")]
    text = closing[0] if closing else "Apply complete. There was nothing to do."
    ours = {name: value for name, value in document.items() if name not in {"open", "scopes"}}
    yield message("change_summary", text, {"changes": summed(counts, "apply"), "reconciler": ours})
