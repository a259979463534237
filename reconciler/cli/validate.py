"""`reconciler validate`: read and cross-check manifests, without a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.ending import ERROR
from reconciler.cli.flags import chosen_format, manifest_flags
from reconciler.cli.outcome import say, show
from reconciler.operations.validate import check
from reconciler.report.document import finding_row, plan_document
from reconciler.report.formats import rendered

if TYPE_CHECKING:
    from reconciler.operations.asked import Request

FORMS = ("text", "json", "sarif")
"""What manifests alone can be told as: there is neither a plan nor a count."""


@click.command("validate")
@manifest_flags
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    metavar="FORMAT",
    help=f"How to print it: {', '.join(FORMS)}. [default: text]",
)
def verb(*, asked: Request, as_json: bool, form: str | None) -> int:
    """Read and cross-check manifests; no network."""
    form = chosen_format(form, as_json=as_json)
    checked = check(asked)
    if form == "sarif":
        say(rendered(plan_document((), checked.findings), form))
    elif form == "json":
        rows = [finding_row(finding) for finding in checked.findings]
        told = {"valid": checked.valid, "findings": rows}
        say(json.dumps(told, indent=2, sort_keys=True) + "\n")
    else:
        show(checked.findings)
        if checked.valid:
            say(f"Valid. Scopes: {checked.scopes}, entries: {checked.entries}.\n")
    return 0 if checked.valid else ERROR
