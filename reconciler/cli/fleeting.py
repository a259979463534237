"""What the verbs of `reconciler fleet` do; needs its extra, so `cli/fleet.py` alone imports it."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.cli.ending import INTERRUPTED
from reconciler.cli.flags import surroundings
from reconciler.cli.fleetview import Overview, show
from reconciler.cli.history import when
from reconciler.cli.logs import log_as
from reconciler.cli.outcome import run, say
from reconciler.cli.showing import showing
from reconciler.cli.ticking import Lines, Messages
from reconciler.cli.watch import noticed
from reconciler.daemon.log import Log
from reconciler.fleet import database, standing
from reconciler.fleet.budget import SharedBudget
from reconciler.fleet.due import next_due_s
from reconciler.fleet.worker import Terms, Worker
from reconciler.operations import wiring
from reconciler.operations.ears import Ears, MetricsFile, shared_ears
from reconciler.operations.inforce import InForce, Overrides
from reconciler.report.escape import plain
from reconciler.report.fleet import fleet_text, schedule_text

if TYPE_CHECKING:
    from reconciler.cli.page import Shown
    from reconciler.operations.asked import Request
    from reconciler.ports import WatchListener
    from reconciler.report.document import Document


def apply_schema() -> int:
    """Make the tables of journal and fleet, and say what was made."""
    around = surroundings()
    url = database.database_url(around.environ)
    book = wiring.book(around, writing=True)
    assert book is not None, "it was opened for writing"
    book.close()
    made = database.apply_schema(url)
    for step in made:
        say(f"Made: {step}.\n")
    say(
        "The fleet's tables are there.\n" if made else "The fleet's tables are as they should be.\n"
    )
    return 0


def worker(
    asked: Request,
    shown: Shown,
    *,
    as_json: bool,
    concurrency: int,
    grace_s: float,
    log_format: str,
) -> int:
    """Work until a signal comes."""
    shown.check(once=False)
    log_as(log_format)
    around = surroundings()
    url = database.database_url(around.environ)
    in_force = InForce(asked, around, Overrides())
    lines = Messages() if as_json else Lines()
    with ExitStack() as stack:
        database.check_schema(url)
        book = wiring.book(around, writing=True)
        assert book is not None, "it was opened for writing"
        stack.callback(book.close)
        budget = stack.enter_context(SharedBudget(url))
        meter, teller = shared_ears(in_force, around, book)
        heard = Ears(meter=meter, teller=None)
        listeners: list[WatchListener] = [meter]
        if shown.metrics_file is not None:
            file = MetricsFile(meter.text, shown.metrics_file)
            stack.callback(file.attempt)
            listeners.append(file)
        if shown.listens:
            past = in_force.manifests, book.watched
            listeners.append(stack.enter_context(showing(shown, heard, *past, around)))
        terms = Terms(
            url=url,
            in_force=in_force,
            around=replace(around, book=book, budget=budget, traffic=meter.traffic),
            budget=budget,
            listeners=(Log(), lines, *listeners),
            looked=lines.looked,
            tell=teller.ticked if teller is not None else None,
            concurrency=concurrency,
            grace_s=grace_s,
        )
        return run(lambda: _work(terms))


async def _work(terms: Terms) -> int:
    """Work until a signal comes. Once: what is in flight ends. Twice: nobody waits."""
    stop = asyncio.Event()
    with noticed(stop) as came:
        try:
            await Worker(terms).run(stop)
        except asyncio.CancelledError:
            if not came:
                raise
            return INTERRUPTED
    return 0


def schedule(asked: Request, *, as_json: bool) -> int:
    """Print when each scope is due next."""
    in_force = InForce(asked, surroundings(), Overrides())
    now_s = time.time()
    rows = []
    for name in sorted(in_force.declared.scopes):
        found = in_force.schedule(name)
        next_s = next_due_s(found, name, now_s)
        rows.append(
            {
                "scope": name,
                "schedule": found.words,
                "corrects": found.correct,
                "next": when(next_s),
            }
        )
    document: Document = {"scopes": rows}
    _printed(document, schedule_text(document), as_json=as_json)
    return 0


def status(asked: Request, *, as_json: bool, search: str, page: tuple[str, int]) -> int:
    """Print how the fleet stands; of the scopes, a page."""
    around = surroundings()
    url = database.database_url(around.environ)
    database.check_schema(url)
    in_force = InForce(asked, around, Overrides())
    after, limit = page
    book = wiring.book(around, writing=True)
    assert book is not None, "it was opened for writing"
    with closing(book):
        document = Overview(url, in_force, replace(around, book=book)).overview(
            search, after, limit
        )
    _printed(document, fleet_text(document), as_json=as_json)
    return 0


def show_page(asked: Request, shown: Shown) -> int:
    """Show the fleet's page until a signal comes."""
    shown.check(once=False)
    around = surroundings()
    url = database.database_url(around.environ)
    in_force = InForce(asked, around, Overrides())
    database.check_schema(url)
    book = wiring.book(around, writing=True)
    assert book is not None, "it was opened for writing"
    with closing(book):
        opened = replace(around, book=book)
        return run(lambda: show(Overview(url, in_force, opened), in_force, shown, opened))


def pause(asked: Request, scope: str) -> int:
    """Pause a scope that is declared."""
    InForce(replace(asked, scopes=(scope,)), surroundings(), Overrides())
    made = standing.pause(_url(), scope)
    say(f"Scope {plain(scope)} {'is paused' if made else 'was paused already'}.\n")
    return 0


def resume(scope: str) -> int:
    """Resume a scope."""
    made = standing.resume(_url(), scope)
    say(f"Scope {plain(scope)} {'is looked at again' if made else 'was not paused'}.\n")
    return 0


def run_now(asked: Request, scope: str) -> int:
    """Queue a look at a scope that is declared."""
    InForce(replace(asked, scopes=(scope,)), surroundings(), Overrides())
    made = standing.run_now(_url(), scope)
    more = "is queued" if made else "was queued already, and comes first now"
    say(f"A look at scope {plain(scope)} {more}.\n")
    return 0


def _url() -> str:
    url = database.database_url(surroundings().environ)
    database.check_schema(url)
    return url


def _printed(document: Document, text: str, *, as_json: bool) -> None:
    say(json.dumps(document, indent=2, sort_keys=True) + "\n" if as_json else text)
