"""Serving the page and the metrics of `watch`, as long as it watches."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.page import is_loopback
from reconciler.model.watching import Watched
from reconciler.version import __version__
from reconciler.web.access import Access, read_token
from reconciler.web.app import page, probing
from reconciler.web.board import Board
from reconciler.web.reading import Reading
from reconciler.web.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.page import Shown
    from reconciler.model.watching import Manifests
    from reconciler.operations.ears import Ears
    from reconciler.operations.wiring import Surroundings
    from reconciler.ports import WatchHistory, WatchListener


@contextmanager
def showing(
    shown: Shown,
    heard: Ears,
    manifests: Manifests,
    history: WatchHistory,
    around: Surroundings,
) -> Iterator[WatchListener]:
    """Give who listens for the page; it is shown inside the block. Raises FindingsError."""
    board = Board(
        Watched(version=__version__, started_s=around.utc_now().timestamp(), manifests=manifests)
    )
    reading = Reading(board=board, history=history, utc_now=around.utc_now)
    with ExitStack() as stack:
        if shown.listen is not None:
            app = page(reading, access_of(shown, shown.listen[0], around), heard.meter.text)
            port = stack.enter_context(serving(app, *shown.listen, board.audience.close))
            click.echo(f"The page is at http://{named(shown.listen[0])}:{port}", err=True)
        if shown.listen_metrics is not None:
            access = access_of(shown, shown.listen_metrics[0], around)
            app = probing(lambda: board.now.ready, access, heard.meter.text)
            port = stack.enter_context(serving(app, *shown.listen_metrics, lambda: None))
            where = f"http://{named(shown.listen_metrics[0])}:{port}/metrics"
            click.echo(f"Metrics are at {where}", err=True)
        yield board


def named(host: str) -> str:
    """Give a host as a URL has it."""
    return f"[{host}]" if ":" in host else host


def access_of(shown: Shown, host: str, around: Surroundings) -> Access:
    """Give who may ask there. Raises FindingsError for a token that can't be one."""
    return Access(
        utc_now=around.utc_now,
        token=None if shown.token_file is None else read_token(shown.token_file),
        loopback=is_loopback(host),
        names=frozenset(name.lower() for name in shown.public_hosts),
        over_tls=shown.behind_proxy,
    )
