"""The counts that GitLab shows on a merge request, from Terraform's part of the document.

Source: GitLab, "artifacts:reports:terraform": an object with the numbers `create`, `update` and
`delete`; a replacement counts as both, as GitLab's own recipe counts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.report.escape import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.report.document import Document


def plan_gitlab(document: Document) -> str:
    """Give the report as JSON; there is no foreign text in it."""
    rows = cast("list[Mapping[str, Mapping[str, list[str]]]]", document["resource_changes"])
    actions = [action for row in rows for action in row["change"]["actions"]]
    counted = {word: actions.count(word) for word in ("create", "update", "delete")}
    return json_text(counted, indent=None)
