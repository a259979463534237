"""Signatures: the vendor's own are accepted, and nothing that differs by a byte."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.sim.app import build
from reconciler.sim.exchange import Heard
from reconciler.sim.signature import canonical_path, canonical_query, genuine, read_authorization
from tests.sim.asking import PROJECT, WORLD, Asker, asker, clouds_of

VECTORS = json.loads((Path(__file__).parent / "signing_vectors.json").read_text())["vectors"]
JOB = "/v1/{p}/jobs/none"
# What an accepted signature leads to: the job isn't there.
ADMITTED = (400, "Common.0011")
REFUSED = (401, "APIGW.0301")


def heard(vector: dict[str, Any]) -> Heard:
    headers = {**vector["headers"], "Authorization": vector["authorization"]}
    return Heard(
        method=vector["method"],
        raw_path=vector["path"].encode(),
        path=vector["path"],
        query_string=vector["query"].encode(),
        headers=tuple((k.lower().encode(), v.encode()) for k, v in headers.items()),
        body=vector["body"].encode(),
    )


def accepted(request: Heard, secret_key: str) -> bool:
    claimed = read_authorization(request.header("authorization") or "")
    return claimed is not None and genuine(request, claimed, secret_key)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_is_accepted_and_no_byte_of_it_may_change(vector: dict[str, Any]) -> None:
    request, secret = heard(vector), vector["secret_key"]
    assert accepted(request, secret)
    assert not accepted(request, secret[:-1] + "?")
    assert not accepted(replace(request, method="PUT"), secret)
    assert not accepted(replace(request, raw_path=request.raw_path[:-1] + b"z"), secret)
    assert not accepted(replace(request, query_string=request.query_string + b"&a=1"), secret)
    assert not accepted(replace(request, body=request.body + b"\n"), secret)
    for place, (key, value) in enumerate(request.headers):
        changed = value[:-1] + bytes([value[-1] ^ 1])
        headers = list(request.headers)
        headers[place] = (key, changed)
        assert not accepted(replace(request, headers=tuple(headers)), secret), key
        headers.pop(place)
        assert not accepted(replace(request, headers=tuple(headers)), secret), key


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_passes_the_gate_at_its_time_only(vector: dict[str, Any]) -> None:
    text = f"{{accessKey: {vector['access_key']}, secretKey: {vector['secret_key']}}}"
    clouds, clock = clouds_of(WORLD.replace("keys: [", f"keys: [{text}, "))
    signed_at = datetime.strptime(vector["time"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    app = build(clouds, utc_now=lambda: signed_at + timedelta(minutes=14))
    late = build(clouds, utc_now=lambda: signed_at + timedelta(minutes=16))
    host = vector["headers"]["Host"]
    names = tuple(name.lower() for name in vector["headers"])
    client = Asker(
        app,
        (clock,),
        key=(vector["access_key"], vector["secret_key"]),
        signed=names,
        date=vector["time"],
        extra={**{k.lower(): v for k, v in vector["headers"].items()}, "host": host},
    )
    assert client.refused("GET", JOB) == ADMITTED
    status, document = replace(client, app=late).ask("GET", JOB)
    assert status == 401
    assert "calc ak sk signature fail:signature expired" in document["error_msg"]


def test_a_path_and_a_query_have_one_canonical_spelling() -> None:
    assert canonical_path(b"/v1/a%2db/%E4%BD%A0") == b"/v1/a-b/%E4%BD%A0/"
    assert canonical_path(b"/v1/a*b") == b"/v1/a%2Ab/"
    assert canonical_query(b"b=2&a=%7e&a=&c") == b"a=&a=~&b=2&c="
    assert canonical_query(b"ids=%5b'a','b'%5d") == b"ids=%5B%27a%27%2C%27b%27%5D"


def test_signed_headers_count_as_the_request_names_them() -> None:
    cloud = asker()
    few = replace(cloud, signed=("content-type", "x-sdk-date"), extra={"x-project-id": PROJECT})
    assert few.refused("GET", JOB) == ADMITTED
    assert few.ask("POST", "/v1/{p}/batchaction/detachvolumes/v-1", {"serverinfo": ["s-1"]})[0] == (
        200
    )


def test_each_wrong_credential_has_its_own_text() -> None:
    cloud = asker()
    cases = {
        "ak:nobody,err:ak not exist": replace(cloud, key=("nobody", "x")),
        "verify aksk signature fail": replace(cloud, key=("simulator", "wrong")),
        "signature expired": replace(cloud, date="20200101T000000Z"),
        "decrypt token fail": replace(cloud, extra={"x-auth-token": "forged"}),
    }
    for text, client in cases.items():
        status, document = client.ask("GET", JOB)
        assert (status, document["error_code"]) == REFUSED
        assert text in document["error_msg"]
    bare = replace(cloud, extra={"x-auth-token": ""})
    assert bare.refused("GET", JOB) == REFUSED


def test_a_key_is_locked_after_more_than_five_failures() -> None:
    clouds, clock = clouds_of(WORLD)
    times = [datetime(2026, 1, 1, tzinfo=UTC)]
    cloud = Asker(build(clouds, utc_now=lambda: times[0]), (clock,), date="20260101T000000Z")
    wrong = replace(cloud, key=("AKIDEXAMPLE", "wrong"))
    right = replace(cloud, key=("AKIDEXAMPLE", "not-a-secret"))
    for _ in range(5):
        wrong.refused("GET", JOB)
    assert right.refused("GET", JOB) == ADMITTED
    for _ in range(6):
        wrong.refused("GET", JOB)
    status, document = right.ask("GET", JOB)
    assert status == 401
    assert "AK access failed to reach the limit,forbidden" in document["error_msg"]
    assert cloud.refused("GET", JOB) == ADMITTED
    times[0] += timedelta(minutes=5)
    assert right.refused("GET", JOB) == ADMITTED


def test_a_project_that_is_not_the_keys_is_refused() -> None:
    cloud = asker(WORLD + "---\nprovider: huawei-ecs\nprojectId: other\n")
    own = replace(cloud, key=("AKIDEXAMPLE", "not-a-secret"))
    assert own.refused("GET", "/v1/other/jobs/none") == (400, "Common.0018")
    assert cloud.refused("GET", "/v1/other/jobs/none") == ADMITTED
    mixed = replace(cloud, extra={"x-project-id": "other"})
    assert mixed.refused("GET", JOB) == (400, "Common.0018")


def test_iam_knows_projects_and_gives_tokens() -> None:
    cloud = asker()
    projects = cloud.good("GET", "/v3/projects?name=ap-southeast-3")["projects"]
    assert [row["id"] for row in projects] == [PROJECT]
    assert cloud.good("GET", "/v3/projects?name=nowhere")["projects"] == []
    user = {"name": "ops", "password": "open-sesame", "domain": {"name": "acme"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"name": "ap-southeast-3"}}
    body = {"auth": {"identity": identity, "scope": scope}}
    unsigned = replace(cloud, extra={"x-auth-token": ""})
    reply = unsigned.send("POST", "/v3/auth/tokens?nocatalog=true", body)
    assert reply.status_code == 201
    token = {"x-auth-token": reply.headers["x-subject-token"]}
    assert replace(cloud, extra=token).refused("GET", JOB) == ADMITTED
    user["password"] = "wrong"
    assert unsigned.send("POST", "/v3/auth/tokens", body).status_code == 401
    assert cloud.good("GET", "/_sim/requests")["counts"]["changing"] == 0
