"""`reconciler plan`: what would change, what it takes, what is refused and why."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from reconciler.cli.ending import ERROR, REFUSED, begins
from reconciler.cli.flags import (
    FORMAT_FLAG,
    chosen_format,
    manifest_flags,
    offline_flags,
    plan_flags,
    surroundings,
)
from reconciler.cli.outcome import annotate, findings_of, run, say, show, told_as, waits
from reconciler.errors import ReconcilerError
from reconciler.operations.offline import plan_offline
from reconciler.operations.planfile import held_back, save
from reconciler.operations.plans import plan_manifests
from reconciler.report.document import plan_document
from reconciler.report.escape import plain
from reconciler.report.formats import rendered
from reconciler.report.text import in_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.operations.asked import Surroundings
    from reconciler.operations.plans import Planned
    from reconciler.operations.sessions import Request

CHANGES = 2
REPORTS = {"markdown", "html", "junit", "sarif"}
"""What is published whatever comes: without a plan they tell why there is none. To what policies
and counters read, no plan must not look like one without changes."""


@click.command("plan")
@manifest_flags
@plan_flags
@offline_flags
@FORMAT_FLAG
@click.option("--out", "out", metavar="FILE", help="Save the plan, readable by you alone.")
@click.option(
    "--preflight", is_flag=True, help="Also ask the cloud whether plain attaches would pass."
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="0: nothing to do, 2: changes or owed hooks, 3: something refused, 1: error.",
)
def verb(
    *,
    asked: Request,
    as_json: bool,
    form: str | None,
    out: str | None,
    preflight: bool,
    detailed_exitcode: bool,
) -> int:
    """Show the changes, the calls they take, the time they will take, and what is refused."""
    form = chosen_format(form, as_json=as_json)
    _fits(asked, out=out, preflight=preflight)
    around = surroundings()
    try:
        planned = run(lambda: _made(asked, around, preflight=preflight))
    except (ReconcilerError, BaseExceptionGroup) as error:
        if form in REPORTS:
            say(rendered(plan_document((), list(findings_of(error))), form))
        raise
    if out is not None:
        save(Path(out), planned.whole, asked, planned.clouds)
    say(told_as(planned.document if form == "text" else planned.whole, form))
    if out is not None:
        say(_saved(out, planned, asked), err=form != "text")
    annotate(planned.found, besides=planned.findings)
    show(planned.findings)
    if asked.expect_digest not in {None, planned.digest}:
        say(f"error[digest-differs]: the plan's digest is `{planned.digest}`\n", err=True)
        say("   = hint: look at the plan again and approve its digest\n", err=True)
        return REFUSED
    return exit_code(planned, detailed=detailed_exitcode)


def _saved(out: str, planned: Planned, asked: Request) -> str:
    """Tell what a plan that was saved is good for."""
    refused = held_back(cast("Mapping[str, object]", planned.whole["reconciler"]))
    if refused:
        return f"Saved to {plain(out)}; it approves nothing: a guard held scope {refused} back.\n"
    again = " ".join((shlex.quote(plain(out)), *_consent(asked)))
    names = sorted({finding.scope for finding in planned.findings if finding.scope})
    unread = ", ".join(f"`{name}`" for name in names)
    lacks = f" without {unread}, which could not be read" if unread else ""
    return f"Saved to {plain(out)}{lacks}; apply exactly this with `reconciler apply {again}`.\n"


def _consent(asked: Request) -> Iterator[str]:
    """Give what a saved plan doesn't keep, because it is said to whoever sends something."""
    for scope, number in sorted((asked.acks or {}).items()):
        yield f"--ack-detach {scope}={number}" if scope else f"--ack-detach {number}"
    for volume in sorted(asked.destroys):
        yield f"--ack-destroy {shlex.quote(plain(volume))}"


def _fits(asked: Request, *, out: str | None, preflight: bool) -> None:
    """Raise UsageError for flags that mean nothing beside `--offline`, or beside `-f -`."""
    if asked.stdin is not None and out is not None:
        raise click.UsageError(
            "`apply` reads the manifests of a saved plan again, and `-f -` can be read once: give "
            "a file, or leave `--out` out"
        )
    if asked.snapshot is not None and out is not None:
        raise click.UsageError(
            "`--offline` approves nothing, so there is nothing to save: leave `--out` out"
        )
    if asked.snapshot is not None and preflight:
        raise click.UsageError("`--offline` asks no cloud, and `--preflight` does: leave one out")


async def _made(asked: Request, around: Surroundings, *, preflight: bool) -> Planned:
    if asked.snapshot is not None:
        return await plan_offline(asked, around)
    if preflight:
        begins()  # A cloud that takes the question for an attach is in the journal.
    return await plan_manifests(asked, around, preflight=preflight, tell=waits)


def exit_code(planned: Planned, *, detailed: bool) -> int:
    """Give the exit code of a plan, by the command line's table."""
    if planned.findings:
        return ERROR
    if not detailed:
        return 0
    ours = cast("Mapping[str, object]", planned.document["reconciler"])
    counts = cast("Mapping[str, int]", ours["counts"])
    plans = [scope.plan for scope in planned.scopes]
    if counts["refused"] or any(plan.refused for plan in plans):
        return REFUSED
    return 0 if in_line(ours) or all(plan.in_line for plan in plans) else CHANGES
