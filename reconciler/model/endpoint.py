"""One spelling for each address of a cloud. Speakers: manifest, operations, fleet."""

from __future__ import annotations

from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


def canonical(url: str) -> str:
    """Give the address as every spelling of it is kept: RFC 3986, section 6.2.

    Lower-case scheme and host, no default port, no dot behind the host, no slash at the end; what
    is written so already comes back byte for byte, for journals are keyed by it. What is no such
    address comes back as it is. Names aren't looked up: `localhost` and `127.0.0.1` differ.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").removesuffix(".")
    except ValueError:
        return url
    if not host or parts.scheme not in PORTS or set(url) & set("@?#"):
        return url
    named = f"[{host}]" if ":" in host else host
    asked = "" if port in {None, PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{named}{asked}{parts.path.rstrip('/')}"
