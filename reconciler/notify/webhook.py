"""One attempt to tell one webhook: no redirects, no proxies, no retries, and its URL in no message.

It goes straight to the address that was checked, under the name of the URL: TLS and the Host header
speak of the name. A proxy would look the name up again, so the environment's proxies aren't used.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from reconciler.notify.address import (
    AddressError,
    checked,
    is_listed,
    reachable,
    resolve_by_system,
)
from reconciler.notify.messages import body, signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.notice import NoticeFormat
    from reconciler.notify.address import Resolve
    from reconciler.notify.messages import News

TIMEOUT = httpx.Timeout(connect=5.0, read=10.0, write=10.0, pool=None)
DEADLINE_S = 20.0
HEADERS = {"Content-Type": "application/json", "User-Agent": "attachment-reconciler"}
LOUD = ("httpcore", "httpx")
"""Loggers that write URLs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One address that is told; it shows its secrets to nobody who prints it."""

    name: str
    url: str = field(repr=False)
    format: NoticeFormat
    hears: Callable[[str], bool] = lambda _scope: True
    """Whether it is told of a scope, by name."""
    key: bytes | None = field(default=None, repr=False)
    body: str | None = None
    listed: tuple[str, ...] = ()
    """Origins that the machine allows whatever they are."""
    transport: httpx.AsyncBaseTransport | None = None
    """None: real sockets."""
    resolve: Resolve = resolve_by_system


async def deliver(webhook: Webhook, news: News) -> str | None:
    """Send news once; give None when it was taken, else why it wasn't, without its URL."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            status = await _sent(webhook, body(news, webhook.format, webhook.body), news.at_s)
    except AddressError as error:
        return str(error)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        # The words of these errors may hold the URL.
        return f"no answer ({type(error).__name__})"
    return None if httpx.codes.is_success(status) else f"HTTP {status}"


async def _sent(webhook: Webhook, content: bytes, at_s: float) -> int:
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    host, port = checked(webhook.url, webhook.listed)
    anywhere = is_listed(webhook.url, webhook.listed)
    address = await reachable(host, port, webhook.resolve, anywhere=anywhere)
    url = httpx.URL(webhook.url)
    signed = {} if webhook.key is None else signature(webhook.key, at_s, content)
    request = httpx.Request(
        "POST",
        url.copy_with(host=address),
        headers={**HEADERS, **signed, "Host": url.netloc.decode("ascii")},
        content=content,
        extensions={"sni_hostname": host, "timeout": TIMEOUT.as_dict()},
    )
    real = webhook.transport is None
    async with httpx.AsyncClient(
        # Private CAs are those of the environment, as everywhere.
        verify=httpx.create_ssl_context() if real else True,
        transport=webhook.transport,
        trust_env=False,
        timeout=TIMEOUT,
        follow_redirects=False,
    ) as client:
        response = await client.send(request, stream=True)
        await response.aclose()
        return response.status_code
