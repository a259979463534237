"""Past runs, their calls, and leases: as documents and as lines for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reconciler.report.escape import plain
from reconciler.report.look import padded, width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.model.history import Holder, PastCall, PastHook, PastRun, PastVerdict
    from reconciler.report.document import Document

    When = Callable[[float], str]
    """Seconds since 1970 -> a date; this room has no clock and no zone."""

ID_LENGTH = 8
"""How much of a run's id a person needs."""
COMMIT_LENGTH = 12
UNENDED = "interrupted or killed"
HEAD = ("RUN", "BEGAN", "VERB", "SCOPE", "ENDING", "COMMIT", "WHAT")
LEASE_HEAD = ("ID", "SCOPE", "OWNER", "OPERATION", "RUN", "SINCE", "EXPIRES", "REACH")
NO_RUNS = "No runs are in the journal."
NO_LEASES = "No lease is held."


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailedRun:
    """One cloud's part of a run, and its calls."""

    run: PastRun
    calls: tuple[PastCall, ...]
    """Its own, and those of earlier runs that it adopted."""
    hooks: tuple[PastHook, ...] = ()


def history_document(runs: Sequence[PastRun], when: When) -> Document:
    """Give plain JSON, newest first."""
    return {"runs": [_run_row(run, when) for run in runs]}


def run_document(parts: Sequence[DetailedRun], when: When) -> Document:
    """Give plain JSON of one run, a part for each cloud."""
    return {
        "runs": [
            _run_row(one.run, when)
            | {
                "calls": [_call_row(c, when) for c in one.calls if c.run == one.run.id],
                "adopted_calls": [_call_row(c, when) for c in one.calls if c.run != one.run.id],
                "hooks": [_hook_row(hook, when) for hook in one.hooks],
            }
            for one in parts
        ]
    }


def _run_row(run: PastRun, when: When) -> Document:
    ending = "running" if run.running else run.ending or UNENDED
    return {
        "id": run.id,
        "identity": run.identity,
        "scope": run.scope,
        "verb": run.verb,
        "began": when(run.began_s),
        "ended": when(run.ended_s) if run.ended_s is not None else None,
        "ending": ending,
        "counts": dict(sorted(run.counts.items())),
        "requests": run.requests,
        "adopted": run.adopted,
        "commit": run.commit.id if run.commit is not None else None,
        "dirty": run.commit.dirty if run.commit is not None else None,
        "owner": run.owner,
    }


def _call_row(call: PastCall, when: When) -> Document:
    return {
        "run": call.run,
        "step": call.step_id,
        "label": call.label,
        "verb": call.verb,
        "sent": when(call.at_s),
        "job": call.handle,
        "attachments": [
            {
                "server_id": server,
                "volume_id": volume,
                "verdicts": [
                    _verdict_row(one, call, when)
                    for one in call.verdicts
                    if (one.server_id, one.volume_id) == (server, volume)
                ],
            }
            for server, volume in call.attachments
        ],
    }


def _verdict_row(one: PastVerdict, call: PastCall, when: When) -> Document:
    return {
        "verdict": one.verdict,
        "at": when(one.at_s),
        "code": one.code or None,
        "message": one.message or None,
        "request_id": one.request_id or None,
        "seconds": round(one.took_s, 1) if one.took_s is not None else None,
        "adopted_by": one.run if one.run not in {None, call.run} else None,
    }


def _hook_row(hook: PastHook, when: When) -> Document:
    return {
        "occasion": hook.occasion,
        "hook": hook.hook,
        "label": hook.label,
        "began": when(hook.at_s),
        "verdict": hook.verdict,
        "message": hook.message or None,
        "output": list(hook.output),
        "seconds": round(hook.took_s, 1) if hook.took_s is not None else None,
    }


def history_text(document: Document) -> str:
    """Give a line for each cloud's part of a run."""
    runs = cast("list[dict[str, object]]", document["runs"])
    if not runs:
        return f"{NO_RUNS}\n"
    rows = [
        (
            str(run["id"])[:ID_LENGTH],
            str(run["began"]),
            plain(str(run["verb"])),
            plain(str(run["scope"])),
            str(run["ending"]),
            _commit(run) or "-",
            _what(run),
        )
        for run in runs
    ]
    return table([HEAD, *rows])


def _commit(run: Mapping[str, object]) -> str:
    """Give the commit of the manifests; `+` where they had changed since; empty where none is."""
    if run["commit"] is None:
        return ""
    return str(run["commit"])[:COMMIT_LENGTH] + ("+" if run["dirty"] else "")


