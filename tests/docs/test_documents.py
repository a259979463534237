"""Every shell line of the documents is executed; what is generated is what the code says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from reconciler.cli.main import VERBS, reconciler
from reconciler.codes import pages
from tests.cli.running import REPOSITORY, Lab
from tests.docs.writing import clouds, metrics, schema

if TYPE_CHECKING:
    from pathlib import Path

DOCS = REPOSITORY / "docs"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
ELSEWHERE = {"README.md", "CONTRIBUTING.md", "fleet.md"}
"""Documents whose lines make environments or want a PostgreSQL: `.ci/run` executes those of the
README, the tests of the fleet have its database."""
RUN_S = 240.0


def documents() -> list[Path]:
    """Give every document."""
    beside = (REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))
    return [*beside, *sorted(DOCS.rglob("*.md"))]


def shell(path: Path) -> str:
    """Give the shell lines of a document, one after the other."""
    return "".join(BLOCK.findall(path.read_text(encoding="utf-8")))


def executed() -> list[Path]:
    """Give the documents with shell lines, the starter's own among them."""
    starter = REPOSITORY / "reconciler" / "starter" / "any" / "README.md"
    ours = [path for path in documents() if path.parent != REPOSITORY]
    ours = [path for path in ours if path.name not in ELSEWHERE]
    return [path for path in (*ours, starter) if shell(path)]


@pytest.mark.parametrize("path", executed(), ids=lambda path: path.stem)
def test_every_shell_line_works(path: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "reconciler"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    begin = "reconciler init > /dev/null\n" if "starter" in path.parts else ""
    ran = subprocess.run(  # noqa: S603 - ours
        ("bash", "-euo", "pipefail", "-c", begin + shell(path)),  # noqa: S607 - any
        cwd=work,
        env={
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(tmp_path),
            **{
                f"GIT_{who}_{what}": "a@b.example"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        },
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Apply complete." in ran.stdout


def test_the_tutorial_is_among_them() -> None:
    assert {"first-hour", "README"} <= {path.stem for path in executed()}
    known = executed()
    others = {path.name for path in documents() if shell(path) and path not in known}
    assert others == ELSEWHERE


def test_no_link_between_documents_leads_nowhere() -> None:
    lost = [
        f"{path.relative_to(REPOSITORY)}: {link}"
        for path in documents()
        for link in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / link).exists()
    ]
    assert lost == []


QUICKSTART = ("-f", "manifests/quickstart.yaml")
SHOWN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("doctor", "drift", "import", "live", "permissions", "validate"), QUICKSTART),
    "explain": ("web-2/cache-1", *QUICKSTART),
    "explain-code": ("in-motion",),
    "plan": QUICKSTART,
    "providers": (),
}
"""Verb -> with what it is run here, before anything was applied: it says the same each time."""


def verbs(lab: Lab) -> str:
    """Give the help of every verb, and what those say whose words don't change from run to run."""
    shutil.copytree(REPOSITORY / "manifests", lab.folder / "manifests")
    told = (
        "# Verbs\n\nWritten from the program's own help, and from what it says in the first run.\n"
    )
    # What the group says of `-h` holds below it; a command remembers what it heard first.
    above = click.Context(reconciler, info_name="reconciler", **reconciler.context_settings)
    for name in sorted(VERBS):
        command = reconciler.get_command(above, name)
        assert command is not None
        context = click.Context(
            command, parent=above, info_name=name, terminal_width=100, max_content_width=100
        )
        told += f"\n## {name}\n\n```text\n{command.get_help(context)}\n```\n"
        if name in SHOWN:
            words = (name, *SHOWN[name], *(("--first-apply",) if name == "plan" else ()))
            out = lab.run(name, *SHOWN[name]).out
            told += f"\n```console\n$ reconciler {' '.join(words)}\n{out}```\n"
    return told


def codes() -> str:
    """Give the page of every code."""
    told, level = "# Codes\n\nWritten from what `reconciler explain-code CODE` says.\n", ""
    for page in pages():
        told += f"\n## {page.level}\n" if page.level != level else ""
        level = page.level
        lines = page.text.splitlines()
        prose = [f"{line}\\" for line in lines[:2]] + lines[2:3]
        example = "\n".join(lines[3:])
        told += f"\n### {page.code}\n\n" + "\n".join(prose) + "\n"
        told += f"\n{example.replace('Example:', 'Example:' + chr(10), 1)}\n" if example else ""
    return told


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lab:
    """Give a folder in which commands are run."""
    return Lab(tmp_path, monkeypatch, capsys)


GENERATED = {"codes": codes, "schema": schema, "clouds": clouds, "metrics": metrics}


@pytest.mark.parametrize("name", [*GENERATED, "verbs"])
def test_the_generated_reference_is_what_the_code_says(
    name: str, lab: Lab, request: pytest.FixtureRequest
) -> None:
    path, told = DOCS / "reference" / f"{name}.md", GENERATED.get(name, lambda: verbs(lab))()
    if request.config.getoption("--golden") == "write":
        path.write_text(told, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == told, "run pytest tests/docs --golden=write"
