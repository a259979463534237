"""The GitLab pipeline that `init` writes: its script lines, by the shell that its image has."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from reconciler.starter import files
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


VARIABLE = re.compile(r"\$(\w+)")
MERGE = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_PROJECT_ID": "1"}
PUSH = {"CI_PIPELINE_SOURCE": "push", "CI_DEFAULT_BRANCH": "main"}


def holds(rule: str, variables: dict[str, str]) -> bool:
    """Tell whether the `if` of a rule holds: variables, texts, `==`, `!=`, `&&`, and no more."""
    filled = VARIABLE.sub(lambda found: json.dumps(variables.get(found[1], "")), rule)
    parts = [re.fullmatch(r'"([^"]*)" (==|!=) "([^"]*)"', one) for one in filled.split(" && ")]
    assert None not in parts, f"this rule says more: {rule}"
    return all((one[1] == one[3]) is (one[2] == "==") for one in parts if one is not None)


def chosen(pipeline: dict[str, Any], variables: dict[str, str]) -> dict[str, str]:
    """Give the jobs of a pipeline, each with when it runs: the first rule that holds decides."""
    found: dict[str, str] = {}
    for name, told in pipeline.items():
        rules = told.get("rules", []) if isinstance(told, dict) else []
        when = next((r.get("when", "on_success") for r in rules if holds(r["if"], variables)), "")
        found |= {name: when} if when not in {"", "never"} else {}
    return found


@pytest.mark.parametrize(
    ("variables", "jobs"),
    [
        ({**MERGE, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1"}, "validate plan"),
        ({**MERGE, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2"}, "validate"),
        ({**PUSH, "CI_COMMIT_BRANCH": "main"}, "validate plan apply:manual"),
        ({**PUSH, "CI_COMMIT_BRANCH": "move"}, ""),
        ({**PUSH, "CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main"}, "drift"),
        ({**PUSH, "CI_PIPELINE_SOURCE": "web", "CI_COMMIT_BRANCH": "main"}, ""),
    ],
    ids=["ours", "a fork's", "the default branch", "another branch", "by night", "by hand"],
)
def test_which_jobs_a_pipeline_has(variables: dict[str, str], jobs: str) -> None:
    pipeline: dict[str, Any] = yaml.safe_load(files("gitlab")[".gitlab-ci.yml"])
    found = chosen(pipeline, variables)
    told = [name if when == "on_success" else f"{name}:{when}" for name, when in found.items()]
    assert " ".join(told) == jobs
    assert pipeline["apply"]["resource_group"]
    assert pipeline["apply"]["needs"] == ["plan"]


@gitlab
def test_by_night_drift_fails_the_pipeline(shop: Shop, tmp_path: Path) -> None:
    told = {"CI_COMMIT_SHA": git(shop.clone, "rev-parse", "main"), **SECRETS}
    ran = job(shop, "drift", tmp_path / "night", **told)
    assert (ran.returncode, "web-2/cache" in ran.stdout) == (2, True), ran.stderr
