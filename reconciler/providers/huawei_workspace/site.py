"""The addresses of one scope; pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one scope is asked; the address has no trailing slash."""

    scope: str
    workspace: str
    project: str

    def at(self, *path: str) -> str:
        """Give the address of something in the project."""
        parts = (quote(part, safe="~") for part in (self.project, *path))
        return "/".join((self.workspace, "v2", *parts))
