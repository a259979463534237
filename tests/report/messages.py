"""The documented shape of Terraform's messages, and what holds ours against it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.report.escape import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.report.document import Document

HEAD = {"@level": str, "@message": str, "@module": str, "type": str, "reconciler": dict}
MEMBERS: dict[str, dict[str, dict[str, type]]] = {
    "resource_drift": {"change": {"resource": dict, "action": str}},
    "planned_change": {"change": {"resource": dict, "action": str}},
    "change_summary": {
        "changes": {"add": int, "change": int, "import": int, "remove": int, "operation": str}
    },
    "apply_start": {"hook": {"resource": dict, "action": str}},
    "apply_progress": {"hook": {"resource": dict, "action": str, "elapsed_seconds": int}},
    "apply_complete": {
        "hook": {
            "resource": dict,
            "action": str,
            "id_key": str,
            "id_value": str,
            "elapsed_seconds": int,
        }
    },
    "apply_errored": {"hook": {"resource": dict, "action": str, "elapsed_seconds": int}},
    "diagnostic": {"diagnostic": {"severity": str, "summary": str, "detail": str}},
}
"""Type -> its member's keys and types; Terraform's "Machine-readable UI Output Reference"."""
SUBJECT = {
    *("addr", "module", "resource", "implied_provider"),
    *("resource_type", "resource_name", "resource_key"),
}
MAY_HAVE = {"diagnostic": {"range", "snippet", "address"}, "planned_change": {"reason"}}
ACTIONS = {"noop", "create", "read", "update", "replace", "delete", "move"}


def types_held(messages: Iterable[Document]) -> set[str]:
    """Fail unless each message has the documented keys and types; give the types seen."""
    seen = set()
    for told in messages:
        one = json.loads(json_text(told))
        seen.add(one["type"])
        members = MEMBERS[one["type"]]
        assert one.keys() == {*HEAD, *members}
        assert all(isinstance(one[name], kind) for name, kind in HEAD.items())
        for member, keys in members.items():
            assert one[member].keys() - MAY_HAVE.get(one["type"], set()) == keys.keys()
            assert all(isinstance(one[member][name], kind) for name, kind in keys.items())
            if "resource" in keys:
                assert one[member]["resource"].keys() == SUBJECT
                assert all(isinstance(text, str) for text in one[member]["resource"].values())
                assert one[member]["action"] in ACTIONS
        if one["type"] == "diagnostic":
            assert one["diagnostic"]["severity"] in {"error", "warning"}
    return seen
