"""Whether manifests say something that can be planned; no network and no journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.finding import FindingsError
from reconciler.operations.asked import loaded

if TYPE_CHECKING:
    from reconciler.model.finding import Finding
    from reconciler.operations.asked import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found in the manifests of a request."""

    valid: bool
    """True when no finding is an error."""
    findings: tuple[Finding, ...]
    scopes: int = 0
    entries: int = 0


def check(request: Request) -> Checked:
    """Read and cross-check what a request names; raises nothing for what is in the files."""
    try:
        read = loaded(request)
    except FindingsError as error:
        return Checked(valid=False, findings=error.findings)
    declared = read.declared
    assert declared is not None, "`loaded` raises otherwise"
    entries = sum(len(declared.entries[name]) for name in declared.scopes)
    return Checked(valid=True, findings=read.findings, scopes=len(declared.scopes), entries=entries)
