"""What an API says that it answers, and what its handlers are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.sim.cloud import Cloud
    from reconciler.sim.exchange import Answer, Heard
    from reconciler.sim.gate import Gate
    from reconciler.sim.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a handler gets: the request, its path's words, and the cloud it is about.

    `rule` is the job or listing fault that the request met. `clouds` and `gate` are for
    the calls that belong to no project.
    """

    heard: Heard
    words: Mapping[str, str]
    query: Mapping[str, str]
    cloud: Cloud
    clouds: tuple[Cloud, ...]
    gate: Gate
    rule: Rule | None = None

    @property
    def origin(self) -> str:
        """The address that the client used, for links."""
        return f"http://{self.heard.header('host') or 'localhost'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of an API.

    `path` has words in braces; `{project_id}` chooses the cloud. `changing`: it asks for
    a change, unless `rehearsable` and the body says `dry_run`. `signed`: False where
    anybody may ask.
    """

    method: str
    path: str
    handler: Callable[[Ask], Answer]
    changing: bool = False
    rehearsable: bool = False
    signed: bool = True
