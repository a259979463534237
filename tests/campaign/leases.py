"""Leases of a story: one in memory with the real one's promises, and the real one, both watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.journal.leases import LeaseLostError
from reconciler.model.history import Holder

if TYPE_CHECKING:
    from reconciler.journal.leases import Lease
    from tests.campaign.road import Life


@dataclass
class Held:
    """Who may change the cloud now, as every process of the machine finds it."""

    by: Life | None = None
    run: str = ""


@dataclass
class MemoryLease:
    """One process's part in it; an owner that is dead has nothing any more."""

    there: Held
    life: Life
    held: bool = False

    @property
    def believed(self) -> bool:
        """True while it is held."""
        return self.held and self.there.by is self.life

    def attempt(self, run: str, operation: str) -> Holder | None:
        """Try once to get it; give who has it, None: we."""
        self.life.line()
        owner = self.there.by
        if owner is None or owner.dead:
            self.there.by, self.there.run, self.held = self.life, run, True
            return None
        return Holder(
            id="memory",
            identity="memory",
            scope="story",
            owner=f"run {owner.run}",
            operation=operation,
            run=self.there.run,
            since_s=0.0,
            expires_s=0.0,
            local=True,
        )

    def confirm(self) -> None:
        """Raise LeaseLostError where another one may change the cloud."""
        owner = self.there.by
        if owner is not self.life and (self.held or (owner is not None and not owner.dead)):
            raise LeaseLostError("another run of this story has the lease")

    def release(self) -> None:
        """Let the next one in; whoever is dead does nothing."""
        if self.held and not self.life.dead:
            self.held = False
            if self.there.by is self.life:
                self.there.by = None


@dataclass
class WatchedLease:
    """The real one, which confirms itself; whoever is dead gives nothing back."""

    kept: Lease
    life: Life

    @property
    def held(self) -> bool:
        """True from a successful attempt until the release."""
        return self.kept.held

    @property
    def believed(self) -> bool:
        """True while nobody else can have taken it over."""
        return self.kept.believed

    def attempt(self, run: str, operation: str) -> Holder | None:
        """Try once to get it, or die."""
        self.life.line()
        return self.kept.attempt(run, operation)

    def confirm(self) -> None:
        """Leave it to the journal, which does it in the same transaction."""

    def release(self) -> None:
        """Let the next one in."""
        if not self.life.dead:
            self.kept.release()
