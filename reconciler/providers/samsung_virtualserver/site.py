"""The addresses and requests of one scope; pure.

Source: the vendor's page, "Example HTTP request"; every request names the version of the API that
its answer is read by, except the one that asks which versions there are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx

from reconciler.providers.requests import HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION_HEADER = "Scp-Api-Version"
PRODUCT = "virtualserver"
LANGUAGE = {**HEADERS, "Accept-Language": "en-US"}
"""English words: people search the vendor's pages for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where and how one scope is asked; the address has no trailing slash."""

    scope: str
    address: str
    edition: str
    """The version of the API, as `1.3`."""

    def get(self, *path: str, **query: str) -> httpx.Request:
        """Give the request of a read."""
        wire = "&".join(f"{quote(key, safe='~')}={quote(query[key], safe='~')}" for key in query)
        return self._request("GET", f"{self._url(path)}?{wire}" if wire else self._url(path))

    def delete(self, *path: str) -> httpx.Request:
        """Give the request of a change that has no body."""
        return self._request("DELETE", self._url(path))

    def change(self, method: str, *path: str, body: Mapping[str, object]) -> httpx.Request:
        """Give the request of a change."""
        wire = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        return self._request(method, self._url(path), wire)

    def discovery(self) -> httpx.Request:
        """Give the request that asks which versions of the API there are."""
        return httpx.Request("GET", f"{self.address}/", headers=LANGUAGE)

    def _url(self, path: tuple[str, ...]) -> str:
        return "/".join((self.address, "v1", *(quote(part, safe="~") for part in path)))

    def _request(self, method: str, url: str, body: bytes | None = None) -> httpx.Request:
        headers = {**LANGUAGE, VERSION_HEADER: f"{PRODUCT} {self.edition}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return httpx.Request(method, url, headers=headers, content=body)
