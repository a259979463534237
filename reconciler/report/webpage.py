"""A plan as one page: every server with the volumes that come and go, nothing loaded from anywhere.

1. The page is whole without its script; the script only filters.
2. Jinja2 escapes every value, and `plain` goes first; the page's own policy lets nothing run but
   its one script and asks nobody for anything.
3. Links lead inside the page, to anchors that are numbers: no foreign text is an address.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from jinja2 import Environment, PackageLoader, StrictUndefined, UndefinedError

from reconciler.report.escape import plain
from reconciler.report.text import ORDER, beside, in_line, sign, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.report.document import Document

    Row = Mapping[str, object]

COUNTS = {
    "attach": "to attach",
    "detach": "to detach",
    "move": "to move",
    "update": "to update",
    "destroy": "to destroy",
    "refused": "refused",
    "unchanged": "unchanged",
}
KINDS = ("destroy", "refused", "move", "detach", "attach", "update", "waiting", "aside")
"""What a line of the page is, and what its filter offers."""
KIND = {"!": "refused", "?": "waiting"}
"""Sign -> kind, where the action doesn't say it."""
ASIDES = {
    "unmanaged": "nobody owns it: left alone",
    "released": "the last apply owned it, nobody names it now: left alone",
    "accepted": "known drift: left as it is",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One volume on one server."""

    sign: str
    word: str
    kind: str
    volume: str
    leaves: bool = False
    way: str = ""
    """Moves only: `to` or `from`."""
    other: str = ""
    """The server at the other end of a move."""
    anchor: str = ""
    why: tuple[Mapping[str, str], ...] = ()


@dataclass(slots=True, kw_only=True)
class Card:
    """One server and what comes, goes and stays there."""

    name: str
    anchor: str
    unchanged: int
    rows: list[Line] = field(default_factory=list)


def plan_page(document: Document) -> str:
    """Give the page. Raises LookupError where the document lacks what a page tells."""
    ours = cast("Mapping[str, Sequence[Row]]", document["reconciler"])
    loader = PackageLoader("reconciler.report", "page")
    page = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, finalize=_plain_text
    )
    style, script = (loader.get_source(page, f"plan.{end}")[0] for end in ("css", "js"))
    scopes = [_scope(document, number, scope) for number, scope in enumerate(ours["scopes"])]
    counts = cast("Mapping[str, int]", ours["counts"])
    rows = [row.kind for scope in scopes for card in scope["servers"] for row in card.rows]
    told = {
        "title": _title(ours),
        "counts": [
            {"name": n, "word": w, "number": counts[n]} for n, w in COUNTS.items() if scopes
        ],
        "summary": summary(ours),
        "kinds": [kind for kind in KINDS if kind in rows],
        "scopes": scopes,
        "findings": ours["findings"],
        "version": ours["version"],
        "digest": ours["digest"],
        "style": style,
        "style_hash": _hash(style),
        "script": script,
        "script_hash": _hash(script),
    }
    try:
        return page.get_template("plan.html.jinja").render(told)
    except UndefinedError as error:
        raise LookupError(str(error)) from error


def _title(ours: Mapping[str, Sequence[Row]]) -> str:
    if not ours["scopes"]:
        return "No plan"
    return "Plan: nothing to change" if in_line(ours) else "Plan"


def _plain_text(value: object) -> object:
    """Make everything plain but what the template itself says is safe: our style and script."""
    return plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _scope(document: Document, number: int, scope: Row) -> dict[str, list[Card]]:
    ours = cast("Mapping[str, Sequence[Row]]", document["reconciler"])
    mine = [change for change in ours["changes"] if change["scope"] == scope["name"]]
    kept = _kept(document, str(scope["name"]), mine)
    cards = _cards(number, mine, scope, kept)
    for change in sorted(mine, key=lambda one: ORDER.index(sign(one))):
        for server_id, line in _lines(change, cards):
            cards[server_id].rows.append(line)
    for word, why in ASIDES.items():
        for row in cast("list[Row]", scope[word]):
            cards[str(row["server_id"])].rows.append(_aside(row, word, why))
    more = {
        "name": scope["name"],
        "provider": scope["provider"],
        "simulated": scope["simulated"],
        "notices": scope["notices"],
        "held": bool(scope["refusals"]),
        "unchanged": sum(kept.values()),
    }
    return {**cast("dict[str, list[Card]]", more), "servers": list(cards.values())}


def _cards(
    number: int, changes: Sequence[Row], scope: Row, kept: Mapping[str, int]
) -> dict[str, Card]:
    """Give an empty card for every server that has a line, by name."""
    asides = [row for word in ASIDES for row in cast("list[Row]", scope[word])]
    names = {str(row["server_id"]): str(row["server"]) for row in (*changes, *asides)}
    names |= {str(one["from_id"]): str(one["from"]) for one in changes if one["from_id"]}
    ordered = sorted(names.items(), key=lambda pair: (pair[1], pair[0]))
    return {
        one: Card(name=name, anchor=f"server-{number}-{n}", unchanged=kept.get(one, 0))
        for n, (one, name) in enumerate(ordered)
    }


def _lines(change: Row, cards: Mapping[str, Card]) -> Iterator[tuple[str, Line]]:
    """Give where a change shows, and how: a move shows on both of its servers."""
    mark, action = sign(change), str(change["action"])
    here, there = str(change["server_id"]), str(change["from_id"])
    kind = KIND.get(mark, action)
    told = Line(
        sign=mark,
        word=action,
        kind=kind,
        volume=str(change["volume"]),
        leaves=kind in {"detach", "destroy"},
        why=tuple(_why(change)),
    )
    if not change["from_id"]:
        yield here, told
        return
    gone = kind == action
    for end, other, way, leaves in ((here, there, "from", False), (there, here, "to", gone)):
        card = cards[other]
        yield (
            end,
            Line(
                sign=told.sign,
                word=action,
                kind=kind,
                volume=told.volume,
                leaves=leaves,
                way=way,
                other=card.name,
                anchor=card.anchor,
                why=told.why if end == here else (),
            ),
        )


def _why(change: Row) -> Iterator[Mapping[str, str]]:
    refusals = cast("list[Row]", change["refusals"])
    for found in refusals:
        yield {"code": str(found["code"]), "text": f"{found['summary']}; hint: {found['hint']}"}
    if not refusals:
        yield {"code": "", "text": str(change["reason"])}
    for name, before, after in cast("list[list[str]]", change["updates"]):
        yield {"code": name, "text": f"{before} -> {after}"}
    yield from ({"code": "", "text": line} for line in beside(change))


def _aside(row: Row, word: str, why: str) -> Line:
    more = f" until {row['until']}: {row['reason']}" if word == "accepted" else ""
    text = {"code": "", "text": f"{why}{more}"}
    return Line(sign="·", word=word, kind="aside", volume=str(row["volume"]), why=(text,))


def _kept(document: Document, scope: str, changes: Sequence[Row]) -> dict[str, int]:
    """Give how many attachments stay as they are, by server id."""
    module = cast("Mapping[str, Mapping[str, list[Row]]]", document["planned_values"])
    changed = {f"{one['server_id']}/{one['volume_id']}" for one in changes}
    kept: dict[str, int] = {}
    for row in module["root_module"]["resources"]:
        if row["name"] == scope and row["index"] not in changed:
            server_id = str(cast("Row", row["values"])["server_id"])
            kept[server_id] = kept.get(server_id, 0) + 1
    return kept
