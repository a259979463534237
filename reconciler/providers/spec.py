"""How a provider introduces itself, and what it needs to be opened."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from reconciler.providers.breaker import Breaker

if TYPE_CHECKING:
    from datetime import date, datetime

    import httpx

    from reconciler.model.capabilities import Capabilities
    from reconciler.model.record import Identity
    from reconciler.ports import Pace, Provider, Traffic

Transport: TypeAlias = "httpx.AsyncBaseTransport"
"""What carries requests; by this name the rooms above needn't know whose it is."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that shows itself to nobody who prints it."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Everything a provider needs from outside, resolved."""

    scope: str
    region: str
    pace: Pace
    utc_now: Callable[[], datetime]
    project_id: str | None = None
    """None: the provider looks it up by region, with one call."""
    environment: str | None = None
    account_id: str | None = None
    api_edition: str | None = None
    """None: the newest one in `ProviderSpec.editions`."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses by the names of `ProviderSpec.apis`, all of them, without a trailing slash."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """By the manifest's key: `accessKey`, `secretKey`, `securityToken` (may be absent); or
    `user`, `password`, `domain`."""
    breaker: Breaker = field(default_factory=Breaker)
    """Shared by all scopes of a run: what one of them learns of an access key holds for all."""
    max_concurrency: int = 1
    transport: Transport | None = None
    """None: real sockets."""
    traffic: Traffic | None = None
    """Who counts requests; None: nobody does."""
    leaves: Callable[[], bool] = lambda: True
    """Tells whether a change may still leave: it may have waited for its turn for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open provider and the cloud that it turned out to speak to."""

    provider: Provider
    identity: Identity


Open: TypeAlias = Callable[[Opening], Awaitable[Opened]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One version of a cloud's API, as its vendor dates it."""

    name: str
    supported_until: date | None
    """The last day of support that was promised; None: no end is published."""


class Need(enum.Enum):
    """What a scope may come to ask of its cloud; the value is said to people."""

    LOOK = "look"
    FIND_PROJECT = "find the project of the region"
    ATTACH = "attach"
    ATTACH_SHARED = "attach a shared volume to several servers"
    DETACH = "detach"
    DETACH_SHARED = "detach a shared volume from several servers"
    UPDATE = "set deleteOnTermination"
    DESTROY = "destroy"
    RESET = "reset a storage record (`repair`)"


@dataclass(frozen=True, slots=True)
class Permission:
    """One call that a need takes, and the action that its vendor documents for it."""

    need: Need
    call: str
    """Method and path, with braces."""
    actions: tuple[str, ...] = ()
    """Empty: no action is documented for this call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """One provider: its name in manifests, its facts, and how it is opened."""

    name: str
    open: Open
    can: Capabilities
    apis: Mapping[str, str]
    """Default address by API, with `{region}`, `{cloud}` and `{environment}` to be filled in."""
    cloud: str
    """The default domain for `{cloud}`."""
    domains: tuple[str, ...]
    """Domains that credentials may be sent to, with everything below them."""
    variables: Mapping[str, tuple[str, ...]]
    """Environment variables by credential key, the first one that is set counts."""
    needed: tuple[str, ...]
    """The credential keys without which nothing can be asked."""
    takes: frozenset[str] = frozenset({"projectId", "cloud"})
    """The keys of a Scope, beside those that every scope has, that mean something here:
    `projectId`, `cloud`, `environment`, `accountId`, `serviceVersion`."""
    wants: tuple[str, ...] = ()
    """Those of them that have no default."""
    editions: tuple[Edition, ...] = ()
    """The versions of the API that requests may name, oldest first; empty: it has no such thing."""
    permissions: tuple[Permission, ...] = ()
    """Every call that may be made, by what needs it; sources stand in the provider's README."""
    login: tuple[str, ...] = ()
    """The credential keys for a token, all of them, instead of the `needed`; empty: no tokens."""
