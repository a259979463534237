"""`history`: past runs as lines and as JSON, and what became of each call of one."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.running import Lab

MOVE = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, shared, two]}}"


def runs(lab: Lab, *arguments: str) -> list[dict[str, Any]]:
    """Give what is told of past runs."""
    ran = lab.run("history", "--json", *arguments)
    assert (ran.code, ran.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(ran.out)["runs"]
    return found


def tell(lab: Lab, sql: str) -> None:
    """Run a statement on the journal."""
    with sqlite3.connect(lab.folder / ".reconciler" / "journal.db") as journal:
        journal.execute(sql)
    journal.close()


def test_without_a_journal_there_is_no_history_and_none_is_made(lab: Lab) -> None:
    ran = lab.run("history")
    assert (ran.code, ran.out, ran.err) == (0, "No runs are in the journal.\n", "")
    assert lab.run("history", "abc").code == 1
    assert not (lab.folder / ".reconciler").exists()


def test_a_run_is_a_line(lab: Lab) -> None:
    lab.declare(MOVE)
    assert lab.apply().code == 0
    assert lab.apply().code == 0, "nothing to do: no line"
    ran = lab.run("history")
    head, line = ran.out.splitlines()
    assert head.split() == ["RUN", "BEGAN", "VERB", "SCOPE", "ENDING", "COMMIT", "WHAT"]
    (run,) = runs(lab)
    assert line.split() == [
        *(run["id"][:8], run["began"], "apply", "lab", "confirmed", "-"),
        *f"1 moved. {run['requests']} API calls".split(),
    ]


def test_a_run_by_the_first_characters_of_its_id_has_its_calls(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.apply()
    (run,) = runs(lab)
    ran = lab.run("history", run["id"][:8])
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == f"Run {run['id']}: apply of scope lab"
    assert ": confirmed. 1 moved. " in lines[1]
    assert re.fullmatch(r"  by \S.*@\S+, pid \d+", lines[2])
    assert "detach web-1/one, job " in lines[3]
    assert lines[4].startswith("      s-1/v-1: done after ")
    assert "[request id " in lines[4]
    assert "attach web-2/one, job " in lines[5]
    (told,) = runs(lab, run["id"])
    assert [(c["verb"], c["attachments"][0]["verdicts"][0]["verdict"]) for c in told["calls"]] == [
        *(("detach", "done"), ("attach", "done")),
    ]


def test_what_a_run_left_open_is_adopted_and_both_tell_of_it(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.apply()
    (first,) = runs(lab)
    tell(lab, "UPDATE verdicts SET verdict = 'unknown', code = 'not-confirmed' WHERE intent = 2")
    ran = lab.apply()
    assert ran.code == 0
    # First of all: what dead runs left may take minutes, and a silent apply looks stuck.
    assert ran.err.startswith("looking after 1 call of an earlier run in scope `lab` ...\n")
    second = next(run for run in runs(lab) if run["id"] != first["id"])
    assert second["adopted"] == 1
    by = f", adopted by run {second['id'][:8]}"
    text = lab.run("history", first["id"]).out
    assert "s-2/v-1: unknown after " in text
    assert by in text
    text = lab.run("history", second["id"]).out
    assert "  Adopted from earlier runs:\n" in text
    assert f" (run {first['id'][:8]})" in text


def test_a_run_without_an_end_and_a_call_without_a_verdict_say_so(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.apply()
    tell(lab, "UPDATE runs SET ending = NULL, ended_s = NULL, counts = NULL, requests = NULL")
    tell(lab, "DELETE FROM verdicts WHERE intent = 2")
    (run,) = runs(lab)
    assert run["ending"] == "interrupted or killed"
    assert "interrupted or killed" in lab.run("history").out
    assert (
        "s-2/v-1: no verdict yet: the next `apply` adopts it" in lab.run("history", run["id"]).out
    )


def test_since_leaves_older_ones_out(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.apply()
    assert len(runs(lab, "--since", "5m")) == 1
    tell(lab, "UPDATE runs SET began_s = began_s - 86400 * 2")
    assert runs(lab, "--since", "1d") == []
    assert len(runs(lab, "--since", "7d")) == 1


@pytest.mark.parametrize("arguments", [("--since", "yesterday"), ("--since", "7d", "abc"), ("zz",)])
def test_what_means_nothing_is_an_error(lab: Lab, arguments: tuple[str, ...]) -> None:
    lab.declare(MOVE)
    lab.apply()
    ran = lab.run("history", *arguments)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err


def test_an_id_that_could_be_several_is_an_error(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.apply()
    tell(lab, "INSERT INTO runs (id, identity, scope, verb, began_s) VALUES ('x1','i','a','b',1)")
    tell(lab, "INSERT INTO runs (id, identity, scope, verb, began_s) VALUES ('x2','i','a','b',1)")
    ran = lab.run("history", "x")
    assert ran.code == 1
    assert "error[run-ambiguous]: `x` could be 2 runs: `x1`, `x2`" in ran.err


def test_foreign_words_reach_no_terminal_raw(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.apply()
    tell(
        lab, "UPDATE verdicts SET message = 'a' || char(27) || '[2J' || char(8238), code = char(7)"
    )
    tell(lab, "UPDATE runs SET scope = char(27) || 'x'")
    (run,) = runs(lab)
    for text in (lab.run("history").out, lab.run("history", run["id"]).out):
        assert text
        assert not {"\x1b", "\u202e", "\x07"} & set(text)


def test_the_same_journal_gives_the_same_bytes(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.apply()
    (run,) = runs(lab)
    for arguments in ((), (run["id"],), ("--json",), ("--json", run["id"])):
        assert lab.run("history", *arguments).out == lab.run("history", *arguments).out