def _what(run: Mapping[str, object]) -> str:
    counts = cast("Mapping[str, int]", run["counts"])
    told = [f"{number} {plain(word)}" for word, number in counts.items()]
    told += [f"{run['adopted']} adopted"] if run["adopted"] else []
    cost = f". {run['requests']} API calls" if run["requests"] is not None else ""
    return (", ".join(told) or "-") + cost


def run_text(document: Document) -> str:
    """Give one run: each call, its verdicts, and what became of it later."""
    return "".join(f"{line}\n" for line in _run_lines(document))


def _run_lines(document: Document) -> Iterator[str]:
    for run in cast("list[dict[str, object]]", document["runs"]):
        ended = f" to {run['ended']}" if run["ended"] else ""
        yield f"Run {run['id']}: {plain(str(run['verb']))} of scope {plain(str(run['scope']))}"
        yield f"  {run['began']}{ended}: {run['ending']}. {_what(run)}"
        if run["owner"] is not None:
            yield f"  by {plain(str(run['owner']))}"
        if run["commit"] is not None:
            changed = ", changed since" if run["dirty"] else ""
            yield f"  manifests of commit {run['commit']}{changed}"
        calls = cast("list[dict[str, object]]", run["calls"])
        yield from (line for call in calls for line in _call_lines(call))
        adopted = cast("list[dict[str, object]]", run["adopted_calls"])
        if adopted:
            yield "  Adopted from earlier runs:"
        for call in adopted:
            yield from _call_lines(call, f" (run {str(call['run'])[:ID_LENGTH]})")
        hooks = cast("list[dict[str, object]]", run["hooks"])
        if hooks:
            yield "  Hooks:"
        yield from (line for hook in hooks for line in _hook_lines(hook))
        if not calls and not adopted and not hooks:
            yield "  No call of it is in the journal."


def _hook_lines(hook: Mapping[str, object]) -> Iterator[str]:
    ended = hook["verdict"] or "no end: its run didn't live to it"
    took = f" after {hook['seconds']} s" if hook["verdict"] else ""
    what = f"{hook['occasion']} {plain(str(hook['hook']))} {plain(str(hook['label']))}"
    yield f"  {hook['began']}  {what}: {ended}{took}"
    yield from (f"      | {plain(line)}" for line in cast("list[str]", hook["output"]))


def _call_lines(call: Mapping[str, object], whose: str = "") -> Iterator[str]:
    job = f", job {plain(str(call['job']))}" if call["job"] else ""
    yield f"  {call['sent']}  {call['verb']} {plain(str(call['label']))}{whose}{job}"
    for attachment in cast("list[dict[str, object]]", call["attachments"]):
        there = f"{plain(str(attachment['server_id']))}/{plain(str(attachment['volume_id']))}"
        verdicts = cast("list[dict[str, object]]", attachment["verdicts"])
        for one in verdicts:
            yield f"      {there}: {_verdict(one)}"
        if not verdicts:
            yield f"      {there}: no verdict yet: the next `apply` adopts it"


def _verdict(one: Mapping[str, object]) -> str:
    adopted = one["adopted_by"]
    by = f", adopted by run {str(adopted)[:ID_LENGTH]}" if adopted else ""
    took = f" after {one['seconds']} s" if one["seconds"] is not None else ""
    code = f" ({plain(str(one['code']))})" if one["code"] else ""
    said = f": {plain(str(one['message']))}" if one["message"] else ""
    asked = f" [request id {plain(str(one['request_id']))}]" if one["request_id"] else ""
    return f"{one['verdict']}{took}{by}{code}{said}{asked}"


def leases_document(holders: Sequence[Holder], when: When) -> Document:
    """Give plain JSON, sorted by identity."""
    return {
        "leases": [
            {
                "id": one.id,
                "identity": one.identity,
                "scope": one.scope,
                "owner": one.owner,
                "owner_gone": one.gone,
                "operation": one.operation,
                "run": one.run,
                "since": when(one.since_s),
                "expires": when(one.expires_s),
                "local": one.local,
            }
            for one in holders
        ]
    }


def leases_text(document: Document) -> str:
    """Give a line for each lease that is held."""
    leases = cast("list[dict[str, object]]", document["leases"])
    if not leases:
        return f"{NO_LEASES}\n"
    rows = [
        (
            str(one["id"]),
            plain(str(one["scope"])),
            plain(str(one["owner"])) + (" (gone)" if one["owner_gone"] else ""),
            plain(str(one["operation"])),
            str(one["run"])[:ID_LENGTH],
            str(one["since"]),
            str(one["expires"]),
            "local" if one["local"] else "every machine",
        )
        for one in leases
    ]
    return table([LEASE_HEAD, *rows])


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Give rows of cells as lines, columns lined up by display width."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(padded, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)
