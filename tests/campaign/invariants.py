"""I1 to I15, each held against everything that a story left behind; a line for each breach.

None of them asks the house what it meant: they compare the cloud, the journal, the manifests and
what was printed. The plan that was approved is taken at its word, and held against the manifests.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from reconciler.model.outcome import Verdict
from reconciler.model.plan import Action
from reconciler.operations.applied import Ending
from tests.campaign.asked import Asked
from tests.campaign.of_listings import (
    i14_an_incomplete_listing_changes_nothing,
    i15_what_only_storage_shows_stays,
    writes,
)
from tests.campaign.oracle import expected, unwanted
from tests.campaign.worlds import ACCESS, SECRET, words_of
from tests.rig.stage import DAWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.campaign.living import Lived, Tale
    from tests.campaign.road import Sent

    Invariant = Callable[[Tale], Iterator[str]]

TRIES = 6
"""A call and its retries, while the cloud is busy."""
SENT_AT_MOST = 3
"""How often a call may go that left neither an answer nor a trace."""
PHASES = 3
"""A batch goes whole, then cut to what is still so, then in singles."""
LONGEST_HOLD_S = 300.0
RUN_AT_MOST_S = 12_000.0
ADRIFT = ("stays detached", "can't be told")
"""How it is told that a volume whose move failed is on no server."""
LEAVING = {Action.DETACH: "detach", Action.MOVE: "detach", Action.DESTROY: "destroy"}


def i1_nothing_but_what_was_approved(tale: Tale) -> Iterator[str]:
    """No changing call outside the approved set; the put-back of a move belongs to it."""
    for run in tale.runs:
        allowed = set(_allowed(run))
        for sent in writes(run):
            for asked in sent.asked:
                if asked not in allowed:
                    yield f"run {run.number}: {asked} was never approved"
        yield from _unlawful(tale, run)
    if tale.writes_after:
        yield f"a plan asked for {tale.writes_after} changes"


def _allowed(run: Lived) -> Iterator[Asked]:
    for change in run.approved:
        if (key := change.leaves) is not None:
            yield Asked(LEAVING[change.action], key.server_id, key.volume_id)
        if (key := change.arrives) is not None:
            yield Asked("attach", key.server_id, key.volume_id)
        if change.updates:
            yield Asked("update", change.key.server_id, change.key.volume_id)
        if (key := change.source) is not None:
            yield Asked("attach", key.server_id, key.volume_id)
            yield Asked("update", key.server_id, key.volume_id)


def _unlawful(tale: Tale, run: Lived) -> Iterator[str]:
    words, wanted = words_of(tale.story), run.entries.wanted()
    for change in run.approved:
        leaves, arrives = change.leaves, change.arrives
        if leaves is not None:
            pair = words.pair(leaves.server_id, leaves.volume_id)
            if not unwanted(tale.story, run.entries, pair):
                yield f"run {run.number}: {pair} shall go, and no entry asks for that"
        if arrives is not None and words.pair(arrives.server_id, arrives.volume_id) not in wanted:
            yield f"run {run.number}: {arrives} shall come, and no entry lists it"


def i2_an_undisturbed_rerun_converges(tale: Tale) -> Iterator[str]:
    """Tell where a fault-free rerun misses the manifests, or the plan after it isn't empty."""
    run = tale.runs[-1]
    goal = expected(tale.story, run.entries, run.before)
    if run.applied is None or run.after is None or tale.last is None:
        return
    confirmed = run.applied.ending is Ending.CONFIRMED
    if confirmed is not goal.possible:
        yield f"the rerun ended {run.applied.ending.name}, possible: {goal.possible}"
    if not goal.possible:
        return
    shown = run.after.views.keys()
    if shown != goal.pairs:
        lost, more = sorted(goal.pairs - shown), sorted(shown - goal.pairs)
        yield f"the rerun left out {lost} and made {more}"
    wrong = [p for p, flag in goal.flags.items() if run.after.flags.get(p) is not flag]
    if wrong:
        yield f"deleteOnTermination of {sorted(wrong)} isn't as written"
    if any(scope.plan.changes for scope in tale.last.scopes) or tale.last.findings:
        yield "a plan after the rerun isn't empty"


