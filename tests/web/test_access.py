"""Who may read the page: by host, by token, by session; and nothing but reading."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.cli.page import is_loopback
from reconciler.model.finding import FindingsError
from reconciler.web.access import (
    HEADERS,
    SESSION_S,
    Access,
    hostname,
    kept_quiet,
    read_token,
)
from tests.web.staged import NOW, TOKEN, staged, token

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp

HERE = "http://127.0.0.1:8470"


def ask(app: ASGIApp, path: str, method: str = "GET", **rest: object) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            return await client.request(method, path, **rest)  # type: ignore[arg-type]  # httpx's own

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("127.0.0.1:8470", "127.0.0.1"),
        ("LocalHost", "localhost"),
        ("localhost.:80", "localhost"),
        ("[::1]:8470", "::1"),
        ("[::1]", "::1"),
        ("page.example:443", "page.example"),
        ("", None),
        (":8470", None),
        ("[::1", None),
        ("[::1]x", None),
        ("[localhost]", None),
        ("a:b", None),
        ("a:8470:1", None),
        ("a:-1", None),
        ("a:999999", None),
        ("a:", None),
        (".", None),
    ],
)
def test_the_host_of_a_header(header: str, host: str | None) -> None:
    assert hostname(header) == host


LOCAL = Access(utc_now=lambda: NOW)
PUBLIC = replace(LOCAL, loopback=False, names=frozenset({"page.example"}))


@pytest.mark.parametrize(
    ("access", "header", "known"),
    [
        (LOCAL, "127.0.0.1:8470", True),
        (LOCAL, "127.9.9.9", True),
        (LOCAL, "[::1]:8470", True),
        (LOCAL, "localhost:8470", True),
        (LOCAL, "10.0.0.7:8470", False),
        (LOCAL, "evil.example:8470", False),
        (LOCAL, "127.0.0.1.evil.example", False),
        (LOCAL, "localhost.evil.example", False),
        (PUBLIC, "page.example", True),
        (PUBLIC, "PAGE.example:443", True),
        (PUBLIC, "10.0.0.7:8470", True),
        (PUBLIC, "evil.example", False),
        (PUBLIC, "page.example.evil.example", False),
    ],
)
def test_a_name_of_somebody_elses_is_not_served(access: Access, header: str, known: bool) -> None:  # noqa: FBT001 - a column
    assert access.knows(header) is known


def test_a_request_for_another_name_gets_nothing() -> None:
    app = staged().app()
    answer = ask(app, "/api/watched", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "shop" not in answer.text
    assert ask(app, "/api/watched").status_code == 200


PATHS = [
    "/",
    "/scopes/shop",
    "/difference?scope=shop&server=s-web-2&volume=v-cache-1",
    "/runs/5d414",
    "/history",
    "/search?q=db",
    "/api/watched",
    "/api/openapi.json",
    "/events",
    "/metrics",
    "/nothing",
    "/static/../api/watched",
    "//api/watched",
]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_there_is_nothing_to_read(path: str) -> None:
    app = staged().app(token=token())
    for headers in (
        {},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer "},
        {"Cookie": f"reconciler={TOKEN}"},
        {"Cookie": "reconciler=9999999999.a.b"},
    ):
        answer = ask(app, path, headers=headers)
        assert answer.status_code == 401, headers
        assert "shop" not in answer.text
    shown = ask(app, f"{path}{'&' if '?' in path else '?'}token={TOKEN}", headers={})
    assert shown.status_code == 401


def test_with_the_token_in_its_header_everything_is_there() -> None:
    app = staged().app(token=token())
    assert ask(app, "/", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/login", "/static/page.css"])
def test_what_tells_nothing_needs_no_token(path: str) -> None:
    assert ask(staged().app(token=token()), path).status_code in {200, 503}


def test_a_browser_is_led_to_the_form_and_gets_a_session_for_the_token() -> None:
    app = staged().app(token=token())
    led = ask(app, "/", headers={"Accept": "text/html"})
    assert (led.status_code, led.headers["Location"]) == (303, "/login")
    assert ask(app, "/login", "POST", data={"token": "wrong"}).status_code == 403
    given = ask(app, "/login", "POST", data={"token": TOKEN})
    cookie = given.headers["Set-Cookie"]
    assert (given.status_code, given.headers["Location"]) == (303, "/")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    session = cookie.partition(";")[0]
    assert ask(app, "/", headers={"Cookie": session}).status_code == 200
    assert ask(app, "/events2", headers={"Cookie": session}).status_code == 404


def test_a_session_ends_with_its_time_and_with_its_token() -> None:
    now = [NOW]
    app = staged().app(token=token(), utc_now=lambda: now[0])
    headers = {"Cookie": f"reconciler={token().session(NOW.timestamp())}"}
    assert ask(app, "/", headers=headers).status_code == 200
    now[0] = NOW + timedelta(seconds=SESSION_S)
    assert ask(app, "/", headers=headers).status_code == 401
    other = replace(token(), value=b"another-token-of-thirty-two-chars")
    assert ask(staged().app(token=other), "/", headers=headers).status_code == 401


@pytest.mark.parametrize("session", ["", ".", "..", "9999999999", "9999999999.x.", "\u0665.x.y"])
def test_a_made_up_session_stands_for_nothing(session: str) -> None:
    assert not token().stands(session, 0.0)
    claim = f"{int(NOW.timestamp()) + SESSION_S}.n"
    assert not token().stands(f"{claim}.{'0' * 64}", NOW.timestamp())


def test_over_tls_the_cookie_is_kept_to_it() -> None:
    app = staged().app(token=token(), over_tls=True, loopback=False)
    cookie = ask(app, "/login", "POST", data={"token": TOKEN}).headers["Set-Cookie"]
    assert cookie.startswith("__Host-reconciler=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


def test_another_site_logs_nobody_in() -> None:
    app = staged().app(token=token())
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = ask(app, "/login", "POST", data={"token": TOKEN}, headers=headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/api/watched", "/static/page.css", "/nothing", "/livez"])
def test_every_answer_says_what_a_browser_may_do_with_it(path: str) -> None:
    for host in ("127.0.0.1", "evil.example"):
        answer = ask(staged().app(), path, headers={"Host": host, "Origin": "https://evil.example"})
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NEW"])
@pytest.mark.parametrize(
    "path", ["/", "/scopes/shop", "/api/watched", "/events", "/static/page.css"]
)
def test_there_is_nothing_but_reading(method: str, path: str) -> None:
    assert ask(staged().app(), path, method).status_code == 405


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        pytest.param(TOKEN, 0o640, "may be read by others", id="a group may read it"),
        pytest.param(TOKEN, 0o604, "may be read by others", id="everybody may read it"),
        pytest.param("short", 0o600, "holds no token", id="short"),
        pytest.param("", 0o600, "holds no token", id="empty"),
        pytest.param("two lines of a\ntoken that is long", 0o600, "holds no token", id="lines"),
        pytest.param("x" * 5000, 0o600, "holds no token", id="endless"),
        pytest.param("ä" * 32, 0o600, "holds no token", id="no ASCII"),
    ],
)
def test_a_token_file_that_cant_be_trusted_is_refused(
    tmp_path: Path, content: str, mode: int, why: str
) -> None:
    path = tmp_path / "token"
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(FindingsError, match=why) as raised:
        read_token(path)
    assert content not in str(raised.value) or not content


@pytest.mark.parametrize(
    ("mode", "owner", "group", "quiet"),
    [
        (0o600, 10001, 10001, True),
        (0o400, 10001, 5, True),
        (0o440, 10001, 10001, False),  # Ours to set: nobody had to lend it.
        (0o440, 0, 10001, True),  # As Kubernetes mounts a secret with fsGroup.
        (0o640, 0, 10001, True),
        (0o440, 0, 5, False),
        (0o444, 0, 10001, False),
        (0o660, 0, 10001, False),
        (0o440, 7, 10001, False),
    ],
)
def test_who_else_may_read_a_token_file(mode: int, owner: int, group: int, *, quiet: bool) -> None:
    found = os.stat_result((0o100000 | mode, 0, 0, 1, owner, group, 0, 0, 0, 0))
    assert kept_quiet(found, 10001, {10001}) is quiet
    assert kept_quiet(found, 0, {10001}) is (not mode & 0o077), "root can make it its own"


def test_a_token_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n", encoding="utf-8")
    path.chmod(0o600)
    read = read_token(path)
    assert read.matches(TOKEN.encode())
    assert not read.matches(b"")
    assert TOKEN not in repr(read)
    for wrong in (tmp_path, tmp_path / "none"):
        with pytest.raises(FindingsError):
            read_token(wrong)


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("127.1.2.3", True),
        ("0.0.0.0", False),  # noqa: S104 - asked about, not bound
        ("::", False),
        ("10.0.0.7", False),
        ("page.example", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, only_here: bool) -> None:  # noqa: FBT001 - a column
    assert is_loopback(host) is only_here
