"""How Virtual Server is told who asks, how a scope of it is opened, and how its version stands.

1. Every request is signed when it leaves, over its address as it goes over the wire.
2. The discovery of versions isn't signed: an answer to it says nothing of the access key.

Source: SDK, client/configuration.go; the discovery is asked without a signature there as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx

from reconciler.errors import ProviderError
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.record import Identity
from reconciler.providers.http import HttpProvider, open_line
from reconciler.providers.proof import Signed
from reconciler.providers.samsung_virtualserver import EDITIONS, errors
from reconciler.providers.samsung_virtualserver.conversations import SamsungVirtualServer
from reconciler.providers.samsung_virtualserver.editions import standing
from reconciler.providers.samsung_virtualserver.site import Site
from reconciler.providers.spec import Opened
from reconciler.signing.samsung_hmac import Unsigned, sign
from reconciler.signing.sdk_hmac_sha256 import AccessKey

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import date

    from reconciler.providers.http import Line
    from reconciler.providers.proof import Send
    from reconciler.providers.samsung_virtualserver.editions import Told
    from reconciler.providers.spec import Opening

EDITION = re.compile("[0-9]{1,3}\\.[0-9]{1,3}")
"""It becomes part of a header."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class ScpHmac(httpx.Auth):
    """Signs every request anew, with the time at which it leaves."""

    def __init__(
        self, key: AccessKey, utc_now: Callable[[], datetime], account_id: str = ""
    ) -> None:
        self._key = key
        self._utc_now = utc_now
        self._account_id = account_id

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the headers that prove who asks; the answer is never answered with another try."""
        url = request.url
        # Put together from what is sent: any other spelling of it is another signature.
        wire = b"".join((url.raw_scheme, b"://", url.netloc, url.raw_path)).decode("ascii")
        unsigned = Unsigned(method=request.method, url=wire, account_id=self._account_id)
        at_ms = (self._utc_now() - BEGINNING) // MILLISECOND
        request.headers.update(sign(unsigned, self._key, at_ms))
        yield request


@dataclass(frozen=True, slots=True)
class Unproven:
    """Proves nothing: for what anybody may ask."""

    async def through(self, request: httpx.Request, send: Send) -> httpx.Response:
        """Give the answer to a request that was sent once."""
        response = await send(request, httpx.Auth(), lambda: True)
        assert response is not None, "nothing holds it back"
        return response


class SamsungProvider(HttpProvider):
    """An HttpProvider that can tell how the version of its API stands."""

    def __init__(self, site: Site, line: Line) -> None:
        says = SamsungVirtualServer(site)
        super().__init__(says, line)
        self._site = site
        self._editions = says.editions
        self._unproven = replace(line, proof=Unproven())

    async def api_version(self, today: date) -> Finding | None:
        """Give what is to be said of the version; costs one request, and never raises for it."""
        found = standing(self._site.edition, await self._told(), today)
        if found is None:
            return None
        severity, words = found
        newest = EDITIONS[-1].name
        return Finding(
            code="api-version",
            summary=words,
            hint=f"leave `serviceVersion` out for `{newest}`, the newest that this release knows, "
            "or name one that the vendor supports",
            severity=severity,
            scope=self._site.scope,
        )

    async def _told(self) -> Told | None:
        try:
            return await self._unproven.hold(self._editions())
        except ProviderError:
            return None


async def opened(name: str, opening: Opening) -> Opened:
    """Give the opened scope; costs no request. Raises FindingsError, ProviderError."""
    edition = opening.api_edition or EDITIONS[-1].name
    if not EDITION.fullmatch(edition):
        raise FindingsError(_no_edition(opening, edition))
    access, secret = (opening.secrets[key].value for key in ("accessKey", "secretKey"))
    account_id = opening.account_id or ""
    proof = Signed(
        auth=ScpHmac(AccessKey(access, secret), opening.utc_now, account_id),
        secret=f"{secret} {account_id}",
        fuse=opening.breaker.fuse(f"scp access key {access}"),
        denial=errors.denial,
    )
    address = opening.endpoints["virtualserver"]
    identity = Identity(
        provider=name,
        endpoint=address,
        # No request tells whose key it is; a key belongs to one account.
        project=account_id or f"key-{sha256(access.encode()).hexdigest()[:16]}",
        region=opening.region,
    )
    site = Site(scope=opening.scope, address=address, edition=edition)
    line = open_line(opening, proof, errors.throttled)
    return Opened(provider=SamsungProvider(site, line), identity=identity)


def _no_edition(opening: Opening, edition: str) -> Finding:
    return Finding(
        code="bad-value",
        summary=f"`{edition}` is no version of the API",
        hint=f'write `serviceVersion: "{EDITIONS[-1].name}"`, or leave it out',
        scope=opening.scope,
    )
