"""Two at once: the lease between processes, its owner killed, its clock set back."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.kills import witness
from tests.kills.running import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.kills.running import Cloud, Ran, Running
    from tests.kills.story import Story

REFUSED = 3
APART_S = 0.005
"""Two appliers begin no further apart than this."""
READY_S = 2.5
"""How long two processes may take to stand ready side by side."""
TERM_S = 15.0
"""A killed owner locks nobody out for longer,"""
LOOKS_S = 1.5
"""beside what lies between two looks, and between the lease and the first request."""
WAITING = "waiting for the local lease"
TRIES = 10
"""On a busy machine two processes aren't woken in one moment each time."""
HOUR_S = 3600.0
CLOCK_CASES = (
    "the next one's clock back by an hour",
    "the living owner's clock back by an hour",
    "the second one's clock back by an hour",
    "the next one's clock on by an hour",
)
"""What is wrong with the clocks of a run, in turn; only in the first one the owner dies."""


def together(
    place: Place, found: witness.Verdict, orders: tuple[Mapping[str, object], Mapping[str, object]]
) -> tuple[Ran, Ran]:
    """Let two appliers begin at one moment, and give what both left."""
    start_at = time.monotonic() + READY_S
    began = [place.folder / f"{name}.began" for name in "ab"]
    started: list[Running] = []
    for name, told, path in zip("ab", orders, began, strict=True):
        words = ("--lock-timeout", str(told["patience"])) if "patience" in told else ()
        more = {**told, "startAt": start_at, "beganAt": str(path)}
        started.append(place.start(name, more, *words))
    first, second = (one.end() for one in started)
    times = [float(path.read_text(encoding="utf-8")) for path in began]
    found.apart_s = abs(times[0] - times[1])
    found.note += f", {found.apart_s * 1000:.1f} ms apart"
    return first, second


def judge_both(place: Place, rans: tuple[Ran, Ran], found: witness.Verdict) -> None:
    """Tell whether one did it all, the other one waited or was refused, and both said so."""
    story, sent = place.story, place.cloud.sent(place.story)
    told: Counter[str] = Counter()
    for ran in rans:
        locked = ran.code == REFUSED and "[locked]" in ran.err and "Apply complete" not in ran.out
        closing = witness.told_done(ran.out)
        if ran.code == 0 and closing is not None:
            told += closing
        elif not locked:
            found.wrong.append(f"exit {ran.code}: {witness.ending(ran)}")
    if all(ran.code for ran in rans):
        found.wrong.append("nobody did it")
    made = witness.made(story, sent)
    if told != made:
        found.wrong.append(f"both report {dict(told)}, the cloud was asked for {dict(made)}")
    codes = sorted(ran.code for ran in rans)
    found.note += ", one waited" if codes == [0, 0] else ", one refused"
    judge_after(place, found)


def judge_after(place: Place, found: witness.Verdict) -> None:
    """Hold the cloud against the story, and let one more apply find nothing to do."""
    before = place.cloud.sent(place.story)
    last = place.apply("last", {})
    every = place.cloud.sent(place.story)
    witness.judge_quiet(last, every[len(before) :], found)
    witness.judge_cloud(place, every, found)


def two_appliers(
    turn: int, story: Story, cloud: Cloud, folder: Path, shift_s: float | None = None
) -> witness.Verdict:
    """Start two appliers at one moment; one of each two pairs doesn't wait for the lease."""
    place, found = _begun(story, cloud, folder)
    second: dict[str, object] = {} if turn % 2 else {"patience": "0s"}
    if shift_s is not None:
        second["shiftS"] = shift_s
    judge_both(place, together(place, found, ({}, second)), found)
    return found


def killed_owner(
    turn: int, story: Story, cloud: Cloud, folder: Path, shift_s: float | None = None
) -> witness.Verdict:
    """Kill an owner while a change is in flight; one of two can't be told to be dead."""
    place, found = _begun(story, cloud, folder)
    running = place.start("owner", {"nameless": True} if turn % 2 else {})
    _await_change(place, running)
    running.kill()
    witness.judge_killed(running.end(), found)
    before, asked = cloud.sent_by_the_dead(story), cloud.asked()
    known, kept = place.intents(), witness.kept_ids(place)
    heir = place.start("heir", {} if shift_s is None else {"shiftS": shift_s})
    waited_s = _waited_s(place, heir, asked)
    found.note += f", the next one waited {waited_s:.1f} s"
    found.note += ", nothing told that it was dead" if turn % 2 else ""
    if waited_s > TERM_S + LOOKS_S or (waited_s and not turn % 2):
        found.wrong.append(f"a dead owner locked out for {waited_s:.1f} s")
    ran = heir.end()
    found.add(witness.judge_adopted(story, ran, known, before))
    witness.judge_report(story, ran, cloud.sent(story)[len(before) :], found)
    judge_after(place, found)
    witness.judge_kept(place, kept, found)
    return found


def _waited_s(place: Place, heir: Running, asked: int) -> float:
    """Give how long a command waited for the lease until it asked the cloud for something."""
    waiting_s: float | None = None
    while place.cloud.asked() == asked and heir.process.poll() is None:
        if waiting_s is None and WAITING in heir.told.with_suffix(".err").read_text():
            waiting_s = time.monotonic()
        time.sleep(0.02)
    return 0.0 if waiting_s is None else time.monotonic() - waiting_s


def living_owner(
    story: Story, cloud: Cloud, folder: Path, owner_off_s: float, next_off_s: float
) -> witness.Verdict:
    """Start a second applier while the first one's change is in flight, with a clock set off."""
    place, found = _begun(story, cloud, folder)
    owner = place.start("a", {"shiftS": owner_off_s})
    _await_change(place, owner)
    following = place.start("b", {"shiftS": next_off_s})
    judge_both(place, (owner.end(), following.end()), found)
    return found


def clock_back(turn: int, story: Story, cloud: Cloud, folder: Path) -> witness.Verdict:
    """Set a clock back by an hour: between a dead or living owner and the next, or beside it.

    A lease that went by the clock on the wall would lock out for an hour in the first case, and
    be stolen from its living owner in the second and the last one.
    """
    case = turn % len(CLOCK_CASES)
    if case == 0:
        found = killed_owner(1, story, cloud, folder, -HOUR_S)
    elif case == 1:
        found = living_owner(story, cloud, folder, -HOUR_S, 0.0)
    elif case == 2:
        found = two_appliers(turn // len(CLOCK_CASES), story, cloud, folder, -HOUR_S)
    else:
        found = living_owner(story, cloud, folder, 0.0, HOUR_S)
    found.note += f", {CLOCK_CASES[case]}"
    return found


def _begun(story: Story, cloud: Cloud, folder: Path) -> tuple[Place, witness.Verdict]:
    place = Place(story=story, cloud=cloud, folder=folder / story.name)
    place.lay()
    return place, witness.Verdict(note=f"{story.title}")


def _await_change(place: Place, running: Running) -> None:
    """Wait until the cloud has accepted the first change: the lease is held then."""
    while running.process.poll() is None:
        if any(one.accepted for one in place.cloud.sent(place.story)):
            return
        time.sleep(0.02)
