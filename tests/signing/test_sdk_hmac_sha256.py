"""SDK-HMAC-SHA256 against fixed vectors and, over generated requests, the vendor's signer."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from string import ascii_letters, digits
from typing import TYPE_CHECKING, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.signing.sdk_hmac_sha256 import (
    AccessKey,
    Unsigned,
    canonical_path,
    canonical_query,
    sign,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

AT = "20260115T083000Z"
KEY = AccessKey("TESTACCESSKEY0000001", "TestSecretKeyNotReal/0123456789+abcdefgh")


class Expected(TypedDict):
    """What the vendor's SDK made of a request."""

    canonical_uri: str
    canonical_query: str
    signed_headers: str
    signature: str
    authorization: str


class Vector(TypedDict):
    """One request and its signature."""

    name: str
    access_key: str
    secret_key: str
    at: str
    method: str
    host: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: str
    expected: Expected


def vectors() -> list[Vector]:
    text = Path(__file__).with_name("sdk_hmac_sha256_vectors.json").read_text(encoding="utf-8")
    read: list[Vector] = json.loads(text)["vectors"]
    return read


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_a_vector_is_signed_as_the_vendor_signs_it(vector: Vector) -> None:
    query = tuple((key, value) for key, value in vector["query"])
    request = Unsigned(
        method=vector["method"],
        host=vector["host"],
        path=vector["path"],
        query=query,
        headers=tuple(vector["headers"].items()),
        body=vector["body"].encode(),
    )
    added = sign(request, AccessKey(vector["access_key"], vector["secret_key"]), vector["at"])
    assert canonical_path(vector["path"]) == vector["expected"]["canonical_uri"]
    assert canonical_query(query) == vector["expected"]["canonical_query"]
    assert added == {
        "X-Sdk-Date": vector["at"],
        "Host": vector["host"],
        "Authorization": vector["expected"]["authorization"],
    }


def test_a_body_of_another_type_is_declared_unsigned() -> None:
    def authorization(body: bytes) -> Mapping[str, str]:
        headers = (("Content-Type", "text/plain"), ("host", "h"))
        return sign(Unsigned(method="PUT", host="h", path="/", headers=headers, body=body), KEY, AT)

    assert authorization(b"one")["X-Sdk-Content-Sha256"] == "UNSIGNED-PAYLOAD"
    assert authorization(b"one") == authorization(b"another")
    assert authorization(b"one") != authorization(b"")


def test_the_time_is_an_argument_and_never_read_from_the_headers() -> None:
    dated = Unsigned(method="GET", host="h", path="/", headers=(("x-sdk-date", AT),))
    with pytest.raises(AssertionError):
        sign(dated, KEY, AT)


def test_a_printed_key_keeps_its_secret() -> None:
    assert KEY.secret not in repr(KEY)
    assert KEY.access in repr(KEY)


TEXT = st.text(max_size=12).filter(lambda text: "\x00" not in text)
SPECIAL = st.text(alphabet="aZ09-_.~ *+/:;,=&?%'\"[]{}()!@#$é漢😀", max_size=12)
NAME = st.text(alphabet=ascii_letters + digits + "-_", min_size=1, max_size=12).map(
    lambda name: f"X-{name}"
)
OWN_NAMES = {"x-sdk-date", "x-sdk-content-sha256"}
VALUE = st.one_of(st.text(alphabet=" \tabcé漢/=;", max_size=10), st.just("  trimmed  "), SPECIAL)
HEADERS = st.lists(st.tuples(NAME, VALUE), max_size=5, unique_by=lambda pair: pair[0].lower()).map(
    lambda pairs: tuple(pair for pair in pairs if pair[0].lower() not in OWN_NAMES)
)
TYPES = st.sampled_from(
    (None, "application/json;charset=UTF-8", "application/json", "application/bson", "text/plain")
)


@st.composite
def unsigned(draw: st.DrawFn) -> Unsigned:
    content_type = draw(TYPES)
    own = (("Content-Type", content_type),) if content_type else ()
    host = (("Host", "given.example:8080"),) if draw(st.booleans()) else ()
    keys = draw(st.lists(SPECIAL, max_size=3)) + draw(st.lists(TEXT, max_size=2))
    values = [draw(st.one_of(st.just(""), SPECIAL, TEXT)) for _ in keys]
    repeated = [(key, draw(SPECIAL)) for key in keys if draw(st.booleans())]
    return Unsigned(
        method=draw(st.sampled_from(("GET", "post", "PUT", "DELETE"))),
        host="ecs.example.com",
        path="/" + "/".join(draw(st.lists(st.one_of(SPECIAL, st.just("%2Fa%20b")), max_size=4))),
        query=(*zip(keys, values, strict=True), *repeated),
        headers=(*own, *host, *draw(HEADERS)),
        body=draw(st.one_of(st.just(b""), st.text(max_size=30).map(str.encode))),
    )


@pytest.mark.counterpart
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(request=unsigned())
def test_any_request_is_signed_as_the_vendor_signs_it(request: Unsigned) -> None:
    sdk = "huaweicloudsdkcore"
    credentials = import_module(f"{sdk}.auth.credentials").BasicCredentials
    signer = import_module(f"{sdk}.signer.signer").Signer
    theirs = import_module(f"{sdk}.sdk_request").SdkRequest(
        method=request.method,
        schema="https",
        host=request.host,
        resource_path=request.path,
        query_params=list(request.query),
        header_params={**dict(request.headers), "X-Sdk-Date": AT},
        body=request.body,
    )
    signer(credentials(KEY.access, KEY.secret, "p")).sign(theirs)
    ours = sign(request, KEY, AT)
    assert ours["Authorization"] == theirs.header_params["Authorization"]
    assert theirs.header_params.get("X-Sdk-Content-Sha256") == ours.get("X-Sdk-Content-Sha256")
    wire = canonical_query(request.query)
    assert theirs.uri == (f"{request.path}?{wire}" if wire else request.path)