def i3_one_call_at_a_time(tale: Tale) -> Iterator[str]:
    """At most one call is in flight for a server and for a volume."""
    for run in tale.runs:
        for sent in writes(run):
            if sent.overlaps:
                yield f"run {run.number}: {sent.asked} met another call of ours on {sent.overlaps}"
            if sent.elsewhere and not _blind(tale, run):
                yield f"run {run.number}: {sent.asked} before it left its old server"


def _blind(tale: Tale, run: Lived) -> bool:
    """Tell whether the house could be shown an old picture, or somebody else was at work."""
    return bool(run.acted) or any(rule.fault == "stale" for rule in tale.story.rules)


def i4_exit_0_is_true(tale: Tale) -> Iterator[str]:
    """Tell where an apply says that it is confirmed, and the cloud isn't as the manifests say."""
    for run in tale.runs:
        if run.applied is None or run.after is None:
            continue
        if run.applied.ending is not Ending.CONFIRMED:
            continue
        touched = {name for one, _ in run.acted for name in one.pair}
        wanted = run.entries.wanted()
        for pair, flag in wanted.items():
            if touched & set(pair):
                continue
            if run.after.views.get(pair) != "both":
                yield f"run {run.number}: exit 0, and {pair} isn't attached"
            elif flag is not None and run.after.flags.get(pair) is not flag:
                yield f"run {run.number}: exit 0, and deleteOnTermination of {pair} is another"
        for pair in run.after.views:
            if not touched & set(pair) and unwanted(tale.story, run.entries, pair):
                yield f"run {run.number}: exit 0, and {pair} is still there"


def i5_nothing_is_asked_for_twice(tale: Tale) -> Iterator[str]:
    """Hold what is taken on or unanswered to 1 + ambiguous answers a change, refusals to few."""
    words = words_of(tale.story)
    for run in tale.runs:
        per_change: dict[Asked, list[Sent]] = defaultdict(list)
        for sent in writes(run):
            for asked in sent.asked:
                per_change[asked].append(sent)
        for asked, calls in per_change.items():
            unclear = sum(not sent.clear for sent in calls)
            taken = sum(sent.accepted or not sent.clear for sent in calls)
            if taken > min(1 + unclear, SENT_AT_MOST * PHASES):
                yield f"run {run.number}: {asked} was taken on {taken} times, {unclear} unclear"
            busy = len(calls) - taken
            phases = PHASES if any(len(sent.asked) > 1 for sent in calls) else 1
            if busy > TRIES * phases * (1 + unclear):
                yield f"run {run.number}: {asked} was refused {busy} times"
            touched = any(one.pair[1] == words.known.get(asked.volume_id) for one, _ in run.acted)
            if _blindly(calls) and not touched:
                yield f"run {run.number}: {asked} was sent again though it was made"
            if _certain(calls) > phases:
                yield f"run {run.number}: {asked} was asked for again after a plain refusal"


def _blindly(calls: list[Sent]) -> bool:
    """Tell whether a call follows one that the cloud took on and carried out."""
    return any(sent.accepted and sent.kind != "job" for sent in calls[:-1])


def _certain(calls: list[Sent]) -> int:
    """Count the refusals that no other try can change."""
    final = {400, 403, 404, 422}
    return sum(s.heard in final and s.kind != "answer" and not s.accepted for s in calls)


def i6_the_intent_comes_first(tale: Tale) -> Iterator[str]:
    """Tell which request left before its intent was durable, and which job isn't written down."""
    for run in tale.runs:
        for sent in writes(run):
            if not sent.recorded:
                yield f"run {run.number}: {sent.asked} left before its intent was durable"
        if run.applied is None or not tale.story.can.has_jobs:
            continue
        known = {line.asked for line in run.lines if line.handle}
        for sent in writes(run):
            plain = sent.accepted and sent.clear and sent.asked[0].verb != "update"
            if plain and not sent.kind and sent.asked not in known:
                yield f"run {run.number}: the job of {sent.asked} isn't in the journal"


