"""`reconciler providers`: what each cloud can do."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from reconciler.operations.providers import provider_rows
from reconciler.report.listing import rows_text


@click.command("providers")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verb(*, as_json: bool) -> int:
    """Show what each provider can do; no network."""
    rows = provider_rows(datetime.now(tz=UTC).date())
    if as_json:
        click.echo(json.dumps({"providers": rows}, indent=2, sort_keys=True))
    else:
        click.echo(rows_text(rows), nl=False)
    return 0
