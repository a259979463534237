"""The templates as other programs read them: no network, each held against its published schema."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from reconciler.starter import KINDS, files
from reconciler.version import __version__
from tests.cli.running import REPOSITORY
from tests.counterparts.programs import program
from tests.repository.making import git

if TYPE_CHECKING:
    from pathlib import Path

COPIED = {"github": ".github/", "gitlab": ".gitlab-ci.yml"}
"""What of a kind stands in `manifests/ci` as well, to be copied by hand."""
SCHEMAS = {
    "github": (
        ("vendor.github-workflows", ".github/workflows/attachments.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/attachments.yml"),
        ("vendor.github-actions", ".github/actions/reconciler/action.yml"),
    ),
    "gitlab": (("vendor.gitlab-ci", ".gitlab-ci.yml"),),
}


def made(folder: Path, kind: str) -> Path:
    """Write the files of a kind."""
    for path, text in files(kind).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.counterpart("check_jsonschema")
@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_published_schemas_take_them(tmp_path: Path, kind: str) -> None:
    made(tmp_path, kind)
    for schema, path in SCHEMAS[kind]:
        command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, path)
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        assert ran.returncode == 0, ran.stdout


@pytest.mark.counterpart("zizmor")
def test_zizmor_finds_nothing_in_the_workflow(tmp_path: Path) -> None:
    made(tmp_path, "github")
    found = program("zizmor")
    assert found is not None
    # Below medium it asks for `$/` in place of `./`, which older servers of GitHub don't know.
    asked = ("--offline", "--no-progress", "--no-config", "--min-severity=medium")
    command = (found, *asked, str(tmp_path / ".github"))
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert ran.returncode == 0, ran.stdout
    planted = tmp_path / ".github" / "workflows" / "attachments.yml"
    text = planted.read_text(encoding="utf-8")
    planted.write_text(text.replace("reconciler plan --base", "x ${{ github.head_ref }}"))
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert "template-injection" in ran.stdout


@pytest.mark.parametrize("kind", COPIED)
def test_what_stands_beside_the_manifests_is_what_init_writes(kind: str) -> None:
    folder = REPOSITORY / "manifests" / "ci" / kind
    wanted = {p: t for p, t in files(kind).items() if p.startswith(COPIED[kind])}
    kept = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert kept == wanted


@pytest.mark.parametrize("kind", COPIED)
def test_everything_is_pinned_and_what_is_lost_without_a_journal_is_said(kind: str) -> None:
    whole = "\n".join(files(kind).values())
    assert f"attachment-reconciler[postgres]=={__version__}" in whole
    remote = re.findall(r"uses: (?!\./)\S+?@(\S+)", whole)
    assert all(re.fullmatch("[0-9a-f]{40}", pin) for pin in remote)
    images = re.findall(r"image: \S+:(\S+)", whole)
    assert all(re.match(r"\d+\.\d+\.\d+", tag) for tag in images)
    assert remote or images
    assert "Runners forget everything" in whole


def test_the_hook_of_pre_commit_runs_what_is_there(tmp_path: Path) -> None:
    text = (REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    (hook,) = yaml.safe_load(text)
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    verb = (sys.executable, "-m", *hook["entry"].split())
    made(tmp_path, "none")
    for wrong, code in ((False, 0), (True, 1)):
        if wrong:
            (tmp_path / "manifests" / "policy.yaml").write_text("kind: Polisy\n")
        ran = subprocess.run(verb, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - the hook
        assert ran.returncode == code, ran.stderr
    takes = re.compile(hook["files"])
    assert takes.search("manifests/a.yaml")
    assert takes.search("ops/manifests/a/b.yml")
    assert not takes.search("src/a.py")


@pytest.mark.counterpart("pre_commit")
def test_pre_commit_itself_runs_the_hook(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    # In the place of the environment that it would make of this repository: no network here.
    here = hook | {"language": "system", "entry": f"{sys.executable} -m {hook['entry']}"}
    made(tmp_path, "none")
    config = {"repos": [{"repo": "local", "hooks": [here]}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nothing of ours\n", encoding="utf-8")
    git(tmp_path, "init", "-q", ".")
    git(tmp_path, "add", "-A")

    def ran(*arguments: str) -> tuple[int, str]:
        command = (sys.executable, "-m", "pre_commit", "run", "--color=never", *arguments)
        environ = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / ".git" / "kept")}
        told = subprocess.run(  # noqa: S603 - a library of this environment
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        return told.returncode, told.stdout + told.stderr

    code, told = ran("--all-files")
    assert (code, told.rstrip().endswith("Passed")) == (0, True), told
    assert "Skipped" in ran("--files", "notes.txt")[1]
    (tmp_path / "manifests" / "policy.yaml").write_text("kind: Polisy\n", encoding="utf-8")
    code, told = ran("--files", "manifests/policy.yaml")
    assert (code, "unknown-kind" in told) == (1, True), told


def test_every_kind_has_the_same_manifests() -> None:
    alike = [{p: t for p, t in files(k).items() if p.startswith("manifests/")} for k in KINDS]
    assert alike[0] == alike[1] == alike[2]
    assert {"manifests/shop.yaml", "manifests/policy.yaml"} <= alike[0].keys()
