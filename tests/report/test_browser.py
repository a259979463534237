"""The page in a real browser: seen, filtered, without a script, in the dark, and attacked."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.report.formats import rendered
from tests.report.hostile import PAYLOADS
from tests.report.plans import ordinary, troubled, wide
from tests.report.test_hostile import plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.counterpart("playwright")
COUNT = 2000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give Debian's browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may be absent

    with sync_playwright() as driver:
        made = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield made
        made.close()


class Sight:
    """One page that a browser opened, what it asked for and what it complained of."""

    def __init__(self, browser: Browser, path: Path, text: str, **context: object) -> None:
        path.write_text(text, encoding="utf-8")
        self.page: Page = browser.new_context(**context).new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.goto(path.as_uri())
        self.quiet = self.asked == [path.as_uri()] and self.said == []
        """True when the page asked for itself alone, and nothing ran that should not."""

    def shown(self) -> int:
        """Count the lines that can be seen."""
        return int(self.page.locator(".row:visible").count())


def test_a_filter_leaves_what_was_asked_for(browser: Browser, tmp_path: Path) -> None:
    sight = Sight(browser, tmp_path / "p.html", rendered(troubled(), "html"))
    page = sight.page
    assert sight.quiet
    assert (sight.shown(), page.locator("output").inner_text()) == (9, "9 of 9 lines")
    page.keyboard.press("/")
    page.keyboard.type("웹-1 数据")
    assert sight.shown() == 1
    assert page.locator(".server:visible h3").inner_text().startswith("웹-1")
    page.get_by_role("searchbox").fill("")
    page.get_by_label("refused").uncheck()
    assert sight.shown() == 7
    page.get_by_role("searchbox").fill("nothing like it")
    assert (sight.shown(), page.locator("output").inner_text()) == (0, "0 of 9 lines")
    assert page.locator(".finding:visible").count() == 6, "findings are never filtered"


def test_a_move_leads_from_one_server_to_the_other(browser: Browser, tmp_path: Path) -> None:
    sight = Sight(browser, tmp_path / "p.html", rendered(ordinary(), "html"))
    page = sight.page
    page.get_by_role("searchbox").fill("web-2 to")
    leaving = page.locator(".row:visible")
    assert leaving.inner_text().split() == ["-/+", "move", "one", "to", "web-1"]
    leaving.get_by_role("link").click()
    arrived = page.locator(".server:target")
    arrived.wait_for(state="visible")  # a link shows what the filter hid, after the click
    assert arrived.locator("h3").inner_text() == "web-1"
    assert sight.shown() == 7


def test_the_page_is_whole_without_a_script(browser: Browser, tmp_path: Path) -> None:
    sight = Sight(
        browser, tmp_path / "p.html", rendered(troubled(), "html"), java_script_enabled=False
    )
    assert (sight.shown(), sight.page.locator("form:visible").count()) == (9, 0)
    assert sight.page.locator(".finding:visible").count() == 6


def test_two_thousand_changes_are_filtered(browser: Browser, tmp_path: Path) -> None:
    sight = Sight(browser, tmp_path / "p.html", rendered(wide(COUNT), "html"))
    assert sight.quiet
    assert sight.page.locator("output").inner_text() == "2400 of 2400 lines"
    sight.page.get_by_label("detach").uncheck()
    sight.page.get_by_label("attach", exact=True).uncheck()
    assert sight.page.locator("output").inner_text() == "800 of 2400 lines"
    sight.page.get_by_role("searchbox").fill("disk-00004")
    assert sight.shown() == 2
    overflow = sight.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_and_light_are_readable_at_every_width(
    browser: Browser, tmp_path: Path, scheme: str, width: int
) -> None:
    sight = Sight(
        browser,
        tmp_path / "p.html",
        rendered(troubled(), "html"),
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
    )
    ground = sight.page.evaluate(LUMINANCE, "body")
    assert (ground < 0.2) is (scheme == "dark")
    poorest = sight.page.evaluate(POOREST)
    assert poorest["ratio"] >= 4.5, poorest
    assert sight.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_nothing_hostile_runs_or_is_asked_for(browser: Browser, tmp_path: Path) -> None:
    text = rendered(plan_of(*PAYLOADS.values()), "html")
    sight = Sight(browser, tmp_path / "p.html", text)
    assert sight.quiet, f"{sight.asked} {sight.said}"
    assert sight.shown() == 10 * len(PAYLOADS)
    sight.page.get_by_role("searchbox").fill("<img src=x onerror=alert(1)>")
    assert sight.shown() > 5
    assert sight.said == []


LUMINANCE_OF = """
const channel = (c) => (c /= 255, c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const luminance = (css) => {
  const [r, g, b] = css.match(/[0-9.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
};
const ground = (node) => {
  for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour;
  }
  return "rgb(255, 255, 255)";
};
"""
LUMINANCE = (
    f"(what) => {{ {LUMINANCE_OF} return luminance(ground(document.querySelector(what))); }}"
)
POOREST = f"""() => {{
  {LUMINANCE_OF}
  let poorest = {{ratio: 99}};
  for (const node of document.querySelectorAll("body *")) {{
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !node.checkVisibility() || node.closest(".none")) continue;
    const [a, b] = [luminance(getComputedStyle(node).color), luminance(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < poorest.ratio) poorest = {{ratio, text: node.textContent.slice(0, 40)}};
  }}
  return poorest;
}}"""
"""The text with the least contrast, by WCAG 2's formula; counts of nothing are faint on purpose."""
