"""What is shipped: the wheel and the sdist, the lock, its SBOM, and the licences it brings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import metadata
from typing import TYPE_CHECKING

import pytest

from reconciler.version import __version__
from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

PINNED = re.compile(r"^([a-z0-9.-]+)==(\S+) \\$", re.MULTILINE)
COMPATIBLE = re.compile(
    r"\b(MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL[- ]2\.0|LGPL|0BSD|Unlicense"
    r"|Mozilla Public License 2\.0|Lesser General Public)",
    re.IGNORECASE,
)
"""What may be used by a work under Apache-2.0 that is installed beside it and not part of it."""
INCOMPATIBLE = re.compile(r"\b(AGPL|Affero|SSPL|BUSL|(?<!L)GPL)|(?<!Lesser )General Public")
TOLD = re.compile(r"^\| `([a-z0-9.-]+)` \| (.+?) \|$", re.MULTILINE)


def locked() -> dict[str, str]:
    """Give version by name, as the lock has them."""
    return dict(PINNED.findall((REPOSITORY / "requirements.lock").read_text(encoding="utf-8")))


def licence(name: str) -> str:
    """Give what an installed distribution says of its licence."""
    told = metadata(name).json
    short = str(told.get("license_expression", ""))
    classes = [c for c in told.get("classifier", []) if c.startswith("License ::")]
    named = [c.rpartition(" :: ")[2] for c in classes if c != "License :: OSI Approved"]
    whole = str(told.get("license", ""))
    return short or ", ".join(named) or whole.partition("\n")[0]


def allowed(text: str) -> bool:
    """Tell whether a licence lets this project use what bears it."""
    return bool(COMPATIBLE.search(text)) and not INCOMPATIBLE.search(text)


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("MIT", True),
        ("BSD-3-Clause", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GPL-3.0-only", False),
        ("GNU Affero General Public License v3", False),
        ("GNU General Public License v2 (GPLv2)", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_a_planted_licence_is_judged(text: str, *, fine: bool) -> None:
    assert allowed(text) is fine


def test_every_licence_is_listed_and_compatible() -> None:
    text = (REPOSITORY / "docs" / "reference" / "licences.md").read_text(encoding="utf-8")
    listed = dict(TOLD.findall(text))
    assert listed.keys() == locked().keys()
    assert {name: told for name, told in listed.items() if not allowed(told)} == {}
    assert {name: licence(name) for name in listed} == listed


def test_the_lock_has_every_dependency_and_keeps_its_bounds() -> None:
    told = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*told["dependencies"], *told["optional-dependencies"]["postgres"]]
    names = {re.split(r"[\[<>=]", one)[0].lower() for one in wanted}
    assert names <= locked().keys()
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    rows = [row for row in re.split(r"\n(?=[a-z])", text) if not row.startswith("#")]
    assert all("--hash=sha256:" in row for row in rows)


@pytest.mark.counterpart("cyclonedx_py")
def test_the_sbom_is_the_lock(tmp_path: Path) -> None:
    made = tmp_path / "sbom.json"
    command = (sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.lock")
    subprocess.run(  # noqa: S603 - ours
        (*command, "--output-reproducible", "-o", str(made)),
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    told = json.loads(made.read_text(encoding="utf-8"))
    assert told["bomFormat"] == "CycloneDX"
    assert {one["name"]: one["version"] for one in told["components"]} == locked()


def test_wheel_and_sdist_hold_what_is_needed_and_the_sdist_makes_the_same_wheel(
    tmp_path: Path,
) -> None:
    def build(where: Path, folder: Path, kind: str) -> Path:
        command = (sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder))
        subprocess.run(command, cwd=where, check=True, capture_output=True)  # noqa: S603 - ours
        (made,) = folder.iterdir()
        return made

    wheel = build(REPOSITORY, tmp_path / "wheel", "wheel")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        (path,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        told = opened.read(path).decode()
    package = REPOSITORY / "reconciler"
    ours = {p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {p.relative_to(REPOSITORY).as_posix() for p in ours} <= names
    assert {"reconciler/py.typed", "reconciler/starter/gitlab/.gitlab-ci.yml"} <= names
    assert f"Version: {__version__}\n" in told
    assert "Requires-Python: >=3.11\n" in told

    sdist = build(REPOSITORY, tmp_path / "sdist", "sdist")
    shutil.unpack_archive(sdist, tmp_path / "source")  # Our own; 3.11.3 and older know no filter.
    (source,) = (tmp_path / "source").iterdir()
    again = build(source, tmp_path / "again", "wheel")
    with zipfile.ZipFile(again) as opened:
        assert set(opened.namelist()) == names


def test_the_version_is_semantic_and_heads_the_changelog() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", __version__)
    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## \[?([\w.]+)\]?", text, re.MULTILINE)
    assert heads[0] in {"Unreleased", __version__}
    assert __version__ in heads
