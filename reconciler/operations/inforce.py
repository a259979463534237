"""The manifests that a service goes by: read again when their files change, never for the worse.

1. Newer ones that are wrong are told, and the last good ones stay in force.
2. So do they when newer ones have no entry at all: an empty folder is a mistake, not a wish.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.manifest.fingerprint import fingerprint
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.schedule import Schedule
from reconciler.model.watching import Manifests
from reconciler.operations.asked import loaded
from reconciler.operations.older import made_from

if TYPE_CHECKING:
    from reconciler.manifest import Loaded
    from reconciler.model.declared import Declared
    from reconciler.operations.asked import Request, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line says of every schedule; None: the manifests decide."""

    every_s: float | None = None
    cron: str | None = None
    corrects: bool | None = None


class InForce:
    """Manifests that may change while they are used. Raises FindingsError where none are good."""

    def __init__(self, request: Request, around: Surroundings, overrides: Overrides) -> None:
        self._asked = request
        self._around = around
        self._overrides = overrides
        self._print = fingerprint(request.files, recursive=request.recursive)
        self._read = _good(request)
        self.manifests = self._manifests()

    def _manifests(self) -> Manifests:
        """Give what is told of manifests that were just read; a commit only where it has them."""
        asked = self._asked
        commit = made_from(asked.files, self._around, recursive=asked.recursive)
        clean = commit.id if commit is not None and not commit.dirty else None
        return Manifests(read_s=self._around.utc_now().timestamp(), commit=clean)

    @property
    def declared(self) -> Declared:
        """What they declare, cut to the scopes that were asked for."""
        assert self._read.declared is not None, "they are good"
        return self._read.declared

    def refresh(self) -> bool:
        """Read them again where their files changed; tell whether anything is to be told of it."""
        now = fingerprint(self._asked.files, recursive=self._asked.recursive)
        if now == self._print:
            return False
        self._print = now
        try:
            self._read = _good(self._asked)
        except FindingsError as error:
            self.manifests = replace(self.manifests, findings=error.findings)
        else:
            self.manifests = self._manifests()
        return True

    def request(self, scope: str) -> Request:
        """Give the request of one scope, with what was read."""
        return replace(self._asked, scopes=(scope,), read=self._read)

    def schedule(self, scope: str) -> Schedule:
        """Give when a scope is looked at: the command line, its own schedule, the general one."""
        written = self.declared.schedules
        own = next((one for one in written if one.scopes is not None and scope in one.scopes), None)
        general = next((one for one in written if one.scopes is None), None)
        found = own or general or Schedule()
        over = self._overrides
        if over.every_s is not None or over.cron is not None:
            zone = found.timezone if found.cron is not None else "UTC"
            found = replace(found, every_s=over.every_s, cron=over.cron, timezone=zone)
        if over.corrects is not None:
            found = replace(found, correct=over.corrects)
        return found


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
