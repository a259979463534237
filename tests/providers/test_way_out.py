"""Proxies, private CAs, redirects, and libraries that would log headers; over real sockets."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trustme

from reconciler.errors import ProviderError
from reconciler.model.outcome import Answer

from .sockets import DETACH, IN_ORDER, KEYS, http, listening, opening, provider, says, stays

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.outcome import Receipt

ANSWER = http(200, IN_ORDER)


pytestmark = pytest.mark.usefixtures("over")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


async def submitted(address: str) -> Receipt:
    async with provider(opening(address)) as to:
        return await to.submit(DETACH)


def test_a_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with listening(says(ANSWER)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.address)
            assert (await submitted("http://cloud.example")).answer is Answer.ACCEPTED
            (head,) = proxy.heads
            assert head.startswith(b"DELETE http://cloud.example/v1/")
            assert b"\r\nHost: cloud.example\r\n" in head
            assert b"\r\nAuthorization: SDK-HMAC-SHA256 Access=" in head

    asyncio.run(story())


def test_https_goes_through_a_tunnel_and_shows_the_proxy_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        refuses = says(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
        async with listening(refuses) as proxy:
            secret = proxy.address.replace("http://", "http://person:proxy-password-1@")
            monkeypatch.setenv("HTTPS_PROXY", secret)
            receipt = await submitted("https://cloud.example")
            assert (receipt.answer, receipt.code) == (Answer.BUSY, "not-sent")
            assert "407" in receipt.message
            assert "proxy-password-1" not in receipt.message
            (head,) = proxy.heads
            assert head.startswith(b"CONNECT cloud.example:443 ")
            assert b"SDK-HMAC" not in head

    asyncio.run(story())


@pytest.mark.parametrize("excepted", ["127.0.0.1", ""], ids=["by NO_PROXY", "because it is here"])
def test_a_proxy_is_not_asked_for_loopback(monkeypatch: pytest.MonkeyPatch, excepted: str) -> None:
    async def story() -> None:
        async with listening(says(ANSWER)) as proxy, listening(says(ANSWER)) as cloud:
            monkeypatch.setenv("HTTP_PROXY", proxy.address)
            monkeypatch.setenv("NO_PROXY", excepted)
            assert (await submitted(cloud.address)).answer is Answer.ACCEPTED
            assert (proxy.connections, len(cloud.heads)) == (0, 1)

    asyncio.run(story())


@pytest.mark.parametrize(
    "excepted", ["cloud.localhost", "a.example, .localhost", "cloud.localhost:1", "*"]
)
def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch, excepted: str) -> None:
    async def story() -> None:
        async with listening(says(ANSWER)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.address)
            monkeypatch.setenv("NO_PROXY", excepted)
            # Nobody listens there; what counts is that the proxy isn't asked.
            assert (await submitted("http://cloud.localhost:1")).code == "not-sent"
            assert proxy.connections == 0

    asyncio.run(story())


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://u:proxy-password-1@h"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ProviderError, match="ALL_PROXY can't be used") as raised:
        asyncio.run(submitted("https://cloud.example"))
    assert (raised.value.code, raised.value.retryable) == ("bad-proxy", False)
    assert "proxy-password-1" not in str(raised.value)


def test_a_private_ca_is_trusted_once_the_environment_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def story() -> None:
        async with listening(says(ANSWER), tls=context) as cloud:
            before = await submitted(cloud.address)
            assert (before.code, len(cloud.heads)) == ("not-sent", 0)
            assert "set SSL_CERT_FILE" in before.message
            # Set while the process runs: the context of the first try must not be remembered.
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
            assert (await submitted(cloud.address)).answer is Answer.ACCEPTED
            monkeypatch.delenv("SSL_CERT_FILE")
            assert (await submitted(cloud.address)).code == "not-sent"
            assert len(cloud.heads) == 1

    asyncio.run(story())


def test_a_proxy_that_is_not_there_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:proxy-password-1@127.0.0.1:1")
    told = asyncio.run(submitted("https://cloud.example")).message
    assert "to `cloud.example` by way of the proxy `127.0.0.1:1` was not sent" in told
    assert "proxy-password-1" not in told


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(ProviderError, match="SSL_CERT_FILE") as raised:
        asyncio.run(submitted("https://127.0.0.1:1"))
    assert raised.value.code == "bad-certificates"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    async def story() -> None:
        async with listening(says(ANSWER)) as stranger:
            away = http(status, b"", Location=f"{stranger.address}/v1/take")
            async with listening(says(away, then=stays)) as cloud:
                assert (await submitted(cloud.address)).answer is Answer.UNKNOWN
                async with provider(opening(cloud.address)) as to:
                    with pytest.raises(ProviderError, match=f"HTTP {status}") as raised:
                        await to.list_live()
                assert not raised.value.retryable
                by_user = {"user": "person", "password": "password-1", "domain": "company"}
                async with provider(opening(cloud.address, by_user)) as to:
                    receipt = await to.submit(DETACH)
                assert receipt.answer is Answer.DENIED, "nothing was sent without a token"
            assert stranger.connections == 0
            assert len(cloud.heads) == 4

    asyncio.run(story())


def test_libraries_that_would_log_headers_do_not_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        async with listening(says(http(201, b'{"token": {}}', X_Subject_Token="MIIToken-1"))) as to:
            secrets = {"user": "person", "password": "password-1", "domain": "company"}
            async with provider(opening(to.address, secrets)) as asks:
                await asks.submit(DETACH)
            assert b"\r\nX-Auth-Token: MIIToken-1\r\n" in to.heads[1]
        async with provider(replace(opening(to.address), project_id="p")) as asks:
            await asks.submit(DETACH)

    asyncio.run(story())
    assert "POST /v3/auth/tokens: HTTP 201" in caplog.text
    for secret in ("MIIToken-1", "password-1", *KEYS.values(), "SDK-HMAC"):
        assert secret not in caplog.text
