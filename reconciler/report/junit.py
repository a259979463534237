"""A plan as JUnit cases: a suite a scope, a case an attachment.

What would be changed and what stays passes; what is refused fails; what can't be told is an error;
what is in motion or known and left alone is skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.report.escape import plain
from reconciler.report.text import attachment, identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.report.document import Document

    Row = Mapping[str, object]

OUTCOMES = {"refused": "failure", "unknown": "error", "in motion": "skipped"}
"""Standing -> the element of a case that doesn't pass."""
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}
LEFT = {"unmanaged": "nobody owns it", "released": "nobody names it now"}
"""Lists of a scope whose rows are left alone, and why."""


def plan_junit(document: Document) -> str:
    """Give the plan as XML."""
    ours = cast("Mapping[str, Sequence[Row]]", document["reconciler"])
    kept = _kept(document, ours["changes"])
    suites = [_suite(scope, ours, kept.get(str(scope["name"]), [])) for scope in ours["scopes"]]
    planned = {scope["name"] for scope in ours["scopes"]}
    unread = [one for one in ours["findings"] if one["scope"] not in planned]
    if unread:
        suite = Element("testsuite", name="not planned")
        for finding in unread:
            _case(suite, f"{finding['scope'] or 'manifests'}", "reconciler", [finding], "error")
        suites.append(_counted(suite))
    root = Element("testsuites", name="reconciler plan")
    root.extend(suites)
    for attribute in ("tests", *COUNTED):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in suites)))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(scope: Row, ours: Mapping[str, Sequence[Row]], kept: Iterable[str]) -> Element:
    name = str(scope["name"])
    suite = Element("testsuite", name=plain(name))
    refusals = cast("list[Row]", scope["refusals"])
    if refusals:
        _case(suite, "the whole scope", name, refusals, "failure")
    told = {identity(one) for one in refusals}
    for change in (one for one in ours["changes"] if one["scope"] == name):
        found = cast("list[Row]", change["refusals"])
        told |= {identity(one) for one in found}
        title = f"{change['action']} {attachment(change)}"
        case = _case(suite, title, name, found, OUTCOMES.get(str(change["standing"])))
        _placed(case, cast("Row | None", change["place"]))
    for index in kept:
        _case(suite, f"keep {index}", name)
    for rows, why in LEFT.items():
        for row in cast("list[Row]", scope[rows]):
            SubElement(_case(suite, f"{rows} {attachment(row)}", name), "skipped", message=why)
    for row in cast("list[Row]", scope["accepted"]):
        why = plain(f"accepted until {row['until']}: {row['reason']}")
        title = f"{row['action']} {attachment(row)}"
        SubElement(_case(suite, title, name), "skipped", message=why)
    for finding in ours["findings"]:
        if finding["scope"] == name and identity(finding) not in told:
            kind = "failure" if finding["severity"] == "error" else None
            case = _case(suite, f"finding {finding['code']}", name, [finding], kind)
            _placed(case, cast("Row | None", finding["place"]))
    return _counted(suite)


def _kept(document: Document, changes: Sequence[Row]) -> dict[str, list[str]]:
    """Give by scope the ids `SERVER/VOLUME` of what is attached, owned, and no change's end."""
    module = cast("Mapping[str, Mapping[str, list[Row]]]", document["planned_values"])
    changed = {(c["scope"], f"{c['server_id']}/{c['volume_id']}") for c in changes}
    kept: dict[str, list[str]] = {}
    for row in module["root_module"]["resources"]:
        if (row["name"], row["index"]) not in changed:
            kept.setdefault(str(row["name"]), []).append(str(row["index"]))
    return kept


def _case(
    suite: Element, name: str, scope: str, findings: Sequence[Row] = (), kind: str | None = None
) -> Element:
    """Add a case; with a kind it is one that doesn't pass, in the words of its findings."""
    case = SubElement(suite, "testcase", name=plain(name), classname=plain(scope))
    lines = [f"{f['code']}: {plain(str(f['summary']))}" for f in findings]
    hints = [f"hint: {plain(str(finding['hint']))}" for finding in findings]
    if kind is not None:
        first = findings[0] if findings else {"code": kind}
        said = lines[0] if lines else kind
        told = SubElement(case, kind, message=said, type=plain(str(first["code"])))
        told.text = "\n".join(line for pair in zip(lines, hints, strict=True) for line in pair)
    elif lines:
        SubElement(case, "system-out").text = "\n".join(lines)
    return case


def _placed(case: Element, place: Row | None) -> None:
    if place is not None and place["line"]:
        case.set("file", plain(str(place["file"])))
        case.set("line", str(place["line"]))


def _counted(suite: Element) -> Element:
    suite.set("tests", str(len(suite)))
    for attribute, kind in COUNTED.items():
        suite.set(attribute, str(len(suite.findall(f"testcase/{kind}"))))
    return suite
