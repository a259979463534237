"""How the versions of the API stand: by what the cloud tells, else by the vendor's table."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.finding import Severity
from reconciler.providers import spec_of
from reconciler.providers.samsung_virtualserver.editions import TABLE, Term, standing

from .talks import HOST, SAYS, hold, ok, urls

DISCOVERY = {
    "versions": [
        {"id": "v1.4", "not_before": "", "status": "PLANNED", "links": []},
        {"id": "v1.3", "not_before": "", "status": "CURRENT", "links": []},
        {"id": "v1.2", "not_before": "2026-08-31", "status": "SUPPORTED", "links": []},
        {"id": "v1.1", "not_before": "20260531", "status": "DEPRECATED", "links": []},
        {"id": "v1.0", "not_before": "soon", "status": "DEPRECATED", "links": []},
    ]
}
TOLD = {
    "1.0": Term(deprecated=True),
    "1.1": Term(supported_until=date(2026, 5, 31), deprecated=True),
    "1.2": Term(supported_until=date(2026, 8, 31)),
    "1.3": Term(),
}
WINTER, SUMMER = date(2026, 1, 15), date(2026, 7, 1)


def test_the_discovery_names_no_version_itself() -> None:
    (request,), told = hold(SAYS.editions(), ok(DISCOVERY))
    assert urls([request]) == [f"GET {HOST}/"]
    assert "Scp-Api-Version" not in request.headers
    assert told == TOLD
    assert list(told) == sorted(told)


@pytest.mark.parametrize("answer", [ok({"versions": []}), ok({}), httpx.Response(500)])
def test_a_discovery_that_tells_nothing_is_a_failure(answer: httpx.Response) -> None:
    with pytest.raises(ProviderError):
        hold(SAYS.editions(), answer)


def test_the_table_is_that_of_the_spec() -> None:
    editions = spec_of("samsung-virtualserver").editions
    assert [(one.name, one.supported_until) for one in editions] == [
        ("1.0", date(2025, 12, 31)),
        ("1.1", date(2026, 5, 31)),
        ("1.2", date(2026, 8, 31)),
        ("1.3", None),
    ]
    assert list(TABLE) == [one.name for one in editions]


@pytest.mark.parametrize(
    ("edition", "today", "severity", "words"),
    [
        ("1.3", SUMMER, None, ""),
        ("1.2", WINTER, None, ""),
        ("1.2", date(2026, 6, 2), None, ""),
        ("1.2", date(2026, 6, 3), Severity.WARNING, "is supported until 2026-08-31"),
        ("1.2", date(2026, 8, 31), Severity.WARNING, "is supported until 2026-08-31"),
        ("1.2", date(2026, 9, 1), Severity.WARNING, "was supported until 2026-08-31"),
        ("1.1", WINTER, Severity.WARNING, "is deprecated"),
        ("1.0", WINTER, Severity.WARNING, "is deprecated"),
        ("1.4", WINTER, Severity.ERROR, "offers `1.0`, `1.1`, `1.2`, `1.3`"),
    ],
)
def test_what_the_cloud_tells_of_a_version(
    edition: str, today: date, severity: Severity | None, words: str
) -> None:
    found = standing(edition, TOLD, today)
    assert (found is None) == (severity is None)
    assert found is None or (found[0] is severity and words in found[1])


@pytest.mark.parametrize(
    ("edition", "severity", "words"),
    [
        ("1.3", None, ""),
        ("1.2", Severity.WARNING, "is supported until 2026-08-31"),
        ("1.0", Severity.WARNING, "was supported until 2025-12-31"),
        ("1.5", Severity.WARNING, "isn't in the vendor's table"),
    ],
)
def test_without_the_cloud_the_vendors_table_counts(
    edition: str, severity: Severity | None, words: str
) -> None:
    found = standing(edition, None, SUMMER)
    assert (found is None) == (severity is None)
    assert found is None or (found[0] is severity and words in found[1])
