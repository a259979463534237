"""`reconciler fleet`: many scopes, shared between workers; without its extra only these words."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from reconciler.cli.flags import duration, lasting_manifest_flags
from reconciler.cli.page import Shown, address, counter_flags, reader_flags
from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from reconciler.operations.asked import Request

NEEDED = ("procrastinate", "psycopg", "psycopg_pool")
MOST_AT_ONCE = 64


def fleeting() -> ModuleType:
    """Give what the verbs do. Raises FindingsError without the extra."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise FindingsError(
            Finding(
                code="no-fleet-extra",
                summary=f"`reconciler fleet` needs {' and '.join(f'`{name}`' for name in missing)}",
                hint="pip install 'attachment-reconciler[fleet]'",
            )
        )
    return importlib.import_module("reconciler.cli.fleeting")


class Wishes(TypedDict):
    """How a worker works."""

    as_json: bool
    concurrency: int
    grace_s: float
    log_format: str


@click.group("fleet")
def verb() -> None:
    """Share many scopes between workers on many machines.

    Each worker has the same manifests, credentials of its own, and RECONCILER_DATABASE_URL.
    """


@verb.command("apply-schema")
def apply_schema() -> int:
    """Make the fleet's tables, or bring them forward; run it while no worker runs."""
    code: int = fleeting().apply_schema()
    return code


@verb.command("worker")
@lasting_manifest_flags
@click.option(
    "--concurrency",
    type=click.IntRange(1, MOST_AT_ONCE),
    default=4,
    show_default=True,
    metavar="N",
    help="How many scopes to look at at once.",
)
@click.option(
    "--grace",
    "grace_s",
    type=duration,
    default="60s",
    show_default=True,
    metavar="DURATION",
    help="How long what is in flight may take to end once it is told to stop.",
)
@click.option(
    "--log-format",
    envvar="RECONCILER_LOG_FORMAT",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to log to stderr.",
)
@counter_flags
def worker(
    *,
    asked: Request,
    listen_metrics: tuple[str, int] | None,
    metrics_file: Path | None,
    token_file: Path | None,
    behind_proxy: bool,
    public_hosts: tuple[str, ...],
    **wishes: Unpack[Wishes],
) -> int:
    """Take scopes from the queue, look at each, and correct drift where its schedule says so.

    Any number of workers may run. SIGTERM: nothing new begins, and what is in flight ends, within
    --grace.
    """
    shown = Shown(
        listen=None,
        listen_metrics=listen_metrics,
        metrics_file=metrics_file,
        token_file=token_file,
        behind_proxy=behind_proxy,
        public_hosts=public_hosts,
    )
    code: int = fleeting().worker(asked, shown, **wishes)
    return code


@verb.command("schedule")
@lasting_manifest_flags
def schedule(*, asked: Request, as_json: bool) -> int:
    """Show when each scope is due, from `kind: Schedule`. No database is asked."""
    code: int = fleeting().schedule(asked, as_json=as_json)
    return code


@verb.command("status")
@lasting_manifest_flags
@click.option("--search", default="", metavar="TEXT", help="Only scopes whose name has TEXT in it.")
@click.option("--after", default="", metavar="SCOPE", help="Only scopes that come after this one.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    metavar="N",
    help="How many scopes to show.",
)
def status(*, asked: Request, as_json: bool, search: str, after: str, limit: int) -> int:
    """Show workers, the queue, scopes, and who holds which lease."""
    code: int = fleeting().status(asked, as_json=as_json, search=search, page=(after, limit))
    return code


@verb.command("page")
@lasting_manifest_flags
@click.option(
    "--listen",
    type=address,
    default="127.0.0.1:8471",
    show_default=True,
    metavar="HOST:PORT",
    help="Show the page there.",
)
@reader_flags
def page(
    *,
    asked: Request,
    as_json: bool,
    listen: tuple[str, int],
    token_file: Path | None,
    behind_proxy: bool,
    public_hosts: tuple[str, ...],
) -> int:
    """Show scopes, workers, the queue and leases as a page; read-only, one is enough."""
    del as_json
    shown = Shown(
        listen=listen,
        listen_metrics=None,
        metrics_file=None,
        token_file=token_file,
        behind_proxy=behind_proxy,
        public_hosts=public_hosts,
    )
    code: int = fleeting().show_page(asked, shown)
    return code


@verb.command("pause")
@lasting_manifest_flags
@click.argument("scope", metavar="SCOPE")
def pause(*, asked: Request, as_json: bool, scope: str) -> int:
    """Let no worker look at SCOPE from now on; a look that goes on ends."""
    del as_json
    code: int = fleeting().pause(asked, scope)
    return code


@verb.command("resume")
@click.argument("scope", metavar="SCOPE")
def resume(*, scope: str) -> int:
    """Let workers look at SCOPE again, by its schedule."""
    code: int = fleeting().resume(scope)
    return code


@verb.command("run")
@lasting_manifest_flags
@click.argument("scope", metavar="SCOPE")
def run_now(*, asked: Request, as_json: bool, scope: str) -> int:
    """Queue a look at SCOPE before all others; a worker makes it."""
    del as_json
    code: int = fleeting().run_now(asked, scope)
    return code
