"""Real workers in front of one simulator: each change once, whoever dies; no secret is kept."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("procrastinate")

from reconciler.fleet import standing
from tests.fleet.running import ACCESS, SECRET, Plot, cells, fleet, sql, until
from tests.journal.postgres import PASSWORD
from tests.rig.canaries import shown
from tests.rig.inbox import inbox

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

LIMIT = 40.0


def in_line(page: httpx.Client, search: str) -> dict[str, int | None]:
    """Give how many attachments of each scope found are as they should be."""
    rows = page.get("/api/fleet", params={"q": search}).json()["scopes"]
    return {row["scope"]: row["counts"].get("in line") for row in rows}


@pytest.mark.counterpart("procrastinate")
def test_workers_share_scopes_and_a_budget_and_take_over_from_the_dead(
    tmp_path: Path, url: str
) -> None:
    plot = Plot(scopes=4, attachments=4, limit=LIMIT, job_s=1.0)
    with fleet(plot, tmp_path, url) as made:
        standing.pause(url, plot.name(3))
        first, second = made.start(), made.start()
        until(lambda: made.accepted().total() > 0, 60.0, "somebody begins")
        first.kill()
        done = 3 * plot.attachments
        until(lambda: made.attached() == done, 90.0, made.logs())
        assert plot.name(3) not in {row[0] for row in sql(url, "SELECT scope FROM ticks")}
        standing.resume(url, plot.name(3))
        made.told("run", plot.name(3))
        until(lambda: made.attached() == made.wanted, 60.0, made.logs())
        told = json.loads(made.told("status", "--json", "--search", "0000", "--limit", "2"))
        assert [row["scope"] for row in told["scopes"]] == [plot.name(0), plot.name(1)]
        assert told["more"] == 2
        assert all(row["looked"] for row in told["scopes"])
        with made.page() as page:
            text = page.get(f"/scopes/{plot.name(0)}").text
            assert "4 in line" in text
            assert "done attach" in " ".join(re.sub("<[^>]*>", " ", text).split())
            # A look tells how it was before its corrections; the next one sees them.
            until(lambda: in_line(page, "0003") == {plot.name(3): 4}, 60.0, made.logs())
        counted = (tmp_path / "worker-1.prom").read_text(encoding="utf-8")
        found = re.findall(
            r'changes_total{action="attach",scope="(.*)",verdict="done"} 4.0', counted
        )
        assert plot.name(3) in found, "the other one is dead"
        assert "reconciler_attachments{" not in counted
        second.send_signal(signal.SIGTERM)
        assert second.wait(60.0) == 0, made.logs()
        assert made.accepted().total() == made.wanted, "each changing call once"
        seconds = Counter(int(row["at"]) for row in made.requests())
        assert max(seconds.values()) <= LIMIT
        kept = cells(url)
        assert plot.name(0) in kept, "the rows were read"
        places = {"the rows": kept.encode(), "the logs": made.logs().encode()}
        assert shown({ACCESS, SECRET, PASSWORD}, places) == []


@pytest.mark.counterpart("procrastinate")
def test_what_two_workers_see_is_told_once(tmp_path: Path, url: str) -> None:
    webhook = "{webhook: {urlFrom: {env: RECONCILER_CRED_URL}}}"
    plot = Plot(scopes=1, attachments=1, schedule=f"{{every: 10s, notify: [{webhook}]}}")
    with inbox() as (address, taken), fleet(plot, tmp_path, url) as made:
        made.more |= {"RECONCILER_CRED_URL": f"{address}/hook", "RECONCILER_ENDPOINTS": address}
        looks = "SELECT count(*) FROM ticks WHERE looked = %s"
        made.more["RECONCILER_CRED_SECRET"] = "not-the-one-of-this-cloud"
        for _ in range(2):
            made.start()
        until(lambda: sql(url, looks, 0)[0][0] >= 3, 60.0, made.logs())
        for one in made.workers:
            one.kill()
        del made.more["RECONCILER_CRED_SECRET"]
        made.start()
        until(lambda: sql(url, looks, 1)[0][0] >= 2, 60.0, made.logs())
    lines = "\n".join(json.loads(body)["text"] for _, _, body in taken).splitlines()
    cannot = f"{plot.name(0)}: it can't be looked at"
    told = [line.partition(": GET")[0] for line in lines]
    assert told == [cannot, f"{plot.name(0)}: drift: s0/v0 is missing", f"over: {cannot}"]
