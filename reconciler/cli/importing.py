"""`reconciler import`: manifests from what is live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.ending import ERROR
from reconciler.cli.flags import manifest_flags, surroundings
from reconciler.cli.outcome import run, say, show
from reconciler.operations.importing import import_live, save

if TYPE_CHECKING:
    from reconciler.operations.sessions import Request


@click.command("import")
@manifest_flags
@click.option("--out", "out", metavar="DIR", help="Write a file for each scope; never over one.")
def verb(*, asked: Request, as_json: bool, out: str | None) -> int:
    """Give manifests of what is attached now; planning them right after changes nothing.

    The Scope is read from the manifests given; what they own already is left to them.
    """
    if as_json:
        raise click.UsageError("`import` writes YAML: leave `--json` out")
    around = surroundings()
    found = run(lambda: import_live(asked, around))
    if out is None:
        say("---\n".join(text for _, text in sorted(found.texts.items())))
    else:
        for path in save(Path(out), found):
            say(f"Written: {path}\n")
    show(found.findings)
    for scope in found.simulated:
        say(f"Scope {scope} is simulated.\n", err=True)
    return ERROR if found.failed else 0
