"""Where a webhook may lead."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

import pytest

from reconciler.notify.address import AddressError, checked, is_public, reachable

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTED = ("http://10.0.0.7:9000", "other.example", "https://[bad")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://hooks.example/T0/B0/secret", ("hooks.example", 443)),
        ("https://hooks.example:8443/x?y=z", ("hooks.example", 8443)),
        ("HTTPS://Hooks.Example/", ("hooks.example", 443)),
        ("http://10.0.0.7:9000/x", ("10.0.0.7", 9000)),
        ("https://[2606:4700::1111]/", ("2606:4700::1111", 443)),
    ],
)
def test_where_a_url_leads(url: str, where: tuple[str, int]) -> None:
    assert checked(url, LISTED) == where


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example/", "plain http"),
        ("http://10.0.0.7:9001/", "plain http"),
        ("http://10.0.0.7.evil.example:9000/", "plain http"),
        ("ftp://hooks.example/", "none of http"),
        ("file:///etc/passwd", "none of http"),
        ("hooks.example/secret", "none of http"),
        ("", "none of http"),
        ("https:///secret", "none of http"),
        ("https://hooks.example:99999/", "can't be read"),
        ("https://hooks.example:x/", "can't be read"),
        ("https://[::1/", "can't be read"),
        ("https://user:secret@hooks.example/", "has a user"),
        ("https://user@hooks.example/", "has a user"),
    ],
)
def test_a_url_that_may_not_be_asked_is_refused_without_being_repeated(url: str, why: str) -> None:
    with pytest.raises(AddressError, match=why) as raised:
        checked(url, LISTED)
    assert "secret" not in str(raised.value)
    assert "hooks" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0"),  # noqa: S104
        *("100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"),
        *("64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:db8::1"),
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_an_address_that_is_not_of_the_internet_is_private(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("answer", "anywhere", "found"),
    [
        pytest.param(["1.1.1.1", "1.0.0.1"], False, "1.1.1.1", id="public"),
        pytest.param(["1.1.1.1", "10.0.0.1"], False, None, id="one of them is private"),
        pytest.param(["10.0.0.1"], False, None, id="private"),
        pytest.param(["10.0.0.1"], True, "10.0.0.1", id="private and listed"),
        pytest.param([], True, None, id="no such name"),
        pytest.param(["fe80::1%eth0"], False, None, id="with a zone"),
    ],
)
def test_a_name_leads_to_an_address_that_was_looked_at(
    answer: list[str],
    anywhere: bool,  # noqa: FBT001 - a column of the table
    found: str | None,
) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answer

    async def ask() -> str:
        return await reachable("hooks.example", 443, resolve, anywhere=anywhere)

    if found is not None:
        assert asyncio.run(ask()) == found
        return
    with pytest.raises(AddressError, match=r"private address|can't be found"):
        asyncio.run(ask())


def test_a_resolver_that_fails_is_told_in_words() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no resolver")

    with pytest.raises(AddressError, match="can't be found"):
        asyncio.run(reachable("hooks.example", 443, resolve, anywhere=False))
