"""Providers are found by looking at folders; one of them is imported without the others."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler import providers
from reconciler.model.finding import FindingsError
from reconciler.providers import discover, names, spec_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from pathlib import Path


def test_every_folder_with_a_spec_is_found_under_its_name_sorted() -> None:
    found = discover()
    assert list(found) == sorted(found)
    assert found["huawei-ecs"].name == "huawei-ecs"
    assert set(found) <= set(names())


def test_one_spec_is_the_same_as_among_all() -> None:
    assert spec_of("huawei-ecs") is discover()["huawei-ecs"]


def test_what_is_installed_is_looked_through_once_for_many_scopes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    looks: list[str] = []

    def looked(*, group: str) -> list[EntryPoint]:
        looks.append(group)
        return []

    monkeypatch.setattr(providers, "entry_points", looked)
    monkeypatch.syspath_prepend(str(tmp_path))
    for _ in range(3):
        spec_of("huawei-ecs")
    assert looks == ["reconciler.providers"]


@pytest.mark.parametrize("name", ["nowhere", "huawei_ecs", "http", "../x", ""])
def test_another_name_is_a_finding_that_tells_the_known_ones(name: str) -> None:
    with pytest.raises(FindingsError) as raised:
        spec_of(name)
    (finding,) = raised.value.findings
    assert finding.code == "provider-unknown"
    assert "`huawei-ecs`" in finding.hint


def test_facts_cost_no_http_library() -> None:
    look = "from reconciler.providers import spec_of; spec_of('huawei-ecs')"
    code = f"import sys; {look}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    assert not {"httpx", "pydantic"} & set(run.stdout.split())
