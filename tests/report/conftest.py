"""Golden files: compared, or with `--golden=write` written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "golden"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Give what holds a text against the golden file of a name."""
    writing = request.config.getoption("--golden") == "write"

    def held(name: str, text: str) -> None:
        path = FOLDER / name
        if writing:
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return held
