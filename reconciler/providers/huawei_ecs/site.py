"""The addresses of one scope; pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one scope is asked; addresses have no trailing slash."""

    scope: str
    ecs: str
    evs: str
    project: str

    def compute(self, *path: str) -> str:
        """Give the address of something in ECS."""
        return "/".join(
            (self.ecs, "v1", *(quote(part, safe="~") for part in (self.project, *path)))
        )

    def storage(self, *path: str) -> str:
        """Give the address of something in EVS."""
        return "/".join(
            (self.evs, "v2", *(quote(part, safe="~") for part in (self.project, *path)))
        )
