"""A tick of a service: as one JSON object, and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.model.watching import Answer
from reconciler.report.document import finding_row
from reconciler.report.drift import row
from reconciler.report.escape import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.watching import Correction, Difference, Held, Tick
    from reconciler.report.document import Document
    from reconciler.report.drift import When


def tick_document(tick: Tick, when: When) -> Document:
    """Give plain JSON: the three answers apart, what was done, and why the rest was left."""
    answers = {
        answer.value: [difference_row(one, when) for one in tick.of(answer)] for answer in Answer
    }
    return {
        "scope": tick.scope,
        "began": when(tick.began_s),
        "seconds": round(tick.took_s, 3),
        "looked": tick.looked,
        "memory": "journal" if tick.remembered else "none",
        "counts": dict(sorted(tick.counts.items())),
        **answers,
        "appeared": len(tick.appeared),
        "gone": [difference_row(one, when) for one in tick.gone],
        "corrections": [correction_row(one, when) for one in tick.corrections],
        "fights": [
            {"server": f.name.server, "volume": f.name.volume, "until": when(f.until_s)}
            for f in tick.fights
        ],
        "breaker": tick.breaker.standing.value,
        "findings": [finding_row(finding) for finding in tick.findings],
        "run": tick.run,
        "commit": tick.commit,
        "requests": tick.requests,
        "next": when(tick.next_s) if tick.next_s is not None else None,
    }


def difference_row(one: Difference, when: When) -> Document:
    """Give one difference as plain JSON, with its moments and why it was left."""
    return row(one, when) | {
        "last_seen": when(one.last_s) if one.last_s else None,
        "gone": when(one.gone_s) if one.gone_s is not None else None,
        "run": one.run,
        "held": _held(one.held, when),
    }


def _held(held: Held | None, when: When) -> Document | None:
    if held is None:
        return None
    until = when(held.until_s) if held.until_s is not None else None
    return {"why": held.why.value, "words": held.words, "until": until}


def correction_row(one: Correction, when: When) -> Document:
    """Give one correction as plain JSON."""
    return {
        "scope": one.key.scope,
        "server": one.name.server,
        "server_id": one.key.server_id,
        "volume": one.name.volume,
        "volume_id": one.key.volume_id,
        "action": one.action.value,
        "verdict": one.verdict.value,
        "run": one.run,
        "at": when(one.at_s),
        "code": one.code,
        "message": one.message,
        "request_id": one.request_id,
    }


def tick_text(document: Document) -> str:
    """Give a line for the tick, and one for each thing that is new or was done in it."""
    return "".join(f"{line}\n" for line in _lines(document))


def tick_head(tick: Document) -> str:
    """Give the numbers of a tick in words."""
    if not tick["looked"]:
        return "could not look"
    counts = cast("dict[str, int]", tick["counts"])
    told = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return told or "nothing is attached"


def _lines(tick: Document) -> Iterator[str]:
    yield f"{tick['began']} {plain(str(tick['scope']))}: {tick_head(tick)}"
    for one in cast("list[Document]", tick["findings"]):
        yield f"  {one['severity']}[{one['code']}]: {plain(str(one['summary']))}"
    for answer in Answer:
        for one in cast("list[Document]", tick[answer.value]):
            yield f"  {answer.value}: {told_of(one)}"
    for one in cast("list[Document]", tick["corrections"]):
        said = f" ({plain(str(one['code']))})" if one["code"] else ""
        yield f"  {one['action']} {_there(one)}: {one['verdict']}{said}"
    for one in cast("list[Document]", tick["gone"]):
        yield f"  gone: {one['kind']} {_there(one)}, since {one['since']}"
    if tick["breaker"] != "closed":
        yield f"  the breaker is {tick['breaker']}: `reconciler watch --reset-breaker` closes it"


def told_of(one: Mapping[str, object]) -> str:
    """Give a difference in a line: what, where, since when, and why it is left."""
    return f"{one['kind']} {_there(one)}{_asides(one)}"


def _there(one: Mapping[str, object]) -> str:
    return f"{plain(str(one['server']))}/{plain(str(one['volume']))}"


def _asides(one: Mapping[str, object]) -> str:
    found = f", now on {plain(str(one['found_on']))}" if one["found_on"] else ""
    held = cast("dict[str, str] | None", one["held"])
    if held is None:
        return f"{found}, since {one['since']}"
    until = f" until {held['until']}" if held["until"] else ""
    words = f" ({plain(held['words'])})" if held["words"] else ""
    return f"{found}, since {one['since']}; left: {held['why']}{words}{until}"
