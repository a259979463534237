"""Every shell line of the documents is executed; what is generated is what the code says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.codes import pages
from tests.cli.running import REPOSITORY, Lab
from tests.docs.verbs import verbs
from tests.docs.writing import clouds, metrics, schema

if TYPE_CHECKING:
    from collections.abc import Mapping
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


@pytest.mark.parametrize("name", GENERATED)
def test_the_generated_reference_is_what_the_code_says(
    name: str, request: pytest.FixtureRequest
) -> None:
    _is_written({f"{name}.md": GENERATED[name]()}, request)


def test_each_verb_has_a_page_with_what_it_says(lab: Lab, request: pytest.FixtureRequest) -> None:
    written = verbs(lab)
    _is_written(written, request)
    there = {f"verbs/{path.name}" for path in (DOCS / "reference" / "verbs").iterdir()}
    assert there == written.keys() - {"verbs.md"}


def _is_written(told: Mapping[str, str], request: pytest.FixtureRequest) -> None:
    for name, text in told.items():
        path = DOCS / "reference" / name
        if request.config.getoption("--golden") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, "run pytest tests/docs --golden=write"
