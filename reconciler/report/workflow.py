"""Findings as workflow commands of GitHub Actions: beside their lines in a pull request.

Source: GitHub, "Workflow commands for GitHub Actions"; the escapes are those of
actions/toolkit, packages/core/src/command.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.report.escape import workflow_message, workflow_property

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def annotation(finding: Mapping[str, object]) -> str:
    """Give one finding as one line; without a place it stands beside the whole run."""
    place = cast("Mapping[str, object] | None", finding["place"])
    where = {}
    if place is not None and place["line"]:
        where = {"file": place["file"], "line": place["line"], "col": place["column"]}
    told = {**where, "title": finding["code"]}
    properties = ",".join(f"{name}={workflow_property(str(text))}" for name, text in told.items())
    scope = f" (scope {finding['scope']})" if finding["scope"] else ""
    message = workflow_message(f"{finding['summary']}{scope}; hint: {finding['hint']}")
    return f"::{COMMANDS[str(finding['severity'])]} {properties}::{message}"
