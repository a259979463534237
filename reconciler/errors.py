"""Exceptions that cross a room's border; drawn as a tree.

ReconcilerError
├── FindingsError      a person has to change something first (`model/finding.py`)
├── ProviderError      a read from a cloud failed; nothing was changed
└── JournalError       the journal can't be trusted to hold the next line: stop before the request
"""

from __future__ import annotations


class ReconcilerError(Exception):
    """Everything that a verb turns into words and an exit code."""


class ProviderError(ReconcilerError):
    """A read failed. `retryable` says that the same read may pass after `retry_after_s`."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        request_id: str = "",
        retryable: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class JournalError(ReconcilerError):
    """A line could not be made durable, or the journal is not ours to write."""

    code = "journal"
    """What a diagnostic calls it."""
    hint = "mend the journal or RECONCILER_DATA_DIR, then run again: nothing more was sent"
    """The next step."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint
