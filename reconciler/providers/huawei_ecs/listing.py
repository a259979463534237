"""How a whole scope is listed and some of its attachments are looked at; pure.

1. The first pages of both views go out at once; all others, known from `count`, after them, many
   at once. A page is taken in and dropped: nobody holds 100,000 rows as they came. A row that
   comes again replaces the earlier one: it is the fresher.
2. The page after a full last page is asked for as well: only a page that isn't full ends a list.
3. EVS counts its offset in rows, ECS in pages from 1.
4. Lists aren't snapshots. Fewer rows than counted, a count that changes, a page that isn't full
   before the last one, a last page that is full, or a page without a count: the listing is
   incomplete.
5. A look is by ids, or through the pages on which rows were last seen where that takes fewer
   requests: a row that isn't on its page any more is asked for by its id before it counts as gone.

Source: EVS API reference, "ListVolumes" (limit, offset, `ids` of at most 60); ECS API reference,
"ListServersDetails" (limit of at most 1,000, `server_id` of at most 100).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from reconciler.model.attachment import View
from reconciler.model.counting import counted
from reconciler.model.live import Live
from reconciler.providers.huawei_ecs.errors import FAULTS
from reconciler.providers.huawei_ecs.live import FIRST, Seen
from reconciler.providers.huawei_ecs.places import LOOK, Places
from reconciler.providers.huawei_ecs.wire import WireServers, WireVolumes
from reconciler.providers.requests import get
from reconciler.providers.talk import ask_all

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import httpx

    from reconciler.model.attachment import AttachmentKey
    from reconciler.providers.huawei_ecs.site import Site
    from reconciler.providers.talk import Conversation

    Told = tuple[int | None, list[str]]
    """The count that a page tells, and its ids."""
    Taking = tuple[Callable[[httpx.Request, httpx.Response], None], httpx.Request]
    """A request, and who takes in its response."""

VIEWS = (View.COMPUTE, View.STORAGE)
LIMIT = 1000
"""Rows of a page; both APIs take no more. ECS recommends 200, which would be five times the calls.
"""
MAX_PAGES = 2000
"""A count beyond 2,000,000 rows is an error of the cloud or the wrong tool for the account."""
ABREAST = 16
"""Pages asked for at once: all of them are held at one time, and a page has about 2 MB."""
MAX_NAMED = 5
"""Ids named in one notice; more of them tell nobody more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said of a listing of one kind of rows."""

    notices: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """Any of them means that rows may be missing."""


@dataclass(slots=True)
class _Pages:
    """One kind of rows as far as it is listed; a page is taken in and dropped."""

    take: Callable[[httpx.Request, httpx.Response], Told]
    told: list[Told] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """True once a page after the first wasn't full: what follows it can be in doubt only."""
        return len(self.told) > 1 and len(self.told[-1][1]) < LIMIT


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where the rows of both views were last seen."""

    volumes: Places = field(default_factory=Places)
    servers: Places = field(default_factory=Places)


def list_live(site: Site, shelves: Shelves) -> Conversation[Live]:
    """Give everything in the scope: floor(V/1000)+1 + floor(S/1000)+1 requests.

    The first two at once, then all others, `ABREAST` at once. `shelves` learns where rows are.
    """
    seen = Seen(scope=site.scope)
    volumes, servers = _Pages(partial(_volumes, seen)), _Pages(partial(_servers, seen))
    yield from _taken(((volumes, _volume_page(site, 0)), (servers, _server_page(site, 0))))
    more = [
        *((volumes, _volume_page(site, page)) for page in _further(volumes.told[0][0])),
        *((servers, _server_page(site, page)) for page in _further(servers.told[0][0])),
    ]
    while more:
        yield from _taken(more[:ABREAST])
        more = [each for each in more[ABREAST:] if not each[0].ended]
    shelves.volumes.listed(ids for _, ids in volumes.told)
    shelves.servers.listed(ids for _, ids in servers.told)
    return _listed(seen, volumes, servers)


def _volumes(seen: Seen, request: httpx.Request, response: httpx.Response) -> Told:
    page = FAULTS.read(WireVolumes, request, response)
    seen.add_volumes(page.volumes)
    return page.count, [row.id for row in page.volumes]


def _servers(seen: Seen, request: httpx.Request, response: httpx.Response) -> Told:
    page = FAULTS.read(WireServers, request, response)
    seen.add_servers(page.servers)
    return page.count, [row.id for row in page.servers]


def _taken(asked: Sequence[tuple[_Pages, httpx.Request]]) -> Conversation[None]:
    """Ask for pages at once and take them in, in their order."""
    responses = yield from ask_all(tuple(request for _, request in asked))
    for (pages, request), response in zip(asked, responses, strict=True):
        pages.told.append(pages.take(request, response))


def takes(keys: Collection[AttachmentKey], shelves: Shelves) -> int:
    """Give how many requests a look at these takes, where no row has left its page."""
    volumes = shelves.volumes.way({key.volume_id for key in keys})
    return volumes.requests + shelves.servers.way({key.server_id for key in keys}).requests


def observe(site: Site, keys: Sequence[AttachmentKey], shelves: Shelves) -> Conversation[Live]:
    """Give both views of these attachments: a request for 60 of a view, or for a page of it.

    A second round, by ids, where rows aren't on the page any more on which they were.
    """
    look = _Look(seen=Seen(scope=site.scope))
    volumes = {key.volume_id for key in keys}
    servers = {key.server_id for key in keys}
    volume_way, server_way = shelves.volumes.way(volumes), shelves.servers.way(servers)
    yield from _answered(
        (
            *look.volume_pages(site, volume_way.pages, shelves.volumes),
            *look.volumes(site, volume_way.ids),
            *look.server_pages(site, server_way.pages, shelves.servers),
            *look.servers(site, server_way.ids),
        )
    )
    lost_volumes = sorted(volumes.difference(volume_way.ids, look.volumes_shown))
    lost_servers = sorted(servers.difference(server_way.ids, look.servers_shown))
    yield from _answered((*look.volumes(site, lost_volumes), *look.servers(site, lost_servers)))
    return _looked(frozenset(keys), look)


@dataclass(slots=True, kw_only=True)
class _Look:
    """What a look has shown so far."""

    seen: Seen
    volumes_shown: set[str] = field(default_factory=set)
    """Every id on the pages of volumes that it went through."""
    servers_shown: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)

    def volume_pages(self, site: Site, pages: Sequence[int], places: Places) -> Iterator[Taking]:
        """Give the requests for pages of volumes."""
        for page in pages:
            kept = partial(_kept, places, page, self.volumes_shown)
            yield partial(self._page, _volumes, kept), _volume_page(site, page)

    def server_pages(self, site: Site, pages: Sequence[int], places: Places) -> Iterator[Taking]:
        """Give the requests for pages of servers."""
        for page in pages:
            kept = partial(_kept, places, page, self.servers_shown)
            yield partial(self._page, _servers, kept), _server_page(site, page)

    def volumes(self, site: Site, ids: Sequence[str]) -> Iterator[Taking]:
        """Give the requests for volumes by their ids."""
        return ((self._volumes, _volume_look(site, some)) for some in _chunks(ids))

    def servers(self, site: Site, ids: Sequence[str]) -> Iterator[Taking]:
        """Give the requests for servers by their ids."""
        return ((self._servers, _server_look(site, some)) for some in _chunks(ids))

    def _page(
        self,
        take: Callable[[Seen, httpx.Request, httpx.Response], Told],
        kept: Callable[[Collection[str]], None],
        request: httpx.Request,
        response: httpx.Response,
    ) -> None:
        kept(take(self.seen, request, response)[1])

    def _volumes(self, request: httpx.Request, response: httpx.Response) -> None:
        count, ids = _volumes(self.seen, request, response)
        # ECS answers an unknown id with a row of its own, so only EVS's count can be held to it.
        if len(ids) < (count or 0):
            self.doubts.append(f"a look showed {len(ids)} of {count} volumes")

    def _servers(self, request: httpx.Request, response: httpx.Response) -> None:
        _servers(self.seen, request, response)


def _kept(places: Places, page: int, shown: set[str], ids: Collection[str]) -> None:
    places.seen(page, ids)
    shown.update(ids)


def _answered(asked: Sequence[Taking]) -> Conversation[None]:
    """Ask, `ABREAST` at once, and have each response taken in."""
    for start in range(0, len(asked), ABREAST):
        some = asked[start : start + ABREAST]
        responses = yield from ask_all(tuple(request for _, request in some))
        for (take, request), response in zip(some, responses, strict=True):
            take(request, response)


def _listed(seen: Seen, volumes: _Pages, servers: _Pages) -> Live:
    verdicts = (_judged("volumes", volumes.told), _judged("servers", servers.told))
    doubts = tuple(doubt for verdict in verdicts for doubt in verdict.doubts)
    notices = tuple(notice for verdict in verdicts for notice in verdict.notices)
    return Live(
        scope=seen.scope,
        views=VIEWS,
        servers=dict(sorted(seen.servers.items(), key=FIRST)),
        volumes=dict(sorted(seen.volumes.items(), key=FIRST)),
        observed=seen.observed(),
        notices=(*doubts, *notices),
        complete=not doubts,
    )


def _looked(keys: frozenset[AttachmentKey], look: _Look) -> Live:
    seen = look.seen
    volume_ids = {key.volume_id for key in keys}
    server_ids = {key.server_id for key in keys}
    return Live(
        scope=seen.scope,
        views=VIEWS,
        servers={k: row for k, row in sorted(seen.servers.items()) if k in server_ids},
        volumes={k: row for k, row in sorted(seen.volumes.items()) if k in volume_ids},
        observed={key: row for key, row in seen.observed().items() if key in keys},
        notices=tuple(look.doubts),
        complete=not look.doubts,
    )


def _judged(what: str, pages: Sequence[Told]) -> Verdict:
    counts = [count for count, _ in pages if count is not None]
    rows = sum(len(ids) for _, ids in pages)
    different = len(set[str]().union(*(ids for _, ids in pages)))
    doubts = [
        f"a page of {what} held {counted(len(ids), 'row')} and wasn't the last"
        for _, ids in pages[:-1]
        if len(ids) < LIMIT
    ]
    if len(counts) < len(pages):
        doubts.append(f"a page of {what} doesn't say how many there are")
    if len(set(counts)) > 1:
        doubts.append(
            f"the count of {what} changed while they were listed: {min(counts)} to {max(counts)}"
        )
    if len(pages[-1][1]) >= LIMIT:
        doubts.append(f"there are more {what} than the {different} that were counted and listed")
    if different < max(counts, default=0):
        doubts.append(f"{different} of {max(counts)} {what} were listed")
    if different == rows:
        return Verdict(doubts=tuple(doubts))
    times = Counter(row_id for _, ids in pages for row_id in ids)
    twice = sorted(row_id for row_id, seen in times.items() if seen > 1)
    named = ", ".join(f"`{row_id}`" for row_id in twice[:MAX_NAMED])
    rest = f" and {len(twice) - MAX_NAMED} more" if len(twice) > MAX_NAMED else ""
    return Verdict(doubts=tuple(doubts), notices=(f"{what} listed more than once: {named}{rest}",))


def _further(count: int | None) -> range:
    """Give the pages after the first, counted from 0, up to the one that can't be full."""
    return range(1, min((count or 0) // LIMIT + 1, MAX_PAGES))


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + LOOK] for start in range(0, len(ids), LOOK))


def _volume_page(site: Site, page: int) -> httpx.Request:
    return get(site.storage("cloudvolumes", "detail"), limit=str(LIMIT), offset=str(page * LIMIT))


def _server_page(site: Site, page: int) -> httpx.Request:
    return get(site.compute("cloudservers", "detail"), limit=str(LIMIT), offset=str(page + 1))


def _volume_look(site: Site, ids: Sequence[str]) -> httpx.Request:
    quoted = ",".join(f"'{volume_id}'" for volume_id in ids)
    return get(site.storage("cloudvolumes", "detail"), ids=f"[{quoted}]")


def _server_look(site: Site, ids: Sequence[str]) -> httpx.Request:
    url = site.compute("cloudservers", "detail")
    return get(url, limit=str(LIMIT), server_id=",".join(ids))
