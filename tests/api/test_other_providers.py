"""A cloud that another distribution brings: found, held to the contract, never in ours' place."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

SUITE_S = 300.0
FITTING = 70
"""So many cases of the suite fit a cloud with one view, no jobs and no pages, at least."""


def installed(folder: Path) -> Path:
    """Build the example's wheel and unpack it, as an installer does; give the folder."""
    source = REPOSITORY / "tests" / "api" / "acme"
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run(command, cwd=source, check=True, capture_output=True)  # noqa: S603 - ours
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder / "site")
    return folder / "site"


def run(site: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python where the example is installed."""
    return subprocess.run(  # noqa: S603 - ours
        (sys.executable, *command),
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=SUITE_S,
        check=False,
    )


def test_it_passes_the_contract_suite_and_is_listed(tmp_path: Path) -> None:
    site = installed(tmp_path)
    listed = run(site, "-m", "reconciler", "providers")
    assert "acme-blocks\n  attach:              yes\n" in listed.stdout
    suite = ("tests/contract", "-k", "acme-blocks")
    ran = run(site, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *suite)
    assert ran.returncode == 0, ran.stdout
    passed = int(ran.stdout.splitlines()[-1].split(" passed")[0].split()[-1])
    assert passed >= FITTING, ran.stdout


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ("huawei-ecs = acme_blocks:SPEC", "provider-twice"),
        ("acme = acme_blocks:SPEC", "provider-broken"),
        ("acme-blocks = acme_blocks:NOTHING", "provider-broken"),
        ("acme-blocks = acme_blocks.nowhere:SPEC", "provider-broken"),
        ("acme-blocks = acme_blocks:NAME", "provider-broken"),
    ],
)
def test_one_that_isn_t_what_it_says_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, code: str
) -> None:
    from reconciler.model.finding import FindingsError  # noqa: PLC0415 - beside the path below
    from reconciler.providers import discover  # noqa: PLC0415

    made = tmp_path / "acme_blocks-1.0.dist-info"
    made.mkdir()
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-blocks\nVersion: 1.0\n")
    (made / "entry_points.txt").write_text(f"[reconciler.providers]\n{point}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(REPOSITORY / "tests" / "api" / "acme"))
    with pytest.raises(FindingsError) as raised:
        discover()
    (finding,) = raised.value.findings
    assert finding.code == code
