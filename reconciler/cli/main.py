"""The entry point: finds verbs without loading them, and turns what went wrong into words."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from reconciler.cli.ending import (
    ERROR,
    INTERRUPTED,
    code_in_the_end,
    last_words,
    prepare_streams,
    unheard,
)
from reconciler.errors import ReconcilerError

VERBS = {
    "apply": "make what the manifests say true: plan, ask, execute, confirm",
    "completion": "print what makes a shell complete this command line",
    "doctor": "show what is stuck, which view says what, and the next step",
    "drift": "show what differs from what was last applied; read-only",
    "explain-code": "tell what a diagnostic code means, why, and what to do",
    "explain": "tell why an attachment is, or isn't",
    "fleet": "share many scopes between workers on many machines (extra `fleet`)",
    "history": "list past runs, and what became of each call of one",
    "import": "write manifests of what is live",
    "init": "write a starter repository: manifests, a policy, a pipeline",
    "live": "show what is attached now, in both views",
    "lock": "show who may change which cloud now, or end a lease",
    "permissions": "show the least IAM permissions that manifests need; no network",
    "plan": "show the changes, the calls they take, and what is refused and why",
    "providers": "show what each cloud can do; no network",
    "repair": "reset a storage record that its server no longer has",
    "show": "print a saved plan or a past run again, in any format",
    "schema": "print the JSON Schema of manifests, for editors",
    "simulator": "serve the embedded cloud",
    "undo": "show the plan that takes a run back, or make it",
    "validate": "read and cross-check manifests; no network",
    "version": "print the version",
    "watch": "look on a schedule, and correct drift where told to",
}
"""Verb -> its line of help. Each lives in the file of its name; only the one asked is loaded."""
FILES = {"import": "importing"}
"""The files of verbs that can't name one."""


class Verbs(click.Group):
    """A group that knows its verbs by name and loads one when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the verbs, sorted."""
        del ctx
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one verb; None when there is none of that name."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = FILES.get(cmd_name, cmd_name.replace("-", "_"))
        with unheard():
            found = importlib.import_module(f"reconciler.cli.{module}").verb
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one is nearest."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib  # noqa: PLC0415 - a twentieth of `--help`, which doesn't need it

            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"verbs are {', '.join(sorted(VERBS))}"
            raise click.UsageError(f"no verb `{args[0]}`: {hint}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Give the verbs that begin so, from the table: none of them is loaded."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=VERBS[name])
            for name in sorted(VERBS)
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table, so that `--help` loads none of them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name]) for name in sorted(VERBS)])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def reconciler() -> None:
    """Declare which volumes shall be attached to which servers; plan; apply."""


def program() -> NoReturn:
    """Run the command line as all that this process does."""
    try:
        main()
    finally:
        # Nothing is to be collected any more. Python would look through everything once more at its
        # end: a sixth of `--help`.
        gc.freeze()


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    # What ends a service or a CI job is an interrupt like any other: journal closed, words said.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A run makes millions of values and drops few, hardly any of them in circles: walking over them
    # at each 700th new one took a quarter of its time, at each 50,000th a tenth.
    gc.set_threshold(500_000, 20, 100)
    prepare_streams()
    try:
        code = reconciler.main(standalone_mode=False, prog_name="reconciler")
        sys.stdout.flush()
    except click.UsageError as error:
        error.show()
        leave(ERROR)
    except click.ClickException as error:
        error.show()
        leave(ERROR)
    except (ReconcilerError, BaseExceptionGroup) as error:
        from reconciler.cli.outcome import told  # noqa: PLC0415 - `--help` doesn't need it

        leave(told(error))
    except (click.Abort, KeyboardInterrupt):
        click.echo(last_words(), err=True, nl=False)
        leave(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read us went away; closing stdout must not complain about that again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        leave(ERROR)
    leave(code if isinstance(code, int) else 0)


def leave(code: int) -> NoReturn:
    """End the process with an exit code of the command line's table."""
    sys.exit(code_in_the_end(code))
