"""The bugs that are planted, by the room they live in."""

from __future__ import annotations

from tests.campaign.bugs_in_execution import IN_EXECUTION
from tests.campaign.planting import Plant

UNGUARDED = """\
from reconciler.planning.guards import changes, room
def _stale(key, on):
    return on.seen(key) is Seen.STORAGE_ONLY
def _unless_stale(guard):
    def kept(change, on):
        holders = on.holders.of(change.key.volume_id)
        return () if any(_stale(held.key, on) for held in holders) else guard(change, on)
    kept.__name__ = guard.__name__
    return kept
OUT = {"_held_elsewhere", "_volume_status"}
changes.GUARDS = tuple(_unless_stale(g) if g.__name__ in OUT else g for g in changes.GUARDS)
held_by = room._held_by
room._held_by = lambda change, on: (key for key in held_by(change, on) if not _stale(key, on))
"""
"""Three guards keep a volume that a stale record holds: with one of them out, the others do."""

IN_PLANNING = (
    Plant(
        name="attach before detach",
        breaks="a moved volume is attached before it left",
        where="planning.needs:_needing",
        swaps=(("needs=tuple(sorted(needs))", "needs=()"),),
    ),
    Plant(
        name="plan the whole volume",
        breaks="attachments that nobody owns are detached",
        where="planning.ground:Ground.wish",
        swaps=(
            ("return Wish.STRAY if self._stray(key) else Wish.UNOWNED", "return Wish.UNWANTED"),
        ),
    ),
    Plant(
        name="others: keep ignored",
        breaks="what is left to another controller is detached",
        where="planning.ground:Ground.wish",
        swaps=(("any(entry.keeps_others for entry in owners) or ", ""),),
    ),
    Plant(
        name="unlisted = destroyed",
        breaks="a desktop's row takes away, for good, what it doesn't list",
        where="planning.ground:Ground.wish",
        swaps=((" or not self.can.detach_keeps_data", ""),),
    ),
    Plant(
        name="absent ignored",
        breaks="what is listed under `absent:` stays",
        where="planning.ground:Ground.wish",
        swaps=(("if key in self.desired.absent:", "if False:"),),
    ),
    Plant(
        name="storage-only = detach",
        breaks="a stale storage record is detached",
        where="planning.planner",
        statement="DECISIONS[Seen.STORAGE_ONLY, Wish.UNWANTED] = Decision.DETACH\n",
    ),
    Plant(
        name="storage-only = free",
        breaks="a volume that storage still shows on a server is attached, three guards out",
        where="planning.planner",
        statement="DECISIONS[Seen.STORAGE_ONLY, Wish.WANTED] = Decision.ATTACH\n" + UNGUARDED,
    ),
    Plant(
        name="held elsewhere ignored",
        breaks="a volume that a stale record holds is attached elsewhere, three guards out",
        where="planning.guards.changes",
        statement=UNGUARDED,
    ),
    Plant(
        name="boot volumes are owned",
        breaks="a server's row detaches what it boots from",
        where="planning.ground:Ground.boot",
        swaps=(("return key in", "return False\n    return key in"),),
    ),
    Plant(
        name="destroy unasked",
        breaks="disks are destroyed that nobody agreed to lose",
        where="planning.guards.changes",
        statement="GUARDS = tuple(g for g in GUARDS if g.__name__ != '_destroy')\n",
    ),
    Plant(
        name="approval ignored",
        breaks="changes are made that nobody was shown",
        where="planning.approval:narrowed",
        swaps=(("if on.circumstances.approved is None:", "if True:"),),
    ),
    Plant(
        name="stale facts ignored",
        breaks="what somebody changed since the plan is changed all the same",
        where="planning.approval:_differences",
        swaps=(("now = precondition(change, on)", "return\n    now = precondition(change, on)"),),
    ),
    Plant(
        name="no look after the prompt",
        breaks="the plan of before a person thought about it is carried out",
        where="operations.apply:_prompted",
        swaps=(("await _executed(again, ready,", "await _executed(fresh, ready,"),),
    ),
    Plant(
        name="incomplete listing trusted",
        breaks="a listing that lost rows is planned on",
        where="planning.guards.scopes:_incomplete",
        swaps=(("if not on.live.complete:", "if False:"),),
    ),
    Plant(
        name="unsettled forgotten",
        breaks="a volume whose last call has no known end is changed again",
        where="operations.apply:_adopted",
        swaps=(("= await adopt(runs[name])", "= frozenset(await adopt(runs[name]) and ())"),),
    ),
    Plant(
        name="updates forgotten",
        breaks="`deleteOnTermination` stays as it was",
        where="planning.planner:_keep",
        swaps=(("if updates:", "if False:"),),
    ),
)

