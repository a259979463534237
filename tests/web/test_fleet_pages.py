"""The page of a fleet: thousands of scopes, a page of them at a time, and one of them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.web.access import Access
from reconciler.web.app import fleet_page
from reconciler.web.board import Board
from reconciler.web.reading import Reading
from reconciler.web.serving import serving
from tests.counterparts import axe
from tests.rig.watched import difference, watched
from tests.web.browsing import WAIT_MS, chromium
from tests.web.staged import HOSTILE, NOW, TOKEN, Staged, staged, token
from tests.web.test_access import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp

NAMES = [f"scope-{number:04}" for number in range(2500)]
LEASE = {
    "scope": "scope-0001",
    "owner": f"{HOSTILE} 4711",
    "owner_gone": True,
    "operation": "watch",
    "since": "2026-11-21T10:00:00Z",
}


@dataclass
class Fleet:
    """A FleetView that a test sets."""

    broken: bool = False

    def overview(self, search: str, after: str, limit: int) -> Mapping[str, object]:
        if self.broken:
            raise JournalError("the database is away")
        found = [name for name in NAMES if search in name and name > after]
        return {
            "declared": len(NAMES),
            "workers": [{"worker": 7, "silent_s": 0.4, "looks": 2}],
            "looks": {"doing": 2, "todo": 11},
            "scopes": [self.row(name) for name in found[:limit]],
            "more": max(0, len(found) - limit),
            "leases": [LEASE],
        }

    def scope(self, name: str) -> Mapping[str, object] | None:
        more = {"schedule": "every 5m", "corrects": True, "leases": [LEASE]}
        return {**self.row(name), **more} if name in NAMES else None

    def row(self, name: str) -> Mapping[str, object]:
        return {
            "scope": name,
            "standing": "looked at" if name == NAMES[0] else "idle",
            "worker": 7 if name == NAMES[0] else None,
            "due": None,
            "failures": 3 if name == NAMES[1] else 0,
            "last": "2026-11-21T10:00:00Z",
            "looked": name != NAMES[1],
            "counts": {"drift": 2, "in line": 38},
        }


def staged_fleet(fleet: Fleet | None = None, **access: object) -> tuple[ASGIApp, Board]:
    """Give the real page over a fleet that is set."""
    past = Staged(watched=watched("scope-0001"), past=(replace(difference("web-1")),))
    past.past_ticks = staged().past_ticks
    board = Board(past.watched)
    reading = Reading(board=board, history=past, utc_now=lambda: NOW)
    terms = replace(Access(utc_now=lambda: NOW), **access)  # type: ignore[arg-type]  # any field of it
    return fleet_page(reading, fleet or Fleet(), terms, lambda: fleet is None), board


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/", 200, ["2500 scopes, 1 worker<", "scope-0000", "scope-0049", "2450 more"]),
        ("/?after=scope-0049", 200, ["scope-0050", "From the beginning"]),
        ("/search?q=-24", 200, ["scope-2400", "of 50 more"]),
        ("/?q=nowhere", 200, ["No scope has that in its name"]),
        ("/scopes/scope-0001", 200, ["3 looks in a row failed", "(gone) changes it", "every 5m"]),
        ("/scopes/other", 404, ["there is no such scope"]),
        ("/?limit=0", 400, ["is a number from 1"]),
        ("/history", 200, ["web-1"]),
        ("/api/fleet?q=scope-1&limit=1", 200, ['"more":999', '"silent_s":0.4']),
        ("/api/fleet?limit=x", 400, ["limit"]),
        ("/api/ticks?scope=scope-0001", 200, ['"ticks"']),
        ("/api/watched", 404, []),
        ("/readyz", 200, ["ok"]),
    ],
)
def test_what_it_answers(path: str, status: int, words: list[str]) -> None:
    app, _ = staged_fleet()
    told = ask(app, path)
    assert told.status_code == status
    assert [one for one in words if one not in told.text] == []
    assert "<script>document" not in told.text or path.startswith("/api/")


def test_without_the_database_it_says_so_and_goes_on() -> None:
    app, _ = staged_fleet(Fleet(broken=True))
    assert ask(app, "/").status_code == 503
    assert ask(app, "/readyz").status_code == 503
    assert ask(app, "/livez").status_code == 200


def test_who_may_read_it_is_asked_as_for_the_other_page() -> None:
    app, _ = staged_fleet(token=token())
    assert ask(app, "/api/fleet").status_code == 401
    assert ask(app, "/", headers={"Host": "evil.example"}).status_code == 421
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert ask(app, "/api/fleet", headers=bearer).status_code == 200
    assert ask(app, "/", "POST", headers=bearer).status_code == 405


@pytest.mark.counterpart("playwright")
def test_in_a_browser_people_page_and_search_and_nothing_is_cut() -> None:
    assert importlib.util.find_spec("playwright") is not None
    with chromium() as browser:
        app, board = staged_fleet()
        for width in (320, 1280):
            with serving(app, "127.0.0.1", 0, board.audience.close) as port:
                context = browser.new_context(viewport={"width": width, "height": 800})
                context.set_default_timeout(WAIT_MS)
                tab = context.new_page()
                said: list[str] = []
                tab.on("console", lambda message, said=said: said.append(message.text))
                tab.goto(f"http://127.0.0.1:{port}/")
                tab.get_by_role("link", name="Next").click()
                tab.get_by_role("link", name="scope-0050").wait_for()
                tab.fill("#q", "scope-000")
                tab.keyboard.press("Enter")
                tab.get_by_role("rowheader", name="scope-0009").wait_for()
                tab.wait_for_load_state()  # its style too: before that it is wider
                assert tab.get_by_role("rowheader").count() == 10
                over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                assert tab.evaluate(over) <= 0
                tab.evaluate(axe.installed())
                wrong = tab.evaluate("axe.run().then(result => result.violations)")
                assert [
                    one["id"] for one in wrong if one["impact"] in {"serious", "critical"}
                ] == []
                tab.get_by_role("rowheader", name="scope-0001").get_by_role("link").click()
                tab.get_by_text("every 5m").wait_for()
                assert said == []
                context.close()
