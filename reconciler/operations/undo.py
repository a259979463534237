"""The plan that takes a run back: from its calls in the journal, checked against what is live.

What can't come back, and which lines of manifests still ask for what is undone, is told first.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.model.declared import Side
from reconciler.model.finding import Finding, FindingsError, Severity
from reconciler.operations.history import one_run
from reconciler.operations.sessions import opened, unreadable, untrusted
from reconciler.planning.ground import Wish, ground
from reconciler.planning.resolve import resolve
from reconciler.planning.selection import together
from reconciler.planning.undoing import done_by, entries_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.declared import Entry
    from reconciler.model.finding import Place
    from reconciler.operations.sessions import Opened, Request, Session
    from reconciler.operations.wiring import Surroundings
    from reconciler.planning.ground import Ground
    from reconciler.planning.undoing import Done, Net
    from reconciler.report.history import DetailedRun


HINTS = {
    "undo-impossible": "restore what was on it from a backup: no undo brings it back",
    "undo-unknown": "`reconciler apply` finds out; undo what is left after it",
}
UNHARMED = "nothing was lost with it: no server had the volume"
NAMED = 5
"""How many attachments are named at a line that still asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What takes a run back."""

    run: str
    request: Request
    """To be planned and applied like any other; its entries are made from the run's calls."""
    findings: tuple[Finding, ...]
    """What is to be told first."""


async def undoing(prefix: str, request: Request, around: Surroundings) -> Undo:
    """Give what takes back the run whose id begins so; nothing is changed.

    Raises FindingsError where it isn't one run, where it goes on, and where a cloud that it changed
    can't be read or is no declared scope; and JournalError.
    """
    parts = one_run(prefix, around)
    run = parts[0].run.id
    if any(part.run.running for part in parts):
        raise FindingsError(_running(run))
    rows: dict[str, tuple[Entry, ...]] = {}
    findings: list[Finding] = []
    async with opened(request, around, writing=False) as now:
        for part in parts:
            session = _session(part, now, request)
            if session is None:
                continue
            on = await _seen(session)
            done = done_by(part.calls, run, session.scope.name)
            here = replace(done, nets={k: net for k, net in done.nets.items() if _there(k, on)})
            rows[session.scope.name] = entries_of(here, run)
            chosen = _chosen(done, on)
            findings += [one for key, one in _lost(done, on) if key in chosen]
            asked = {key: net for key, net in here.nets.items() if key in chosen}
            findings += _still_asked(asked, on)
    return Undo(
        run=run,
        request=replace(request, scopes=tuple(sorted(rows)), rows=rows),
        findings=tuple(findings),
    )


def _session(part: DetailedRun, now: Opened, request: Request) -> Session | None:
    """Give the scope that is the cloud which a part of a run changed; None: not asked for."""
    found = (one for one in now.sessions if str(one.identity) == part.run.identity)
    session = next(found, None)
    if session is not None or (request.scopes and part.run.scope not in request.scopes):
        return session
    if now.findings:
        raise FindingsError(*now.findings)
    raise FindingsError(
        Finding(
            code="undo-scope",
            summary=f"the run changed a cloud that it called `{part.run.scope}`, and no scope of "
            "these manifests is that cloud",
            hint="give the manifests that declare it with -f, or choose others with --scope",
        )
    )


async def _seen(session: Session) -> Ground:
    try:
        live = await session.patience.read(session.provider.list_live)
    except ProviderError as error:
        raise FindingsError(unreadable(session.scope, error)) from error
    if not live.complete:
        raise FindingsError(untrusted(session.scope, live))
    desired = resolve(session.entries, live)
    return ground(desired, live, session.policy, session.spec.can, session.circumstances())


def _there(key: AttachmentKey, on: Ground) -> bool:
    """Tell whether both ends still exist, as far as the listing can tell."""
    volume = key.volume_id in on.live.volumes or not on.live.shows_free
    return volume and key.server_id in on.live.servers


