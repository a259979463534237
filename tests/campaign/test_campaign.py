"""Random stories keep every invariant; a story is the same each time; planted bugs are caught."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from reconciler.manifest import load
from tests.architecture.reading import REPOSITORY
from tests.campaign.__main__ import arguments, tell
from tests.campaign.bugs import BUGS
from tests.campaign.drawing import story_of
from tests.campaign.mutants import hunted
from tests.campaign.seeds import Judged, judged, quietly, told
from tests.campaign.told import declared_of
from tests.campaign.worlds import SCOPE, manifests_of

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.declared import Declared
    from tests.campaign.mutants import Caught

CHUNK = 50
SMOKE = (
    "no lock",
    "no lease",
    "plan the whole volume",
)
"""Planted bugs that any few seeds catch."""
FEW = 400


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take as many seeds as `--campaign` says."""
    if "first" in metafunc.fixturenames:
        metafunc.parametrize("first", range(0, metafunc.config.getoption("--campaign"), CHUNK))


def test_random_stories_keep_every_invariant(first: int) -> None:
    with quietly() as folder:
        results = [judged(seed, folder) for seed in range(first, first + CHUNK)]
    assert {one.seed: one.breaches for one in results if one.breaches} == {}
    assert sum(one.faults for one in results) > CHUNK / 2, "a campaign without faults proves little"


@pytest.mark.parametrize("name", SMOKE)
def test_a_planted_bug_is_caught(name: str) -> None:
    bug = next(bug for bug in BUGS if bug.name == name)
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as pool:  # Nothing takes a bug out again.
        caught: Caught = pool.apply(partial(hunted, bug, FEW))
    assert caught.seed is not None


@pytest.mark.parametrize(
    "words", ["", "--small", "--short --provider huawei-ecs", "--whole --small"]
)
def test_a_broken_seed_is_told_with_all_that_it_was_asked_with(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = arguments(words.split())
    assert tell(Judged(seed=7, faults=0, breaches=("I1 it did",)), asked)
    command = capsys.readouterr().out.splitlines()[0].partition("tests.campaign ")[2]
    again = vars(arguments(command.split()))
    assert again == {**vars(asked), "first": 7, "seeds": 1}


def test_a_small_world_has_one_volume_and_few_servers() -> None:
    stories = [story_of(seed, small=True) for seed in range(100)]
    assert {len(story.servers) for story in stories} == {2, 3}
    # What only storage shows is a volume beside.
    assert {len(story.volumes) - len(story.ghosts) for story in stories} == {1}
    assert not any(story.shared for story in stories)


def test_every_planted_bug_finds_its_place() -> None:
    # Each in a process of its own: nothing takes a bug out again.
    code = (
        "import sys, multiprocessing as m\n"
        "from tests.campaign.bugs import BUGS\n"
        "from tests.campaign.planting import plant\n"
        "import tests.campaign.seeds\n"
        "with m.get_context('fork').Pool(2, maxtasksperchild=1) as pool:\n"
        "    pool.map(plant, BUGS, chunksize=1)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(BUGS) >= 30


@pytest.mark.parametrize("whole", [False, True], ids=["cut short", "whole"])
def test_a_seed_is_the_same_story_in_every_process(*, whole: bool) -> None:
    code = (
        "from tests.campaign.test_campaign import fingerprint\n"
        f"print([fingerprint(seed, whole={whole}) for seed in range(4)])\n"
    )
    printed = {
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def fingerprint(seed: int, *, whole: bool) -> str:
    """Give everything that was sent, and when, and what was printed."""
    with quietly() as folder:
        tale = told(story_of(seed, whole=whole), folder)
    rows = [
        (sent.left_s, sent.method, sent.path, sent.status, sent.rule)
        for run in tale.runs
        for sent in run.sent
    ]
    return repr((rows, tale.printed.replace(str(folder), "")))


def test_both_roads_send_the_same() -> None:
    for seed in range(10):
        short, whole = (_changes(seed, whole=whole) for whole in (False, True))
        assert short == whole, f"seed {seed}"


def _changes(seed: int, *, whole: bool) -> list[tuple[int, str, str, int | None]]:
    with quietly() as folder:
        tale = told(story_of(seed, whole=whole), folder)
    return [
        (run.number, sent.method, sent.path, sent.status)
        for run in tale.runs
        for sent in run.sent
        if sent.asked
    ]


def test_the_manifests_as_values_are_those_that_are_read(tmp_path: Path) -> None:
    for seed in range(40):
        story = story_of(seed)
        path = tmp_path / "manifests.yaml"
        path.write_text(manifests_of(story, story.entries), encoding="utf-8")
        read = load((str(path),)).declared
        made = declared_of(story, story.entries).declared
        assert read is not None
        assert made is not None
        assert _bare(read) == _bare(made)


def _bare(declared: Declared) -> set[object]:
    """Give the entries without their places."""
    return {
        (
            entry.side,
            entry.owner.text,
            tuple((line.ref.text, line.delete_on_termination) for line in entry.listed or ()),
            tuple(ref.text for ref in entry.absent),
            entry.keeps_others,
        )
        for entry in declared.entries[SCOPE]
    }
