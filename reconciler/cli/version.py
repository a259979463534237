"""`reconciler version`."""

from __future__ import annotations

import platform

import click

from reconciler.version import __version__


@click.command("version")
def verb() -> int:
    """Print the version of this distribution and of Python."""
    click.echo(f"reconciler {__version__} (Python {platform.python_version()})")
    return 0
