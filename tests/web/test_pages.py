"""What the pages and the JSON endpoints show, and what they answer to wrong questions."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from reconciler.manifest import load
from reconciler.model.watching import Answer, Judged, Kind
from reconciler.report.adopting import accepting, adopting
from reconciler.web.board import MOST_WAITING, Board, Waiting
from tests.rig import virtual_time
from tests.rig.watched import RUN, difference, key, tick, watched
from tests.web.staged import HOSTILE, Staged, staged
from tests.web.stories import a_run, calls, seen
from tests.web.test_access import ask

if TYPE_CHECKING:
    from reconciler.model.watching import Difference, SeenAttachment

STATIC = Path(__file__).parents[2] / "reconciler" / "web" / "static"
VENDORED = {
    "htmx-2.0.11.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    "htmx-ext-sse-2.2.4.min.js": "98a46496de0c3605fbffdce9167ba427bdd9553184f83f149c261891a92c0136",
}
"""Each as published in its npm package, `dist/`; the licences stand beside them."""


def test_what_is_vendored_is_what_was_published() -> None:
    folder = STATIC / "vendor"
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.js")
    }
    assert found == VENDORED
    licences = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    assert all(name.split("-2")[0] in licences for name in VENDORED)


def test_nothing_is_asked_of_anybody_else() -> None:
    folder = STATIC.parent
    own = [*folder.glob("templates/*"), STATIC / "page.css", STATIC / "page.js"]
    for path in own:
        text = path.read_text(encoding="utf-8")
        assert "//" not in text.replace("<!doctype", "").replace("// ", ""), path.name
        assert " style=" not in text, path.name
        assert "hx-on" not in text, path.name


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", ["1 of 5 scopes is in line.", "HTTP 401", "3 runs in a row failed", "web-2/cache-1"]),
        ("/", ["12 detaches are more than maxDetach 10", "first seen", "corrections are off"]),
        ("/scopes/shop", ["96 looks, 95 of them succeeded", "tmp-restore", "drift, not there"]),
        ("/scopes/new", ["not looked at yet", "None yet."]),
        ("/scopes/lab", ["simulated", "lab-39"]),
        ("/runs/5d414", ["Ecs.0319", "req-2f3a9", "ff8080824c2730", "+0.6 s, 28.4 s", "unknown"]),
        ("/history?since=90d", ["web-9/one", "Ecs.0005", "5d41402a", "incomplete"]),
        ("/search?q=CACHE", ["2 attachments", "web-1/cache-1", "v-cache-1"]),
        ("/search?q=%20", ["By the name or the id"]),
        ("/search?q=nothing", ["0 scopes, 0 attachments"]),
        ("/login", ["No token is needed here"]),
    ],
)
def test_a_page_says(path: str, words: list[str]) -> None:
    answer = ask(staged().app(), path)
    assert answer.status_code == 200
    assert [word for word in words if word not in answer.text] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/scopes/none", 404),
        ("/api/scopes/none", 404),
        ("/api/scopes/" + quote(HOSTILE, safe=""), 404),
        ("/runs/ffff", 404),
        ("/runs/5", 404),
        ("/api/runs/%25%25%25%25", 404),
        ("/difference", 404),
        ("/api/difference?scope=shop&server=s-web-1&volume=v-web-1-data", 404),
        ("/api/ticks?limit=0", 400),
        ("/api/ticks?limit=1001", 400),
        ("/api/ticks?limit=1e2", 400),
        ("/api/ticks?since=1y", 400),
        ("/api/ticks?since=99999999d", 400),
        ("/api/ticks?scope=none", 404),
        ("/history?since=-1d", 400),
        ("/history?since=%D9%A1h", 400),
        ("/scopes/shop?page=0", 400),
        ("/search?q=" + "x" * 201, 400),
        ("/nothing", 404),
        ("/api", 404),
        ("/static/", 404),
        ("/static/..%2fapp.py", 404),
        ("/static/%2e%2e/app.py", 404),
    ],
)
def test_a_wrong_question_is_told_in_words(path: str, status: int) -> None:
    answer = ask(staged().app(), path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    if path.startswith("/api/"):
        assert set(answer.json()) == {"error"}


def test_a_journal_that_cant_be_read_takes_only_what_needs_it() -> None:
    app = replace(staged(), broken=True).app()
    assert ask(app, "/").status_code == 200
    for path in ("/history", "/runs/5d414", "/api/differences"):
        answer = ask(app, path)
        assert answer.status_code == 503
        assert "the journal can&#39;t be read now" in answer.text.replace("'", "&#39;")
        assert "disk" not in answer.text


def test_it_is_ready_once_every_scope_was_looked_at() -> None:
    assert ask(Staged().app(), "/readyz").status_code == 503
    whole = Staged(watched=watched("shop", ticks={"shop": tick("shop", looked=False)}))
    assert ask(whole.app(), "/readyz").status_code == 200
    assert ask(whole.app(), "/livez").text == "ok\n"
    metrics = ask(whole.app(), "/metrics")
    assert metrics.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


HOSTILE_PATHS = [
    "/",
    "/scopes/shop",
    "/history?since=90d",
    "/runs/5d414",
    "/search?q=script",
    "/search?q=" + quote(HOSTILE),
    "/difference?scope=shop&volume=v-one&server=" + quote(f"s-{HOSTILE}"),
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_hostile_text_is_text(path: str) -> None:
    row = difference(HOSTILE, "one", found=HOSTILE)
    made = tick(
        "shop",
        differences=(row,),
        counts={"drift": 1},
        attachments=(seen(HOSTILE, "one", Judged.DRIFT),),
    )
    past = [
        replace(
            c,
            label=HOSTILE,
            handle=HOSTILE,
            verdicts=tuple(
                replace(v, message=HOSTILE, code=HOSTILE, request_id=HOSTILE) for v in c.verdicts
            ),
        )
        for c in calls()
    ]
    stage = Staged(
        watched=watched("shop", ticks={"shop": made}),
        past=(row,),
        past_runs=(a_run(scope=HOSTILE),),
        past_calls=tuple(past),
    )
    text = ask(stage.app(), path).text
    assert "<script>document" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "49" not in text.replace("349", "")
    assert "&lt;script&gt;" in text


def test_the_page_and_the_json_tell_the_same() -> None:
    found = ask(staged().app(), "/api/scopes/shop").json()
    assert found["standing"] == "conflict"
    assert found["counts"]["drift"] == 4
    by_name = {row["server"]: row for row in found["servers"]}
    assert [one["volume"] for one in by_name["web-1"]["attachments"]] == ["cache-1", "web-1-data"]
    assert by_name["db-1"]["attachments"][0]["live"] is False
    assert by_name["db-3"]["attachments"][0]["servers"] == 2
    assert found["servers"][0]["standing"] != "in line"
    run = ask(staged().app(), f"/api/runs/{RUN}").json()
    assert [bar["verdict"] for bar in run["timeline"]] == ["done", "failed", "unknown", "done"]
    assert len(run["runs"][0]["calls"]) == 4


def test_a_big_scope_comes_in_pages() -> None:
    many = tuple(seen(f"web-{n:04}", "data") for n in range(150))
    made = tick("shop", attachments=many, counts={"in line": 150})
    app = Staged(watched=watched("shop", ticks={"shop": made})).app()
    first, third = (ask(app, f"/scopes/shop?page={n}").text for n in (1, 3))
    assert "web-0059" in first
    assert "web-0060" not in first
    assert "web-0149" in third
    assert "3 of 3" in third


NASTY = 'no: [1] # "x" \\ 😀'
PICTURE: tuple[SeenAttachment, ...] = (
    seen("web-1", "one", live=False),
    seen("web-1", "two"),
    seen("web-2", NASTY),
    seen("web-2", "off"),
    replace(seen("web-2", "bell\x07\u202e"), key=key("web-2", "bell")),
    replace(seen("web-3", "two"), key=key("web-3", "other")),
)


@pytest.mark.parametrize(
    ("row", "accept", "adopt"),
    [
        pytest.param(difference("web-1"), ("web-1", "one"), {"web-1": ["v-two"]}, id="missing"),
        pytest.param(
            difference("web-2", NASTY, kind=Kind.ADDED),
            ("web-2", NASTY),
            {"web-2": [NASTY, "off", "v-bell"]},
            id="added, with a name that YAML would read otherwise",
        ),
        pytest.param(
            difference("web-1", kind=Kind.MOVED, found="web-2"),
            None,
            {"web-1": ["v-two"], "web-2": [NASTY, "off", "v-bell"]},
            id="moved: never half accepted",
        ),
        pytest.param(
            difference("web-9", answer=Answer.PENDING, kind=Kind.ATTACH), None, None, id="pending"
        ),
        pytest.param(difference("web-1", kind=Kind.DISPUTED), None, None, id="disputed"),
    ],
)
def test_the_yaml_to_copy_means_what_it_says(
    tmp_path: Path,
    row: Difference,
    accept: tuple[str, str] | None,
    adopt: dict[str, list[str]] | None,
) -> None:
    scope = (
        "apiVersion: reconciler/v1\nkind: Scope\nmetadata: {name: shop}\n"
        "spec: {provider: huawei-ecs, region: r1}\n---\n"
    )
    given = (accepting(row, PICTURE, date(2026, 6, 4)), adopting(row, PICTURE))
    assert [one is None for one in given] == [accept is None, adopt is None]
    for text in given:
        if text is None:
            continue
        path = tmp_path / "copied.yaml"
        path.write_text(scope + text, encoding="utf-8")
        read = load((str(path),), recursive=False, providers=("huawei-ecs",))
        assert read.declared is not None, read.findings
        rows = read.declared.policies["shop"].accept
        assert [(one.server, one.volume) for one in rows] in ([], [accept])
        entries = read.declared.entries["shop"]
        said = {e.owner.text: sorted(one.ref.text for one in e.listed or ()) for e in entries}
        assert said in ({}, {name: sorted(listed) for name, listed in (adopt or {}).items()})


def test_news_wakes_an_open_page_once_and_the_end_lets_it_go() -> None:
    async def story() -> list[int | None]:
        board = Board(watched("shop"))
        waiting, heard = Waiting(board.audience), list[int | None]()

        async def read() -> None:
            heard.extend([version async for version in waiting.versions(0, 60.0, 0.0)])

        reading = asyncio.create_task(read())
        for _ in range(3):
            board.ticked(tick("shop"))
        await asyncio.sleep(1)
        board.changed(watched("shop", "lab"))
        await asyncio.sleep(100)
        board.audience.close()
        await reading
        return heard

    assert virtual_time.run(story()) == [3, 4, None]


def test_only_so_many_pages_wait_and_each_gives_its_place_back() -> None:
    async def story() -> list[bool]:
        audience = Board(watched("shop")).audience
        streams = [Waiting(audience).versions(-1, 60.0, 0.0) for _ in range(MOST_WAITING)]
        told = [audience.full]
        assert [await anext(stream) for stream in streams] == [0] * MOST_WAITING
        told.append(audience.full)
        await streams[0].aclose()
        return [*told, audience.full]

    assert virtual_time.run(story()) == [False, True, False]


def test_the_board_follows_a_tick() -> None:
    board = Board(watched("shop"))
    board.tick_began("shop", 5.0)
    (scope,) = board.now.scopes
    assert (scope.ticking_s, scope.next_s, scope.last) == (5.0, None, None)
    board.ticked(tick("shop", looked=False))
    board.ticked(tick("gone"))
    (scope,) = board.now.scopes
    assert (scope.ticking_s, scope.looked_s) == (None, None)
    assert scope.last is not None
    assert json.dumps(ask(Staged().app(board), "/api/watched").json()["scopes"][0]["standing"]) == (
        '"can\'t look"'
    )
