"""`reconciler watch`: looks on a schedule, and corrects what it may where it is told to."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from reconciler.cli.ending import INTERRUPTED
from reconciler.cli.flags import duration, lasting_manifest_flags, surroundings
from reconciler.cli.logs import log_as
from reconciler.cli.outcome import run, say
from reconciler.cli.page import Shown, page_flags
from reconciler.cli.showing import showing
from reconciler.cli.ticking import Lines, Messages
from reconciler.daemon.log import Log
from reconciler.daemon.loop import Daemon, Terms
from reconciler.daemon.schedule import is_cron
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.schedule import SHORTEST_S
from reconciler.operations import wiring
from reconciler.operations.ears import MetricsFile, ears
from reconciler.operations.inforce import InForce, Overrides
from reconciler.report.escape import plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from reconciler.operations.asked import Request, Surroundings
    from reconciler.operations.ears import Ears
    from reconciler.ports import WatchListener

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOPPING = (
    "Stopping: nothing new begins, and what is in flight is waited for. "
    "Interrupt once more to stop waiting; the journal knows what is left.\n"
)


def every(text: str) -> float:
    """Give an interval in seconds. Raises click's BadParameter for one that is too short."""
    seconds = duration(text)
    if seconds < SHORTEST_S:
        raise click.BadParameter(f"write {SHORTEST_S:g}s or more: a look asks for whole listings")
    return seconds


def cron(text: str) -> str:
    """Give a cron expression of five fields. Raises click's BadParameter for anything else."""
    if not is_cron(text):
        raise click.BadParameter('write five fields that come to pass, such as `"*/10 * * * *"`')
    return text


class Wishes(TypedDict):
    """What the command line says beside which manifests."""

    as_json: bool
    every_s: float | None
    cron_text: str | None
    correct: bool | None
    once: bool
    grace_s: float
    log_format: str
    reset_breaker: str | None
    listen: tuple[str, int] | None
    listen_metrics: tuple[str, int] | None
    metrics_file: Path | None
    token_file: Path | None
    behind_proxy: bool
    public_hosts: tuple[str, ...]


@click.command("watch")
@lasting_manifest_flags
@click.option("--every", "every_s", type=every, metavar="DURATION", help="How often to look.")
@click.option("--cron", "cron_text", type=cron, metavar="EXPRESSION", help="When to look, in UTC.")
@click.option("--correct/--no-correct", default=None, help="Correct drift, or only look.")
@click.option("--once", is_flag=True, help="Look at every scope once; exit codes as `drift`.")
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
@click.option(
    "--reset-breaker", metavar="SCOPE", help="Let this scope be corrected again, and do no more."
)
@page_flags
def verb(*, asked: Request, **wishes: Unpack[Wishes]) -> int:
    """Look at every scope on its schedule; correct drift where the schedule or --correct says so.

    Flags win over the Schedule. It never destroys, resets or forces anything. SIGTERM: nothing new
    begins, and what is in flight ends, within --grace.
    """
    if wishes["every_s"] is not None and wishes["cron_text"] is not None:
        raise click.UsageError("`--every` and `--cron` are two ways to say when: choose one")
    around = surroundings()
    if wishes["reset_breaker"] is not None:
        return _reset(wishes["reset_breaker"], around)
    shown = Shown(
        listen=wishes["listen"],
        listen_metrics=wishes["listen_metrics"],
        metrics_file=wishes["metrics_file"],
        token_file=wishes["token_file"],
        behind_proxy=wishes["behind_proxy"],
        public_hosts=wishes["public_hosts"],
    )
    shown.check(once=wishes["once"])
    log_as(wishes["log_format"])
    overrides = Overrides(
        every_s=wishes["every_s"], cron=wishes["cron_text"], corrects=wishes["correct"]
    )
    in_force = InForce(asked, around, overrides)
    book = wiring.book(around, writing=True)
    assert book is not None, "it was opened for writing"
    try:
        return _told(in_force, replace(around, book=book), shown, wishes)
    finally:
        book.close()


def _told(in_force: InForce, around: Surroundings, shown: Shown, wishes: Wishes) -> int:
    """Watch, and let everybody hear of it who shall."""
    assert around.book is not None, "it is open"
    heard = ears(in_force, around, around.book)
    lines = Messages() if wishes["as_json"] else Lines()
    listeners: list[WatchListener] = [Log(), lines, heard.meter]
    if heard.teller is not None:
        listeners.append(heard.teller)
    file = None
    if shown.metrics_file is not None:
        file = MetricsFile(heard.meter.text, shown.metrics_file)
        if wishes["once"]:
            file.resume(heard.meter)
        listeners.append(file)
    with ExitStack() as stack:
        if shown.listens:
            manifests, history = in_force.manifests, around.book.watched
            pages = showing(shown, heard, manifests, history, around)
            listeners.append(stack.enter_context(pages))
        terms = Terms(
            in_force=in_force,
            around=replace(around, traffic=heard.meter.traffic),
            listeners=tuple(listeners),
            looked=lines.looked,
            chance=random.random,
            grace_s=wishes["grace_s"],
            once=wishes["once"],
        )
        code = run(lambda: _watch(terms, heard))
    if file is not None:
        file.attempt()  # What was told to people when it ended counts too.
    return lines.exit_code() if terms.once and code == 0 else code


def _reset(scope: str, around: Surroundings) -> int:
    book = wiring.book(around, writing=False)
    try:
        there = book is not None and book.watched.close_breaker(scope)
    finally:
        if book is not None:
            book.close()
    if there:
        say(f"Scope {plain(scope)} may be corrected again.\n")
        return 0
    raise FindingsError(
        Finding(
            code="breaker-closed",
            summary=f"nothing keeps scope `{scope}` from being corrected",
            hint="check its name: `reconciler watch` says which scope has an open breaker",
        )
    )


async def _watch(terms: Terms, heard: Ears) -> int:
    """Watch until a signal comes. Once: what is in flight ends. Twice: nobody waits."""
    daemon, stop = Daemon(terms), asyncio.Event()
    with noticed(stop) as came:
        try:
            async with _telling(heard):
                await daemon.run(stop)
        except asyncio.CancelledError:
            if not came:
                raise
            return INTERRUPTED
    return 0


@asynccontextmanager
async def _telling(heard: Ears) -> AsyncIterator[None]:
    """Let people be told beside the service, and once more when it ends."""
    if heard.teller is None:
        yield
        return
    async with asyncio.TaskGroup() as group:
        beside = group.create_task(heard.teller.run())
        yield
        beside.cancel()
    await heard.teller.last()


@contextmanager
def noticed(stop: asyncio.Event) -> Iterator[list[int]]:
    """Set `stop` at the first signal; at the second, note it and cancel what runs."""
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    assert running is not None, "a use case runs in a task of its own"
    came: list[int] = []

    def notice() -> None:
        if stop.is_set():
            came.append(1)
            running.cancel()
        else:
            say(STOPPING, err=True)
            stop.set()

    for one in SIGNALS:
        loop.add_signal_handler(one, notice)
    try:
        yield came
    finally:
        for one in SIGNALS:
            loop.remove_signal_handler(one)
