"""The document for people: signs with a word beside them, refusals first, the unchanged counted.

Colour is never the only carrier, so there is none here: the words say it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.report.escape import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.report.document import Document

NO_CHANGES = "No changes. Your attachments match the manifests."
PROMPT = """Do you want to perform these actions?
  Only 'yes' will be accepted to approve.

  Enter a value: """
DESTROY_PROMPT = """`{server}/{volume}` will be deleted for good, with everything on it.
  Only its name will be accepted to approve.

  Enter a value: """
DETACH_PROMPT = """{number} attachments of scope {scope} would leave, more than a limit allows.
  Only their number will be accepted to approve.

  Enter a value: """
SIGNS = {"attach": "+", "detach": "-", "move": "-/+", "update": "~", "destroy": "x", "keep": " "}
STANDING_SIGNS = {"refused": "!", "in motion": "?", "unknown": "?"}
ORDER = ("!", "x", "-/+", "-", "+", "~", "?")
SHOWN_FINDINGS = 20
SHOWN_UNMANAGED = 20


def sign(change: Mapping[str, object]) -> str:
    """Give the sign of one change: what stands in the way before what would be done."""
    standing, action = str(change["standing"]), str(change["action"])
    return STANDING_SIGNS.get(standing) or SIGNS[action]


def plan_text(document: Document) -> str:
    """Give the whole plan as lines; the last ones are the ones that scripts read.

    Empty when no scope could be planned: then there is nothing to tell but why, on stderr.
    """
    ours = cast("dict[str, object]", document["reconciler"])
    if not ours["scopes"]:
        return ""
    lines = [*_scopes(ours), *_findings(ours)]
    return "\n".join([*lines, *summary(ours)]) + "\n"


def summary(ours: Mapping[str, object]) -> list[str]:
    """Give the closing lines: counts and calls, or that there is nothing to do; then simulated."""
    scopes = cast("list[dict[str, object]]", ours["scopes"])
    lines = memory_lines(scopes)
    lines += [NO_CHANGES] if in_line(ours) else [counts_line(ours), calls_line(ours)]
    lines += [f"Scope {scope['name']} is simulated." for scope in scopes if scope["simulated"]]
    return lines


def memory_lines(scopes: Sequence[Mapping[str, object]]) -> list[str]:
    """Give with what the guards compared: one line, or one for each scope where they differ."""
    told = {str(scope["memory"]) for scope in scopes}
    if len(told) == 1:
        return [f"Memory: {min(told)}."]
    return [f"Memory of scope {scope['name']}: {scope['memory']}." for scope in scopes]


def in_line(ours: Mapping[str, object]) -> bool:
    """Tell whether `No changes.` may be said: something is owned, nothing is left to do or say."""
    scopes = cast("list[dict[str, object]]", ours["scopes"])
    findings = cast("list[dict[str, object]]", ours["findings"])
    owned = any(scope["owned"] for scope in scopes)
    clear = all(scope["in_line"] and not scope["unselected"] for scope in scopes)
    return owned and clear and not any(finding["severity"] == "error" for finding in findings)


def counts_line(ours: Mapping[str, object]) -> str:
    """Give the line `Plan: ...`; byte-stable, scripts parse it."""
    n = cast("dict[str, int]", ours["counts"])
    return (
        f"Plan: {n['attach']} to attach, {n['detach']} to detach, {n['move']} to move, "
        f"{n['update']} to update, {n['destroy']} to destroy. {n['unchanged']} unchanged, "
        f"{n['unmanaged']} unmanaged (reported), {n['accepted']} accepted, "
        f"{n['in_motion'] + n['unknown']} in motion, {n['refused']} refused."
    )


def calls_line(ours: Mapping[str, object]) -> str:
    """Give the line `Calls: ...`; byte-stable, scripts parse it."""
    forecast = cast("dict[str, float]", ours["forecast"])
    return (
        f"Calls: {forecast['calls']} ({forecast['batches']} batch). "
        f"About {forecast['seconds']:.0f} s."
    )


def attachment(change: Mapping[str, object]) -> str:
    """Give `SERVER/VOLUME`, and for a move where it comes from."""
    there = f"{plain(str(change['server']))}/{plain(str(change['volume']))}"
    return f"{plain(str(change['from']))} -> {there}" if change.get("from") else there


def _scopes(ours: Mapping[str, object]) -> Iterator[str]:
    changes = cast("list[dict[str, object]]", ours["changes"])
    for scope in cast("list[dict[str, object]]", ours["scopes"]):
        mine = [change for change in changes if change["scope"] == scope["name"]]
        whole = cast("list[dict[str, object]]", scope["refusals"])
        told = [*_changes(mine, whole), *_asides(scope)]
        if told or whole:
            yield f"Scope {scope['name']} ({scope['provider']}):"
            yield ""
            if whole:
                yield "  Nothing of this scope is changed:"
            yield from (line for refusal in whole for line in _refusal(refusal, "    "))
            yield from told
            yield ""


def _changes(
    changes: Sequence[dict[str, object]], whole: Sequence[dict[str, object]]
) -> Iterator[str]:
    """Give a line for each change; what holds the whole scope back isn't said again."""
    ordered = sorted(changes, key=lambda change: ORDER.index(sign(change)))
    width = max((len(attachment(change)) for change in ordered), default=0)
    words = max((len(str(change["action"])) for change in ordered), default=0)
    for change in ordered:
        refusals = cast("list[dict[str, object]]", change["refusals"])
        alone = [refusal for refusal in refusals if refusal not in whole]
        why = "" if alone else str(change["reason"])
        action = f"{change['action']:<{max(6, words)}}"
        row = f"  {sign(change):>3} {action} {attachment(change):<{width}}  {why}"
        yield row.rstrip()
        for attribute, before, after in cast("list[list[str]]", change["updates"]):
            yield f"        {attribute}: {plain(before)} -> {plain(after)}"
        yield from (line for refusal in alone for line in _refusal(refusal, "        "))


