"""`reconciler simulator`: the embedded cloud as a server, until it is interrupted."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from reconciler.cli.ending import ERROR
from reconciler.sim.app import build
from reconciler.sim.clock import VirtualClock, WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import run
from reconciler.sim.world import WorldError, read_worlds

HIGHEST_PORT = 65535


@click.command("simulator")
@click.option(
    "--world",
    "worlds",
    multiple=True,
    required=True,
    metavar="FILE",
    help="A world file; several files, or several documents in one, are several worlds.",
)
@click.option(
    "--listen", default="127.0.0.1:8480", show_default=True, metavar="HOST:PORT", help="Where."
)
@click.option(
    "--virtual-clock", is_flag=True, help="Time stands still until POST /_sim/clock advances it."
)
def verb(*, worlds: tuple[str, ...], listen: str, virtual_clock: bool) -> int:
    """Serve the embedded cloud; the key pair simulator / simulator-secret always works."""
    host, port = _address(listen)
    clock = VirtualClock() if virtual_clock else WallClock()
    try:
        read = [
            world
            for path in worlds
            for world in read_worlds(Path(path).read_text(encoding="utf-8"), path)
        ]
        app = build([Cloud(world, clock) for world in read])
    except (OSError, UnicodeDecodeError, WorldError, ValueError) as error:
        click.echo(f"error[world]: {error}", err=True)
        click.echo("   = hint: give a world file, such as one beside a manifest", err=True)
        return ERROR
    port = _free(host, port)
    if not port:
        click.echo(f"error[listen]: {listen} can't be listened on", err=True)
        click.echo("   = hint: choose another `--listen HOST:PORT`", err=True)
        return ERROR
    projects = ", ".join(world.project_id for world in read)
    click.echo(f"Simulating {len(read)} world(s) at http://{host}:{port} (projects {projects}).")
    click.echo(f"  GET http://{host}:{port}/_sim/world shows the world; interrupt to stop.")
    run(app, host, port)
    return 0


def _free(host: str, port: int) -> int:
    """Give the port to listen on, for 0 a free one; 0: nobody can.

    The server itself would end without a word.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError:
            return 0
        return int(trial.getsockname()[1])


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > HIGHEST_PORT:
        raise click.UsageError(f"`--listen {listen}`: write HOST:PORT, as 127.0.0.1:8480")
    return host.strip("[]"), int(port)
