"""How a whole scope is listed and some of its attachments are looked at; pure.

1. The first page goes out alone; all others, known from `total`, at once after it. The offset
   counts rows. Rows come oldest first (`createTime`, ASC: the default), so that a server that is
   created meanwhile comes last.
2. The page after a full last page is asked for as well: only a page that isn't full ends a list.
3. Lists aren't snapshots. Fewer rows than counted, a count that changes, a page that isn't full
   before the last one, a last page that is full, or a page without a count: the listing is
   incomplete.
4. A look asks few servers by id and lists for many: the listing costs floor(S/1000)+1 requests,
   which nobody knows before. A look at a server that doesn't say what is attached to it shows
   nothing gone and nothing detached: it is incomplete.
5. That a server doesn't exist is also said of one that is asked for in the wrong place: one that a
   look doesn't find is gone where the listing lacks it as well.

Source: ModelArts API reference, "ListDevServers" (limit of at most 1,024, 10 unless asked for,
offset), "ShowDevServer".
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.counting import counted
from reconciler.providers.huawei_modelarts.errors import FAULTS, NO_SERVER
from reconciler.providers.huawei_modelarts.live import Seen
from reconciler.providers.huawei_modelarts.wire import WireServer, WireServers
from reconciler.providers.requests import get
from reconciler.providers.talk import ask, ask_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.providers.huawei_modelarts.site import Site
    from reconciler.providers.talk import Conversation

LIMIT = 1000
"""Rows of a page; 1,024 are allowed."""
MAX_PAGES = 200
"""A count beyond 200,000 rows is an error of the cloud or the wrong tool for the account."""
FEW = 20
"""Servers that are looked at by id; for more of them the listing is asked."""
MAX_NAMED = 5
"""Ids named in one notice; more of them tell nobody more."""


def list_live(site: Site) -> Conversation[Live]:
    """Give everything in the scope: floor(S/1000)+1 requests in two rounds."""
    rows, doubts, notices = yield from _listed(site)
    seen = Seen(scope=site.scope)
    seen.add(rows)
    return seen.live((*doubts, *notices), complete=not doubts)


def observe(site: Site, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
    """Give these attachments: a request a server, or the listing's for more than 20 servers.

    The listing's as well where one isn't found.
    """
    server_ids = sorted({key.server_id for key in keys})
    doubts: tuple[str, ...] = ()
    rows: tuple[WireServer, ...] = ()
    if len(server_ids) <= FEW:
        rows = yield from _shown(site, server_ids)
    lost = frozenset(server_ids).difference(row.id for row in rows)
    if lost:
        listed, doubts, _ = yield from _listed(site)
        rows = (*rows, *(row for row in listed if row.id in lost))
    return _looked(site, frozenset(keys), rows, doubts)


def _shown(site: Site, server_ids: Sequence[str]) -> Conversation[tuple[WireServer, ...]]:
    """Ask for servers by id at once; those that don't exist are left out."""
    requests = tuple(get(site.servers(server_id)) for server_id in server_ids)
    responses = yield from ask_all(requests)
    answered = zip(server_ids, requests, responses, strict=True)
    found = (_one(*each) for each in answered)
    return tuple(row for row in found if row is not None)


def _one(server_id: str, request: httpx.Request, response: httpx.Response) -> WireServer | None:
    if not response.is_success and FAULTS.fault(response).plain_code in NO_SERVER:
        return None
    row = FAULTS.read(WireServer, request, response)
    if row.id != server_id:
        raise FAULTS.bad_answer(request, response)
    return row


def _looked(
    site: Site,
    keys: frozenset[AttachmentKey],
    rows: Sequence[WireServer],
    doubts: tuple[str, ...],
) -> Live:
    seen = Seen(scope=site.scope)
    seen.add(rows)
    silent = [row_id for row_id, row in seen.servers.items() if not row.attachments_known]
    if silent:
        doubts = (*doubts, f"what is attached isn't told for {_named(sorted(silent))}")
    seen.observed = {key: row for key, row in seen.observed.items() if key in keys}
    volume_ids = {key.volume_id for key in keys}
    seen.volumes = {k: row for k, row in seen.volumes.items() if k in volume_ids}
    return seen.live(doubts, complete=not doubts)


def _listed(
    site: Site,
) -> Conversation[tuple[tuple[WireServer, ...], tuple[str, ...], tuple[str, ...]]]:
    """Give all servers, what makes their listing incomplete, and what is odd about it."""
    request = _page(site, 0)
    response = yield from ask(request)
    first = FAULTS.read(WireServers, request, response)
    requests = tuple(_page(site, page) for page in _further(first.total))
    responses = yield from ask_all(requests)
    answered = zip(requests, responses, strict=True)
    pages = (first, *(FAULTS.read(WireServers, *each) for each in answered))
    # The later row of an id is the fresher one.
    rows = {row.id: row for page in pages for row in page.data}
    times = Counter(row.id for page in pages for row in page.data)
    return tuple(rows.values()), _doubts(pages, times), _twice(times)


def _doubts(pages: Sequence[WireServers], times: Mapping[str, int]) -> tuple[str, ...]:
    counts = [page.total for page in pages if page.total is not None]
    doubts = [
        f"a page of servers held {counted(len(page.data), 'row')} and wasn't the last"
        for page in pages[:-1]
        if len(page.data) < LIMIT
    ]
    if len(counts) < len(pages):
        doubts.append("a page of servers doesn't say how many there are")
    if len(set(counts)) > 1:
        doubts.append(
            f"the count of servers changed while they were listed: {min(counts)} to {max(counts)}"
        )
    if len(pages[-1].data) >= LIMIT:
        doubts.append(f"there are more servers than the {len(times)} that were counted and listed")
    if len(times) < max(counts, default=0):
        doubts.append(f"{len(times)} of {max(counts)} servers were listed")
    return tuple(doubts)


def _twice(times: Mapping[str, int]) -> tuple[str, ...]:
    twice = sorted(row_id for row_id, seen in times.items() if seen > 1)
    return (f"servers listed more than once: {_named(twice)}",) if twice else ()


def _named(ids: Sequence[str]) -> str:
    named = ", ".join(f"`{row_id}`" for row_id in ids[:MAX_NAMED])
    return f"{named} and {len(ids) - MAX_NAMED} more" if len(ids) > MAX_NAMED else named


def _further(count: int | None) -> range:
    """Give the pages after the first, counted from 0, up to the one that can't be full."""
    return range(1, min((count or 0) // LIMIT + 1, MAX_PAGES))


def _page(site: Site, page: int) -> httpx.Request:
    return get(site.servers(), limit=str(LIMIT), offset=str(page * LIMIT))
