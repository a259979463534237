"""The fuzz, short: 300 examples of the 50,000 that run apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hostile.fuzz import fuzzed

if TYPE_CHECKING:
    from pathlib import Path


def test_no_mutant_escapes(tmp_path: Path) -> None:
    tally = fuzzed(300, 1, tmp_path)
    assert tally.examples >= 300
    assert len(tally.codes) > 10
