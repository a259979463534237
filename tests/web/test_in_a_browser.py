"""The page in Debian's chromium: news without reloading, tokens, hostile names, everybody's use."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Outcome, Verdict
from reconciler.model.watching import Judged
from tests.counterparts import axe
from tests.rig.watched import RUN, difference, tick, watched
from tests.web.browsing import Browser, chromium, visiting
from tests.web.staged import HOSTILE, TOKEN, Staged, staged, token
from tests.web.stories import a_run, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counterpart("playwright")

PATHS = (
    "/",
    "/scopes/shop",
    "/difference?scope=shop&server=s-web-3&volume=v-scratch",
    f"/runs/{RUN}",
    "/history?since=90d",
    "/search?q=db",
    "/login",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_news_appears_without_reloading(browser: Browser) -> None:
    calm = Staged(watched=watched("shop", ticks={"shop": tick("shop", counts={"in line": 3})}))
    calm.past_runs = (a_run(running=True, ending=None, ended_s=None),)
    with visiting(browser, calm) as visit:
        visit.go("/")
        visit.tab.evaluate("window.sameOne = true")
        visit.tab.get_by_text("The scope is in line.").wait_for()
        visit.board.ticked(tick("shop", differences=(difference("web-7"),), counts={"drift": 1}))
        visit.tab.get_by_role("link", name="web-7/one").wait_for()
        assert visit.tab.evaluate("window.sameOne") is True
        assert "0 of 1 scopes are in line." in visit.text()
        # The same stream shows a run while it goes on.
        visit.go(f"/runs/{RUN}")
        key = AttachmentKey("shop", "s-1", "v-1")
        call = Call(verb=Verb.ATTACH, keys=(key,))
        visit.board.step_began("shop", RUN, "attach-1", call)
        visit.tab.get_by_text("0 of 1 begun steps ended; in flight: attach-1").wait_for()
        visit.board.step_ended("shop", RUN, "attach-1", call, {key: Outcome(verdict=Verdict.DONE)})
        visit.tab.get_by_text("in flight: attach-1").wait_for(state="detached")
        assert visit.said == []


def test_search_finds_by_name_and_by_id_from_the_keyboard(browser: Browser) -> None:
    with visiting(browser, staged()) as visit:
        visit.go("/")
        visit.tab.keyboard.press("Tab")
        visit.tab.keyboard.press("Enter")
        visit.tab.locator("#main:focus").wait_for()
        visit.tab.focus("#q")
        visit.tab.keyboard.type("v-scratch")
        visit.tab.keyboard.press("Enter")
        visit.tab.get_by_text("0 scopes, 1 attachment.").wait_for()
        visit.tab.focus("main a")
        visit.tab.keyboard.press("Enter")
        visit.tab.get_by_text("Let it be for a week").wait_for()
        assert "corrections are off" in visit.text()


def test_everything_is_reached_by_keyboard_and_seen_to_be(browser: Browser) -> None:
    with visiting(browser, staged(), permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.go(PATHS[2])
        reached: list[str] = []
        for _ in range(40):
            visit.tab.keyboard.press("Tab")
            reached.append(
                visit.tab.evaluate(
                    "(e => e.tagName + ' ' + (e.id || e.textContent).trim().slice(0, 20) + ' ' +"
                    " getComputedStyle(e).outlineStyle)(document.activeElement)"
                )
            )
            if "BUTTON Copy" in reached[-1]:
                break
        assert [one for one in reached if one.endswith(" none")] == []
        names = " ".join(reached)
        assert all(name in names for name in ("Scopes", "History", "INPUT q", "BUTTON Copy"))
        visit.tab.keyboard.press("Enter")
        visit.tab.get_by_text("Copied").first.wait_for()
        copied = visit.tab.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("apiVersion: reconciler/v1\nkind: Policy\n")
        assert copied == visit.tab.evaluate("document.querySelector('pre').textContent")


def test_without_the_token_there_is_a_form_and_with_it_the_page(browser: Browser) -> None:
    with visiting(browser, staged(), token=token()) as visit:
        visit.go("/scopes/shop")
        visit.tab.get_by_role("heading", name="Log in").wait_for()
        assert "web-1" not in visit.tab.content()
        visit.tab.fill("#token", "not the token at all")
        visit.tab.keyboard.press("Enter")
        visit.tab.get_by_text("That is not the token.").wait_for()
        visit.tab.fill("#token", TOKEN)
        visit.tab.keyboard.press("Enter")
        visit.tab.get_by_text("1 of 5 scopes is in line.").wait_for()
        assert TOKEN not in visit.tab.url
        assert visit.tab.evaluate("document.cookie") == ""
        visit.board.changed(replace(visit.board.now, stopping=True))
        visit.tab.get_by_text("The service is stopping.").wait_for()
        visit.tab.get_by_role("button", name="Log out").click()
        visit.tab.get_by_role("heading", name="Log in").wait_for()
        visit.go("/")
        visit.tab.get_by_role("heading", name="Log in").wait_for()


def test_hostile_names_are_shown_as_text(browser: Browser) -> None:
    row = difference(HOSTILE, HOSTILE, found=HOSTILE)
    picture = (seen(HOSTILE, HOSTILE, Judged.DRIFT), seen(f"javascript:{HOSTILE}", "one"))
    made = tick("shop", differences=(row,), counts={"drift": 1}, attachments=picture)
    stage = Staged(watched=watched("shop", ticks={"shop": made}), past=(row,))
    name = quote(HOSTILE, safe="")
    ids = f"scope=shop&server=s-{name}&volume=v-{name}"
    with visiting(browser, stage) as visit:
        for path in (
            "/",
            "/scopes/shop",
            "/history",
            "/search?q=script",
            f"/difference?scope=shop&{ids}",
        ):
            visit.go(path)
            assert "<script>document" in visit.text(), path
            assert "owned" not in visit.tab.title().replace("document.title", "").split("·")[-1]
            assert visit.tab.evaluate("document.scripts.length") == 3
        # A link made of such names leads back to them.
        visit.go("/")
        visit.tab.locator("main .rows a").first.click()
        visit.tab.get_by_text("First seen").wait_for()
        assert visit.said == []


def test_nothing_is_cut_at_320_pixels_and_no_browser_complains(browser: Browser) -> None:
    for width, theme in ((320, "light"), (1280, "dark")):
        with visiting(browser, staged(), width=width, color_scheme=theme) as visit:
            for path in PATHS:
                visit.go(path)
                over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                assert visit.tab.evaluate(over) <= 0, (path, width)
            assert visit.said == []


@pytest.mark.counterpart("axe")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, theme: str) -> None:
    source = axe.installed()
    found: dict[str, list[str]] = {}
    with visiting(browser, staged(), color_scheme=theme) as visit:
        for path in PATHS:
            visit.go(path)
            visit.tab.evaluate(source)
            wrong = visit.tab.evaluate("axe.run().then(result => result.violations)")
            serious = [one for one in wrong if one["impact"] in {"serious", "critical"}]
            if serious:
                found[path] = [
                    f"{one['id']}: {json.dumps([node['html'] for node in one['nodes'][:2]])}"
                    for one in serious
                ]
    assert found == {}
