"""What is live, as a document and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.model.counting import counted
from reconciler.report.escape import plain
from reconciler.report.look import padded, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.report.document import Document

HEAD = ("SERVER", "VOLUME", "DEVICE", "VIEWS", "SERVER ID", "VOLUME ID")


def live_document(scopes: Sequence[Live], simulated: Sequence[str]) -> Document:
    """Give every attachment of the scopes, sorted, with what each view says of it."""
    return {
        "scopes": [
            {
                "name": live.scope,
                "simulated": live.scope in simulated,
                "complete": live.complete,
                "notices": list(live.notices),
                "servers": len(live.servers),
                "volumes": len(live.volumes),
                "attachments": [_row(key, live) for key in sorted(live.observed)],
            }
            for live in sorted(scopes, key=lambda live: live.scope)
        ]
    }


def _row(key: AttachmentKey, live: Live) -> Document:
    observed = live.observed[key]
    server, volume = live.servers.get(key.server_id), live.volumes.get(key.volume_id)
    return {
        "server": server.name if server else None,
        "server_id": key.server_id,
        "volume": volume.name if volume else None,
        "volume_id": key.volume_id,
        "device": observed.device,
        "boot": observed.boot,
        "delete_on_termination": observed.delete_on_termination,
        "views": {view.value: seen.phase.value for view, seen in observed.sightings.items()},
    }


def live_text(document: Document) -> str:
    """Give the same as a table a scope, columns lined up by display width."""
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(document: Document) -> Iterator[str]:
    for scope in cast("list[dict[str, object]]", document["scopes"]):
        rows = [_cells(row) for row in cast("list[dict[str, object]]", scope["attachments"])]
        widths = [max(width(row[n]) for row in (HEAD, *rows)) for n in range(len(HEAD))]
        told = [counted(cast("int", scope[f"{word}s"]), word) for word in ("server", "volume")]
        told.append(counted(len(rows), "attachment"))
        yield f"Scope {scope['name']}: {', '.join(told)}"
        for row in (HEAD, *rows):
            yield "  ".join(map(padded, row, widths)).rstrip()
        if not scope["complete"]:
            yield "This listing is incomplete:"
        yield from (f"  note: {plain(n)}" for n in cast("list[str]", scope["notices"]))
        if scope["simulated"]:
            yield f"Scope {scope['name']} is simulated."


def rows_text(rows: Sequence[Document]) -> str:
    """Give rows as blocks of `key: value` under their first value: wider than any terminal else."""
    width = max((len(key) for row in rows for key in row), default=0)
    blocks = (
        "\n".join(f"  {key + ':':<{width + 1}} {value}" for key, value in list(row.items())[1:])
        for row in rows
    )
    heads = (str(next(iter(row.values()))) for row in rows)
    return "\n".join(f"{head}\n{block}\n" for head, block in zip(heads, blocks, strict=True))


def permissions_text(rows: Sequence[Document]) -> str:
    """Give for each scope its actions, one a line, and the calls that have no documented one."""
    return "\n".join("".join(f"{line}\n" for line in _permissions(row)) for row in rows)


def _permissions(row: Document) -> Iterator[str]:
    needs = ", ".join(cast("list[str]", row["needs"]))
    yield f"Scope {row['scope']} ({row['provider']}) may {needs}:"
    yield from (f"  {action}" for action in cast("list[str]", row["actions"]))
    calls = cast("list[str]", row["undocumented"])
    if calls:
        yield "  and what these calls need, for which the vendor documents no action:"
        yield from (f"    {call}" for call in calls)


def _cells(row: Mapping[str, object]) -> tuple[str, ...]:
    views = cast("dict[str, str]", row["views"])
    told = ", ".join(
        view if phase == "attached" else f"{view} ({phase})"
        for view, phase in sorted(views.items())
    )
    device = plain(str(row["device"] or "-")) + (" (boot)" if row["boot"] else "")
    ids = (plain(str(row["server_id"])), plain(str(row["volume_id"])))
    names = (plain(str(row["server"] or "?")), plain(str(row["volume"] or "?")))
    return (*names, device, told, *ids)
