"""`reconciler live`: what is attached now, in both views."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.ending import ERROR
from reconciler.cli.flags import manifest_flags, surroundings
from reconciler.cli.outcome import run, show
from reconciler.operations.live import see
from reconciler.report.listing import live_document, live_text

if TYPE_CHECKING:
    from reconciler.operations.sessions import Request


@click.command("live")
@manifest_flags
def verb(*, asked: Request, as_json: bool) -> int:
    """Show what is attached now, as the server's side and the volume's side tell it."""
    around = surroundings()
    seen = run(lambda: see(asked, around))
    document = live_document(seen.scopes, seen.simulated)
    if as_json:
        click.echo(json.dumps(document, indent=2, sort_keys=True))
    else:
        click.echo(live_text(document), nl=False)
    show(seen.findings)
    return ERROR if seen.findings else 0
