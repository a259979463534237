"""A scope as written, and what is refused in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.declared import Limits, Unmanaged
from tests.manifest.writing import (
    SCOPE,
    Case,
    check,
    codes,
    declared,
    load_text,
    scope_of,
    spec,
)

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = (
    Case(
        "an unknown provider is refused",
        spec("Scope", "provider: huawei-esc\nregion: r"),
        "provider-unknown",
        5,
        13,
        "no provider is called `huawei-esc`",
        "write `huawei-ecs`",
    ),
    Case(
        "no provider is refused",
        spec("Scope", "region: r"),
        "missing-key",
        4,
        1,
        "`spec` has no `provider`",
        "add `provider:`",
    ),
    Case(
        "no region is refused",
        spec("Scope", "provider: huawei-ecs"),
        "missing-key",
        4,
        1,
        "`spec` has no `region`",
        "add `region:`",
    ),
    Case(
        "a region that would be another host is refused",
        spec("Scope", "provider: huawei-ecs\nregion: evil.example/x"),
        "wrong-value",
        6,
        11,
        "`region` must be letters, digits and `-`, not `evil.example/x`",
        "write a region such as `ap-southeast-3`",
    ),
    Case(
        "a cloud with a path is refused",
        scope_of("cloud: evil.example/x"),
        "wrong-value",
        7,
        10,
        "`cloud` must be a domain, not `evil.example/x`",
        "write a domain such as `myhuaweicloud.eu`",
    ),
    Case(
        "a misspelt key is refused",
        scope_of("projectID: abc"),
        "unknown-key",
        7,
        3,
        "`projectID` is not known in `spec`",
        "write `projectId`",
    ),
    Case(
        "an empty project is refused",
        scope_of("projectId: ''"),
        "wrong-value",
        7,
        14,
        "`projectId` is empty",
        "write a value, or take it out",
    ),
    Case(
        "an unknown unmanaged is refused",
        scope_of("unmanaged: reports"),
        "wrong-value",
        7,
        14,
        "`unmanaged` must be `ignore`, `report` or `detach`, not `reports`",
        "write `report`",
    ),
    Case(
        "no endpoint over http is refused",
        scope_of("endpoint: http://ecs.example"),
        "endpoint-address",
        7,
        13,
        "`endpoint` must be `https`, or on loopback",
        "write an address such as `https://ecs.example.com`, or `simulator` for the embedded one",
    ),
    Case(
        "an endpoint with a password is refused",
        scope_of("endpoint: https://me:secret@ecs.example"),
        "endpoint-address",
        7,
        13,
        "`endpoint` must not hold a user or a password",
        "write an address such as `https://ecs.example.com`, or `simulator` for the embedded one",
        shown=False,
    ),
    Case(
        "an endpoint with a query is refused",
        scope_of("endpoint: https://ecs.example?x=1"),
        "endpoint-address",
        7,
        13,
        "`endpoint` must not hold a query or a fragment",
        "write an address such as `https://ecs.example.com`, or `simulator` for the embedded one",
    ),
    Case(
        "an endpoint without scheme is refused",
        scope_of("endpoint: ecs.example"),
        "endpoint-address",
        7,
        13,
        "`endpoint` must be an absolute `https` address",
        "write an address such as `https://ecs.example.com`, or `simulator` for the embedded one",
    ),
    Case(
        "an endpoint with a port that is none is refused",
        scope_of("endpoint: https://ecs.example:port"),
        "endpoint-address",
        7,
        13,
        "`endpoint` is not an address",
        "write an address such as `https://ecs.example.com`, or `simulator` for the embedded one",
    ),
    Case(
        "simulator for one API is refused",
        scope_of("endpoint: {ecs: simulator}"),
        "endpoint-address",
        7,
        19,
        "`endpoint.ecs` must be an absolute `https` address",
        "write an address such as `https://ecs.example.com`, or `simulator` for the embedded one",
    ),
    Case(
        "an endpoint that is a list is refused",
        scope_of("endpoint: [https://a.example]"),
        "wrong-type",
        7,
        13,
        "`endpoint` must be an address, or a mapping by API, not a list",
        "write one address, or `{ecs: ..., evs: ...}`",
    ),
    Case(
        "a simulator without world is refused",
        scope_of("endpoint: simulator"),
        "missing-key",
        7,
        3,
        "`endpoint: simulator` has no `world`",
        "add `world:` with the path of a world file, relative to this file",
    ),
    Case(
        "a world without simulator is refused",
        scope_of("world: a.world.yaml"),
        "world-without-simulator",
        7,
        3,
        "`world` is for the simulator only, and `endpoint` is not `simulator`",
        "write `endpoint: simulator`, or take `world` out",
    ),
    Case(
        "limits that are text is refused",
        scope_of("limits: fast"),
        "wrong-type",
        7,
        11,
        "`limits` must be a mapping, not text",
        "write a mapping",
    ),
    Case(
        "a rate of zero is refused",
        scope_of("limits: {requestsPerSecond: 0}"),
        "wrong-value",
        7,
        31,
        "`limits.requestsPerSecond` must be above 0, not `0`",
        "write a number above 0",
    ),
    Case(
        "a rate that is infinite is refused",
        scope_of("limits: {requestsPerSecond: .inf}"),
        "wrong-value",
        7,
        31,
        "`limits.requestsPerSecond` must be a decimal number above 0, not `.inf`",
        "write plain decimal digits, at most nine",
    ),
    Case(
        "a concurrency of zero is refused",
        scope_of("limits: {maxConcurrency: 0}"),
        "wrong-value",
        7,
        28,
        "`limits.maxConcurrency` must be 1 or more, not `0`",
        "write 1 or more",
    ),
    Case(
        "a negative concurrency is refused",
        scope_of("limits: {maxConcurrency: -1}"),
        "wrong-value",
        7,
        28,
        "`limits.maxConcurrency` must be a whole number, 1 or more, not `-1`",
        "write plain decimal digits, at most nine",
    ),
    Case(
        "a hexadecimal concurrency is refused",
        scope_of("limits: {maxConcurrency: 0x1F}"),
        "wrong-value",
        7,
        28,
        "`limits.maxConcurrency` must be a whole number, 1 or more, not `0x1F`",
        "write plain decimal digits, at most nine",
    ),
    Case(
        "a number in quotes is refused",
        scope_of('limits: {maxConcurrency: "32"}'),
        "wrong-value",
        7,
        28,
        "`limits.maxConcurrency` must be a whole number, 1 or more, not the text `32` in quotes",
        "take the quotes away",
    ),
    Case(
        "a duration without unit is refused",
        scope_of("limits: {stepTimeout: 600}"),
        "wrong-value",
        7,
        25,
        "`limits.stepTimeout` must be a duration, not `600`",
        "write a number above 0 with its unit: `30s`, `5m`, `6h` or `90d`",
    ),
    Case(
        "a limit without value is refused",
        scope_of("limits: {stepTimeout: }"),
        "no-value",
        7,
        12,
        "`limits.stepTimeout` has no value",
        "write a value, or take it out",
    ),
    Case(
        "a limit that is null is refused",
        scope_of("limits: {stepTimeout: null}"),
        "no-value",
        7,
        12,
        "`limits.stepTimeout` has no value",
        "write a value, or take it out",
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_it_is_refused_with_its_place(tmp_path: Path, case: Case) -> None:
    check(tmp_path, case)


def test_a_scope_with_the_least_that_it_needs(tmp_path: Path) -> None:
    scope = declared(tmp_path, SCOPE).scopes["shop"]
    assert (scope.name, scope.project_id, scope.cloud, scope.world) == ("shop", None, None, None)
    assert (scope.simulated, scope.endpoints, scope.endpoint_place) == (False, {}, None)
    assert (scope.unmanaged, scope.credentials) == (Unmanaged.REPORT, {})
    assert scope.limits == Limits()
    assert str(scope.place).endswith("m.yaml:3:18")


ENDPOINTS = {
    "one for all": ("https://ecs.example", {"": "https://ecs.example"}),
    "by API": (
        "{ecs: https://a.example/v1, iam: 'https://b.example:8443'}",
        {"ecs": "https://a.example/v1", "iam": "https://b.example:8443"},
    ),
    "http on loopback": ("http://127.0.0.1:8480", {"": "http://127.0.0.1:8480"}),
    "http on localhost": ("http://localhost:8480", {"": "http://localhost:8480"}),
    "http on loopback of IPv6": ("'http://[::1]:8480'", {"": "http://[::1]:8480"}),
}


@pytest.mark.parametrize(("text", "expected"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_an_endpoint_is_one_address_or_one_for_each_api(
    tmp_path: Path,
    text: str,
    expected: dict[str, str],
) -> None:
    scope = declared(tmp_path, scope_of(f"endpoint: {text}")).scopes["shop"]
    assert scope.endpoints == expected
    assert str(scope.endpoint_place).endswith("m.yaml:7:13")


HOSTS = (
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "http://127.1",
    "https://",
    "https:///path",
    "ftp://127.0.0.1",
    "https://a.example\\@b.example",
    "'https://a.example b'",
    "https://exämple.example",
    "https://@a.example",
    "'https://a.example/#x'",
    "https://a.example:99999",
)


@pytest.mark.parametrize("address", HOSTS)
def test_an_address_that_could_mislead_is_refused(tmp_path: Path, address: str) -> None:
    assert codes(load_text(tmp_path, scope_of(f"endpoint: {address}"))) == ["endpoint-address"]


def test_the_world_is_found_beside_the_manifest(tmp_path: Path) -> None:
    told = declared(tmp_path, scope_of("endpoint: simulator\nworld: worlds/a.world.yaml"))
    assert told.scopes["shop"].simulated
    assert told.scopes["shop"].world == str(tmp_path / "worlds" / "a.world.yaml")


DURATIONS = {"30s": 30.0, "5m": 300.0, "6h": 21600.0, "90d": 7776000.0, '"2m"': 120.0}


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items(), ids=DURATIONS)
def test_durations_are_seconds(tmp_path: Path, text: str, seconds: float) -> None:
    told = declared(tmp_path, scope_of(f"limits: {{stepTimeout: {text}}}"))
    assert told.scopes["shop"].limits.step_timeout_s == seconds


def test_all_that_is_wrong_in_a_scope_comes_at_once(tmp_path: Path) -> None:
    text = scope_of("world: x\ncolour: red\nlimits: {maxConcurrency: 0, stepTimeout: x}")
    assert codes(load_text(tmp_path, text)) == [
        "world-without-simulator",
        "unknown-key",
        "wrong-value",
        "wrong-value",
    ]
