"""How a story is lived: runs with everything that goes wrong, one without, and a last plan."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.model.plan import Action
from reconciler.operations.applied import run_report
from reconciler.operations.apply import Consent, apply_manifests
from reconciler.operations.plans import plan_manifests
from reconciler.operations.sessions import Request
from reconciler.report.document import finding_row
from reconciler.report.run import run_document, run_text
from reconciler.report.text import finding_lines, plan_text
from reconciler.sim.changes import act
from reconciler.sim.rules import Rule, RuleSet
from tests.campaign.road import HERE, CirclesError
from tests.campaign.scene import Events
from tests.campaign.worlds import truth_of
from tests.rig.plot import vendor_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from reconciler.model.plan import Change
    from reconciler.operations.applied import Applied
    from reconciler.operations.plans import Planned
    from tests.campaign.books import Line
    from tests.campaign.road import Life, Sent
    from tests.campaign.scene import Scene
    from tests.campaign.story import Act, Entries, Story
    from tests.campaign.worlds import Truth

LONGEST_S = 50_000.0
"""No run of a small world takes so long; the longest waits are those that a cloud asks for."""
SETTLE_S = 1.0
SLIGHT_S = 60.0
DENIED = Rule(match="* *", when="always", amount=1, kind="answer", fault="401")


@dataclass(kw_only=True)
class Lived:
    """One run, as it was seen from outside."""

    number: int
    quiet: bool
    """Whether nothing went wrong from outside."""
    entries: Entries
    skew_s: float
    before: Truth
    """The truth when it began, with everything done that was under way."""
    began_s: float
    after: Truth | None = None
    ended_s: float | None = None
    """None while it goes on."""
    approved: tuple[Change, ...] = ()
    """What was shown and approved; empty where it died before, or nothing could be changed."""
    asked: bool = False
    shown: list[Planned] = field(default_factory=list)
    applied: Applied | None = None
    """None: it died."""
    broke: str = ""
    """The traceback that it ended in."""
    acted: list[tuple[Act, bool]] = field(default_factory=list)
    """What somebody did meanwhile, and whether the cloud let them."""
    events: Events = field(default_factory=Events)
    sent: list[Sent] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """What the journal has when it has ended."""


@dataclass(kw_only=True)
class Tale:
    """A story that was lived to its end."""

    story: Story
    runs: list[Lived] = field(default_factory=list)
    last: Planned | None = None
    writes_after: int = 0
    """Changing requests after the last run: a plan asks for none."""
    printed: str = ""
    document: str = ""
    """The machine documents, as JSON."""
    kept: bytes = b""
    """What the journal's file holds."""
    acts: int = 0
    lies: int = 0

    @property
    def faults(self) -> int:
        """How much went wrong from outside."""
        fired = sum(bool(sent.rule) for run in self.runs for sent in run.sent)
        return fired + self.acts + self.lies + sum(r.applied is None for r in self.runs)


async def lived(scene: Scene) -> Tale:
    """Live a story."""
    story = scene.story
    tale = Tale(story=story)
    if story.before is not None:
        await _run(scene, tale, story.before, quiet=True)
        await asyncio.sleep(20.0)
    scene.cloud.set_rules(RuleSet(seed=str(story.seed), rules=story.rules, counts=()))
    first, *others = story.dies or (None,)
    alone = _run(scene, tale, story.entries, quiet=False, left=first)
    await asyncio.gather(alone, *_second(scene, tale))
    for left in others:
        await _run(scene, tale, story.entries, quiet=False, left=left)
    await _rested(scene)
    scene.cloud.set_rules(RuleSet())
    scene.road.lying_word = None
    await _run(scene, tale, story.entries, quiet=True)
    await _last_plan(scene, tale)
    tale.lies = scene.road.lied
    return tale


def _second(scene: Scene, tale: Tale) -> Iterator[Coroutine[object, object, None]]:
    """Give the applier that comes while the first one is at work, where a story has one."""

    async def lived_beside(after_s: float) -> None:
        await asyncio.sleep(after_s)
        await _run(scene, tale, scene.story.entries, quiet=False)

    if scene.story.second_s is not None:
        yield lived_beside(scene.story.second_s)


async def _rested(scene: Scene) -> None:
    """Let what is under way end, or only what is still travelling."""
    await asyncio.sleep(SETTLE_S)
    story = scene.story
    # A clock that was put ahead makes an old call look older, and it is followed for less long.
    jumps = any(skew_s > SLIGHT_S for skew_s in story.skews_s)
    if story.rests or "stepTimeout" in story.limits or jumps:
        running = [part.due_s for job in scene.cloud.jobs.values() for part in job.leaves]
        await asyncio.sleep(max(0.0, max(running, default=0.0) - scene.cloud.tick()) + SETTLE_S)


