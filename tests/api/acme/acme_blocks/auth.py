"""How Acme Blocks is told who asks, and how a scope of it is opened."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import httpx

from reconciler.model.record import Identity
from reconciler.providers.http import HttpProvider, open_line
from reconciler.providers.proof import Signed
from reconciler.providers.spec import Opened

from . import errors
from .conversations import AcmeBlocks

if TYPE_CHECKING:
    from collections.abc import Generator

    from reconciler.providers.spec import Opening


class Acme(httpx.Auth):
    """Signs every request when it leaves."""

    def __init__(self, access: str, secret: str) -> None:
        self._access, self._secret = access, secret.encode()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header that proves who asks."""
        said = f"{request.method} {request.url.raw_path.decode('ascii')}".encode()
        signature = hmac.new(self._secret, said, hashlib.sha256).hexdigest()
        request.headers["Authorization"] = f"Acme {self._access}:{signature}"
        yield request


def opened(name: str, opening: Opening) -> Opened:
    """Give the opened scope. Raises ProviderError where this machine's way out can't be used."""
    access, secret = (opening.secrets[key].value for key in ("accessKey", "secretKey"))
    proof = Signed(
        auth=Acme(access, secret),
        secret=secret,
        fuse=opening.breaker.fuse(f"acme key {access}"),
        denial=errors.denial,
    )
    address = opening.endpoints["blocks"]
    line = open_line(opening, proof, lambda _: False)
    owner = hashlib.sha256(access.encode()).hexdigest()[:16]
    return Opened(
        provider=HttpProvider(AcmeBlocks(scope=opening.scope, address=address), line),
        identity=Identity(provider=name, endpoint=address, project=owner, region=opening.region),
    )
