"""A finding: what a person is told when something is wrong. Speakers: every room, report."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from msgspec import Struct

from reconciler.errors import ReconcilerError


class Severity(enum.Enum):
    """How much a finding weighs; the value is the word printed before it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Place(Struct, frozen=True, kw_only=True, gc=False, order=True):
    """Where in the manifests something is written; lines and columns count from 1."""

    file: str
    """Its path as it was given; where `line` is 0, words that say it all."""
    line: int
    column: int
    text: str = ""
    """The source line itself, without its line end; empty when it could not be read."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One diagnostic: a stable code, a summary without a period, a place and a next step."""

    code: str
    summary: str
    hint: str
    severity: Severity = Severity.ERROR
    place: Place | None = None
    scope: str | None = None
    """The scope it speaks of; None when it speaks of the whole set."""
    also: tuple[Place, ...] = ()
    """Further places that belong to it (the other half of a contradiction)."""

    @property
    def order(self) -> tuple[str, Place, str, str, str, tuple[Place, ...]]:
        """The sort key of findings: scope, place, code, words, further places; no ties."""
        nowhere = Place(file="", line=0, column=0)
        place = self.place or nowhere
        return (self.scope or "", place, self.code, self.summary, self.hint, self.also)


class FindingsError(ReconcilerError):
    """Something is wrong that a person has to put right; nothing was changed."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(finding.summary for finding in findings))
        self.findings = findings
