"""The document for people: signs with a word beside them, refusals first, the unchanged counted.

Colour is never the only carrier: the words say it all, and without colours nothing is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.model.counting import counted
from reconciler.report.document import where
from reconciler.report.escape import plain
from reconciler.report.look import PLAIN, padded, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.report.document import Document
    from reconciler.report.look import Look

NO_CHANGES = "No changes. Your attachments match the manifests."
PROMPT = """Do you want to perform these actions?
  Only 'yes' will be accepted to approve.

  Enter a value: """
DESTROY_PROMPT = """`{server}/{volume}` will be deleted for good, with everything on it.
  Only its name will be accepted to approve.

  Enter a value: """
DETACH_PROMPT = """{attachments} of scope {scope} would leave, more than a limit allows.
  Only this number will be accepted to approve.

  Enter a value: """
FORCE_PROMPT = """`{volume}` leaves `{server}` by force: what its guest hasn't written may be lost.
  Only its name will be accepted to approve.

  Enter a value: """
FORCED = "forced: its guest isn't asked, and what it hasn't written to the volume may be lost"
SIGNS = {"attach": "+", "detach": "-", "move": "-/+", "update": "~", "destroy": "x", "keep": " "}
STANDING_SIGNS = {"refused": "!", "in motion": "?", "unknown": "?"}
ORDER = ("!", "x", "-/+", "-", "+", "~", "?")
SHOWN_FINDINGS = 20
SHOWN_UNMANAGED = 20
WIDEST = 60
"""The column of reasons begins no later: one long name doesn't push all reasons away."""
SNIPPET = 120
"""How much of a source line is shown where the terminal doesn't say."""
SHOWN_MATCHED = 10


def sign(change: Mapping[str, object]) -> str:
    """Give the sign of one change: what stands in the way before what would be done."""
    standing, action = str(change["standing"]), str(change["action"])
    return STANDING_SIGNS.get(standing) or SIGNS[action]


def plan_text(document: Document, look: Look = PLAIN) -> str:
    """Give the whole plan as lines; the last ones are the ones that scripts read.

    Empty when no scope could be planned: then there is nothing to tell but why, on stderr.
    """
    ours = cast("dict[str, object]", document["reconciler"])
    if not ours["scopes"]:
        return ""
    lines = [*_scopes(ours, look), *_findings(ours, look)]
    return "\n".join([*lines, *summary(ours)]) + "\n"


def summary(ours: Mapping[str, object]) -> list[str]:
    """Give the closing lines: counts and calls, or that there is nothing to do; then simulated.

    None when no scope could be planned.
    """
    scopes = cast("list[dict[str, object]]", ours["scopes"])
    if not scopes:
        return []
    lines = [*memory_lines(scopes), *_left_out(scopes)]
    lines += [NO_CHANGES] if in_line(ours) else [counts_line(ours), calls_line(ours)]
    simulated = [plain(str(scope["name"])) for scope in scopes if scope["simulated"]]
    return [*lines, *(f"Scope {name} is simulated." for name in simulated)]


def memory_lines(scopes: Sequence[Mapping[str, object]]) -> list[str]:
    """Give with what the guards compared: one line, or one for each scope where they differ."""
    told = {str(scope["memory"]) for scope in scopes}
    if len(told) == 1:
        return [f"Memory: {min(told)}."]
    return [f"Memory of scope {scope['name']}: {scope['memory']}." for scope in scopes]


