"""The heart: a thread that beats for every lease of a process, whatever the run is busy with."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.errors import JournalError

if TYPE_CHECKING:
    from typing import Protocol

    class Beating(Protocol):
        """What a heart beats for."""

        beat_s: float
        """How often."""

        def beat(self) -> object:
            """Renew it. Raises JournalError where that can't be told."""
            ...


class Heart:
    """Beats while it has a lease to beat for; it never raises, a lost lease is told elsewhere."""

    def __init__(self) -> None:
        self._leases: set[Beating] = set()
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, lease: Beating) -> None:
        """Beat for this one from now on."""
        with self._guard:
            self._leases.add(lease)
            if self._thread is None:
                # It must not keep a process alive that has nothing else to do.
                self._wake = threading.Event()
                self._thread = threading.Thread(
                    target=self._beat, args=(self._wake,), name="lease", daemon=True
                )
                self._thread.start()

    def remove(self, lease: Beating) -> None:
        """Beat no more for this one; once it returns, no beat of it is under way."""
        with self._guard:
            self._leases.discard(lease)
            ending = None if self._leases else self._thread
            if ending is not None:
                self._thread = None
                self._wake.set()
        if ending is not None:
            ending.join()

    def stop(self) -> None:
        """Beat no more for anything."""
        with self._guard:
            leases = tuple(self._leases)
        for lease in leases:
            self.remove(lease)

    def _beat(self, wake: threading.Event) -> None:
        while not wake.wait(self._pause_s()):
            with self._guard:
                leases = tuple(self._leases)
            for lease in leases:
                # A disk that is full now may not be in a moment; the belief runs out meanwhile.
                with suppress(JournalError):
                    lease.beat()

    def _pause_s(self) -> float:
        with self._guard:
            return min((lease.beat_s for lease in self._leases), default=0.0)