def i7_what_changed_since_is_refused(tale: Tale) -> Iterator[str]:
    """Tell where what somebody changed since the plan isn't left alone, or more than that is."""
    story = tale.story
    if any(rule.fault == "stale" for rule in story.rules):
        return
    words = words_of(story)
    for run in tale.runs:
        meddled = {one.pair[1] for one, done in run.acted if done and one.at_s is None}
        if not run.asked or not meddled or run.quiet:
            continue
        for sent in writes(run):
            names = {words.known.get(a.volume_id) for a in sent.asked}
            if names & meddled and not _undone(run, meddled):
                yield f"run {run.number}: {sent.asked} was sent though somebody changed it since"
        if run.applied is None or any(s.rule for s in run.sent) or run.applied.planned.findings:
            continue
        if any(scope.plan.refused_entries for scope in run.applied.planned.scopes):
            continue  # An entry that names what is gone now is refused as a whole.
        yield from _others(run, meddled, words.known, story.agreed)


def _undone(run: Lived, meddled: set[str]) -> bool:
    """Tell whether what was done at the console was undone there at once."""
    per_volume = Counter(one.pair[1] for one, done in run.acted if done)
    return any(per_volume[volume] > 1 for volume in meddled)


def _others(
    run: Lived, meddled: set[str], known: Mapping[str, str], agreed_words: frozenset[str]
) -> Iterator[str]:
    assert run.applied is not None
    made = {result.change.key for result in run.applied.results}
    agreed = {name for name, word in known.items() if word in agreed_words}
    for change in run.approved:
        if change.action is Action.DESTROY and change.key.volume_id not in agreed:
            continue
        if known[change.key.volume_id] not in meddled and change.key not in made:
            yield f"run {run.number}: {change.key} was approved, nobody touched it, and it was left"


def i8_nothing_is_destroyed_unasked(tale: Tale) -> Iterator[str]:
    """Nothing is destroyed without its own consent."""
    story = tale.story
    for run in tale.runs:
        assert run.after is not None
        absent = {pair[1] for pair in run.entries.absent()}
        for volume in sorted(run.before.volumes - run.after.volumes):
            if story.can.detach_keeps_data or volume not in story.agreed or volume not in absent:
                yield f"run {run.number}: {volume} was destroyed, and nobody agreed to that"


def i9_boot_volumes_stay(tale: Tale) -> Iterator[str]:
    """No boot volume is ever detached, or asked to be."""
    words = words_of(tale.story)
    for run in tale.runs:
        assert run.after is not None
        if not run.after.boots:
            yield f"run {run.number}: a server lost its boot volume"
        for sent in writes(run):
            if any("boot" in words.known.get(a.volume_id, "") for a in sent.asked):
                yield f"run {run.number}: {sent.asked} is about a boot volume"


def i10_the_pace_is_kept(tale: Tale) -> Iterator[str]:
    """Hold requests a second to the limit; `Retry-After` is honoured, and bounded."""
    per_s = tale.story.limits.get("requestsPerSecond")
    for run in tale.runs:
        times = [sent.left_s for sent in run.sent]
        if isinstance(per_s, int):
            crowd = max((sum(t <= at < t + 0.99 for at in times) for t in times), default=0)
            if crowd > per_s:
                yield f"run {run.number}: {crowd} requests in a second, {per_s} are allowed"
        for sent in run.sent:
            until_s = _silent_until(sent, run)
            early = [at for at in times if sent.back_s and sent.back_s < at < until_s - 0.01]
            if early:
                yield f"run {run.number}: asked at {early[0]:.2f} s, silence until {until_s:.2f} s"
        assert run.ended_s is not None
        if run.ended_s - run.began_s > RUN_AT_MOST_S:
            yield f"run {run.number}: it took {run.ended_s - run.began_s:.0f} s"


def _silent_until(sent: Sent, run: Lived) -> float:
    """Give until when a cloud that says "too fast" wants to hear nothing."""
    if sent.heard not in {429, 503} or sent.back_s is None or not sent.after:
        return 0.0
    try:
        wish_s = float(sent.after)
    except ValueError:
        try:
            now = DAWN + timedelta(seconds=sent.back_s + run.skew_s)
            wish_s = (parsedate_to_datetime(sent.after) - now).total_seconds()
        except ValueError:
            return 0.0
    return 0.0 if wish_s == float("inf") else sent.back_s + min(max(wish_s, 0.0), LONGEST_HOLD_S)


