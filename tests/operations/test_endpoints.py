"""Every spelling of an address is one cloud; what was kept under a plain one stays found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.manifest.load import load
from reconciler.model.endpoint import canonical
from reconciler.model.finding import FindingsError
from reconciler.operations.apply import apply_manifests
from reconciler.operations.older import cloud_of
from reconciler.operations.sessions import opened
from tests.operations.test_repair import MAIN, PROJECT, WORLD
from tests.rig.stage import YES, stage
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {"HW_ACCESS_KEY": "simulator", "HW_SECRET_KEY": "simulator-secret"}
PLAIN = (
    "http://127.0.0.1:8931",
    "https://ecs.ap-southeast-3.myhuaweicloud.com",
    "https://ecs.example:8443",
    "https://gate.example/Cloud/v2",
    "https://gate.example/a//b",
    "http://[::1]:8931",
    "http://localhost",
    "simulator/prod",
    "snapshot",
    "",
)


@pytest.mark.parametrize("url", PLAIN)
def test_what_is_written_plainly_is_kept_byte_for_byte(url: str) -> None:
    assert canonical(url) == url


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        ("HTTP://127.0.0.1:8931/", "http://127.0.0.1:8931"),
        ("https://ECS.Example:443", "https://ecs.example"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("https://ecs.example:80", "https://ecs.example:80"),
        ("https://ecs.example.:443//", "https://ecs.example"),
        ("https://ecs.example:", "https://ecs.example"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
        ("https://Gate.example/Cloud/", "https://gate.example/Cloud"),
        ("https://A@b.example", "https://A@b.example"),
        ("https://a.example:x", "https://a.example:x"),
    ],
)
def test_other_spellings_come_to_the_plain_one(spelled: str, plain: str) -> None:
    assert canonical(spelled) == plain
    assert canonical(plain) == plain


def test_a_journal_knows_one_cloud_by_every_spelling(tmp_path: Path) -> None:
    async def known(url: str) -> tuple[str, object]:
        lab = stage(tmp_path, json.dumps(WORLD))
        request = lab.request(replace(MAIN, endpoint=url))
        loaded = load(request.files).declared
        assert loaded is not None
        around = replace(lab.around, environ=KEYS)
        async with opened(request, around, writing=False) as now:
            (session,) = now.sessions
            return str(session.identity), cloud_of(loaded.scopes["prod"])

    plain = run(known("http://127.0.0.1:8093"))
    assert plain[0] == f"huawei-ecs|http://127.0.0.1:8093|{PROJECT}|r1"
    assert run(known("HTTP://127.0.0.1:8093/")) == plain
    assert run(known("http://localhost:8093")) != plain, "names aren't looked up"


def test_a_scope_without_a_project_takes_nothing_from_the_one_that_names_it(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        lab = stage(tmp_path, json.dumps(WORLD))
        named = replace(MAIN, scope="a", endpoint="http://127.0.0.1:8093")
        found = replace(named, scope="b", endpoint="http://localhost:8093", servers={"web-2": []})
        request = lab.request(named, replace(found, more={"unmanaged": "detach"}))
        around = replace(lab.around, environ=KEYS)
        # Alone as well: a service looks at one scope at a time.
        for scopes in ((), ("b",)):
            with pytest.raises(FindingsError) as refused:
                await apply_manifests(replace(request, scopes=scopes), around, YES, lab.events)
            assert [one.code for one in refused.value.findings] == ["perhaps-one-cloud"]
        assert lab.truth()["web-1", "one"] == "both"

    run(story())
