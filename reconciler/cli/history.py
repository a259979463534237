"""`reconciler history`: past runs, and what became of each call of one of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from reconciler.cli.flags import duration, surroundings
from reconciler.cli.outcome import say
from reconciler.operations.history import one_run, past_looks, past_runs
from reconciler.report.history import history_document, history_text, run_document, run_text
from reconciler.report.watched import watched_document, watched_text


@click.command("history")
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--since", type=duration, metavar="DURATION", help="Only the last 12h, 7d, ...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verb(*, run: str | None, since: float | None, as_json: bool) -> int:
    """List past runs, newest first; with RUN, the first characters of its id, show its calls.

    Where a service watches: its looks, what differed from when to when, what it corrected.

    What the journal knows: no cloud is asked.
    """
    if run is not None and since is not None:
        raise click.UsageError("`--since` lists runs: leave it or the RUN out")
    around = surroundings()
    if run is None:
        document = history_document(past_runs(around, since_s=since), when)
        seen = watched_document(*past_looks(around, since_s=since), when)
        text = history_text(document) + watched_text(seen)
        document |= seen
    else:
        document = run_document(one_run(run, around), when)
        text = run_text(document)
    say(json.dumps(document, indent=2, sort_keys=True) + "\n" if as_json else text)
    return 0


def when(seconds: float) -> str:
    """Give a moment in UTC, as people and machines read it."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
