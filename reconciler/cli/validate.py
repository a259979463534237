"""`reconciler validate`: read and cross-check manifests, without a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.flags import manifest_flags
from reconciler.cli.outcome import ERROR, show
from reconciler.operations.validate import check
from reconciler.report.document import finding_row

if TYPE_CHECKING:
    from reconciler.operations.asked import Request


@click.command("validate")
@manifest_flags
def verb(*, asked: Request, as_json: bool) -> int:
    """Read and cross-check manifests; no network."""
    checked = check(asked)
    if as_json:
        rows = [finding_row(finding) for finding in checked.findings]
        click.echo(json.dumps({"valid": checked.valid, "findings": rows}, indent=2, sort_keys=True))
    else:
        show(checked.findings)
        if checked.valid:
            click.echo(f"Valid. Scopes: {checked.scopes}, entries: {checked.entries}.")
    return 0 if checked.valid else ERROR
