"""What is live -> rows to write: what is left out and why; planned, they change nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from reconciler.manifest import load
from reconciler.manifest.writing import free_name, scalar, writable, written
from reconciler.model.attachment import AttachmentKey, Phase
from reconciler.model.declared import Side
from reconciler.model.live import Server, Volume
from reconciler.planning.importing import imported
from reconciler.planning.planner import plan
from reconciler.planning.resolve import resolve
from tests.manifest.writing import SCOPE
from tests.planning.building import (
    ANYHOW,
    COMPUTE,
    ECS,
    GENEROUS,
    STORAGE,
    grounded,
    of_server,
    of_volume,
    on,
    server,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.declared import Entry
    from reconciler.model.imported import Imported
    from reconciler.model.live import Live

TWO = ["web-1", "web-2"]


@dataclass(frozen=True)
class Row:
    """One world, the rows that are written for it, and what is left out."""

    id: str
    live: Live
    rows: list[str]
    left: list[str]
    entries: tuple[Entry, ...] = ()
    unwritable: frozenset[str] = frozenset()


def said(found: Imported) -> list[str]:
    """Give the rows as people would say them, `+` where others are kept."""
    return [
        f"{row.owner_id} <- "
        + " ".join(k.volume_id if row.side is Side.SERVER else k.server_id for k in row.keys)
        + " +" * row.keeps_others
        for row in found.rows
    ]


MARKED = structs.replace(volume("pvc"), owner_marks=("kubernetes.io/pvc",))
BARRED = replace(server("pool"), barred="belongs to a pool")
TABLE = (
    Row(
        "servers own what is on them, and a shared volume stands in its own row too",
        world(TWO, ["a", shared("s")], ["web-1/a", "web-1/s", "web-2/s"]),
        ["id-web-1 <- id-a id-s", "id-web-2 <- id-s", "id-s <- id-web-1 id-web-2"],
        [],
    ),
    Row(
        "a boot volume is left out, and keeps nothing",
        world(TWO, ["b", "a"], [on("web-1/b", boot=True), "web-1/a"]),
        ["id-web-1 <- id-a"],
        ["boot volumes are never owned"],
    ),
    Row(
        "what only storage shows stays",
        world(TWO, ["a", "st"], ["web-1/a", on("web-1/st", STORAGE)]),
        ["id-web-1 <- id-a +"],
        ["the views disagree about them"],
    ),
    Row(
        "what only compute shows stays",
        world(TWO, ["a", "st"], ["web-1/a", on("web-1/st", COMPUTE)]),
        ["id-web-1 <- id-a +"],
        ["the views disagree about them"],
    ),
    Row(
        "a server out of sight has no row, and the volume's row keeps it",
        world(TWO, [shared("s")], ["web-1/s", "web-2/s", on("away/s", STORAGE)]),
        ["id-web-1 <- id-s", "id-web-2 <- id-s", "id-s <- id-web-1 id-web-2 +"],
        ["on servers that this account can't see"],
    ),
    Row(
        "another controller's volume stays",
        world(TWO, ["a", MARKED], ["web-1/a", "web-1/pvc"]),
        ["id-web-1 <- id-a +"],
        ["of another controller, by its marks on the volume"],
    ),
    Row(
        "a server that is never changed has no row",
        world([BARRED], ["a"], ["pool/a"]),
        [],
        ["on servers whose attachments this cloud never changes"],
    ),
    Row(
        "what moves stays",
        world(TWO, ["a", "m"], ["web-1/a", on("web-1/m", phase=Phase.DETACHING)]),
        ["id-web-1 <- id-a +"],
        ["the cloud is at work on them, or was and failed"],
    ),
    Row(
        "an id that no manifest may hold stays",
        world(TWO, ["a", "x"], ["web-1/a", "web-1/x"]),
        ["id-web-1 <- id-a +"],
        ["their ids are no text that a manifest may hold"],
        unwritable=frozenset({"id-x"}),
    ),
    Row(
        "a row that is owned is left to its entry",
        world(TWO, ["a", "b"], ["web-1/a", "web-2/b"]),
        ["id-web-2 <- id-b"],
        ["the manifests own them already"],
        entries=(of_server("web-1", "a"),),
    ),
    Row(
        "the row of a shared volume agrees with the entries of its servers",
        world(TWO, [shared("s")], ["web-1/s", "web-2/s"]),
        ["id-web-2 <- id-s", "id-s <- id-web-1 id-web-2"],
        [],
        entries=(of_server("web-1", "s"),),
    ),
    Row(
        "a server that a volume's entry takes something from gets no row",
        world(TWO, ["a", "b"], ["web-1/a", "web-1/b"]),
        [],
        ["the manifests own them already"],
        entries=(of_volume("a", "web-2"),),
    ),
    Row(
        "a shared volume whose server's entry takes it away gets no row",
        world(TWO, [shared("s")], ["web-1/s", "web-2/s"]),
        ["id-web-2 <- id-s"],
        ["the manifests own them already"],
        entries=(of_server("web-1"),),
    ),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_the_table(tmp_path: Path, row: Row) -> None:
    found = imported(grounded(row.live, *row.entries), row.unwritable)
    assert said(found) == row.rows
    assert list(found.left) == row.left
    told = {key for keys in found.left.values() for key in keys}
    told |= {key for one in found.rows for key in one.keys}
    assert told == set(row.live.observed), "everything is listed or told"
    before = plan(resolve(row.entries, row.live), row.live, GENEROUS, ECS, ANYHOW)
    if found.rows:
        entries = (*row.entries, *read_back(tmp_path, found, row.live))
        after = plan(resolve(entries, row.live), row.live, GENEROUS, ECS, ANYHOW)
        assert after.changes == before.changes
        assert after.refusals == ()
        assert after.refused_entries == 0


def read_back(folder: Path, found: Imported, live: Live) -> tuple[Entry, ...]:
    """Write the rows, load the file, and give its entries."""
    path = folder / "m.yaml"
    text = written(found, live, "shop-imported")
    path.write_text(f"{SCOPE}---\n{text}", encoding="utf-8")
    loaded = load([path])
    assert loaded.declared is not None, (loaded.findings, text)
    return loaded.declared.entries["shop"]


HOSTILE = (
    *("", " ", "a\nb", "a: b", "a:b", 'say "hi"', "it's", " lead", "trail ", "\ttab", "a\tb"),
    *("NO", "no", "Yes", "on", "null", "Null", "~", "true", ".nan", ".inf", "-.INF", "y"),
    *("0x1F", "0o17", "017", "1_000", "1e5", "12345678e123", "12:30:45", "2026-01-01", "-1"),
    *("# no", "a # b", "a #", "a\n# b", "- a", "-", "? a", "*x", "&x", "!t", "!!str x", "|", ">-"),
    *(
        "%TAG",
        "@x",
        "`x`",
        "{a: b}",
        "[a]",
        "a, b",
        "}",
        "<<",
        "=",
        "---",
        "...",
        "\\",
        "\\n",
        "\\x",
    ),
    *("\x1b[2J", "\x85", "\u2028", "\u202e", "\ufeff", "\x00", "\ud800", "naïve", "日本", "😀"),
    *("a" * 255, "b" * 256, "c" * 2000, "id-v-1", "5e1f0a10-0001-4a01-8a01-00000000000A"),
    *("twin", "twin", "twin\n", "web-1"),
)


def bearing(names: tuple[str, ...], *, shows_free: bool = True) -> Live:
    """Give a world whose servers and volumes bear these names, each with one volume."""
    numbered = list(enumerate(names))
    servers = [Server(server_id=f"id-s-{n}", name=name) for n, name in numbered]
    volumes = [Volume(volume_id=f"id-v-{n}", name=name) for n, name in numbered]
    seen = []
    for n, _ in numbered:
        one = on("x/y")
        seen.append(structs.replace(one, key=AttachmentKey("shop", f"id-s-{n}", f"id-v-{n}")))
    return replace(world(servers, volumes, seen), shows_free=shows_free)


@pytest.mark.parametrize("shows_free", [True, False])
def test_hostile_names_survive_the_round_trip(tmp_path: Path, *, shows_free: bool) -> None:
    live = bearing(HOSTILE, shows_free=shows_free)
    found = imported(grounded(live))
    assert found.left == {}
    entries = read_back(tmp_path, found, live)
    made = resolve(entries, live)
    assert (made.entry_findings, made.scope_findings) == ((), ())
    assert set(made.wanted) == set(live.observed)
    assert plan(made, live, GENEROUS, ECS, ANYHOW).in_line
    texts = {entry.owner.text for entry in entries}
    assert {"NO", "a: b", "日本", "# no", "2026-01-01", "web-1", "a" * 255} <= texts
    assert texts.isdisjoint({"twin", "a\nb", " lead", "b" * 256, "id-v-1 ", "", "\x1b[2J"})


def test_ambiguous_volumes_are_named_on_their_own_server_where_only_attached_ones_are_shown(
    tmp_path: Path,
) -> None:
    live = bearing(("disk", "disk"), shows_free=False)
    live = replace(live, servers={s: replace(one, name=s[3:]) for s, one in live.servers.items()})
    entries = read_back(tmp_path, imported(grounded(live)), live)
    assert [[line.ref.text for line in entry.listed or ()] for entry in entries] == [["disk"]] * 2
    assert set(resolve(entries, live).wanted) == set(live.observed)


def test_every_reader_takes_what_is_written_for_that_text() -> None:
    import yaml  # noqa: PLC0415 - the other reader of this test alone

    for name in HOSTILE:
        if writable(name):
            assert yaml.safe_load(f"{scalar(name)}: [{scalar(name)}]") == {name: [name]}


def test_a_document_gets_a_name_that_no_other_has() -> None:
    assert free_name("lab", set()) == "lab-imported"
    assert free_name("lab", {"lab-imported", "lab-imported-2"}) == "lab-imported-3"
    assert len(free_name("a" * 253, set())) == 253