async def _run(
    scene: Scene, tale: Tale, entries: Entries, *, quiet: bool, left: int | None = None
) -> None:
    scene.cloud.tick()
    life = scene.begin(len(tale.runs), left)
    run = Lived(
        number=life.run,
        quiet=quiet,
        entries=entries,
        skew_s=life.skew_s,
        before=truth_of(scene.cloud, scene.words, projected=True),
        began_s=asyncio.get_running_loop().time(),
    )
    beside = next((one for one in tale.runs if one.ended_s is None), None)
    if beside is not None:
        run.acted = beside.acted
    first = all(one.quiet for one in tale.runs)
    tale.runs.append(run)
    timers = _disturbed(scene, run) if first and not quiet else []
    await _to_its_end(scene, run, life)
    for timer in timers:
        timer.cancel()
    scene.cloud.tick()
    run.ended_s = asyncio.get_running_loop().time()
    run.after = truth_of(scene.cloud, scene.words)
    run.sent = [sent for sent in scene.road.sent if sent.run == run.number]
    run.lines = scene.lines()
    tale.acts += len(run.acted) if beside is None else 0
    tale.printed += _printed(scene, run)
    tale.document += "".join(json.dumps(plan.document) for plan in run.shown)


def _disturbed(scene: Scene, run: Lived) -> list[asyncio.TimerHandle]:
    """Let the actors come in when it is their time."""
    loop, story = asyncio.get_running_loop(), scene.story

    def counted(requests: int) -> None:
        if requests == story.denied_after and HERE.get().run == run.number:
            scene.cloud.set_rules(RuleSet(rules=(DENIED,)))

    scene.road.on_request = counted
    timed = (act for act in story.acts if act.at_s is not None)
    return [loop.call_later(one.at_s or 0.0, _act, scene, run, one) for one in timed]


def _act(scene: Scene, run: Lived, one: Act) -> None:
    identity = vendor_of(scene.story.provider).identity
    scene.cloud.tick()
    server = scene.cloud.servers[identity(one.pair[0])]
    volume = scene.cloud.volumes[identity(one.pair[1])]
    gone = volume.status == "deleted"
    run.acted.append((one, not gone and act(scene.cloud, one.verb, server, volume) is None))


async def _to_its_end(scene: Scene, run: Lived, life: Life) -> None:
    task = asyncio.ensure_future(_applied(scene, run))
    death = asyncio.ensure_future(life.ended.wait())
    try:
        async with asyncio.timeout(LONGEST_S):
            await asyncio.wait((task, death), return_when=asyncio.FIRST_COMPLETED)
        if life.dead:
            task.cancel()
            await asyncio.wait((task,))
            return
        run.applied = task.result()
    except TimeoutError:
        run.broke = f"it didn't end within {LONGEST_S:.0f} s"
        life.dead = True
        task.cancel()
        await asyncio.wait((task,))
    except (Exception, BaseExceptionGroup, CirclesError) as error:  # noqa: BLE001 - told as it is
        run.broke = _brief(error)
    finally:
        death.cancel()
        if task.done() and not task.cancelled():
            task.exception()


def _brief(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_brief(one) for one in error.exceptions)
    where = error.__traceback__
    last = ""
    while where is not None:
        last = f"{where.tb_frame.f_code.co_filename.rpartition('/')[2]}:{where.tb_lineno}"
        where = where.tb_next
    return f"{type(error).__name__} {error} ({last})"


async def _applied(scene: Scene, run: Lived) -> Applied:
    story = scene.story
    identity = vendor_of(story.provider).identity
    agreed = frozenset(identity(volume) for volume in story.agreed)

    def ask(planned: Planned) -> frozenset[str] | None:
        _show(planned)
        run.approved = tuple(c for scope in planned.scopes for c in scope.plan.permitted)
        run.asked = True
        for one in story.acts:
            if one.at_s is None and not run.quiet and not run.acted[len(story.acts) - 1 :]:
                _act(scene, run, one)
        doomed = {c.key.volume_id for c in run.approved if c.action is Action.DESTROY}
        return frozenset(doomed & agreed)

    def _show(planned: Planned) -> None:
        run.shown.append(planned)
        run.events.learn(planned.document)

    asks = story.asks and not run.quiet
    return await apply_manifests(
        Request(
            files=(scene.write(run.entries),),
            destroys=frozenset() if asks else agreed,
            first_apply=True,
        ),
        scene.around(),
        Consent(ask=ask, show=_show, prompts=asks),
        run.events,
    )


def _printed(scene: Scene, run: Lived) -> str:
    """Give all that a person was told of a run."""
    parts = [*scene.printed, *(plan_text(planned.document) for planned in run.shown)]
    scene.printed.clear()
    if run.applied is not None:
        parts.append(run_text(run_document(run_report(run.applied))))
        found = (*run.applied.findings, *run.applied.planned.findings)
        parts += [f"{line}\n" for one in found for line in finding_lines(finding_row(one))]
    return "".join(parts)


async def _last_plan(scene: Scene, tale: Tale) -> None:
    scene.begin(len(tale.runs))
    before = len(scene.road.sent)
    request = Request(files=(scene.write(scene.story.entries),), first_apply=True)
    try:
        tale.last = await plan_manifests(request, scene.around())
    except ReconcilerError as error:
        tale.runs[-1].broke = _brief(error)
        return
    tale.writes_after = sum(bool(sent.asked) for sent in scene.road.sent[before:])
    tale.printed += plan_text(tale.last.document)
    tale.document += json.dumps(tale.last.document)
    if scene.story.whole:
        tale.kept = b"".join(
            path.read_bytes() for path in sorted(scene.folder.iterdir()) if path.is_file()
        )
    else:
        tale.kept = scene.pages.text().encode()
