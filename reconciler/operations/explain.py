"""Why an attachment is, or isn't: manifests, rule, views, plan and the last call about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.model.finding import FindingsError
from reconciler.operations.named import one_attachment
from reconciler.operations.sessions import opened, unreadable
from reconciler.planning.doubts import merged
from reconciler.planning.ground import ground
from reconciler.planning.planner import plan
from reconciler.planning.resolve import resolve
from reconciler.planning.selection import splits
from reconciler.report.explanation import Explanation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.finding import Finding
    from reconciler.model.live import Live
    from reconciler.operations.sessions import Opened, Request, Session
    from reconciler.operations.wiring import Surroundings

NOT_FOUND = "attachment-not-found"


async def explain(text: str, request: Request, around: Surroundings) -> Explanation:
    """Give why one attachment is as it is; nothing is changed.

    Raises FindingsError where nothing or more than one thing is meant: then also with what is wrong
    with the entries that name it; and JournalError.
    """
    async with opened(request, around, writing=False) as now:
        try:
            session, key, live = await one_attachment(text, request, now, shown=False)
        except FindingsError as error:
            if error.findings[0].code != NOT_FOUND:
                raise
            raise FindingsError(*error.findings, *await _entries(text, now)) from error
        return _explained(session, key, await _closer(session, key, live))


async def _closer(session: Session, key: AttachmentKey, live: Live) -> Live:
    """Look at it once more, by id: a listing may be behind."""
    if key.server_id not in live.servers or key.volume_id not in live.volumes:
        return live
    if not live.shows_free and key not in live.observed:
        return live  # A look at this server would say that the volume is nowhere.
    try:
        look = await session.patience.read(lambda: session.provider.observe((key,)))
    except ProviderError as error:
        raise FindingsError(unreadable(session.scope, error)) from error
    return merged(live, look, (key,))


def _explained(session: Session, key: AttachmentKey, live: Live) -> Explanation:
    desired = resolve(session.entries, live)
    about = session.circumstances(destroys=None)
    can, policy, pages = session.spec.can, session.policy, session.pages
    on = ground(desired, live, policy, can, about)
    calls = pages.open_intents() if pages is not None else ()
    return Explanation(
        key=key,
        simulated=session.scope.simulated,
        on=on,
        plan=plan(desired, live, policy, can, about),
        last=pages.runs.last_calls().get(key) if pages is not None else None,
        open_call=next((one for one in calls if key in one.call.keys), None),
    )


async def _entries(text: str, now: Opened) -> tuple[Finding, ...]:
    """Give what is wrong with the entries that name both ends, where one of them isn't live."""
    found: list[Finding] = []
    for session in now.sessions:
        try:
            live = await session.patience.read(session.provider.list_live)
        except ProviderError:
            continue
        wrong = resolve(session.entries, live).entry_findings
        found += [finding for finding in wrong if _names(text, finding, session)]
    return tuple(found)


def _names(text: str, finding: Finding, session: Session) -> bool:
    """Tell whether a finding stands at an entry, or at a line of it, that the text names."""
    words = set(_words(text))
    for entry in session.entries:
        lines = [line.ref for line in entry.listed or ()]
        both = words & {(entry.owner.text, ref.text) for ref in lines}
        both |= words & {(ref.text, entry.owner.text) for ref in lines}
        if both and finding.place in {entry.owner.place, *(ref.place for ref in lines)}:
            return True
    return False


def _words(text: str) -> Iterator[tuple[str, str]]:
    """Give server and volume as the text may mean them, with and without a scope before."""
    yield from splits(text)
    yield from splits(text.partition(":")[2])
