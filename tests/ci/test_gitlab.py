"""The GitLab pipeline that `init` writes: its script lines, by the shell that its image has."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.ci.conftest import SECRETS
from tests.repository.making import git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ci.conftest import Shop

JOB_S = 120.0
gitlab = pytest.mark.parametrize("shop", ["gitlab"], indirect=True)


def job(shop: Shop, name: str, work: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run what a job does in a checkout, which is made when it isn't there."""
    if not work.exists():
        git(work.parent, "clone", "-q", str(shop.origin), str(work))
        git(work, "checkout", "-q", variables["CI_COMMIT_SHA"])
    pipeline: dict[str, Any] = yaml.safe_load((work / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    lines = [*pipeline["default"]["before_script"], *pipeline[name]["script"]]
    return subprocess.run(  # noqa: S603 - the template
        ("sh", "-e", "-c", "\n".join(lines)),  # noqa: S607 - any POSIX shell
        cwd=work,
        env={**shop.environ, **pipeline["variables"], **variables},
        capture_output=True,
        text=True,
        timeout=JOB_S,
        check=False,
    )


@gitlab
def test_a_merge_request_shows_its_plan_and_the_button_applies_the_one_of_main(
    shop: Shop, tmp_path: Path
) -> None:
    before, head = git(shop.clone, "rev-parse", "main"), shop.push("move", cache_on="web-2")
    asked = {"CI_COMMIT_SHA": head, "CI_MERGE_REQUEST_DIFF_BASE_SHA": before, **SECRETS}
    work = tmp_path / "request"
    for name in ("validate", "plan"):
        ran = job(shop, name, work, **asked)
        assert ran.returncode == 0, ran.stderr
    widget = json.loads((work / "attachments.gitlab.json").read_text(encoding="utf-8"))
    assert widget == {"create": 2, "update": 0, "delete": 1}
    cases = ET.parse(work / "attachments.junit.xml").getroot().iter("testcase")  # noqa: S314 - ours
    assert len(list(cases)) > 2

    pushed = {"CI_COMMIT_SHA": shop.merge("move"), "CI_COMMIT_BEFORE_SHA": before, **SECRETS}
    work = tmp_path / "main"
    assert job(shop, "plan", work, **pushed).returncode == 0
    applied = job(shop, "apply", work, **pushed)
    assert applied.returncode == 0, applied.stderr
    assert "Apply complete. 1 attached, 0 detached, 1 moved" in applied.stdout
    assert ("web-2", "cache") in shop.holds()


@gitlab
def test_without_a_commit_before_and_without_credentials_it_says_so_and_fails(
    shop: Shop, tmp_path: Path
) -> None:
    head = git(shop.clone, "rev-parse", "main")
    told = {"CI_COMMIT_SHA": head, "CI_COMMIT_BEFORE_SHA": "0" * 40}
    first = job(shop, "plan", tmp_path / "first", **told, **SECRETS)
    assert first.returncode == 3, first.stderr
    assert "--first-apply" in first.stdout + first.stderr

    without = job(shop, "plan", tmp_path / "without", **told)
    assert without.returncode == 1
    assert "HW_ACCESS_KEY" in without.stderr


@gitlab
def test_only_a_project_of_ours_plans_and_only_the_default_branch_applies(shop: Shop) -> None:
    text = (shop.clone / ".gitlab-ci.yml").read_text(encoding="utf-8")
    pipeline: dict[str, Any] = yaml.safe_load(text)
    fork, *_ = pipeline["plan"]["rules"]
    assert fork["when"] == "never"
    assert "SOURCE_PROJECT_ID != $CI_MERGE_REQUEST_PROJECT_ID" in fork["if"]
    (apply,) = pipeline["apply"]["rules"]
    assert apply["when"] == "manual"
    assert "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in apply["if"]
    assert pipeline["apply"]["resource_group"]
    assert pipeline["apply"]["needs"] == ["plan"]
