"""The session's PostgreSQL, a new database a test."""

from __future__ import annotations

import importlib.util
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.fleet.running import sql
from tests.journal.conftest import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.journal.postgres import Server

__all__ = ["postgres"]


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a new database; without the extra its tests are skipped, as without one."""
    if importlib.util.find_spec("procrastinate") is None:
        reason = "pip install -e '.[dev,fleet]'"
        if request.config.getoption("--counterparts") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    server: Server = request.getfixturevalue("postgres")
    name = f"f{uuid.uuid4().hex}"
    sql(server.url(), f"CREATE DATABASE {name}")
    yield server.url(name)
    sql(server.url(), f"DROP DATABASE {name} WITH (FORCE)")
