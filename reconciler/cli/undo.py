"""`reconciler undo`: the plan that takes a run back; with `--apply`, makes it."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import click

from reconciler.cli.apply import carried_out, consenting
from reconciler.cli.ending import ERROR
from reconciler.cli.flags import LOCK_FLAG, manifest_flags, not_asked, plan_flags, surroundings
from reconciler.cli.outcome import run, say, show, waits
from reconciler.cli.telling import telling
from reconciler.model.counting import counted
from reconciler.operations.plans import plan_manifests
from reconciler.operations.undo import undoing
from reconciler.report.document import finding_row
from reconciler.report.text import SHOWN_FINDINGS, finding_lines, plan_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.operations.asked import Request
    from reconciler.operations.plans import Planned
    from reconciler.operations.undo import Undo
    from reconciler.report.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """Whether the plan is made as well, and who is asked."""

    applies: bool
    auto_approve: bool
    no_input: bool

    @property
    def answered(self) -> bool:
        """True where it is said beforehand what is answered."""
        return self.auto_approve or self.no_input


def _making(verb: Callable[..., int]) -> Callable[..., int]:
    """Add the flags that make the plan; the verb gets them as `making`."""

    @click.option("--apply", "applies", is_flag=True, help="Make it, after asking as `apply` does.")
    @click.option("--auto-approve", is_flag=True, help="With --apply: don't ask.")
    @click.option("--no-input", is_flag=True, help="With --apply: never ask, refuse instead.")
    @functools.wraps(verb)
    def parsed(*, applies: bool, auto_approve: bool, no_input: bool, **rest: object) -> int:
        making = _Making(applies=applies, auto_approve=auto_approve, no_input=no_input)
        return verb(making=making, **rest)

    return parsed


@click.command("undo")
@click.argument("past", metavar="RUN")
@manifest_flags
@plan_flags
@_making
@LOCK_FLAG
def verb(
    *, asked: Request, as_json: bool, past: str, making: _Making, lock_timeout_s: float
) -> int:
    """Show the plan that takes RUN back, the first characters of an id of `history`.

    What can't come back, and which lines of manifests still ask for what is undone, is said first.
    With --apply it is made, under the guards and leases of any apply; exits as `apply` does.
    """
    if as_json and making.applies:
        raise click.UsageError("`undo --apply --json` is not supported yet: read the text instead")
    if not making.applies and (making.answered or asked.expect_digest is not None):
        said = "`--auto-approve`, `--no-input` and `--expect-digest` go with `--apply`"
        raise click.UsageError(said)
    if making.applies and not making.answered:
        not_asked(asked)
    around = surroundings()
    undo = run(lambda: undoing(past, asked, around))
    planned = (
        run(lambda: plan_manifests(undo.request, around, tell=waits))
        if undo.request.scopes
        else None
    )
    if as_json:
        say(json.dumps(_document(undo, planned), indent=2, sort_keys=True) + "\n")
    else:
        say(_text(undo, planned, shown=not making.applies))
    if planned is None or planned.findings or not _changes(planned) or not making.applies:
        show(planned.findings if planned is not None else ())
        return ERROR if planned is not None and planned.findings else 0
    events = telling(as_json=False)
    yes, silent = making.auto_approve, making.no_input
    consent = consenting(undo.request, events, None, auto_approve=yes, silent=silent)
    return carried_out(undo.request, consent, events, lock_timeout_s)


def _changes(planned: Planned) -> bool:
    """Tell whether anything is left to be taken back, or to be told of it."""
    plans = [scope.plan for scope in planned.scopes]
    return any(plan.changes or plan.refused or plan.refused_entries for plan in plans)


def _text(undo: Undo, planned: Planned | None, *, shown: bool) -> str:
    rows = [finding_row(finding) for finding in undo.findings]
    first = rows[:SHOWN_FINDINGS]
    lines = "".join("".join(f"{line}\n" for line in [*finding_lines(row), ""]) for row in first)
    more = counted(len(rows) - len(first), "more finding")
    lines += f"and {more}\n\n" if len(rows) > len(first) else ""
    if planned is None or not (_changes(planned) or planned.findings):
        # What is lost is still so, and was told above: it only can't be taken back.
        told = any(finding.code.startswith("undo-") for finding in undo.findings)
        rest = "nothing else" if told else "nothing"
        return f"{lines}Nothing to undo: {rest} that run {undo.run} did is still so.\n"
    return lines + (plan_text(planned.document) if shown else "")


def _document(undo: Undo, planned: Planned | None) -> Document:
    told = {"run": undo.run, "findings": [finding_row(finding) for finding in undo.findings]}
    if planned is None:
        return {"reconciler": {"undo": told}}
    ours = cast("Document", planned.document["reconciler"])
    return {**planned.whole, "reconciler": {**ours, "undo": told}}
