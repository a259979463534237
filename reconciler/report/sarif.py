"""Findings as SARIF 2.1.0: on the manifest lines that they speak of.

What speaks of no line is a notification of the invocation: code scanning wants a line of a result.
Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from reconciler.report.escape import json_text, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.report.document import Document

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
NAME = "reconciler"


def plan_sarif(document: Document) -> str:
    """Give the findings of a plan as one SARIF log."""
    ours = cast("Mapping[str, object]", document["reconciler"])
    findings = cast("list[Mapping[str, object]]", ours["findings"])
    placed = [finding for finding in findings if _in_a_file(finding)]
    apart = [finding for finding in findings if not _in_a_file(finding)]
    codes = sorted({str(finding["code"]) for finding in findings})
    driver = {"name": NAME, "version": ours["version"], "rules": [_rule(code) for code in codes]}
    invocation = {
        "executionSuccessful": not document["errored"],
        "toolExecutionNotifications": [_notification(finding) for finding in apart],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes) for finding in placed],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _in_a_file(finding: Mapping[str, object]) -> bool:
    place = cast("Mapping[str, object] | None", finding["place"])
    return place is not None and bool(place["line"])


def _rule(code: str) -> Document:
    return {"id": plain(code), "shortDescription": _message(code)}


def _notification(finding: Mapping[str, object]) -> Document:
    return {
        "descriptor": {"id": plain(str(finding["code"]))},
        "level": finding["severity"],
        "message": _words(finding),
    }


def _result(finding: Mapping[str, object], codes: list[str]) -> Document:
    also = [one for one in cast("list[Mapping[str, object]]", finding["also"]) if one["line"]]
    place = cast("Mapping[str, object]", finding["place"])
    return {
        "ruleId": plain(str(finding["code"])),
        "ruleIndex": codes.index(str(finding["code"])),
        "level": finding["severity"],
        "message": _words(finding),
        "locations": [_location(place)],
        "relatedLocations": [_location(one) | {"id": n} for n, one in enumerate(also, start=1)],
    }


def _location(place: Mapping[str, object]) -> Document:
    file = str(place["file"])
    uri = quote(file, errors="replace") if not file.startswith("//") else quote(file, safe="")
    region = {"startLine": place["line"], "startColumn": place["column"]}
    if place["text"]:
        region["snippet"] = {"text": plain(str(place["text"]))}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def _words(finding: Mapping[str, object]) -> Document:
    scope = f" (scope {finding['scope']})" if finding["scope"] else ""
    return _message(f"{finding['summary']}{scope}; hint: {finding['hint']}")


def _message(text: str) -> Document:
    """Give text in which nothing is a link: in a message `[words](address)` would be one."""
    shown = plain(text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return {"text": shown}
