"""One Cinder for all of these tests; it is installed where counterparts are required."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.counterparts.cinder.installing import installed
from tests.counterparts.cinder.running import Cinder, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cinder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinder]:
    """Give a running Cinder; starting it takes seconds, installing it once a minute."""
    with running(installed(), tmp_path_factory.mktemp("cinder")) as started:
        yield started