def _left_out(scopes: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Give how much the selection or the approval leaves out of what these manifests ask for."""
    number = sum(cast("int", scope["unselected"]) for scope in scopes)
    if number:
        told = counted(number, "more change")
        yield f"Left out: {told} of these manifests, which nobody chose or approved."


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


def _scopes(ours: Mapping[str, object], look: Look) -> Iterator[str]:
    changes = cast("list[dict[str, object]]", ours["changes"])
    for scope in cast("list[dict[str, object]]", ours["scopes"]):
        mine = [change for change in changes if change["scope"] == scope["name"]]
        whole = cast("list[dict[str, object]]", scope["refusals"])
        told = [*_changes(mine, whole, look), *_asides(scope)]
        if told or whole:
            yield f"Scope {plain(str(scope['name']))} ({plain(str(scope['provider']))}):"
            yield ""
            if whole:
                yield "  Nothing of this scope is changed:"
            yield from (line for refusal in whole for line in _refusal(refusal, "    ", look))
            yield from told
            yield ""


def _changes(
    changes: Sequence[dict[str, object]], whole: Sequence[dict[str, object]], look: Look
) -> Iterator[str]:
    """Give a line for each change; what holds the whole scope back isn't said again."""
    ordered = sorted(changes, key=lambda change: ORDER.index(sign(change)))
    names = [attachment(change) for change in ordered]
    column = min(WIDEST, max(map(width, names), default=0))
    words = max((len(str(change["action"])) for change in ordered), default=0)
    for change, name in zip(ordered, names, strict=True):
        refusals = cast("list[dict[str, object]]", change["refusals"])
        alone = [refusal for refusal in refusals if refusal not in whole]
        why = "" if alone else plain(str(change["reason"]))
        mark = sign(change)
        head = f"{mark:>3} {change['action']:<{max(6, words)}}"
        row = f"{padded(name, column)}  {why}".rstrip()
        if look.columns is not None and 3 + len(head) + width(row) > look.columns:
            row = name + (f"\n        {why}" if why else "")
        yield f"  {look.paint(mark, head)} {row}"
        yield from (f"        {line}" for line in beside(change))
        for attribute, before, after in cast("list[list[str]]", change["updates"]):
            yield f"        {plain(attribute)}: {plain(before)} -> {plain(after)}"
        yield from (line for refusal in alone for line in _refusal(refusal, "        ", look))


def beside(change: Mapping[str, object]) -> Iterator[str]:
    """Give what happens beside a change: that it is forced, and the hooks that run."""
    if change["forced"]:
        yield FORCED
    for hook in cast("list[dict[str, object]]", change["hooks"]):
        named, server = plain(str(hook["hook"])), plain(str(hook["server"]))
        long = f"at most {hook['timeout_seconds']:g} s"
        yield f"{hook['occasion']}: hook `{named}` for `{server}`, {long}"


def _refusal(refusal: Mapping[str, object], indent: str, look: Look) -> Iterator[str]:
    code = look.paint(str(refusal["severity"]), plain(str(refusal["code"])))
    yield f"{indent}{code}: {plain(str(refusal['summary']))}"
    places = [refusal["place"], *cast("list[object]", refusal["also"])]
    for place in cast("list[dict[str, object]]", [one for one in places if one is not None]):
        yield f"{indent}at {where(place)}"
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
    for chosen in cast("list[dict[str, object]]", scope["selectors"]):
        yield f"      selector  {plain(str(chosen['volume']))}  {_matched(chosen)}"
    for notice in cast("list[str]", scope["notices"]):
        yield f"      note: {plain(notice)}"


def _matched(row: Mapping[str, object]) -> str:
    names = [plain(one["server"]) for one in cast("list[dict[str, str]]", row["servers"])]
    if not names:
        return "matches no server"
    more = f" and {len(names) - SHOWN_MATCHED} more" if len(names) > SHOWN_MATCHED else ""
    return f"matches {counted(len(names), 'server')}: {', '.join(names[:SHOWN_MATCHED])}{more}"


def _findings(ours: Mapping[str, object], look: Look) -> Iterator[str]:
    """Give the findings that stand beside no change, the first ones and a count."""
    changes = cast("list[dict[str, object]]", ours["changes"])
    rows = [*changes, *cast("list[dict[str, object]]", ours["scopes"])]
    told = {
        identity(refusal)
        for row in rows
        for refusal in cast("list[dict[str, object]]", row["refusals"])
    }
    findings = cast("list[dict[str, object]]", ours["findings"])
    planned = {scope["name"] for scope in cast("list[dict[str, object]]", ours["scopes"])}
    # What kept a scope from being planned at all is no result: it goes to stderr.
    mine = (row for row in findings if row["scope"] in planned)
    alone = [row for row in mine if identity(row) not in told]
    for finding in alone[:SHOWN_FINDINGS]:
        yield from finding_lines(finding, look)
        yield ""
    if len(alone) > SHOWN_FINDINGS:
        yield f"and {counted(len(alone) - SHOWN_FINDINGS, 'more finding')}"


def identity(finding: Mapping[str, object]) -> tuple[str, ...]:
    """Give what tells one finding from all others: ten thousand are looked up, not compared."""
    return tuple(repr(finding[name]) for name in ("code", "scope", "summary", "hint", "place"))


def finding_lines(finding: Mapping[str, object], look: Look = PLAIN) -> Iterator[str]:
    """Give one diagnostic: code and summary, place, source line with a marker, next step."""
    place = cast("dict[str, object] | None", finding["place"])
    scope = f" (scope {plain(str(finding['scope']))})" if finding["scope"] else ""
    severity = str(finding["severity"])
    head = look.paint(severity, f"{severity}[{plain(str(finding['code']))}]")
    yield f"{head}: {plain(str(finding['summary']))}{scope}"
    if place is not None:
        yield from _place_lines(place, "-->", look)
    for other in cast("list[dict[str, object]]", finding["also"]):
        yield from _place_lines(other, "and", look)
    yield f"   {look.paint('aside', '=')} hint: {plain(str(finding['hint']))}"


def _place_lines(place: Mapping[str, object], arrow: str, look: Look) -> Iterator[str]:
    line, column = cast("int", place["line"]), cast("int", place["column"])
    yield f"  {look.paint('aside', arrow)} {where(place)}"
    if not place["text"]:
        return
    blank = " " * len(str(line))
    shown, marked = _window(str(place["text"]), column - 1, (look.columns or SNIPPET) - len(blank))
    yield look.paint("aside", f" {blank} |")
    yield f" {look.paint('aside', f'{line} |')} {shown}"
    yield f" {look.paint('aside', f'{blank} |')} {' ' * marked}{look.paint('error', '^')}"


def _window(text: str, offset: int, columns: int) -> tuple[str, int]:
    """Give as much of a source line as has room, and the column of an offset in it.

    It is made plain as a whole: two harmless halves may be a command together.
    """
    room = max(20, columns - 5)
    shown, before = plain(text), len(plain(text[:offset]))
    if width(shown) <= room:
        return shown, width(shown[:before])
    # Characters may be two columns wide, so half as many have room for sure.
    room = room if shown.isascii() else room // 2
    first = max(0, before - room // 2)
    piece = shown[first : first + room]
    begun = f"…{piece[1:]}" if first else piece
    ended = f"{begun[:-1]}…" if first + room < len(shown) else begun
    return ended, width(ended[: before - first])
