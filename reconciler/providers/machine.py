"""What the machine says of the way out: the certificates that it trusts, and its proxies."""

from __future__ import annotations

import base64
import os
import ssl
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import httpx

from reconciler.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator


def trusted() -> ssl.SSLContext:
    """Give the certificates of the environment. Raises ProviderError when they can't be read."""
    try:
        return _tls(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))
    except OSError as error:
        raise ProviderError(
            f"the certificates in SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}",
            code="bad-certificates",
        ) from error


@cache
def _tls(_file: str, _folder: str) -> ssl.SSLContext:
    # Loading the certificates takes about 20 ms: once for all the scopes of a fleet, and again
    # when the environment names others.
    return httpx.create_ssl_context()


def untrusted(error: BaseException | None) -> bool:
    """Tell whether a certificate that isn't trusted is behind an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def proxy_secrets() -> Iterator[str]:
    """Give the passwords of the proxies in the environment, plain and as they are sent."""
    for address in getproxies().values():
        try:
            parts = urlsplit(address if "://" in address else f"http://{address}")
        except ValueError:
            continue  # Whoever connects says that it is no address.
        if parts.password:
            user, password = unquote(parts.username or ""), unquote(parts.password)
            yield from (password, base64.b64encode(f"{user}:{password}".encode()).decode())
