"""`reconciler lock`: who may change which cloud now, and ending a lease by hand."""

from __future__ import annotations

import json
import os

import click

from reconciler.cli.asking import answer
from reconciler.cli.ending import REFUSED
from reconciler.cli.flags import surroundings
from reconciler.cli.history import when
from reconciler.cli.outcome import say
from reconciler.operations import lease
from reconciler.report.history import leases_document, leases_text

ASKED = """
{lease}
Its run stops before its next request, and what it has in flight is in the journal. A run that is
alive ends its lease by itself, and one that was killed loses it within seconds.

  Only 'yes' will be accepted to end it.

  Enter a value: """


@click.group("lock")
def verb() -> None:
    """Show who holds which lease, or end one.

    A run that changes a cloud holds its lease meanwhile; plans and looks hold none. One in a
    SQLite journal is local: it binds the runs of one machine.
    """


@verb.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def listing(*, as_json: bool) -> int:
    """Show every lease that is held: its owner, operation, since and until when."""
    document = leases_document(lease.holders(surroundings()), when)
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    say(text if as_json else leases_text(document))
    return 0


@verb.command("release")
@click.argument("lease_id", metavar="ID")
def release(*, lease_id: str) -> int:
    """End the lease ID, after asking. Exits with 3 where nobody says `yes`."""
    around = surroundings()
    holder = lease.holder(lease_id, around)
    told = leases_text(leases_document([holder], when))
    silent = os.environ.get("RECONCILER_INPUT") == "0"
    if silent or answer(ASKED.format(lease=told)) != "yes":
        say("error[not-approved]: nobody said `yes`, and the lease stands\n", err=True)
        say("   = hint: answer `yes` when asked\n", err=True)
        return REFUSED
    ended = lease.take_away(holder, around)
    say(f"Lease {holder.id} is ended.\n" if ended else f"Lease {holder.id} had ended by itself.\n")
    return 0
