"""The manifests that a service goes by: read again when they change, never for the worse.

1. Newer ones that are wrong are told, and the last good ones stay in force.
2. So do they when newer ones have no entry at all: an empty folder is a mistake, not a wish.
3. Where a schedule names a `source`, what was given with -f only says where to fetch; what is in
   force is what was fetched. Its own schedules win over the one that names it, but for `source`.
4. Nothing is taken away by manifests that aren't the same files still a while after they were read:
   an editor writes in place, and what is cut behind a line is good YAML that lists less.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.manifest.fingerprint import fingerprint
from reconciler.manifest.paths import SUFFIXES
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.schedule import Schedule
from reconciler.model.watching import Manifests
from reconciler.operations.asked import loaded
from reconciler.operations.older import made_from
from reconciler.repository.fetching import Mirror

if TYPE_CHECKING:
    from reconciler.manifest import Loaded
    from reconciler.model.declared import Declared
    from reconciler.operations.asked import Request, Surroundings

SOURCES = "sources"
"""The folder of fetched repositories, beside the journal."""

SETTLE_S = 10.0
"""An editor writes a file within milliseconds, a checkout all of its files within seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line says of every schedule; None: the manifests decide."""

    every_s: float | None = None
    cron: str | None = None
    corrects: bool | None = None


class InForce:
    """Manifests that may change while they are used. Raises FindingsError where none are good."""

    def __init__(self, request: Request, around: Surroundings, overrides: Overrides) -> None:
        self._asked, self._around, self._overrides = request, around, overrides
        self._trouble: tuple[Finding, ...] = ()
        self._commit: str | None = None
        self._named, self._mirror = _mirror(request, around)
        if self._mirror is not None:
            self._fetch(self._mirror)
            if self._commit is None:
                raise FindingsError(*self._trouble)
        self._print = self._fingerprint()
        self._take(_good(self._asked))
        self.manifests = self._manifests()

    @property
    def declared(self) -> Declared:
        """What they declare, cut to the scopes that were asked for."""
        assert self._read.declared is not None, "they are good"
        return self._read.declared

    async def fetch(self) -> None:
        """Fetch what may be new, beside everything else; `refresh` then takes it in."""
        if self._mirror is not None:
            await asyncio.to_thread(self._fetch, self._mirror)

    def refresh(self) -> bool:
        """Read them again where they changed; tell whether anything is to be told of it."""
        now = self._fingerprint()
        if now == self._print:
            return False
        self._print = now
        try:
            self._take(_good(self._asked))
        except FindingsError as error:
            found = (*self._trouble, *error.findings)
            self.manifests = replace(self.manifests, findings=found, refused_commit=self._commit)
        else:
            self.manifests = self._manifests()
        return True

    def request(self, scope: str) -> Request:
        """Give the request of one scope, with what was read."""
        return replace(self._asked, scopes=(scope,), read=self._read)

    async def settled(self, request: Request) -> bool:
        """Wait until its manifests were read a while ago; tell whether nobody wrote them since."""
        age_s = self._around.utc_now().timestamp() - self.manifests.read_s
        await asyncio.sleep(min(SETTLE_S, max(0.0, SETTLE_S - age_s)))
        return request.read is self._read and self._fingerprint() == self._print

    def schedule(self, scope: str) -> Schedule:
        """Give when a scope is looked at: the command line, its own schedule, the general one."""
        found = self._schedules.get(scope) or self._schedules.get(None) or Schedule()
        over = self._overrides
        if over.every_s is not None or over.cron is not None:
            zone = found.timezone if found.cron is not None else "UTC"
            found = replace(found, every_s=over.every_s, cron=over.cron, timezone=zone)
        if over.corrects is not None:
            found = replace(found, correct=over.corrects)
        return found

    def _take(self, read: Loaded) -> None:
        """Go by what was read; of schedules that name one scope the first is its own."""
        assert read.declared is not None, "they are good"
        self._around.remark(read.findings)
        schedules: dict[str | None, Schedule] = {}
        for one in read.declared.schedules or self._named:
            for name in (None,) if one.scopes is None else one.scopes:
                schedules.setdefault(name, one)
        self._read, self._schedules = read, schedules

    def _fingerprint(self) -> tuple[object, ...]:
        asked = self._asked
        told = tuple(finding.summary for finding in self._trouble)
        return fingerprint(asked.files, recursive=asked.recursive), told

    def _manifests(self) -> Manifests:
        """Give what is told of manifests that were just read; a commit only where it has them."""
        asked, commit = self._asked, self._commit
        if commit is None:
            of = made_from(asked.files, self._around, recursive=asked.recursive)
            commit = of.id if of is not None and not of.dirty else None
        now_s = self._around.utc_now().timestamp()
        return Manifests(read_s=now_s, commit=commit, findings=self._trouble)

    def _fetch(self, mirror: Mirror) -> None:
        """Fetch, and lay the newest commit out; in trouble the last one that was fetched stays."""
        commit = self._commit
        try:
            commit = mirror.fetch()
            self._trouble = ()
        except FindingsError as error:
            self._trouble = error.findings
            with suppress(FindingsError):
                commit = commit or mirror.newest()
        if commit is None:
            return
        try:
            laid = mirror.lay(commit, _is_yaml, recursive=self._asked.recursive)
        except FindingsError as error:
            self._trouble = error.findings
            return
        if self._commit is not None:
            mirror.forget(commit, self._commit)
        self._commit = commit
        self._asked = replace(self._asked, files=(str(laid),))


def _mirror(request: Request, around: Surroundings) -> tuple[tuple[Schedule, ...], Mirror | None]:
    """Give the schedules that name a source, and what follows it; none and None where none does."""
    read = loaded(replace(request, scopes=())).declared
    assert read is not None, "`loaded` raises otherwise"
    naming = tuple(one for one in read.schedules if one.source is not None)
    if not naming:
        return (), None
    sources = {(s.url, s.branch, s.path, s.signed) for one in naming if (s := one.source)}
    if len(sources) > 1:
        raise FindingsError(
            Finding(
                code="several-sources",
                summary=f"{len(sources)} schedules name different sources",
                hint="run a service of its own for each of them",
                place=naming[1].place,
            )
        )
    source = naming[0].source
    assert source is not None, "it names one"
    return naming, Mirror(source, around.folder / SOURCES, around.environ)


def _is_yaml(path: str) -> bool:
    """Tell whether a file is laid out: manifests, and the worlds of simulated scopes."""
    return path.endswith(SUFFIXES)


def _good(request: Request) -> Loaded:
    read = loaded(request)
    declared = read.declared
    assert declared is not None, "`loaded` raises otherwise"
    if not any(declared.entries.get(name) for name in declared.scopes):
        raise FindingsError(
            Finding(
                code="no-entries",
                summary="the manifests have no entry at all",
                hint="check the path given with -f: an empty set is never watched",
            )
        )
    return read
