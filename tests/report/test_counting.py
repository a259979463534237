"""One is told as one."""

from __future__ import annotations

import pytest

from reconciler.model.counting import counted


@pytest.mark.parametrize(
    ("number", "many", "said"),
    [
        (0, "", "0 volumes"),
        (1, "", "1 volume"),
        (2, "", "2 volumes"),
        (1, "boxes", "1 volume"),
        (2, "boxes", "2 boxes"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, many: str, said: str) -> None:
    assert counted(number, "volume", many) == said
