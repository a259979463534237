"""What is live, as rows that manifests could own. Speakers: planning, manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.declared import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """One entry to be written: a server with its volumes, or a volume with its servers."""

    side: Side
    owner_id: str
    keys: tuple[AttachmentKey, ...]
    """What it lists, sorted, at least one."""
    keeps_others: bool
    """True where something else is there that stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The rows of one scope, servers before volumes, and what stands in none of them."""

    rows: tuple[LiveRow, ...]
    left: Mapping[str, tuple[AttachmentKey, ...]]
    """Why -> the attachments that are left out because of it, both sorted."""
