"""What only the whole set shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.finding import Severity
from tests.manifest.writing import (
    SCOPE,
    Case,
    check,
    codes,
    declared,
    load_text,
    policy,
    rows,
    scope_of,
    spec,
)

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = (
    Case(
        "two scopes of one name is refused",
        SCOPE + "---\n" + SCOPE.replace("ap-southeast-3", "other"),
        "duplicate-name",
        8,
        18,
        "two documents of kind `Scope` are named `shop`",
        "rename one of the two, or make them one document",
        also=(3,),
    ),
    Case(
        "an unknown scope is refused",
        rows("servers: {}").replace("scope: shop", "scope: shopp"),
        "unknown-scope",
        10,
        10,
        "no document declares the scope `shopp`",
        "write `shop`",
    ),
    Case(
        "no scope at all is refused",
        spec("Attachments", "scope: shop"),
        "unknown-scope",
        5,
        10,
        "no document declares the scope `shop`",
        "add a Scope document",
    ),
    Case(
        "a policy for an unknown scope is refused",
        SCOPE
        + "---\n"
        + spec("Policy", "scopes: [other]\nmaxDetach: 1").replace("default", "tight"),
        "unknown-scope",
        10,
        12,
        "no document declares the scope `other`",
        "use `shop`",
    ),
    Case(
        "an acceptance in an unknown scope is refused",
        policy("accept: [{scope: shpo, server: a, volume: b, until: 2026-12-01, reason: c}]"),
        "unknown-scope",
        10,
        20,
        "no document declares the scope `shpo`",
        "write `shop`",
    ),
    Case(
        "a policy without scopes by another name is refused",
        policy("maxDetach: 1").replace("default", "tight"),
        "policy-without-scopes",
        8,
        18,
        "the policy `tight` names no scopes and is not called `default`",
        "add `scopes: [SCOPE]` under `spec`, or call it `default`",
    ),
    Case(
        "two policies for one scope is refused",
        SCOPE
        + "---\n"
        + spec("Policy", "scopes: [shop]\nmaxDetach: 1").replace("default", "a")
        + "---\n"
        + spec("Policy", "scopes: [shop]\nmaxDetach: 1").replace("default", "b"),
        "policy-conflict",
        18,
        3,
        "two policies set `maxDetach` for scope `shop`",
        "keep it in one of the two",
        also=(11,),
    ),
    Case(
        "a server in two documents is refused",
        rows("servers: {web-1: {volumes: []}}")
        + "---\n"
        + spec("Attachments", "scope: shop\nservers: {web-1: {volumes: [a]}}").replace(
            "rows", "more"
        ),
        "duplicate-entry",
        18,
        13,
        "the server `web-1` has two entries in scope `shop`",
        "make them one entry; an entry owns its whole row",
        also=(11,),
    ),
    Case(
        "one lists, the other doesn't is refused",
        rows("servers:\n  web-1: {volumes: [data]}\nvolumes:\n  data: {servers: []}"),
        "contradiction",
        12,
        23,
        "`web-1` lists `data`, but `data` doesn't list `web-1`",
        "add `web-1` to `volumes.data.servers`, or take `data` out here",
        also=(14,),
    ),
    Case(
        "the other lists, one doesn't is refused",
        rows("servers:\n  web-1: {volumes: []}\nvolumes:\n  data: {servers: [web-1]}"),
        "contradiction",
        14,
        22,
        "`data` lists `web-1`, but `web-1` doesn't list `data`",
        "add `data` to `servers.web-1.volumes`, or take `web-1` out here",
        also=(12,),
    ),
    Case(
        "one lists, the other says absent is refused",
        rows(
            "servers:\n  web-1: {volumes: [data]}\n"
            "volumes:\n  data: {others: keep, absent: [web-1]}",
        ),
        "contradiction",
        12,
        23,
        "`web-1` lists `data`, but `data` says that `web-1` is absent",
        "take `data` out of `servers.web-1`, or `web-1` out of `absent`",
        also=(14,),
    ),
    Case(
        "two scopes of one identity is refused",
        SCOPE + "---\n" + SCOPE.replace("name: shop", "name: twin"),
        "duplicate-identity",
        8,
        18,
        "the scopes `shop` and `twin` are the same provider, region, project and endpoint",
        "make them one scope",
        also=(3,),
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_it_is_refused_with_its_place(tmp_path: Path, case: Case) -> None:
    check(tmp_path, case)


ID = "3f50a1b2-0000-4000-8000-000000000001"
AGREEING = {
    "both list each other": ("a: {volumes: [v]}", "v: {servers: [a]}"),
    "the other keeps others": ("a: {volumes: [v]}", "v: {servers: [], others: keep}"),
    "one keeps others": ("a: {volumes: [v], others: keep}", "v: {servers: []}"),
    "the other selects": ("a: {volumes: [v]}", "v: {servers: {names: 'x*'}}"),
    "the other may name it by id": ("a: {volumes: [v]}", f"v: {{servers: [{ID}]}}"),
    "the owner is an id": (f"{ID}: {{volumes: [v]}}", "v: {servers: [a]}"),
    "a bare id of 32 digits": ("a: {volumes: [v]}", f"v: {{servers: [{'0a' * 16}]}}"),
    "nobody owns the other row": ("a: {volumes: [v]}", "w: {servers: []}"),
    "a server and a volume of one name": ("a: {volumes: []}", "a: {servers: []}"),
    "both say absent": ("a: {volumes: [], absent: [v]}", "v: {servers: [], absent: [a]}"),
}


@pytest.mark.parametrize(("servers", "volumes"), AGREEING.values(), ids=AGREEING)
def test_it_is_no_contradiction(tmp_path: Path, servers: str, volumes: str) -> None:
    body = f"servers:\n  {servers}\nvolumes:\n  {volumes}\n"
    assert declared(tmp_path, rows(body)).entries["shop"]


def test_rows_of_two_scopes_never_contradict(tmp_path: Path) -> None:
    other = "---\n" + SCOPE.replace("shop", "other").replace("southeast-3", "other")
    text = rows("servers: {a: {volumes: [v]}}") + other
    more = spec(
        "Attachments", "scope: other\nservers: {a: {volumes: []}}\nvolumes: {v: {servers: []}}"
    )
    told = declared(tmp_path, text + "---\n" + more.replace("rows", "more"))
    assert {scope: len(entries) for scope, entries in told.entries.items()} == {
        "shop": 1,
        "other": 2,
    }


def test_a_scope_that_is_wrong_is_still_known(tmp_path: Path) -> None:
    text = rows("servers: {}").replace("provider: huawei-ecs", "provider: nobody")
    assert codes(load_text(tmp_path, text)) == ["provider-unknown"]


def test_scopes_that_choose_their_project_by_credentials_differ(tmp_path: Path) -> None:
    def account(name: str, variable: str) -> str:
        return scope_of(f"credentials: {{accessKey: {{env: {variable}}}}}").replace("shop", name)

    assert declared(tmp_path, account("a", "HW_A") + "---\n" + account("b", "HW_B")).scopes
    loaded = load_text(tmp_path, account("a", "HW_A") + "---\n" + account("b", "HW_A"))
    assert codes(loaded) == ["duplicate-identity"]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ("HTTPS://ECS.example:443/", ["duplicate-identity"]),
        ("https://ecs.example.", ["duplicate-identity"]),
        ("https://ecs.example:8443", []),
    ],
)
def test_two_spellings_of_an_endpoint_are_one_cloud(
    tmp_path: Path, other: str, found: list[str]
) -> None:
    twin = scope_of(f"endpoint: '{other}'").replace("name: shop", "name: twin")
    text = scope_of("endpoint: 'https://ecs.example'") + "---\n" + twin
    assert codes(load_text(tmp_path, text)) == found


def test_one_project_at_two_endpoints_is_told_and_takes_no_strays(tmp_path: Path) -> None:
    def at(name: str, project: str, url: str, region: str = "ap-southeast-3") -> str:
        text = scope_of(f"projectId: '{project * 32}'\nendpoint: '{url}'")
        return text.replace("name: shop", f"name: {name}").replace("ap-southeast-3", region)

    same = [at("a", "1", "http://127.0.0.1:8080"), at("b", "1", "http://localhost:8080")]
    loaded = load_text(tmp_path, "---\n".join(same))
    (finding,) = loaded.findings
    assert (finding.code, finding.severity) == ("perhaps-one-cloud", Severity.WARNING)
    assert "`a` and `b`" in finding.summary
    assert loaded.declared is not None
    for n in (0, 1):
        taking = [*same]
        taking[n] += "  unmanaged: detach\n"
        (finding,) = load_text(tmp_path, "---\n".join(taking)).findings
        assert (finding.code, finding.severity) == ("perhaps-one-cloud", Severity.ERROR)
    others = [at("a", "1", "http://127.0.0.1:8080"), at("b", "2", "http://localhost:8080")]
    others.append(at("c", "1", "http://localhost:8080", region="other"))
    assert not load_text(tmp_path, "---\n".join(others)).findings


PROJECT = f"projectId: '{'1' * 32}'\n"
KEYS = "credentials: {accessKey: {env: HW_A}}\n"
PERHAPS = {
    "one names its project, the other one finds it by the same keys": (PROJECT, "", True),
    "both find it by the same keys, at two addresses": (
        "",
        "endpoint: 'http://localhost:1'",
        False,
    ),
    "one names it, the other one has keys of its own": (PROJECT, KEYS, False),
    "each has keys of its own": ("", KEYS, False),
    "one writes the domain that the other one has anyway": (
        PROJECT,
        PROJECT + "cloud: myhuaweicloud.com",
        True,
    ),
}


@pytest.mark.parametrize(("one", "other", "told"), PERHAPS.values(), ids=PERHAPS)
def test_a_scope_that_may_be_another_ones_project_takes_no_strays(
    tmp_path: Path, one: str, other: str, *, told: bool
) -> None:
    def found(*strays: str) -> list[tuple[str, Severity]]:
        texts = [
            scope_of(f"{body}\n{stray}").replace("name: shop", f"name: {name}")
            for name, body, stray in zip("ab", (one, other), strays, strict=True)
        ]
        loaded = load_text(tmp_path, "---\n".join(texts))
        return [(finding.code, finding.severity) for finding in loaded.findings]

    assert found("", "") == [("perhaps-one-cloud", Severity.WARNING)] * told
    for strays in (("unmanaged: detach", ""), ("", "unmanaged: detach")):
        assert ("perhaps-one-cloud", Severity.ERROR) in found(*strays)


def test_another_region_and_another_number_are_another_cloud(tmp_path: Path) -> None:
    taking = scope_of("unmanaged: detach")
    other = scope_of("").replace("name: shop", "name: other")
    elsewhere = other.replace("ap-southeast-3", "ap-southeast-1")
    assert not load_text(tmp_path, f"{taking}---\n{elsewhere}").findings
    numbers = [f"projectId: '{n * 32}'\nunmanaged: detach" for n in "12"]
    both = [scope_of(body).replace("shop", f"s-{n}") for n, body in enumerate(numbers)]
    assert not load_text(tmp_path, "---\n".join(both)).findings


def test_a_third_entry_is_told_of_the_first(tmp_path: Path) -> None:
    more = "".join(
        "---\n"
        + spec("Attachments", "scope: shop\nvolumes: {v: {servers: []}}").replace("rows", name)
        for name in ("b", "c")
    )
    loaded = load_text(tmp_path, rows("volumes: {v: {servers: []}}") + more)
    assert codes(loaded) == ["duplicate-entry", "duplicate-entry"]
    assert {finding.also[0].line for finding in loaded.findings} == {11}
