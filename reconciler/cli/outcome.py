"""What every verb does with what goes wrong: diagnostics on stderr, an exit code, no traceback."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeVar, cast

from reconciler.cli.ending import ERROR, INCOMPLETE
from reconciler.cli.terminal import annotating, look
from reconciler.errors import JournalError, ReconcilerError
from reconciler.model.counting import counted
from reconciler.model.finding import Finding, FindingsError
from reconciler.report.document import finding_row
from reconciler.report.escape import plain
from reconciler.report.formats import rendered
from reconciler.report.text import SHOWN_FINDINGS, finding_lines, plan_text
from reconciler.report.workflow import annotation

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
    from typing import TextIO

    from reconciler.report.document import Document

T = TypeVar("T")

CLOUD = ("cloud", "run again; what was in flight is in the journal")
"""What a failure is called that reached nobody's hands, and the next step."""


def run(use_case: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run a use case on an event loop of its own."""
    import asyncio  # noqa: PLC0415 - verbs that ask no cloud start without it

    ended: list[object] = []

    async def whole() -> None:
        # Not returned: asyncio restores SIGINT after the end, and Python writes out the handler
        # for that, unseen, with the task that it holds and its result. 100,000 rows take seconds.
        ended.append(await use_case())

    asyncio.run(whole())
    # A circle: only the collector would give it back, and `program` ends without it. One by one, a
    # million attachments take a second.
    ended.append(ended)
    return cast("T", ended[0])


def say(text: str, *, err: bool = False, stream: TextIO | None = None) -> None:
    """Print to stdout or stderr; whoever went away from its other end changes nothing here.

    A run that has begun is not ended by a closed pipe, and its exit code stays what it is. `stream`
    is what stderr was before something else took its place.
    """
    stream = stream or (sys.stderr if err else sys.stdout)
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        # From now on nobody is there: the interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def waits(text: str) -> None:
    """Say on stderr what is waited for, so that nobody takes it for silence."""
    say(f"{plain(text)} ...\n", err=True)


def told_as(document: Document, form: str) -> str:
    """Give a plan's document in one format; text as this terminal can show it."""
    return plan_text(document, look(sys.stdout)) if form == "text" else rendered(document, form)


def told(error: ReconcilerError | BaseExceptionGroup[BaseException]) -> int:
    """Show what ended a verb and give its exit code; what isn't ours is a bug and is raised on."""
    if isinstance(error, ReconcilerError):
        return _shown([error], ERROR)
    known, unknown = error.split(ReconcilerError)
    if unknown is not None or known is None:
        raise error
    # A group comes from the tasks of a run: something may have been sent by then.
    return _shown(list(_leaves(known)), INCOMPLETE)


def findings_of(error: BaseException) -> Iterator[Finding]:
    """Give what is to be told of an error that ends a verb; none for what isn't ours."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from findings_of(one)
    elif isinstance(error, FindingsError):
        yield from error.findings
    elif isinstance(error, ReconcilerError):
        kind, hint = _named(error)
        yield Finding(code=kind, summary=str(error), hint=hint)


def _leaves(group: BaseExceptionGroup[ReconcilerError]) -> Iterator[ReconcilerError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _shown(errors: list[ReconcilerError], code: int) -> int:
    show(found for error in errors if isinstance(error, FindingsError) for found in error.findings)
    others = {(*_named(e), str(e)) for e in errors if not isinstance(e, FindingsError)}
    for kind, hint, text in sorted(others):
        head = look(sys.stderr).paint("error", f"error[{kind}]")
        say(f"{head}: {plain(text)}\n", err=True)
        say(f"   = hint: {plain(hint)}\n", err=True)
    return code


def _named(error: ReconcilerError) -> tuple[str, str]:
    return (error.code, error.hint) if isinstance(error, JournalError) else CLOUD


def show(findings: Iterable[Finding]) -> None:
    """Print diagnostics to stderr: the first ones, and a count of the others."""
    ordered = sorted(set(findings), key=lambda finding: finding.order)
    rows = [finding_row(finding) for finding in ordered]
    for row in rows[:SHOWN_FINDINGS]:
        for line in finding_lines(row, look(sys.stderr)):
            say(f"{line}\n", err=True)
        say("\n", err=True)
    if len(rows) > SHOWN_FINDINGS:
        say(f"and {counted(len(rows) - SHOWN_FINDINGS, 'more finding')}\n", err=True)
    if ordered:
        say(f"More about a code: `reconciler explain-code {ordered[0].code}`\n", err=True)
    annotate(rows)


def annotate(rows: Iterable[Mapping[str, object]], *, besides: Iterable[Finding] = ()) -> None:
    """Under GitHub Actions, put findings beside the lines that they speak of.

    On stderr, which a runner reads as it reads stdout; the result stays what it is. `besides` are
    those that `show` puts there.
    """
    if not annotating():
        return
    known = [finding_row(finding) for finding in set(besides)]
    for row in [row for row in rows if row not in known][:SHOWN_FINDINGS]:
        say(f"{annotation(row)}\n", err=True)
