"""The calls of a run -> what it did in all, and the entries that take it back."""

from __future__ import annotations

import pytest

from reconciler.model.attachment import AttachmentKey
from reconciler.model.history import PastCall, PastVerdict
from reconciler.planning.undoing import done_by, entries_of

PAIR = ("s", "v")
KEY = AttachmentKey("shop", *PAIR)


def call(
    verb: str,
    *verdicts: str,
    run: str = "run-1",
    had: bool | None = None,
) -> PastCall:
    """Give a call about one attachment and what became of it."""
    said = tuple(
        PastVerdict(
            server_id=PAIR[0],
            volume_id=PAIR[1],
            verdict=verdict,
            code="",
            message="",
            request_id="",
            took_s=None,
            at_s=0.0,
            run=None,
        )
        for verdict in verdicts
    )
    return PastCall(
        intent_id=1,
        run=run,
        step_id="step",
        label="web-1/disk",
        verb=verb,
        attachments=(PAIR,),
        had={} if had is None else {PAIR: had},
        at_s=0.0,
        handle=None,
        verdicts=said,
    )


ROWS: dict[str, tuple[list[PastCall], str]] = {
    "what was attached goes": ([call("attach", "done")], "-"),
    "what was detached comes": ([call("detach", "done")], "+"),
    "with the flag that it had": ([call("detach", "done", had=True)], "+True"),
    "a flag is set back": ([call("update", "done", had=True)], "+True"),
    "a flag that nobody told isn't": ([call("update", "done")], ""),
    "a new attachment's flag goes with it": (
        [call("attach", "done"), call("update", "done")],
        "-",
    ),
    "the first flag of several counts": (
        [call("update", "done", had=False), call("detach", "done", had=True)],
        "+False",
    ),
    "what was put back stays, with its flag": (
        [call("detach", "done", had=True), call("attach", "done")],
        "+True",
    ),
    "what was put back stays": ([call("detach", "done"), call("attach", "done")], ""),
    "what failed did nothing": ([call("attach", "failed")], ""),
    "what was refused did nothing": ([call("detach", "refused")], ""),
    "a later word settles an unknown one": ([call("attach", "unknown", "done")], "-"),
    "what was adopted is another run's": ([call("attach", "done", run="run-0")], ""),
    "a status reset changes no attachment": ([call("reset", "done")], ""),
    "an unknown end stays": ([call("attach", "unknown")], "?"),
    "no verdict at all is an unknown end": ([call("attach")], "?"),
    "an unknown end after a known one": ([call("attach", "done"), call("detach")], "?"),
    "what was destroyed is told": ([call("destroy", "done")], "x"),
}


@pytest.mark.parametrize(("calls", "net"), ROWS.values(), ids=ROWS.keys())
def test_the_net_of_a_run(calls: list[PastCall], net: str) -> None:
    done = done_by(calls, "run-1", "shop")
    entries = entries_of(done, "run-1")
    said = ""
    for entry in entries:
        assert (entry.owner.text, entry.keeps_others) == ("s", True)
        said += "".join(
            f"+{'' if line.delete_on_termination is None else line.delete_on_termination}"
            for line in entry.listed or ()
        )
        said += "-" * len(entry.absent)
    said += "?" * len(done.unknown) + "x" * len(done.destroyed)
    assert said == net
    assert {*done.unknown, *done.destroyed, *done.nets} <= {KEY}
