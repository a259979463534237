"""Flags that several verbs share; a verb gets them parsed, as one `Request`."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.embedded import SimulatorFolder
from reconciler.cli.logs import log_plainly
from reconciler.cli.outcome import show
from reconciler.operations.asked import Request, Surroundings, takes_stdin, with_stdin
from reconciler.report.escape import plain
from reconciler.report.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.finding import Finding

    Verb = Callable[..., int]

DEFAULT_FILES = ("manifests/",)
FOLDER = ".reconciler"

MANIFEST_FLAGS = (
    click.option(
        "-f",
        "--file",
        "files",
        type=click.Path(),
        multiple=True,
        metavar="PATH",
        help="A manifest or a folder of them, `-` for stdin; repeatable. [default: manifests/]",
    ),
    click.option("-R", "--recursive", is_flag=True, help="Descend into folders."),
    click.option("--scope", "scopes", multiple=True, metavar="NAME", help="Only this scope."),
    click.option(
        "--json", "as_json", is_flag=True, help="Print JSON: one document, or a message a line."
    ),
    click.option("--no-color", is_flag=True, help="No colour; so does NO_COLOR."),
    click.option(
        "--log-level",
        envvar="RECONCILER_LOG",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="warning",
        show_default=True,
        help="How much to log to stderr.",
    ),
)
PLAN_FLAGS = (
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="GLOB",
        help="Only these attachments: [SCOPE:]SERVER/VOLUME.",
    ),
    click.option(
        "--exclude", "excludes", multiple=True, metavar="GLOB", help="Leave these out; wins."
    ),
    click.option(
        "--ack-detach",
        "acks",
        multiple=True,
        metavar="[SCOPE=]N",
        help="Acknowledge exactly N detaches.",
    ),
    click.option(
        "--ack-destroy",
        "destroys",
        multiple=True,
        metavar="ID-or-NAME",
        help="Agree to lose this volume for good.",
    ),
    click.option("--expect-digest", metavar="D", help="Refuse unless the plan has this digest."),
)
MEMORY_FLAGS = (
    click.option(
        "--base",
        "older",
        metavar="REV",
        help="Compare with the manifests of this revision as well.",
    ),
    click.option(
        "--first-apply",
        "first",
        is_flag=True,
        help="Nothing was applied before: there is nothing to compare with.",
    ),
)
FORCE_FLAG = click.option(
    "--force-detach",
    "forces",
    multiple=True,
    metavar="ATTACHMENT",
    help="Detach [SCOPE:]SERVER/VOLUME by force, where the policy says `forceDetach: ask`.",
)
LONGEST_DIGITS = 9
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Give a duration such as `30s`, `5m`, `12h` or `7d`, in seconds; `0` is none at all."""
    number, unit = (text, "s") if text == "0" else (text[:-1], text[-1:])
    plain = number.isascii() and number.isdigit() and len(number) <= LONGEST_DIGITS
    if not plain or unit not in SECONDS:
        raise click.BadParameter("write a number with its unit: `30s`, `5m`, `12h` or `7d`")
    return float(int(number) * SECONDS[unit])


FORMAT_FLAG = click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help=f"How to print it: {', '.join(FORMATS)}. [default: text]",
)


def chosen_format(form: str | None, *, as_json: bool) -> str:
    """Give the format that `--format` and `--json` mean together. Raises UsageError."""
    if as_json and form not in {None, "json"}:
        raise click.UsageError(f"`--json` is `--format json`: leave it or `--format {form}` out")
    return "json" if as_json else form or "text"


OFFLINE_FLAGS = (
    click.option(
        "--offline",
        "offline",
        metavar="SNAPSHOT",
        help="Plan on what `drift --snapshot` saw, without credentials; approves nothing.",
    ),
    click.option(
        "--max-age",
        "oldest_s",
        type=duration,
        metavar="DURATION",
        help="How old a snapshot may be. [default: 2d]",
    ),
)
LOCK_FLAG = click.option(
    "--lock-timeout",
    "lock_timeout_s",
    type=duration,
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for another run that changes the same cloud.",
)


def manifest_flags(verb: Verb) -> Verb:
    """Add what every verb that reads manifests takes; the verb gets `asked` and `as_json`."""

    @functools.wraps(verb)
    def parsed(
        *,
        files: tuple[str, ...],
        recursive: bool,
        scopes: tuple[str, ...],
        no_color: bool,
        log_level: str,
        **rest: object,
    ) -> int:
        if "" in files:
            raise click.UsageError("`-f ''` names no file: say which, or `-f .` for this folder")
        del no_color  # `terminal` looks for it: it holds for what ends a verb early, too.
        log_plainly(log_level)
        asked = Request(files=files or DEFAULT_FILES, recursive=recursive, scopes=scopes)
        if takes_stdin(files):
            asked = with_stdin(asked, sys.stdin.buffer)
        return verb(asked=asked, **rest)

    return _flagged(parsed, MANIFEST_FLAGS)


