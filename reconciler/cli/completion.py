"""`reconciler completion`: what makes a shell complete this command line."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "fish", "zsh")
PROGRAM = "reconciler"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def verb(ctx: click.Context, *, shell: str) -> int:
    """Print a script that makes SHELL complete verbs, flags and files.

    bash and zsh: eval "$(reconciler completion SHELL)" in its start-up file;
    fish: reconciler completion fish | source
    """
    made = get_completion_class(shell)
    assert made is not None, "click knows each of them"
    root = ctx.find_root().command
    click.echo(made(root, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source())
    return 0
