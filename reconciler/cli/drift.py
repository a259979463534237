"""`reconciler drift`: live against what was last applied, read-only by construction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.ending import ERROR
from reconciler.cli.flags import manifest_flags, surroundings
from reconciler.cli.history import when
from reconciler.cli.outcome import run, say, show, waits
from reconciler.model.counting import counted
from reconciler.model.watching import Answer
from reconciler.operations.drift import drift
from reconciler.operations.offline import drift_with_snapshot
from reconciler.report.drift import drift_document, drift_text
from reconciler.report.escape import plain

if TYPE_CHECKING:
    from reconciler.operations.asked import Request
    from reconciler.operations.drift import Drifted

DRIFTED = 2


@click.command("drift")
@manifest_flags
@click.option(
    "--snapshot",
    "snapshot",
    metavar="FILE",
    help="Also write what was seen, cut to what the manifests name and signed, for `plan "
    "--offline`.",
)
def verb(*, asked: Request, as_json: bool, snapshot: str | None) -> int:
    """Show what differs: live from the last apply, the manifests from it, or both.

    0: in line, 2: drift or conflict, 1: error or a scope that can't be read. What is pending
    waits for an apply and is no drift.
    """
    around = surroundings()
    if snapshot is None:
        found = run(lambda: drift(asked, around, waits))
    else:
        path = Path(snapshot)
        found = run(lambda: drift_with_snapshot(asked, around, path, waits))
        scopes = counted(len(found.scopes), "scope")
        say(f"Snapshot of {scopes} saved to {plain(snapshot)}.\n", err=True)
    document = drift_document(found.scopes, found.findings, when)
    say(json.dumps(document, indent=2, sort_keys=True) + "\n" if as_json else drift_text(document))
    show((*found.findings, *(finding for scope in found.scopes for finding in scope.findings)))
    return exit_code(found)


def exit_code(found: Drifted) -> int:
    """Give the exit code by the command line's table."""
    if found.findings:
        return ERROR
    differs = (one for scope in found.scopes for one in scope.comparison.differences)
    return DRIFTED if any(one.answer is not Answer.PENDING for one in differs) else 0
