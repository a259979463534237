"""The one attachment that a person means by `[SCOPE:]SERVER/VOLUME`."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import ProviderError
from reconciler.manifest.words import nearest
from reconciler.model.attachment import AttachmentKey
from reconciler.model.finding import Finding, FindingsError
from reconciler.operations.sessions import unreadable, untrusted
from reconciler.planning.resolve import resolve
from reconciler.planning.selection import splits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconciler.model.live import Live
    from reconciler.operations.sessions import Opened, Request, Session


class _Halves(NamedTuple):
    """One reading of a text in one scope."""

    live: Live
    words: tuple[str, str]
    servers: set[str]
    volumes: set[str]

    def pairs(self) -> product[tuple[str, str]]:
        """Give every server and volume that it may mean."""
        return product(self.servers, self.volumes)


async def one_attachment(
    text: str, request: Request, now: Opened, *, shown: bool = True
) -> tuple[Session, AttachmentKey, Live]:
    """Give the attachment, its scope and the listing that shows it.

    Names or ids; an id always wins. Without `shown` it need not be one: any volume and server that
    are live will do, and any attachment that a call was ever about. Raises FindingsError where
    nothing or more than one thing is meant, and where a scope that may be meant can't be read.
    """
    scope, ways = _parts(text, now)
    asked = (scope,) if scope else request.scopes
    unread = [one for one in now.findings if not asked or one.scope in asked]
    if unread:
        raise FindingsError(*unread)
    meant = [one for one in now.sessions if not asked or one.scope.name in asked]
    found: list[tuple[Session, AttachmentKey, Live]] = []
    halves: list[_Halves] = []
    for session in meant:
        live = await _listed(session)
        known = {*live.observed} if shown else {*live.observed, *_remembered(session, live)}
        read = [_Halves(live, words, *_ends(live, words, known)) for words in ways]
        halves += read
        keys = {AttachmentKey(live.scope, *pair) for way in read for pair in way.pairs()}
        if not live.shows_free:
            # There a volume's name means the one on that very server, as it does in manifests.
            keys = keys & live.observed.keys() or keys
        if shown and not keys & live.observed.keys():
            continue
        found += [(session, key, live) for key in sorted(keys)]
    if len(found) == 1:
        return found[0]
    if found:
        raise FindingsError(_ambiguous(text, [key for _, key, _ in found]))
    raise FindingsError(_none(text) if shown else _nothing(text, halves))


async def _listed(session: Session) -> Live:
    try:
        live = await session.patience.read(session.provider.list_live)
    except ProviderError as error:
        raise FindingsError(unreadable(session.scope, error)) from error
    if live.complete:
        return live
    raise FindingsError(untrusted(session.scope, live))


def _parts(text: str, now: Opened) -> tuple[str, list[tuple[str, str]]]:
    """Split what was written; the scope is empty where none is named.

    A scope stands before the first slash, and only a declared one: names may hold colons. They may
    hold slashes too: a server and a volume is what stands around any of them.
    """
    scope, colon, _ = text.partition("/")[0].partition(":")
    declared = {one.scope.name for one in now.sessions} | {one.scope for one in now.findings}
    if not colon or scope not in declared:
        scope = ""
    if ways := splits(text.removeprefix(f"{scope}:") if scope else text):
        return scope, ways
    raise FindingsError(
        Finding(
            code="bad-attachment",
            summary=f"`{text}` is no attachment",
            hint="write [SCOPE:]SERVER/VOLUME, names or ids; `reconciler doctor` prints them",
        )
    )


def _remembered(session: Session, live: Live) -> set[AttachmentKey]:
    """Give what manifests or the journal name, live or not."""
    desired = resolve(session.entries, live)
    calls = session.pages.runs.last_calls() if session.pages is not None else {}
    return {*desired.wanted, *desired.absent, *calls}


def _ends(
    live: Live, words: tuple[str, str], known: Collection[AttachmentKey]
) -> tuple[set[str], set[str]]:
    """Give the ids of all servers and of all volumes that the two words may mean.

    A name that two servers bear means both, also where only one of them has the volume.
    """
    server, volume = words
    servers = {one_id: one.name for one_id, one in live.servers.items()}
    volumes = {one_id: one.name for one_id, one in live.volumes.items()}
    server_ids = _ids(server, servers, (key.server_id for key in known))
    volume_ids = _ids(volume, volumes, (key.volume_id for key in known))
    return server_ids, volume_ids


def _ids(word: str, names: Mapping[str, str], shown: Iterable[str]) -> set[str]:
    if word in names or word in set(shown):
        return {word}
    return {one_id for one_id, name in names.items() if name == word}


def _ambiguous(text: str, keys: list[AttachmentKey]) -> Finding:
    listed = ", ".join(f"`{key}`" for key in keys[:10])
    return Finding(
        code="ambiguous-attachment",
        summary=f"`{text}` may mean {len(keys)} attachments: {listed}",
        hint="write the one that is meant, with its scope and by its ids",
    )


def _nothing(text: str, halves: Sequence[_Halves]) -> Finding:
    """Give which half isn't known, of the first reading that knows the other one."""
    live, words, servers, volumes = max(halves, key=lambda one: bool(one[2]) + bool(one[3]))
    lacks: list[str] = []
    near: list[str | None] = []
    if not servers:
        lacks.append(f"no server of scope `{live.scope}` is `{words[0]}`")
        near.append(nearest(words[0], (server.name for server in live.servers.values())))
    if not volumes:
        of = "" if lacks else f" of scope `{live.scope}`"
        lacks.append(f"no volume{of} is `{words[1]}`")
        near.append(nearest(words[1], (volume.name for volume in live.volumes.values())))
    written = " and ".join(f"`{word}`" for word in near if word)
    lists = "`reconciler live` lists names and ids; a volume on no server may need its id"
    return Finding(
        code="attachment-not-found",
        summary=f"`{text}` names no attachment: {', and '.join(lacks)}",
        hint=f"write {written}" if written else lists,
    )


def _none(text: str) -> Finding:
    return Finding(
        code="attachment-not-found",
        summary=f"no view of any scope that is meant shows `{text}`",
        hint="`reconciler doctor` prints what is stuck; a server out of sight has only its id",
    )
