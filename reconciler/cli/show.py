"""`reconciler show`: a saved plan or a past run once more, in any format that fits it."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.flags import FORMAT_FLAG, chosen_format, surroundings
from reconciler.cli.history import when
from reconciler.cli.outcome import say, told_as
from reconciler.operations.history import one_run
from reconciler.operations.planfile import shown
from reconciler.report.escape import json_text
from reconciler.report.history import run_document, run_text

RUN_FORMATS = ("text", "json")
"""What a past run can be told as: it has no manifest lines, no findings and no counts to come."""


@click.command("show")
@click.argument("subject", metavar="PLANFILE|RUN")
@FORMAT_FLAG
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--no-color", is_flag=True, help="No colour; so does NO_COLOR.")
def verb(*, subject: str, form: str | None, as_json: bool, no_color: bool) -> int:
    """Print a saved plan again, or a past run by the first characters of its id.

    No cloud is asked: a plan is what it was when it was saved. A file of that name comes first.
    """
    del no_color
    form = chosen_format(form, as_json=as_json)
    path = Path(subject)
    if path.exists() or "/" in subject:
        say(shown(path, lambda document: told_as(document, form)))
        return 0
    if form not in RUN_FORMATS:
        raise click.UsageError(
            f"a run is shown as {' or '.join(RUN_FORMATS)}: `--format {form}` is for a PLANFILE, "
            f"and there is no file `{subject}`"
        )
    document = run_document(one_run(subject, surroundings()), when)
    say(json_text(document) + "\n" if form == "json" else run_text(document))
    return 0
