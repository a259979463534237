"""Without the extra: one machine's verbs never ask for it, and a fleet's say what to install."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.architecture.reading import PACKAGE
from tests.cli.running import Lab

if TYPE_CHECKING:
    from pathlib import Path

NEEDING = {"fleeting", "fleetview"}
OTHERS = "import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
FOUND = "sys.exit(', '.join({'procrastinate', 'psycopg', 'psycopg_pool'} & set(sys.modules)) or 0)"


def test_no_verb_of_one_machine_imports_what_a_fleet_needs() -> None:
    verbs = [path.stem for path in (PACKAGE / "cli").glob("*.py") if path.stem not in NEEDING]
    names = sorted(f"reconciler.cli.{name}" for name in verbs if not name.startswith("__"))
    assert "reconciler.cli.fleet" in names
    ran = subprocess.run(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-c", OTHERS.format(names=names) + FOUND],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("verb", ["apply-schema", "worker", "schedule", "status"])
def test_the_extra_is_named(
    verb: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lab = Lab(tmp_path, monkeypatch, capsys)
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    ran = lab.run("fleet", verb)
    assert ran.code == 1
    assert "no-fleet-extra" in ran.err
    assert "pip install 'attachment-reconciler[fleet]'" in ran.err