def lasting_manifest_flags(verb: Verb) -> Verb:
    """Add the same to what reads its manifests more than once, which stdin doesn't allow."""
    parsed = manifest_flags(verb)

    @functools.wraps(parsed)
    def lasting(*, files: tuple[str, ...], **rest: object) -> int:
        if takes_stdin(files):
            raise click.UsageError(
                "`-f -` can be read once, and this verb reads its manifests again and again: give "
                "a file or a folder"
            )
        return parsed(files=files, **rest)

    return lasting


def not_asked(asked: Request) -> None:
    """Raise UsageError where somebody would be asked on the stdin that held the manifests."""
    if asked.stdin is not None and os.environ.get("RECONCILER_INPUT") != "0":
        raise click.UsageError(
            "`-f -` takes stdin for the manifests, so that nobody can be asked there: say "
            "`--auto-approve`, or give a file"
        )


def plan_flags(verb: Verb) -> Verb:
    """Add what narrows or acknowledges a plan; to be used below `manifest_flags`."""

    @functools.wraps(verb)
    def parsed(
        *,
        asked: Request,
        targets: tuple[str, ...],
        excludes: tuple[str, ...],
        acks: tuple[str, ...],
        destroys: tuple[str, ...],
        expect_digest: str | None,
        **rest: object,
    ) -> int:
        _choose_something("--target", targets)
        _choose_something("--exclude", excludes)
        narrowed = replace(
            asked,
            targets=targets,
            excludes=excludes,
            acks=dict(_ack(text) for text in acks),
            destroys=frozenset(destroys),
            expect_digest=expect_digest,
        )
        return verb(asked=narrowed, **rest)

    return force_flag(_memory_flags(_flagged(parsed, PLAN_FLAGS)))


def _memory_flags(verb: Verb) -> Verb:
    """Add what says with which memory a plan is compared."""

    @functools.wraps(verb)
    def parsed(*, asked: Request, older: str | None, first: bool, **rest: object) -> int:
        if older is not None and asked.stdin is not None:
            raise click.UsageError("`--base` compares files of a commit, and `-f -` is none")
        return verb(asked=replace(asked, compare_with=older, first_apply=first), **rest)

    return _flagged(parsed, MEMORY_FLAGS)


def offline_flags(verb: Verb) -> Verb:
    """Add what names a snapshot to plan on; to be used below `manifest_flags`."""

    @functools.wraps(verb)
    def parsed(
        *, asked: Request, offline: str | None, oldest_s: float | None, **rest: object
    ) -> int:
        if offline is None and oldest_s is not None:
            raise click.UsageError("`--max-age` is of a snapshot: it goes with `--offline`")
        return verb(asked=replace(asked, snapshot=offline, snapshot_age_s=oldest_s), **rest)

    return _flagged(parsed, OFFLINE_FLAGS)


def force_flag(verb: Verb) -> Verb:
    """Add what names the detaches that are forced."""

    @functools.wraps(verb)
    def parsed(*, asked: Request, forces: tuple[str, ...], **rest: object) -> int:
        return verb(asked=replace(asked, forces=forces), **rest)

    return FORCE_FLAG(parsed)


def _flagged(verb: Verb, flags: tuple[Callable[[Verb], Verb], ...]) -> Verb:
    for flag in reversed(flags):
        verb = flag(verb)
    return verb


def _choose_something(flag: str, globs: tuple[str, ...]) -> None:
    """Raise UsageError for a glob without a name: what a lost variable leaves means everything."""
    for glob in globs:
        scope, colon, rest = glob.partition(":")
        parts = [scope, *rest.split("/", 1)] if colon and "/" not in scope else glob.split("/", 1)
        if not all(part.strip() for part in parts):
            raise click.UsageError(
                f"`{flag} {shlex.quote(plain(glob))}` leaves a name out, and would choose "
                "everything there: write `*` where that is meant, as [SCOPE:]SERVER/VOLUME"
            )


def _ack(text: str) -> tuple[str, int]:
    scope, equals, number = text.rpartition("=")
    if not number.isascii() or not number.isdigit() or (equals and not scope):
        raise click.UsageError(
            f"`--ack-detach {text}`: write the exact number, as `--ack-detach 12` or "
            "`--ack-detach shop-ecs=12`"
        )
    return scope, int(number)


def surroundings() -> Surroundings:
    """Give what this machine offers."""
    folder = Path(os.environ.get("RECONCILER_DATA_DIR") or FOLDER)
    told: set[Finding] = set()

    def remark(findings: tuple[Finding, ...]) -> None:
        # A verb may read the same manifests twice.
        show(set(findings) - told)
        told.update(findings)

    return Surroundings(
        environ=os.environ, folder=folder, embedded=SimulatorFolder(folder), remark=remark
    )
