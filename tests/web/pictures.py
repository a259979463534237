"""The README's pictures of the page, made anew and looked at before they are kept.

python -m tests.web.pictures
"""

from __future__ import annotations

from pathlib import Path

from tests.web.browsing import chromium, visiting
from tests.web.staged import NOW, staged

FOLDER = Path(__file__).parents[2] / "docs" / "images"
PICTURES = (
    ("watch-scopes.png", "/", "light", 1160, 780),
    ("watch-scope.png", "/scopes/shop", "dark", 1160, 1160),
)


def main() -> None:
    """Write them."""
    with chromium() as browser:
        for name, path, theme, width, height in PICTURES:
            with visiting(browser, staged(), width=width, color_scheme=theme) as visit:
                # The stage's night is long ago; its ages are those of that night.
                offset = f"{int(NOW.timestamp() * 1000)} - Date.now()"
                visit.tab.add_init_script(
                    f"const o = {offset}, n = Date.now; Date.now = () => n() + o"
                )
                visit.tab.set_viewport_size({"width": width, "height": height})
                visit.go(path)
                visit.tab.screenshot(path=FOLDER / name)


if __name__ == "__main__":
    main()
