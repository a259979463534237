"""How a whole scope is listed and some of its attachments are looked at; pure.

1. The first pages of both views go out at once, and so do their following pages.
2. A page goes on after the last id of the one before; a page that isn't full ends a list.
3. A page that brings nothing new, the 200th one, or fewer volumes than counted: the listing is
   incomplete. Servers aren't counted by the cloud.
4. A few attachments are looked at by id, all at once; many cost less as two lists.
5. A 400 may say that there is no such id, or anything else: the lists tell.

Source: the vendor's pages of `GET /v1/volumes` (limit of at most 1,000, 20 without one; `marker`)
and `GET /v1/servers` (no maximum is stated: 1,000 as well). That a server's page of less than
1,000 rows is the last one is unverified.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from reconciler.errors import ProviderError
from reconciler.providers.samsung_virtualserver import errors
from reconciler.providers.samsung_virtualserver.live import Seen
from reconciler.providers.samsung_virtualserver.wire import (
    WireServer,
    WireServers,
    WireVolume,
    WireVolumes,
)
from reconciler.providers.talk import ask_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import httpx

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.providers.samsung_virtualserver.site import Site
    from reconciler.providers.talk import Conversation

RowT = TypeVar("RowT", WireServer, WireVolume)

LIMIT = 1000
"""Rows of a page."""
MAX_PAGES = 200
"""More than 200,000 rows are an error of the cloud or the wrong tool for the account."""
FEW = 20
"""Volumes and servers that are looked at one by one: the pace of a scope is a few requests a
second, and two lists of a large account take about as long."""
MAX_NAMED = 5
"""Ids named in one notice; more of them tell nobody more."""


@dataclass(slots=True, kw_only=True)
class Roll(Generic[RowT]):
    """One list as far as it was heard."""

    what: str
    read: Callable[[httpx.Request, httpx.Response], tuple[int | None, Sequence[RowT]]]
    rows: dict[str, RowT] = field(default_factory=dict)
    """The later row of an id is the fresher one."""
    times: Counter[str] = field(default_factory=Counter)
    counted: int = 0
    pages: int = 0
    marker: str = ""
    ended: bool = False
    doubts: list[str] = field(default_factory=list)

    def request(self, site: Site) -> httpx.Request:
        """Give the request of the next page."""
        after = {"marker": self.marker} if self.marker else {}
        return site.get(self.what, limit=str(LIMIT), **after)

    def take(self, request: httpx.Request, response: httpx.Response) -> None:
        """Take in a page. Raises ProviderError."""
        try:
            count, rows = self.read(request, response)
        except ProviderError as error:
            # The row that the page goes on from may be gone: another list starts without it.
            error.retryable |= bool(self.marker) and errors.gone(response)
            raise
        before = len(self.rows)
        self.pages += 1
        self.counted = max(self.counted, count or 0)
        self.times.update(row.id for row in rows)
        self.rows |= {row.id: row for row in rows}
        self.marker = rows[-1].id if rows else ""
        self.ended = len(rows) < LIMIT
        if rows and len(self.rows) == before:
            self._doubt(f"page {self.pages} of {self.what} brought nothing new")
        elif not self.ended and self.pages >= MAX_PAGES:
            self._doubt(f"there are more than {len(self.rows)} {self.what}")
        if self.ended and len(self.rows) < self.counted:
            self._doubt(f"{len(self.rows)} of {self.counted} {self.what} were listed")

    def notices(self) -> tuple[str, ...]:
        """Give what is odd about it and still harmless."""
        twice = sorted(row_id for row_id, seen in self.times.items() if seen > 1)
        if not twice:
            return ()
        named = ", ".join(f"`{row_id}`" for row_id in twice[:MAX_NAMED])
        rest = f" and {len(twice) - MAX_NAMED} more" if len(twice) > MAX_NAMED else ""
        return (f"{self.what} listed more than once: {named}{rest}",)

    def _doubt(self, words: str) -> None:
        self.doubts.append(words)
        self.ended = True


def list_live(site: Site) -> Conversation[Live]:
    """Give everything in the scope: floor(V/1000)+1 and floor(S/1000)+1 requests, two at a time."""
    volumes = Roll(what="volumes", read=_volume_page)
    servers = Roll(what="servers", read=_server_page)
    while waiting := [roll for roll in (volumes, servers) if not roll.ended]:
        requests = tuple(roll.request(site) for roll in waiting)
        responses = yield from ask_all(requests)
        for roll, request, response in zip(waiting, requests, responses, strict=True):
            roll.take(request, response)
    seen = Seen(scope=site.scope, whole=True)
    seen.add_volumes(volumes.rows.values())
    seen.add_servers(servers.rows.values())
    return seen.live(
        doubts=(*volumes.doubts, *servers.doubts),
        notices=(*volumes.notices(), *servers.notices()),
    )


def observe(site: Site, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
    """Give both views of these attachments: a request a volume and a server, or two lists."""
    volume_ids = sorted({key.volume_id for key in keys})
    server_ids = sorted({key.server_id for key in keys})
    if len(volume_ids) + len(server_ids) > FEW:
        listed = yield from list_live(site)
        return _part(listed, keys)
    requests = (
        *(site.get("volumes", volume_id) for volume_id in volume_ids),
        *(site.get("servers", server_id) for server_id in server_ids),
    )
    responses = yield from ask_all(requests)
    if any(errors.gone(response) and errors.unsure(response) for response in responses):
        listed = yield from list_live(site)
        return _part(listed, keys)
    answered = tuple(zip((*volume_ids, *server_ids), requests, responses, strict=True))
    seen = Seen(scope=site.scope, whole=False)
    seen.add_volumes(_shown(WireVolume, answered[: len(volume_ids)]))
    seen.add_servers(_shown(WireServer, answered[len(volume_ids) :]))
    return _part(seen.live(), keys)


def _part(live: Live, keys: Sequence[AttachmentKey]) -> Live:
    """Give what a picture holds of some attachments, their volumes and servers."""
    asked = set(keys)
    volume_ids = {key.volume_id for key in keys}
    server_ids = {key.server_id for key in keys}
    return replace(
        live,
        servers={row_id: row for row_id, row in live.servers.items() if row_id in server_ids},
        volumes={row_id: row for row_id, row in live.volumes.items() if row_id in volume_ids},
        observed={key: row for key, row in live.observed.items() if key in asked},
        notices=() if live.complete else live.notices,
    )


def _shown(
    model: type[RowT], answered: Sequence[tuple[str, httpx.Request, httpx.Response]]
) -> Iterator[RowT]:
    """Give the rows that were shown; what is gone is left out. Raises ProviderError."""
    for wanted, request, response in answered:
        if errors.gone(response):
            continue
        row = errors.read(model, request, response)
        if row.id != wanted:
            raise errors.bad_answer(request, response)
        yield row


def _volume_page(
    request: httpx.Request, response: httpx.Response
) -> tuple[int | None, Sequence[WireVolume]]:
    page = errors.read(WireVolumes, request, response)
    return page.count, page.volumes


def _server_page(
    request: httpx.Request, response: httpx.Response
) -> tuple[int | None, Sequence[WireServer]]:
    return None, errors.read(WireServers, request, response).servers
