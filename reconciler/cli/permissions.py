"""`reconciler permissions`: the least that the credentials of these manifests must be allowed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.flags import manifest_flags
from reconciler.cli.outcome import say
from reconciler.operations.permissions import needed
from reconciler.report.listing import permissions_text

if TYPE_CHECKING:
    from reconciler.operations.asked import Request


@click.command("permissions")
@manifest_flags
def verb(*, asked: Request, as_json: bool) -> int:
    """Show the least IAM permissions that these manifests need, a scope at a time; no network."""
    rows = needed(asked)
    if as_json:
        say(json.dumps({"scopes": rows}, indent=2, sort_keys=True) + "\n")
    else:
        say(permissions_text(rows))
    return 0
