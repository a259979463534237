"""`reconciler repair`: resets a storage record that compute no longer has."""

from __future__ import annotations

import functools
import json
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from reconciler.cli.asking import answer
from reconciler.cli.ending import begins
from reconciler.cli.flags import LOCK_FLAG, manifest_flags, surroundings
from reconciler.cli.outcome import run, say, show
from reconciler.operations.repair import APART_S, Consent, repair, repair_report
from reconciler.report.diagnosis import repair_document, repair_text
from reconciler.report.escape import plain

if TYPE_CHECKING:
    from reconciler.cli.flags import Verb
    from reconciler.operations.repair import Subject
    from reconciler.operations.sessions import Request

ASKED = """
{volume} on {server}: storage shows it, and {why}, asked twice, {apart:g} s apart.
Storage will be asked to forget attachment {attachment_id}. The volume becomes
available; nothing is detached from any server. A server that uses it after all may lose what is on
it, because another one can get the volume.
"""


ONLY = """
  Only the {what} will be accepted to approve: {text}

  Enter a value: """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What was typed before, and whether somebody may be asked."""

    volume: str | None
    server: str | None
    silent: bool

    def ask(self, subject: Subject) -> bool:
        """Show what would be reset, and tell whether every name was typed exactly."""
        say(_told(subject), err=True)
        wanted = self._wanted(subject)
        agreed = all(self._agrees(what, text, typed) for what, text, typed in wanted)
        if agreed:
            begins()
        return agreed

    def possible(self, subject: Subject) -> bool:
        """Tell whether every name was typed exactly, or can still be."""
        return all(
            text == typed if typed is not None else not self.silent
            for _, text, typed in self._wanted(subject)
        )

    def _wanted(self, subject: Subject) -> list[tuple[str, str, str | None]]:
        """Give what has to be typed: what it is, its text, and what was typed before."""
        wanted = [("volume's name", subject.name.volume, self.volume)]
        if subject.server_gone:
            wanted.append(("server's id", subject.key.server_id, self.server))
        return wanted

    def _agrees(self, what: str, text: str, typed: str | None) -> bool:
        if typed is None and not self.silent:
            typed = answer(ONLY.format(what=what, text=plain(text)))
        return typed == text


def _told(subject: Subject) -> str:
    gone = "there is no such server"
    return ASKED.format(
        volume=plain(subject.name.volume),
        server=plain(subject.name.server),
        why=gone if subject.server_gone else "the server says itself that it doesn't have it",
        apart=APART_S,
        attachment_id=plain(subject.attachment_id),
    )


def _confirming(verb: Verb) -> Verb:
    """Add the flags that type ahead; the verb gets them as `typed`."""

    @click.option("--confirm", metavar="NAME", help="The volume's name, instead of typing it.")
    @click.option(
        "--confirm-server", metavar="ID", help="The server's id, where there is no such server."
    )
    @click.option("--no-input", is_flag=True, help="Never ask: without --confirm, refuse.")
    @functools.wraps(verb)
    def parsed(
        *, confirm: str | None, confirm_server: str | None, no_input: bool, **rest: object
    ) -> int:
        silent = no_input or os.environ.get("RECONCILER_INPUT") == "0" or not sys.stdin.isatty()
        return verb(typed=_Typed(volume=confirm, server=confirm_server, silent=silent), **rest)

    return parsed


@click.command("repair")
@click.argument("attachment", metavar="[SCOPE:]SERVER/VOLUME")
@manifest_flags
@_confirming
@LOCK_FLAG
def verb(
    *, asked: Request, as_json: bool, attachment: str, typed: _Typed, lock_timeout_s: float
) -> int:
    """Take a stale attachment out of the storage view, and change no server.

    Only where the scope's policy says `allowStatusReset: true`, storage shows the volume in use,
    and the server itself, asked twice, doesn't have it. Exits as `apply` does.
    """
    if asked.stdin is not None:
        typed = replace(typed, silent=True)  # It held the manifests: no answer comes from there.
    consent = Consent(
        ask=typed.ask,
        tell=lambda text: say(f"{text}\n", err=True),
        possible=typed.possible,
    )
    around = surroundings()
    told = run(lambda: repair(attachment, asked, around, consent, lock_timeout_s))
    document = repair_document(repair_report(told))
    say(json.dumps(document, indent=2, sort_keys=True) + "\n" if as_json else repair_text(document))
    show(told.findings)
    return told.ending.value
