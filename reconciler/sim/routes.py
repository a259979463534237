"""What an API says that it answers, and what its handlers are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.sim.cloud import Cloud
    from reconciler.sim.entities import Server, Volume
    from reconciler.sim.exchange import Answer, Heard
    from reconciler.sim.gate import Gate, Passed
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

    def server(self, server_id: str) -> Server:
        """Give a server as the answer shows it: older, where a stale listing is asked for."""
        old = self._old("server", server_id)
        return self.cloud.servers[server_id] if old is None else cast("Server", old)

    def volume(self, volume_id: str) -> Volume:
        """Give a volume as the answer shows it: older, where a stale listing is asked for."""
        old = self._old("volume", volume_id)
        return self.cloud.volumes[volume_id] if old is None else cast("Volume", old)

    def _old(self, kind: str, key: str) -> object | None:
        if self.rule is None or self.rule.fault != "stale":
            return None
        return self.cloud.history.row(kind, key, self.cloud.at_s - self.rule.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of an API.

    `path` has words in braces; `{project_id}` chooses the cloud, and where a path has no such
    word, `provider` does: the first of its clouds that knows the caller's key. `admit` says who
    asks; None: the gateway of Huawei does. `changing`: it asks for
    a change, unless `rehearsable` and the body says `dry_run`. `signed`: False where
    anybody may ask.
    """

    method: str
    path: str
    handler: Callable[[Ask], Answer]
    changing: bool = False
    rehearsable: bool = False
    signed: bool = True
    provider: str = ""
    admit: Callable[[Gate, Heard], Passed | Answer] | None = None
    caller: Callable[[Heard], str] | None = None
    """Gives the access key that a request claims, where `provider` chooses the cloud."""
    lost: Callable[[Gate, Heard], Answer] | None = None
    """Gives the answer to a path beside this one that no API has; None: the gateway of Huawei's."""
