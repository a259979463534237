"""What tests over real sockets share."""

from __future__ import annotations

import pytest

from reconciler.providers import clients


@pytest.fixture(params=["httpx", "aiohttp"])
def over(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let all requests go over one library's connections; give its name."""
    library: str = request.param
    # Imported here: what it takes is no part of a request that is timed.
    pytest.importorskip(library, exc_type=ImportError)
    monkeypatch.setattr(clients, "MANY", 1 if library == "aiohttp" else 0)
    return library