def _refusal(refusal: Mapping[str, object], indent: str) -> Iterator[str]:
    yield f"{indent}{refusal['code']}: {plain(str(refusal['summary']))}"
    places = [refusal["place"], *cast("list[object]", refusal["also"])]
    for place in cast("list[dict[str, object]]", [one for one in places if one is not None]):
        yield f"{indent}at {plain(str(place['file']))}:{place['line']}:{place['column']}"
    yield f"{indent}hint: {plain(str(refusal['hint']))}"


def _asides(scope: Mapping[str, object]) -> Iterator[str]:
    unmanaged = cast("list[dict[str, str]]", scope["unmanaged"])
    for row in unmanaged[:SHOWN_UNMANAGED]:
        there = f"{plain(row['server'])}/{plain(row['volume'])}"
        yield f"      unmanaged {there}  nobody owns it: left alone"
    if len(unmanaged) > SHOWN_UNMANAGED:
        yield f"      and {len(unmanaged) - SHOWN_UNMANAGED} more unmanaged"
    for row in cast("list[dict[str, str]]", scope["accepted"]):
        there = f"{plain(row['server'])}/{plain(row['volume'])}"
        known = f"no {row['action']} until {row['until']}: {plain(row['reason'])}"
        yield f"      accepted  {there}  {known}"
    for row in cast("list[dict[str, str]]", scope["released"]):
        there = f"{plain(row['server'])}/{plain(row['volume'])}"
        yield f"      released  {there}  the last apply owned it, nobody names it now: left alone"
    for notice in cast("list[str]", scope["notices"]):
        yield f"      note: {plain(notice)}"


def _findings(ours: Mapping[str, object]) -> Iterator[str]:
    """Give the findings that stand beside no change, the first ones and a count."""
    changes = cast("list[dict[str, object]]", ours["changes"])
    rows = [*changes, *cast("list[dict[str, object]]", ours["scopes"])]
    beside = [refusal for row in rows for refusal in cast("list[object]", row["refusals"])]
    findings = cast("list[dict[str, object]]", ours["findings"])
    planned = {scope["name"] for scope in cast("list[dict[str, object]]", ours["scopes"])}
    # What kept a scope from being planned at all is no result: it goes to stderr.
    alone = [row for row in findings if row not in beside and row["scope"] in planned]
    for finding in alone[:SHOWN_FINDINGS]:
        yield from finding_lines(finding)
        yield ""
    if len(alone) > SHOWN_FINDINGS:
        yield f"and {len(alone) - SHOWN_FINDINGS} more findings"


def finding_lines(finding: Mapping[str, object]) -> Iterator[str]:
    """Give one diagnostic: code and summary, place, source line with a marker, next step."""
    place = cast("dict[str, object] | None", finding["place"])
    scope = f" (scope {finding['scope']})" if finding["scope"] else ""
    yield f"{finding['severity']}[{finding['code']}]: {plain(str(finding['summary']))}{scope}"
    if place is not None:
        yield from _place_lines(place, "-->")
    for other in cast("list[dict[str, object]]", finding["also"]):
        yield from _place_lines(other, "and")
    yield f"   = hint: {plain(str(finding['hint']))}"


def _place_lines(place: Mapping[str, object], arrow: str) -> Iterator[str]:
    yield f"  {arrow} {plain(str(place['file']))}:{place['line']}:{place['column']}"
    if place["text"]:
        number = str(place["line"])
        blank = " " * len(number)
        yield f" {blank} |"
        yield f" {number} | {plain(str(place['text']))}"
        yield f" {blank} | {' ' * (cast('int', place['column']) - 1)}^"
