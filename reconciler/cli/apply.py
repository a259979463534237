"""`reconciler apply`: plan, ask, execute, wait, confirm by looking, print a summary."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.asking import answer
from reconciler.cli.ending import INTERRUPTED, REFUSED
from reconciler.cli.flags import (
    DEFAULT_FILES,
    LOCK_FLAG,
    manifest_flags,
    not_asked,
    plan_flags,
    surroundings,
)
from reconciler.cli.interrupt import run_stoppable
from reconciler.cli.outcome import annotate, say, show, waits
from reconciler.cli.telling import telling
from reconciler.model.counting import counted
from reconciler.model.plan import Action
from reconciler.operations import planfile
from reconciler.operations.applied import run_report
from reconciler.operations.apply import Consent, apply_manifests
from reconciler.report.escape import plain
from reconciler.report.run import run_document
from reconciler.report.text import DESTROY_PROMPT, DETACH_PROMPT, FORCE_PROMPT, PROMPT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.cli.interrupt import Interruptions
    from reconciler.cli.telling import Telling
    from reconciler.operations.applied import Applied
    from reconciler.operations.planfile import SavedPlan
    from reconciler.operations.plans import Planned
    from reconciler.operations.sessions import Request


def _looks_itself(_context: click.Context, _flag: click.Parameter, snapshot: str | None) -> None:
    if snapshot is not None:
        raise click.UsageError(
            "`apply` looks at the clouds themselves, whatever a snapshot says: leave it out, or "
            f"say `plan --offline {plain(snapshot)}`"
        )


@click.command("apply")
@click.argument("plan_file", required=False, metavar="[PLANFILE]")
@manifest_flags
@plan_flags
@click.option("--auto-approve", is_flag=True, help="Don't ask; destroys are never covered.")
@click.option("--no-input", is_flag=True, help="Never ask: without --auto-approve, refuse.")
@click.option("--offline", hidden=True, expose_value=False, callback=_looks_itself)
@LOCK_FLAG
def verb(
    *,
    asked: Request,
    as_json: bool,
    plan_file: str | None,
    auto_approve: bool,
    no_input: bool,
    lock_timeout_s: float,
) -> int:
    """Make what the manifests say true; with PLANFILE, no more than what it approved."""
    if as_json and not auto_approve and plan_file is None:
        raise click.UsageError("`apply --json` asks nobody: say --auto-approve or give a PLANFILE")
    if not auto_approve and plan_file is None and not no_input:
        not_asked(asked)
    saved = planfile.read(Path(plan_file)) if plan_file is not None else None
    if saved is not None and asked.expect_digest not in {None, saved.digest}:
        say(f"error[digest-differs]: `{plan_file}` has `{saved.digest}`\n", err=True)
        say("   = hint: look at the plan again and approve its digest\n", err=True)
        return REFUSED
    if saved is not None:
        if asked.files == DEFAULT_FILES:
            planfile.check_manifests(Path(str(plan_file)), saved)
        asked = _as_saved(asked, saved.request)
    events = telling(as_json=as_json)
    silent = no_input or as_json
    consent = consenting(asked, events, saved, auto_approve=auto_approve, silent=silent)
    return carried_out(asked, consent, events, lock_timeout_s)


def consenting(
    asked: Request,
    events: Telling,
    saved: SavedPlan | None,
    *,
    auto_approve: bool,
    silent: bool,
) -> Consent:
    """Give how a person, a flag or a saved plan approves."""
    silent = silent or os.environ.get("RECONCILER_INPUT") == "0"
    return Consent(
        ask=_asker(
            events,
            asked.destroys,
            auto_approve=auto_approve or saved is not None,
            silent=silent,
        ),
        show=lambda planned: events.plan(planned.document),
        count=None if silent else _counted,
        prompts=not auto_approve and saved is None,
        approved=saved.approved if saved is not None else None,
        tell=waits,
    )


def carried_out(asked: Request, consent: Consent, events: Telling, lock_timeout_s: float) -> int:
    """Apply, say what became of it, and give the exit code."""
    around = surroundings()

    async def applying(interruptions: Interruptions) -> tuple[Applied, bool]:
        events.interruptions = interruptions
        made = await apply_manifests(
            asked, around, consent, events, interruptions.stop, lock_timeout_s
        )
        return made, interruptions.came

    with events:
        applied, interrupted = run_stoppable(applying)
    _tell_end(events, applied)
    return INTERRUPTED if interrupted else applied.ending.value


def _tell_end(events: Telling, applied: Applied) -> None:
    events.end(run_document(run_report(applied)), applied.findings)
    told = (*applied.findings, *applied.planned.findings)
    annotate(applied.planned.found, besides=told)
    show(told)


def _as_saved(asked: Request, saved: Request) -> Request:
    """Give the request of a saved plan, with what the command line says anew."""
    more = sorted(set(asked.forces) - set(saved.forces))
    if more:
        raise click.UsageError(f"`--force-detach {more[0]}` adds nothing to a saved plan")
    return replace(
        asked,
        files=saved.files if asked.files == DEFAULT_FILES else asked.files,
        recursive=asked.recursive or saved.recursive,
        scopes=asked.scopes or saved.scopes,
        targets=asked.targets or saved.targets,
        excludes=asked.excludes or saved.excludes,
        compare_with=asked.compare_with or saved.compare_with,
        first_apply=asked.first_apply or saved.first_apply,
        forces=saved.forces,
    )


def _asker(
    events: Telling,
    acknowledged: frozenset[str],
    *,
    auto_approve: bool,
    silent: bool,
) -> Callable[[Planned], frozenset[str] | None]:
    def ask(planned: Planned) -> frozenset[str] | None:
        events.plan(planned.document, asking=True)
        if auto_approve:
            return frozenset()
        if silent:
            return None
        return _asked(planned, acknowledged)

    return ask


def _counted(planned: Planned) -> Mapping[str, int] | None:
    """Ask for the number of detaches of every scope where a limit asks for it."""
    typed: dict[str, int] = {}
    for scope in planned.scopes:
        name, number = scope.plan.scope, scope.plan.to_type
        if number and _typed(name, number) != str(number):
            return None
        typed |= {name: number} if number else {}
    return typed


def _typed(scope: str, number: int) -> str:
    return answer(DETACH_PROMPT.format(scope=scope, attachments=counted(number, "attachment")))


def _asked(planned: Planned, acknowledged: frozenset[str]) -> frozenset[str] | None:
    """Ask for the name of every volume that would be lost or forced, then for the whole plan."""
    named: set[str] = set()
    if not _forced_by_name(planned):
        return None
    for scope in planned.scopes:
        for change in scope.plan.permitted:
            known = {change.key.volume_id, change.name.volume} & acknowledged
            if change.action is not Action.DESTROY or known:
                continue
            server, volume = plain(change.name.server), plain(change.name.volume)
            if answer(DESTROY_PROMPT.format(server=server, volume=volume)) != change.name.volume:
                return None
            named.add(change.key.volume_id)
    return frozenset(named) if answer(PROMPT) == "yes" else None


def _forced_by_name(planned: Planned) -> bool:
    """Ask for the name of every volume whose detach is forced; tell whether all were given."""
    changes = (change for scope in planned.scopes for change in scope.plan.permitted)
    for change in changes:
        server = plain(change.source_server or change.name.server)
        question = FORCE_PROMPT.format(server=server, volume=plain(change.name.volume))
        if change.forced and answer(question) != change.name.volume:
            return False
    return True
