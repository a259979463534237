"""Drift, pending and conflict, kept apart: as a document and as lines for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reconciler.model.watching import Answer, Judged, Kind
from reconciler.report.document import finding_row
from reconciler.report.escape import plain
from reconciler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.model.finding import Finding
    from reconciler.model.watching import Difference
    from reconciler.planning.differing import Comparison
    from reconciler.report.document import Document

    When = Callable[[float], str]
    """Seconds since 1970 -> a date; this room has no clock and no zone."""

NO_DRIFT = "No drift. What was last applied is what is live."
NO_DRIFT_UNRECORDED = "No drift. What the manifests ask is what is live."
SIGNS = {
    Kind.MISSING: "-",
    Kind.ADDED: "+",
    Kind.MOVED: "-/+",
    Kind.DISPUTED: "?",
    Kind.ATTACH: "+",
    Kind.DETACH: "-",
    Kind.MOVE: "-/+",
    Kind.UPDATE: "~",
    Kind.DESTROY: "x",
    Kind.RELEASED: " ",
}
HEADS = {
    Answer.DRIFT: "Drift: live differs from what was last applied.",
    Answer.PENDING: "Pending: the manifests differ from what was last applied.",
    Answer.CONFLICT: "Conflict: both differ from what was last applied, and from each other.",
}
UNRECORDED = "no apply is on record here: live is held against the manifests"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeDrift:
    """What is told of one scope."""

    scope: str
    provider: str
    simulated: bool
    comparison: Comparison
    findings: tuple[Finding, ...] = ()
    """What is wrong with its entries, and so may hide differences."""


def drift_document(
    scopes: Sequence[ScopeDrift], findings: Sequence[Finding], when: When
) -> Document:
    """Give plain JSON: the three answers apart, all of them sorted."""
    ordered = sorted(scopes, key=lambda scope: scope.scope)
    told = {*findings, *(finding for scope in ordered for finding in scope.findings)}
    every = [(s.provider, one) for s in ordered for one in s.comparison.differences]
    answers = {
        answer.value: [row(one, when) for _, one in every if one.answer is answer]
        for answer in Answer
    }
    ours: Document = {
        "version": __version__,
        "scopes": [_scope(scope) for scope in ordered],
        "findings": [finding_row(f) for f in sorted(told, key=lambda f: f.order)],
        **answers,
    }
    return {"reconciler": ours}


def _scope(scope: ScopeDrift) -> Document:
    counted = Counter(one.judged for one in scope.comparison.attachments)
    return {
        "name": scope.scope,
        "provider": scope.provider,
        "simulated": scope.simulated,
        "memory": "journal" if scope.comparison.remembered else "none",
        "counts": {judged.value.replace(" ", "_"): counted[judged] for judged in Judged},
    }


def row(one: Difference, when: When) -> Document:
    """Give one difference as plain JSON."""
    return {
        "scope": one.key.scope,
        "kind": one.kind.value,
        "server": one.name.server,
        "server_id": one.key.server_id,
        "volume": one.name.volume,
        "volume_id": one.key.volume_id,
        "found_on": one.found_server or None,
        "found_on_id": one.found_server_id or None,
        "since": when(one.first_s) if one.first_s else None,
    }


def drift_text(document: Document) -> str:
    """Give the same as lines: each answer under its own head, then what scripts read."""
    ours = cast("dict[str, object]", document["reconciler"])
    scopes = cast("list[dict[str, object]]", ours["scopes"])
    if not scopes:
        return ""
    lines: list[str] = []
    for answer in Answer:
        rows = cast("list[dict[str, object]]", ours[answer.value])
        if rows:
            lines += [HEADS[answer], "", *_rows(rows), ""]
    unrecorded = [scope for scope in scopes if scope["memory"] == "none"]
    lines += [f"note: scope {scope['name']}: {UNRECORDED}" for scope in unrecorded]
    lines.append(_closing(ours, scopes, len(unrecorded)))
    lines += [f"Scope {scope['name']} is simulated." for scope in scopes if scope["simulated"]]
    return "\n".join(lines) + "\n"


def _closing(ours: Mapping[str, object], scopes: Sequence[Document], unrecorded: int) -> str:
    """Give the line that scripts read."""
    n = {answer: len(cast("list[object]", ours[answer.value])) for answer in Answer}
    counts = [cast("dict[str, int]", scope["counts"]) for scope in scopes]
    rest = sum(sum(one.values()) for one in counts)
    if not any(n.values()) and rest:
        return NO_DRIFT_UNRECORDED if unrecorded == len(scopes) else NO_DRIFT
    in_line = sum(one["in_line"] for one in counts)
    unmanaged = sum(one["unmanaged"] for one in counts)
    return (
        f"Drift: {n[Answer.DRIFT]}. Pending: {n[Answer.PENDING]}. "
        f"Conflict: {n[Answer.CONFLICT]}. {in_line} in line, {unmanaged} unmanaged."
    )


def _rows(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    there = [f"{r['scope']}:{plain(str(r['server']))}/{plain(str(r['volume']))}" for r in rows]
    width, words = max(map(len, there)), max(len(str(r["kind"])) for r in rows)
    for one, name in zip(rows, there, strict=True):
        found = f"now on {plain(str(one['found_on']))}" if one["found_on"] else ""
        since = f"since {one['since']}" if one["since"] else ""
        asides = ", ".join(part for part in (found, since) if part)
        sign = SIGNS[Kind(str(one["kind"]))]
        yield f"  {sign:>3} {one['kind']!s:<{words}} {name:<{width}}  {asides}".rstrip()
