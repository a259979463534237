"""How a whole scope is listed and some of its desktops are looked at; pure.

1. Pages go out one after the other, by creation time: a page may hold fewer rows than it could, so
   only the rows that came tell where the next one begins.
2. The list ends when as many desktops came as were counted and the last page isn't full, or when
   a page shows nothing new.
3. Lists aren't snapshots. Another number of desktops than counted, a count that changes, a desktop
   on two pages, a last page that is full, or a page without a count: the listing is incomplete.
4. A disk is shown on its desktop or nowhere: one that isn't seen may still exist.
5. A desktop that a look lacks is asked for by itself, and only a 404 says that it is gone: ids are
   documented with commas between, and the vendor's SDK repeats the parameter.

Source: Workspace API reference, "ListDesktopsDetail": `limit` of at most 500 (its schema says
1,000), `offset` in rows, `desktop_id` of at most 100; without a sort the order isn't published.
"ShowDesktopDetail": 404 where there is none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.attachment import View
from reconciler.model.live import Live
from reconciler.providers.huawei_faults import GONE
from reconciler.providers.huawei_workspace.errors import FAULTS
from reconciler.providers.huawei_workspace.live import Seen, blind
from reconciler.providers.huawei_workspace.wire import WireDesktops, WireOneDesktop
from reconciler.providers.requests import get
from reconciler.providers.talk import ask, ask_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import httpx

    from reconciler.model.attachment import AttachmentKey
    from reconciler.providers.huawei_workspace.site import Site
    from reconciler.providers.huawei_workspace.wire import WireDesktop
    from reconciler.providers.talk import Conversation

VIEWS = (View.COMPUTE,)
LIMIT = 500
"""Rows of a page."""
MAX_PAGES = 200
"""A list of more than 100,000 desktops is an error of the cloud or the wrong tool for the account.
"""
LOOK = 100
"""Desktops of one look."""
GATEWAY = "APIGW."
"""How codes begin that come from before the API: their 404 is about the path."""
MAX_NAMED = 5
"""Ids named in one notice; more of them tell nobody more."""


def list_live(site: Site) -> Conversation[Live]:
    """Give everything in the scope: floor(D/500)+1 requests, one after the other."""
    pages: list[WireDesktops] = []
    listed: set[str] = set()
    while len(pages) < MAX_PAGES:
        request = _page(site, len(listed))
        page = _read(request, (yield from ask(request)))
        pages.append(page)
        fresh = {row.desktop_id for row in page.desktops} - listed
        listed |= fresh
        # What comes without a count is in doubt already: more of it would settle nothing.
        ends = page.total_count is None or len(listed) >= page.total_count
        if not fresh or (ends and len(page.desktops) < LIMIT):
            break
    return _listed(site, pages)


def observe(site: Site, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
    """Give what is said of these attachments: a request for 100 desktops, all at once.

    A second round, a request for each, where desktops are missing.
    """
    server_ids = sorted({key.server_id for key in keys})
    requests = tuple(_look(site, ids) for ids in _chunks(server_ids))
    responses = yield from ask_all(requests)
    pages = [_read(*each) for each in zip(requests, responses, strict=True)]
    rows = {row.desktop_id: row for page in pages for row in page.desktops}
    missing = [server_id for server_id in server_ids if server_id not in rows]
    shows = tuple(get(site.at("desktops", server_id)) for server_id in missing)
    answers = yield from ask_all(shows)
    for server_id, request, response in zip(missing, shows, answers, strict=True):
        row = _shown(server_id, request, response)
        rows |= {} if row is None else {server_id: row}
    return _looked(site, frozenset(keys), [rows[each] for each in server_ids if each in rows])


def _shown(server_id: str, request: httpx.Request, response: httpx.Response) -> WireDesktop | None:
    """Give one desktop, None where it is gone. Raises ProviderError."""
    unrouted = FAULTS.fault(response).plain_code.startswith(GATEWAY)
    if response.status_code == GONE and not unrouted:
        return None
    row = FAULTS.read(WireOneDesktop, request, response).desktop
    if row.desktop_id != server_id:
        raise FAULTS.bad_answer(request, response)
    return row


def _read(request: httpx.Request, response: httpx.Response) -> WireDesktops:
    page = FAULTS.read(WireDesktops, request, response)
    if page.error_code:
        raise FAULTS.bad_answer(request, response)
    return page


def _listed(site: Site, pages: Sequence[WireDesktops]) -> Live:
    seen = Seen(scope=site.scope)
    rows = {row.desktop_id: row for page in pages for row in page.desktops}
    # The later row of an id is the fresher one; its disks replace those of the earlier.
    seen.add(rows.values())
    doubts = tuple(_doubts(pages, len(rows)))
    return Live(
        scope=site.scope,
        views=VIEWS,
        servers=dict(sorted(seen.servers.items())),
        volumes=dict(sorted(seen.volumes.items())),
        observed=seen.observed(),
        notices=(*doubts, *_notices(pages, rows.values())),
        shows_free=False,
        complete=not doubts,
    )


def _looked(site: Site, keys: frozenset[AttachmentKey], rows: Sequence[WireDesktop]) -> Live:
    seen = Seen(scope=site.scope)
    seen.add(rows)
    volume_ids = {key.volume_id for key in keys}
    # A disk without an id may be the very one that is looked for.
    doubts = tuple(_hidden(rows))
    return Live(
        scope=site.scope,
        views=VIEWS,
        servers=dict(sorted(seen.servers.items())),
        volumes={k: row for k, row in sorted(seen.volumes.items()) if k in volume_ids},
        observed={key: row for key, row in seen.observed().items() if key in keys},
        notices=doubts,
        shows_free=False,
        complete=not doubts,
    )


def _doubts(pages: Sequence[WireDesktops], listed: int) -> Iterator[str]:
    counts = [page.total_count for page in pages if page.total_count is not None]
    if len(counts) < len(pages):
        yield "a page of desktops doesn't say how many there are"
    if len(set(counts)) > 1:
        low, high = min(counts), max(counts)
        yield f"the count of desktops changed while they were listed: {low} to {high}"
    if len(pages[-1].desktops) >= LIMIT:
        yield f"there are more desktops than the {listed} that were listed"
    elif counts and listed != max(counts):
        yield f"{listed} of {max(counts)} desktops were listed"
    on_pages = Counter(
        desktop_id for page in pages for desktop_id in {row.desktop_id for row in page.desktops}
    )
    moved = [desktop_id for desktop_id, times in on_pages.items() if times > 1]
    if moved:
        yield f"desktops listed on more than one page: {_named(moved)}"


def _notices(pages: Sequence[WireDesktops], rows: Iterable[WireDesktop]) -> Iterator[str]:
    times = [Counter(row.desktop_id for row in page.desktops) for page in pages]
    twice = {desktop_id for page in times for desktop_id, seen in page.items() if seen > 1}
    if twice:
        yield f"desktops listed more than once: {_named(twice)}"
    yield from _hidden(rows)


def _hidden(rows: Iterable[WireDesktop]) -> Iterator[str]:
    hidden = [row.desktop_id for row in rows if blind(row)]
    if hidden:
        yield f"desktops without a disk, or with one that has no id: {_named(hidden)}"


def _named(ids: Iterable[str]) -> str:
    found = sorted(set(ids))
    named = ", ".join(f"`{desktop_id}`" for desktop_id in found[:MAX_NAMED])
    rest = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return f"{named}{rest}"


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + LOOK] for start in range(0, len(ids), LOOK))


def _page(site: Site, offset: int) -> httpx.Request:
    return get(
        site.at("desktops", "detail"),
        limit=str(LIMIT),
        offset=str(offset),
        sort_field="created",
        sort_type="ASC",
    )


def _look(site: Site, ids: Sequence[str]) -> httpx.Request:
    return get(site.at("desktops", "detail"), desktop_id=",".join(ids), limit=str(LIMIT))
