"""Foreign text made harmless, once, at the border to each sink.

1. Every sink gets `plain` text: no control, bidirectional or unprintable characters, bounded.
2. A CI system reads commands out of its log, so no text begins like one, or holds one.
3. Markdown gets foreign text as code only: in code nothing is a mention, a link, a mark or HTML.
4. HTML and XML are escaped by the libraries that write them, on top of `plain`; JSON keeps every
   character of every value, as escapes where a terminal, a page or a log would act on it.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 1000
"""Names and cloud messages longer than this are cut: nobody reads on, and lines stay lines."""
COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#\[|#vso\[)", re.IGNORECASE)
"""What runners take for a command in any log: `::name` at the start of a line, and anywhere in it
`##[name]` and `##vso[name]`.

Source: actions/runner, ActionCommand.cs (TryParseV2 trims and looks at the start, TryParse looks
for `##[` everywhere); Azure Pipelines, "Logging commands". Unverified on a runner.
"""
JSON_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}
"""As Terraform's own JSON has them, so that a document may stand inside a page."""


def plain(text: str) -> str:
    """Give text without control, bidirectional or unprintable characters, and of bounded length."""
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    shown = cut if cut.isprintable() else "".join(map(_shown, cut))
    return COMMAND.sub(_disarmed, shown) if "::" in shown or "##" in shown else shown


def _shown(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def _disarmed(found: re.Match[str]) -> str:
    return "\\x23" if found[1] is None else f"{found[1]}\\x3a"


def code(text: str) -> str:
    """Give text as inline code of Markdown, whatever backticks it holds."""
    shown = plain(text) or " "
    ticks = "`" * (_longest_run(shown) + 1)
    room = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{ticks}{room}{shown}{room}{ticks}"


def fence(lines: Iterable[str]) -> str:
    """Give the line that opens and closes a code block of Markdown around these lines."""
    return "`" * max(3, 1 + max((_longest_run(line) for line in lines), default=0))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def html_code(text: str) -> str:
    """Give text as code inside HTML that stands in Markdown."""
    return f"<code>{html.escape(plain(text))}</code>"


def json_text(document: Mapping[str, object], *, indent: int | None = 2) -> str:
    """Give a document as JSON with sorted keys; the same values, harmless in a page and a log."""
    text = json.dumps(document, indent=indent, sort_keys=True).translate(JSON_ESCAPES)
    # Outside strings JSON has no `#`, so this changes how a value is written and no value.
    return COMMAND.sub("\\\\u0023", text) if "##" in text else text


def workflow_message(text: str) -> str:
    """Give the message of a workflow command."""
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """Give the value of a workflow command's property."""
    return workflow_message(text).replace(":", "%3A").replace(",", "%2C")