def _chosen(done: Done, on: Ground) -> frozenset[AttachmentKey]:
    """Give what the selection has of a run; a volume that moved is in or out by either half."""
    by_volume: dict[str, list[AttachmentKey]] = defaultdict(list)
    touched = (*done.nets, *done.destroyed, *done.reset, *done.unknown)
    for key in touched:
        by_volume[key.volume_id].append(key)
    return frozenset(
        key
        for key in touched
        if together((key,) if on.shareable(key.volume_id) else by_volume[key.volume_id], on)
    )


def _lost(done: Done, on: Ground) -> Iterator[tuple[AttachmentKey, Finding]]:
    """Give what can't be taken back."""
    for key in done.destroyed:
        yield _told("undo-impossible", key, on, "was deleted for good, with everything on it")
    for key in done.reset:
        yield _told(
            "undo-impossible", key, on, "was a stale record in storage, and stays gone", UNHARMED
        )
    for key in done.nets:
        if not _there(key, on):
            yield _told("undo-impossible", key, on, "can't come back: one of the two is gone")
    for key in done.unknown:
        yield _told("undo-unknown", key, on, "is left as it is: nobody knows how its call ended")


def _told(
    code: str, key: AttachmentKey, on: Ground, says: str, hint: str = ""
) -> tuple[AttachmentKey, Finding]:
    name = on.name(key)
    return key, Finding(
        code=code,
        summary=f"`{name.server}/{name.volume}` {says}",
        hint=hint or HINTS[code],
        severity=Severity.WARNING,
        scope=on.live.scope,
    )


def _still_asked(nets: Mapping[AttachmentKey, Net], on: Ground) -> Iterator[Finding]:
    """Give each line that asks again for what would be undone, with what that is."""
    by_place: dict[Place, list[str]] = defaultdict(list)
    for key, net in nets.items():
        name = on.name(key)
        place = _asks(key, on, attached=net.before)
        if place is not None and net.before != (key in on.live.observed):
            back = "attached" if net.before else "detached"
            by_place[place].append(f"`{name.server}/{name.volume}` ({back} again)")
        place = _asks_flag(key, net, on)
        if place is not None:
            flag = str(net.flag).lower()
            by_place[place].append(
                f"`{name.server}/{name.volume}` (`deleteOnTermination: {flag}` again)"
            )
    for place, told in sorted(by_place.items()):
        more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
        yield Finding(
            code="still-asked",
            summary=f"this line asks for the opposite of {', '.join(told[:NAMED])}{more}",
            hint="change it as well, or the next `apply` does it once more",
            severity=Severity.WARNING,
            place=place,
            scope=on.live.scope,
        )


def _asks(key: AttachmentKey, on: Ground, *, attached: bool) -> Place | None:
    """Give the line that wants an attachment otherwise than it shall be; None: none does."""
    wish, desired = on.wish(key), on.desired
    if wish is Wish.WANTED and not attached:
        return desired.wanted[key].place
    if wish is not Wish.UNWANTED or not attached:
        return None
    if key in desired.absent:
        return desired.absent[key]
    rows = ((Side.SERVER, key.server_id), (Side.VOLUME, key.volume_id))
    return next(desired.rows[row].owner.place for row in rows if row in desired.rows)


def _asks_flag(key: AttachmentKey, net: Net, on: Ground) -> Place | None:
    """Give the line that wants another `deleteOnTermination` than before; None: none does."""
    wanted, observed = on.desired.wanted.get(key), on.live.observed.get(key)
    if wanted is None or observed is None or not (net.before and net.touched):
        return None
    asked = wanted.attachment.delete_on_termination
    changes = net.flag not in {None, observed.delete_on_termination}
    return wanted.place if changes and asked not in {None, net.flag} else None


def _running(run: str) -> Finding:
    return Finding(
        code="run-goes-on",
        summary=f"run `{run}` holds its lease: it goes on",
        hint="wait for its end; `reconciler lock list` shows who it is",
    )
