"""Samsung's HMAC against fixed vectors, five implementations of which agreed on each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from reconciler.signing.samsung_hmac import Unsigned, sign
from reconciler.signing.sdk_hmac_sha256 import AccessKey

Vector: TypeAlias = dict[str, Any]

READ: dict[str, list[Vector]] = json.loads(
    Path(__file__).with_name("samsung_hmac_vectors.json").read_text(encoding="utf-8")
)
VECTORS = READ["vectors"]
KEY = AccessKey("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")
HOST = "https://virtualserver.kr-west1.e.samsungsdscloud.com"
ENCODED = "/v1/volumes?name=my+data%2F01&sort=created_at%3Adesc&state=in-use"
AT_MS = 1751328000002


def signed(vector: Vector) -> dict[str, str]:
    request = Unsigned(method=vector["method"], url=vector["url"], account_id=vector["account_id"])
    key = AccessKey(vector["access_key"], vector["secret_key"])
    return dict(sign(request, key, int(vector["timestamp"])))


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_is_signed_as_it_stands(vector: Vector) -> None:
    assert signed(vector) == {
        "Scp-Accesskey": vector["access_key"],
        "Scp-Signature": vector["signature"],
        "Scp-Timestamp": vector["timestamp"],
        "Scp-ClientType": vector["client_type"],
    }


@pytest.mark.parametrize("other", READ["must_differ"], ids=lambda other: other["name"])
def test_another_spelling_of_an_address_is_another_signature(other: Vector) -> None:
    url = {
        "double_encoded_url": HOST + ENCODED.replace("%", "%25"),
        "path_only": ENCODED,
    }[other["name"]]
    wrong = sign(Unsigned(method="GET", url=url), KEY, AT_MS)["Scp-Signature"]
    assert wrong == other["signature"], "the vector itself"
    right = sign(Unsigned(method="GET", url=HOST + ENCODED), KEY, AT_MS)["Scp-Signature"]
    assert right != wrong


def test_every_part_counts() -> None:
    request = Unsigned(method="GET", url=HOST + ENCODED)
    whole = sign(request, KEY, AT_MS)["Scp-Signature"]
    others = (
        sign(replace(request, method="PUT"), KEY, AT_MS),
        sign(replace(request, url=request.url + "&a=1"), KEY, AT_MS),
        sign(replace(request, account_id="a8f10467"), KEY, AT_MS),
        sign(request, KEY, AT_MS + 1),
        sign(request, replace(KEY, access="another"), AT_MS),
        sign(request, replace(KEY, secret="another"), AT_MS),
    )
    assert whole not in {one["Scp-Signature"] for one in others}
    assert len({one["Scp-Signature"] for one in others}) == len(others)


def test_an_account_is_sent_and_signed_or_neither() -> None:
    request = Unsigned(method="get", url=HOST + "/v1/servers", account_id="a8f10467")
    assert sign(request, KEY, AT_MS)["Scp-AccountId"] == "a8f10467"
    assert "Scp-AccountId" not in sign(replace(request, account_id=""), KEY, AT_MS)
    assert sign(request, KEY, AT_MS) == sign(replace(request, method="GET"), KEY, AT_MS)


def test_a_secret_is_used_as_its_bytes_and_shown_to_nobody() -> None:
    request = Unsigned(method="GET", url=HOST)
    umlaut = replace(KEY, secret="schlüssel")
    assert sign(request, umlaut, AT_MS) != sign(request, KEY, AT_MS)
    assert "schlüssel" not in str(sign(request, umlaut, AT_MS))
