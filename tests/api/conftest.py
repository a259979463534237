"""A lab for every test of the public API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.running import Lab

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lab:
    """Give a folder with a simulated scope, and the working folder moved there."""
    return Lab(tmp_path, monkeypatch, capsys)