def i11_no_secret_is_shown(tale: Tale) -> Iterator[str]:
    """No secret stands in anything that was printed or kept."""
    for where, text in (("the text", tale.printed), ("the document", tale.document)):
        yield from (f"{where} shows {word}" for word in (ACCESS, SECRET) if word in text)
    for word in (ACCESS, SECRET):
        if word.encode() in tale.kept:
            yield f"the journal keeps {word}"


def i12_foreign_text_is_harmless(tale: Tale) -> Iterator[str]:
    """No control, bidirectional or invisible character of a foreign text reaches a terminal."""
    bad = {
        mark
        for mark in set(tale.printed) - {"\n"}
        if unicodedata.category(mark) in {"Cc", "Cf", "Zl", "Zp", "Cs"}
    }
    if bad:
        yield f"the text has {sorted(map(ascii, bad))}"


def i13_every_change_has_its_end(tale: Tale) -> Iterator[str]:
    """Every change ends done, refused, failed or unknown in the report; none vanishes."""
    before = 0
    for run in tale.runs:
        lines, before = run.lines[before:], len(run.lines)
        if run.broke:
            yield f"run {run.number}: {run.broke}"
        if run.applied is None:
            continue
        permitted = Counter(c.key for s in run.applied.planned.scopes for c in s.plan.permitted)
        told = Counter(result.change.key for result in run.applied.results)
        if told != permitted:
            yield f"run {run.number}: {permitted - told} have no end, {told - permitted} have two"
        yield from _untrue(tale, run)
        for line in lines:
            ends = {Asked(line.asked[0].verb, *pair) for pair in line.verdicts}
            if ends != set(line.asked):
                yield f"run {run.number}: the journal has no end for {set(line.asked) - ends}"


def _untrue(tale: Tale, run: Lived) -> Iterator[str]:
    """Hold what was told of each change against the truth, where nobody else was at work."""
    assert run.applied is not None
    assert run.after is not None
    words, truth = words_of(tale.story), run.after
    stale = any(rule.fault == "stale" for rule in tale.story.rules)
    touched = {name for one, _ in run.acted for name in one.pair}
    for result in run.applied.results:
        change, verdict = result.change, result.verdict
        pairs = [words.pair(k.server_id, k.volume_id) for k in (change.arrives, change.leaves) if k]
        if touched & {name for pair in pairs for name in pair}:
            continue
        there = {pair: truth.views.get(pair) == "both" for pair in pairs}
        reached = [there[words.pair(k.server_id, k.volume_id)] for k in (change.arrives,) if k]
        reached += [not there[words.pair(k.server_id, k.volume_id)] for k in (change.leaves,) if k]
        if verdict is Verdict.DONE and not all(reached):
            yield f"run {run.number}: {change.action.value} of {pairs} is told as done, and isn't"
        untold = verdict in {Verdict.FAILED, Verdict.REFUSED} and not change.updates
        if untold and reached and all(reached) and not stale:
            yield f"run {run.number}: {change.action.value} of {pairs} is done, and told as not"
        if change.source is None or verdict not in {Verdict.FAILED, Verdict.REFUSED} or stale:
            continue
        told = any(words in result.outcome.message for words in ADRIFT)
        if not any(there.values()) and not told:
            yield f"run {run.number}: {pairs[0][1]} is on no server, and nobody says so"


INVARIANTS: dict[str, Invariant] = {
    "I1": i1_nothing_but_what_was_approved,
    "I2": i2_an_undisturbed_rerun_converges,
    "I3": i3_one_call_at_a_time,
    "I4": i4_exit_0_is_true,
    "I5": i5_nothing_is_asked_for_twice,
    "I6": i6_the_intent_comes_first,
    "I7": i7_what_changed_since_is_refused,
    "I8": i8_nothing_is_destroyed_unasked,
    "I9": i9_boot_volumes_stay,
    "I10": i10_the_pace_is_kept,
    "I11": i11_no_secret_is_shown,
    "I12": i12_foreign_text_is_harmless,
    "I13": i13_every_change_has_its_end,
    "I14": i14_an_incomplete_listing_changes_nothing,
    "I15": i15_what_only_storage_shows_stays,
}


def breaches(tale: Tale) -> list[str]:
    """Give every breach of every invariant, each with its name before it."""
    return [f"{name} {line}" for name, holds in INVARIANTS.items() for line in holds(tale)]
