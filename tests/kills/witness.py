"""What is held against what: the cloud's log and world against the story and what was reported."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.kills.running import KILLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.kills.running import Intended, Place, Ran, Sent
    from tests.kills.story import Story

NO_CHANGES = "No changes. Your attachments match the manifests."
DONE = re.compile(
    r"^Apply (?:in)?complete\. (\d+) attached, (\d+) detached, (\d+) moved, (\d+) updated, "
    r"(\d+) destroyed",
    re.MULTILINE,
)
ADOPTED = re.compile(r"^(.+): (\w+) of an earlier run adopted: (\w+)", re.MULTILINE)
TOLD_DONE = re.compile(r"^(\S+): (\w+) done", re.MULTILINE)


@dataclass(slots=True)
class Verdict:
    """What is wrong with a run, in words; empty lists are what is hoped for."""

    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    changes: int = 0
    """Changing requests that the cloud accepted."""
    adopted: int = 0
    """Calls of a dead run that a later one found."""
    apart_s: float = 0.0
    """How far apart two began that shall begin at one moment."""
    note: str = ""

    @property
    def clean(self) -> bool:
        """Whether everything is as promised."""
        return not (self.twice or self.lost or self.wrong)

    def add(self, other: Verdict) -> None:
        """Take in what is wrong with another run."""
        self.twice += other.twice
        self.lost += other.lost
        self.wrong += other.wrong
        self.changes += other.changes
        self.adopted += other.adopted


def judge_cloud(place: Place, sent: Sequence[Sent], found: Verdict) -> None:
    """Hold the cloud's log and worlds against the story."""
    story, cloud = place.story, place.cloud
    accepted = Counter(one.write for one in sent if one.accepted)
    found.changes += accepted.total()
    for write, times in sorted(accepted.items()):
        if write not in story.writes:
            found.twice.append(f"{write} was accepted {times} times, and nobody wanted it")
    # Before it may stand the same request cut short, the last one of a process that died.
    late = [
        one for n, one in enumerate(sent) if one.write in {s.write for s in sent[:n] if s.accepted}
    ]
    found.twice += [f"{one.write} was sent after it was done: {one.status}" for one in late]
    found.lost += [f"{write} was never accepted" for write in sorted({*story.writes} - {*accepted})]
    for part in story.parts:
        rows = cloud.attached(part)
        for server, volume in sorted(part.left ^ set(rows)):
            found.lost.append(f"{server}/{volume} is attached: {(server, volume) in rows}")
        for pair, row in sorted(rows.items()):
            if row["seenBy"] != "both":
                found.lost.append(f"{pair} is seen by {row['seenBy']} alone")
            if row["deleteOnTermination"] != (pair in part.flagged):
                found.lost.append(f"{pair} has deleteOnTermination {row['deleteOnTermination']}")


def judge_killed(ran: Ran, found: Verdict) -> None:
    """Tell whether a process died as it should."""
    if ran.code != KILLED:
        found.wrong.append(f"it wasn't killed, exit {ran.code}: {ending(ran)}")


def judge_adopted(
    story: Story, ran: Ran, known: Sequence[Intended], before: Sequence[Sent]
) -> Verdict:
    """Hold what a rerun says that it adopted against the journal it found, and the cloud's log."""
    accepted = {one.write for one in before if one.accepted}
    expected = Counter(
        (one.label, one.verb, "done" if one.write(story) in accepted else "failed")
        for one in known
        if not one.ended
    )
    told = Counter(ADOPTED.findall(ran.err))
    missing, more = expected - told, told - expected
    unknown = accepted - {one.write(story) for one in known}
    return Verdict(
        adopted=told.total(),
        lost=[f"{write} was accepted, and no intent tells of it" for write in sorted(unknown)],
        wrong=[
            *(f"not told as adopted: {one}" for one in sorted(missing.elements())),
            *(f"told as adopted: {one}" for one in sorted(more.elements())),
        ],
    )


def judge_report(story: Story, ran: Ran, during: Sequence[Sent], found: Verdict) -> None:
    """Hold the closing line of an apply that ended well against what the cloud was asked for."""
    if ran.code != 0:
        found.wrong.append(f"exit {ran.code}: {ending(ran)}")
    asked, told = made(story, during), told_done(ran.out)
    if told is None:
        found.wrong.append(f"no closing line: {ending(ran)}")
    elif told != asked:
        found.wrong.append(f"it reports {dict(told)}, the cloud was asked for {dict(asked)}")


def made(story: Story, sent: Sequence[Sent]) -> Counter[str]:
    """Count the attachments that accepted requests are about, by verb."""
    counted: Counter[str] = Counter()
    for one in sent:
        counted[one.write.verb] += story.writes.get(one.write, 0) if one.accepted else 0
    return +counted


def judge_quiet(ran: Ran, during: Sequence[Sent], found: Verdict) -> None:
    """Tell whether an apply found nothing to do, said so, and asked for nothing."""
    if ran.code != 0 or NO_CHANGES not in ran.out or ADOPTED.search(ran.err):
        found.wrong.append(f"the last apply: exit {ran.code}: {ending(ran)}")
    found.twice += [f"{one.write} was sent by the last apply" for one in during]


def judge_dead(ran: Ran, sent: Sequence[Sent], story: Story, found: Verdict) -> None:
    """Tell whether the dead process had called done what the cloud hadn't accepted by then."""
    accepted = made(story, sent)
    told = Counter(verb for _, verb in TOLD_DONE.findall(ran.err))
    if told - accepted:
        found.wrong.append(f"told as done {dict(told)}, accepted {dict(accepted)}")


def told_done(out: str) -> Counter[str] | None:
    """Give how many attachments of each verb an apply says it made; a move is two of them."""
    if NO_CHANGES in out:
        return Counter()
    closing = DONE.search(out)
    if closing is None or "Apply incomplete" in out:
        return None
    attached, detached, moved, updated, destroyed = map(int, closing.groups())
    return +Counter(
        attach=attached + moved, detach=detached + moved, update=updated, destroy=destroyed
    )


def ending(ran: Ran) -> str:
    """Give the last words of a command."""
    lines = [line for line in (*ran.out.splitlines(), *ran.err.splitlines()) if line.strip()]
    return " | ".join(lines[-4:])


def kept_ids(place: Place) -> Mapping[tuple[str, str], object]:
    """Give the id of every attachment that shall be there in the end, and is there already."""
    return dict(_kept(place))


def _kept(place: Place) -> Iterator[tuple[tuple[str, str], object]]:
    for part in place.story.parts:
        for pair, row in place.cloud.attached(part).items():
            if pair in part.left:
                yield pair, row["attachmentId"]


def judge_kept(place: Place, before: Mapping[tuple[str, str], object], found: Verdict) -> None:
    """Tell whether what was there already was taken off and put on again."""
    after = kept_ids(place)
    again = [pair for pair, known in before.items() if after.get(pair) != known]
    found.twice += [f"{server}/{volume} was attached anew" for server, volume in sorted(again)]