AT_THE_EDGE = (
    Plant(
        name="5xx on a write = refused",
        breaks="a change that a failing cloud made all the same counts as not made",
        where="providers.huawei_faults:_answer",
        swaps=(("return Answer.UNKNOWN", "return Answer.REFUSED"),),
    ),
    Plant(
        name="202 without a job = refused",
        breaks="an answer that names no job counts as nothing happened",
        where="providers.huawei_faults:Faults.unaccepted",
        swaps=(("answer=Answer.BUSY if busy else Answer.UNKNOWN", "answer=Answer.REFUSED"),),
    ),
    Plant(
        name="202 without a job = accepted",
        breaks="an answer that names no job counts as accepted, with whatever word stands there",
        where="providers.huawei_faults:Faults.unaccepted",
        swaps=(("answer=Answer.BUSY if busy else Answer.UNKNOWN", "answer=Answer.ALREADY"),),
        equivalent="whatever the answer's word, looking decides how a call ended; what didn't "
        "happen is told as failed instead of being asked for once more",
    ),
    Plant(
        name="count ignored",
        breaks="a listing of ECS and EVS that is short of its count passes as whole",
        where="providers.huawei_ecs.listing:_judged",
        swaps=(("return Verdict(doubts=tuple(doubts))", "return Verdict()"),),
    ),
    Plant(
        name="Retry-After ignored",
        breaks="a cloud that asks for silence is asked on",
        where="providers.http:Line._sent",
        swaps=(("self.pace.hold(min(after_s, MAX_HOLD_S))", "pass"),),
    ),
    Plant(
        name="Retry-After unbounded",
        breaks="a cloud that asks for a day of silence gets it",
        where="providers.http",
        statement="MAX_HOLD_S = 1e9\n",
    ),
    Plant(
        name="no pace",
        breaks="requests leave as fast as they can",
        where="execution.pace:ScopePace.turn",
        swaps=(("if self._apart_s is not None:", "if False:"),),
    ),
    Plant(
        name="bursts",
        breaks="a second's requests leave in one instant",
        where="execution.pace",
        statement="MADE_UP_S = 1.0\nSPARE_S = -1.0\n",
    ),
    Plant(
        name="no redaction",
        breaks="a secret that the cloud quotes is shown",
        where="providers.redaction:Redaction.hidden",
        swaps=(("own = [", "return body\n    own = ["),),
    ),
    Plant(
        name="no escaping",
        breaks="foreign text reaches the terminal as it is",
        where="report.escape:plain",
        swaps=(("cut = text if", "return text\n    cut = text if"),),
    ),
    Plant(
        name="exit 0 whatever happened",
        breaks="an apply that did half of it says that all is well",
        where="operations.applied:ending_of",
        swaps=(("if clean:", "if True:"),),
    ),
    Plant(
        name="best part tells",
        breaks="a move whose attach failed is told by its detach",
        where="operations.applied:_result",
        swaps=(("worst = min(", "worst = max("),),
    ),
    Plant(
        name="failures vanish",
        breaks="what wasn't done isn't in the report",
        where="operations.applied:results_of",
        swaps=(
            (
                "return tuple(_result(change, made) for change in scope.plan.permitted)",
                (
                    "every = tuple(_result(change, made) for change in scope.plan.permitted)\n"
                    "    return tuple(r for r in every if r.verdict is Verdict.DONE)"
                ),
            ),
        ),
    ),
)

IN_JOURNAL = (
    Plant(
        name="no lease",
        breaks="two appliers change one cloud at the same time",
        where="operations.lease:Leases.obtain",
        swaps=(("until_s = asyncio", "return\n    until_s = asyncio"),),
    ),
    Plant(
        name="intents aren't found again",
        breaks="a rerun doesn't know what a dead run left in flight",
        where="journal.journal:Pages.open_intents",
        swaps=(("now_s = self._", "return ()\n    now_s = self._"),),
        whole=True,
    ),
    Plant(
        name="one verdict for a batch",
        breaks="the other attachments of a batch have no end",
        where="journal.journal:Pages.end",
        swaps=(("in sorted(outcomes.items())", "in sorted(outcomes.items())[:1]"),),
        whole=True,
    ),
    Plant(
        name="calls of other runs are one's own",
        breaks="a call is journalled under another verb",
        where="journal.journal:Pages.begin",
        swaps=(('"verb": intent.call.verb.value', '"verb": "attach"'),),
        whole=True,
    ),
)

BUGS: tuple[Plant, ...] = (*IN_EXECUTION, *IN_PLANNING, *AT_THE_EDGE, *IN_JOURNAL)
