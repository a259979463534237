"""One death at each point: the rig still hits it, and the next run makes it good."""

from __future__ import annotations

import pytest

from tests.kills.points import POINTS
from tests.kills.table import Runs, clean, kills

HURRY = 10.0
"""How much faster the reruns' event loops go: a proof by silence takes half a minute."""


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_dies_there_is_made_good(point: str) -> None:
    runs = Runs()
    runs.make(kills(1, 3, (point,), HURRY), 1)
    assert [(row, tally.runs) for row, tally in runs.tallies.items()] == [(point, 1)]
    assert clean(runs.tallies)
