"""What the machine says of the way out: the certificates that it trusts, and its proxies."""

from __future__ import annotations

import base64
import os
import ssl
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator


PROXIED = ("http", "https", "all")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


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


def proxies() -> frozenset[str]:
    """Give the addresses of the proxies that requests may go through."""
    told = getproxies()
    return frozenset(_address(told[kind]) for kind in PROXIED if told.get(kind))


def proxy_for(url: httpx.URL) -> str | None:
    """Give the address of the proxy for a URL; None where it is asked directly."""
    host = url.host
    # Both: NO_PROXY may name a host, or a host with its port.
    if host in LOOPBACK or proxy_bypass(host) or proxy_bypass(f"{host}:{url.port}"):
        return None
    told = getproxies()
    found = told.get(url.scheme) or told.get("all")
    return _address(found) if found else None


def way_to(url: httpx.URL) -> str:
    """Give the host of a URL, and the proxy by way of which it is asked, in words."""
    host, proxy = _shown(url), proxy_for(url)
    return host if proxy is None else f"{host} by way of the proxy {_shown(httpx.URL(proxy))}"


def _shown(url: httpx.URL) -> str:
    # Not the whole authority: it may hold a password.
    return f"`{url.netloc.decode('ascii', 'replace')}`"


def _address(told: str) -> str:
    return told if "://" in told else f"http://{told}"


def proxy_secrets() -> Iterator[str]:
    """Give the passwords of the proxies in the environment, plain and as they are sent."""
    for address in getproxies().values():
        try:
            parts = urlsplit(_address(address))
        except ValueError:
            continue  # Whoever connects says that it is no address.
        if parts.password:
            user, password = unquote(parts.username or ""), unquote(parts.password)
            yield from (password, base64.b64encode(f"{user}:{password}".encode()).decode())
