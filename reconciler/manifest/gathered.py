"""What was read so far of all documents; the cross-checks need the whole set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.declared import DeclaredScope, Entry, Ref
    from reconciler.model.finding import Place
    from reconciler.model.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key of a policy's spec; `value` is None where it has no effect on `Policy`."""

    value: object
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """A policy as written; `scopes` None means that it holds for every scope."""

    name: Ref
    scopes: tuple[Ref, ...] | None
    settings: Mapping[str, Setting]
    accepted: tuple[Ref, ...] = ()
    """The scopes that its acceptances name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentsDocument:
    """The entries of one document and the scope that they belong to."""

    scope: Ref
    entries: tuple[Entry, ...]


@dataclass(slots=True, kw_only=True)
class Gathered:
    """All documents in the order of the files."""

    names: list[tuple[str, Ref]] = field(default_factory=list)
    """Kind and name of every document whose name could be read."""
    scopes: list[DeclaredScope] = field(default_factory=list)
    attachments: list[AttachmentsDocument] = field(default_factory=list)
    policies: list[PolicyDocument] = field(default_factory=list)
    scheduled: list[Ref] = field(default_factory=list)
    """The scopes that schedules name."""
    schedules: list[Schedule] = field(default_factory=list)
