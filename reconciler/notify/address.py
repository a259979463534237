"""Where a webhook may lead: to public addresses over https, and to what the machine lists.

The address that is checked is the one that is connected to: a name that means something else a
moment later leads nowhere else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
    Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
    """Host and port -> its addresses, at least one. Raises OSError."""

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
PORTS = {"https": 443, "http": 80}
HIGHEST_PORT = 65535
LISTED = "list its address in RECONCILER_ENDPOINTS on this machine to allow it"


class AddressError(ReconcilerError):
    """The webhook may not, or can't, be reached there; never repeats its URL."""


def checked(url: str, listed: Collection[str]) -> tuple[str, int]:
    """Give host and port of a URL that may be asked. Raises AddressError.

    `listed` are the origins (`http://127.0.0.1:9000`) that the machine allows whatever they are.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise AddressError("its URL can't be read") from error
    if parts.scheme not in PORTS or not parts.hostname or not 0 < port <= HIGHEST_PORT:
        raise AddressError("its URL is none of http or https")
    if parts.username is not None or parts.password is not None:
        raise AddressError("its URL has a user in it: sign with `keyFrom` instead")
    if parts.scheme == "http" and not is_listed(url, listed):
        raise AddressError(f"its URL is plain http: {LISTED}")
    return parts.hostname, port


def is_listed(url: str, listed: Collection[str]) -> bool:
    """Tell whether the machine allows an origin; scheme, host and port must match."""
    asked = _origin(url)
    return asked is not None and asked in {_origin(entry) for entry in listed if "://" in entry}


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return None


async def reachable(host: str, port: int, resolve: Resolve, *, anywhere: bool) -> str:
    """Give the address to connect to. Raises AddressError, also where one of several is private."""
    try:
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in await resolve(host, port)]
    except (OSError, UnicodeError) as error:
        raise AddressError("its host can't be found") from error
    if not found:
        raise AddressError("its host can't be found")
    if not anywhere and not all(is_public(address) for address in found):
        raise AddressError(f"its host is a private address: {LISTED}")
    return str(found[0])


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Ask the machine's resolver."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(row[4][0]) for row in rows]


def is_public(address: Address) -> bool:
    """Tell whether an address is somewhere in the internet, however it is wrapped."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            return False
        if address in NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(inside)
    return address.is_global and not address.is_multicast and not address.is_reserved
