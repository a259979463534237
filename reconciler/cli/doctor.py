"""`reconciler doctor`: stuck attachments, which view says what, and the next step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.ending import ERROR
from reconciler.cli.flags import manifest_flags, surroundings
from reconciler.cli.outcome import run, say, show
from reconciler.operations.doctor import examine
from reconciler.report.diagnosis import diagnosis_document, diagnosis_text

if TYPE_CHECKING:
    from reconciler.operations.sessions import Request

STUCK = 2


@click.command("doctor")
@manifest_flags
def verb(*, asked: Request, as_json: bool) -> int:
    """Show what is stuck, which view says what, and the least destructive next step.

    Exits with 0: nothing is stuck, 2: something is, 1: a scope can't be read.
    """
    around = surroundings()
    found = run(lambda: examine(asked, around))
    document = diagnosis_document(found.scopes, found.findings)
    if as_json:
        say(json.dumps(document, indent=2, sort_keys=True) + "\n")
    else:
        say(diagnosis_text(document))
    show(found.findings)
    if found.findings:
        return ERROR
    return STUCK if found.stuck else 0
