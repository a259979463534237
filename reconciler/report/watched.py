"""What a service saw and did, as the journal keeps it: as documents and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.model.counting import counted
from reconciler.report.escape import plain
from reconciler.report.history import ID_LENGTH, table
from reconciler.report.watch import correction_row, difference_row, tick_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.watching import Correction, Difference, Tick
    from reconciler.report.document import Document
    from reconciler.report.drift import When

HEAD = ("ANSWER", "KIND", "ATTACHMENT", "FIRST SEEN", "LAST SEEN", "GONE", "CORRECTED BY")
CORRECTED = ("AT", "RUN", "ACTION", "ATTACHMENT", "VERDICT", "CODE")
KEPT = ("scope", "began", "seconds", "looked", "counts", "findings", "run", "commit", "requests")
"""The members of a tick that the journal keeps."""


def watched_document(
    ticks: Sequence[Tick],
    differences: Sequence[Difference],
    corrections: Sequence[Correction],
    when: When,
) -> Document:
    """Give plain JSON, newest first."""
    return {
        "ticks": [
            {name: value for name, value in tick_document(tick, when).items() if name in KEPT}
            for tick in ticks
        ],
        "differences": [
            {"answer": one.answer.value}
            | {name: v for name, v in difference_row(one, when).items() if name != "held"}
            for one in differences
        ],
        "corrections": [correction_row(one, when) for one in corrections],
    }


def watched_text(document: Document) -> str:
    """Give the same as tables, and the ticks as a count; empty where no service ever looked."""
    return "".join(_parts(document))


def _parts(document: Document) -> Iterator[str]:
    ticks = cast("list[Document]", document["ticks"])
    if not ticks:
        return
    failed = sum(not tick["looked"] for tick in ticks)
    last = ticks[0]["began"]
    looks = counted(len(ticks), "look")
    yield f"\n{looks}, {failed} of which saw nothing; the last one at {last}.\n"
    differences = cast("list[Document]", document["differences"])
    if differences:
        yield "\n" + table([HEAD, *(_difference(one) for one in differences)])
    corrections = cast("list[Document]", document["corrections"])
    if corrections:
        yield "\n" + table([CORRECTED, *(_correction(one) for one in corrections)])


def _difference(one: Document) -> tuple[str, ...]:
    found = f" (on {plain(str(one['found_on']))})" if one["found_on"] else ""
    moments = (one["since"], one["last_seen"], one["gone"] or "lasts")
    run = str(one["run"] or "-")[:ID_LENGTH]
    there = f"{_there(one)}{found}"
    return (str(one["answer"]), str(one["kind"]), there, *(str(m) for m in moments), run)


def _correction(one: Document) -> tuple[str, ...]:
    run, code = str(one["run"])[:ID_LENGTH], plain(str(one["code"] or "-"))
    return (str(one["at"]), run, str(one["action"]), _there(one), str(one["verdict"]), code)


def _there(one: Document) -> str:
    parts = (plain(str(one[name])) for name in ("scope", "server", "volume"))
    return "{}:{}/{}".format(*parts)
