"""The flags of what `watch` shows: the page, its token, metrics."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Verb = Callable[..., int]

HIGHEST_PORT = 65535


def address(text: str) -> tuple[str, int]:
    """Give host and port. Raises click's BadParameter for anything else."""
    host, _, port = text.rpartition(":")
    plain = port.isascii() and port.isdigit() and len(port) <= len(str(HIGHEST_PORT))
    if not host or not plain or int(port) > HIGHEST_PORT or (":" in host) != host.startswith("["):
        raise click.BadParameter("write HOST:PORT, as 127.0.0.1:8470 or [::1]:8470")
    return host.strip("[]"), int(port)


FLAGS = (
    click.option("--listen", type=address, metavar="HOST:PORT", help="Show the page there."),
    click.option(
        "--listen-metrics",
        type=address,
        metavar="HOST:PORT",
        help="Show /metrics, /livez and /readyz there alone.",
    ),
    click.option(
        "--metrics-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write the metrics there after each tick, for node_exporter's textfile collector.",
    ),
    click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="What whoever reads the page has to show; readable by its owner alone.",
    ),
    click.option(
        "--behind-proxy",
        is_flag=True,
        help="Browsers come by https, through a proxy that speaks plain http to this port.",
    ),
    click.option(
        "--public-host",
        "public_hosts",
        multiple=True,
        metavar="NAME",
        help="A name under which the page may be asked for; repeatable.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is to be shown, and to whom."""

    listen: tuple[str, int] | None
    listen_metrics: tuple[str, int] | None
    metrics_file: Path | None
    token_file: Path | None
    behind_proxy: bool
    public_hosts: tuple[str, ...]

    @property
    def listens(self) -> bool:
        """True where anybody may ask."""
        return self.listen is not None or self.listen_metrics is not None

    def check(self, *, once: bool) -> None:
        """Raise click's UsageError for what can't be meant, or would show it to everybody."""
        if once and self.listens:
            raise click.UsageError("`--once` ends at once: nobody could read what `--listen` shows")
        if not self.listens and (self.token_file or self.behind_proxy or self.public_hosts):
            raise click.UsageError(
                "nothing listens: say `--listen-metrics HOST:PORT` as well, or `--listen "
                "HOST:PORT` where there is a page"
            )
        for host, _ in filter(None, (self.listen, self.listen_metrics)):
            if is_loopback(host):
                continue
            if self.token_file is None:
                raise click.UsageError(f"`{host}` is reached by others: say `--token-file` as well")
            if not self.behind_proxy:
                raise click.UsageError(
                    f"`{host}` would be asked by plain http: put a proxy with https before it and "
                    "say `--behind-proxy`"
                )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens there."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def reader_flags(verb: Verb) -> Verb:
    """Add the flags of who may read a page, for a verb that shows nothing else."""
    for flag in reversed(FLAGS[3:]):
        verb = flag(verb)
    return verb


def counter_flags(verb: Verb) -> Verb:
    """Add the flags of what counts, and of who may ask it, for a verb that has no page."""
    for flag in reversed(FLAGS[1:]):
        verb = flag(verb)
    return verb


def page_flags(verb: Verb) -> Verb:
    """Add the flags of what is shown; the verb gets them one by one."""
    for flag in reversed(FLAGS):
        verb = flag(verb)
    return verb
