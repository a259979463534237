"""`reconciler drift`: live against what was last applied, read-only by construction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.flags import manifest_flags, surroundings
from reconciler.cli.history import when
from reconciler.cli.outcome import ERROR, run, say, show
from reconciler.model.watching import Answer
from reconciler.operations.drift import drift
from reconciler.report.drift import drift_document, drift_text

if TYPE_CHECKING:
    from reconciler.operations.asked import Request
    from reconciler.operations.drift import Drifted

DRIFTED = 2


@click.command("drift")
@manifest_flags
def verb(*, asked: Request, as_json: bool) -> int:
    """Show what differs: live from the last apply, the manifests from it, or both.

    0: in line, 2: drift or conflict, 1: error or a scope that can't be read. What is pending
    waits for an apply and is no drift.
    """
    around = surroundings()
    found = run(lambda: drift(asked, around))
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
