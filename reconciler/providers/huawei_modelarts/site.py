"""The addresses of one scope; pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one scope is asked; the address has no trailing slash."""

    scope: str
    modelarts: str
    project: str

    def servers(self, *path: str) -> str:
        """Give the address of the Lite Servers, or of something of one of them."""
        parts = (self.project, "dev-servers", *path)
        return "/".join((self.modelarts, "v1", *(quote(part, safe="~") for part in parts)))
