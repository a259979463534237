"""Every case of the table, in the default run; those that need no measure, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.running import Lab
from tests.hostile.case import Ran, failures
from tests.hostile.hurried import hurried
from tests.hostile.running import KEYS, alone, laid
from tests.hostile.table import CASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostile.case import Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_or_looked_at_and_bounded(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if case.heavy:
        ran = alone(case, tmp_path)
    else:
        lab = Lab(tmp_path, monkeypatch, capsys)
        (tmp_path / "lab.world.yaml").unlink()
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        with laid(case, tmp_path) as requests, hurried(case.hurry):
            done = lab.run(*case.verb)
            ran = Ran(exit=done.code, told=done.out + done.err, requests=requests())
    assert list(failures(case, ran)) == [], ran.told


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
