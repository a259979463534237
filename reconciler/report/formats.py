"""The formats of a plan's document, by name; only the one that is asked for is loaded."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.report.document import Document

FORMATS = {
    "text": ("text", "plan_text"),
    "json": ("escape", "json_text"),
    "markdown": ("markdown", "plan_markdown"),
    "html": ("webpage", "plan_page"),
    "junit": ("junit", "plan_junit"),
    "sarif": ("sarif", "plan_sarif"),
    "gitlab": ("gitlab", "plan_gitlab"),
}
"""Format -> the module of this room that writes it, and its function."""


def rendered(document: Document, form: str) -> str:
    """Give a plan's document in one format, with a line end; text may be empty."""
    module, function = FORMATS[form]
    text = getattr(importlib.import_module(f"reconciler.report.{module}"), function)(document)
    assert isinstance(text, str)
    return text if not text or text.endswith("\n") else f"{text}\n"
