"""One story's cloud and the house in front of it, cut short where the story allows it."""

from __future__ import annotations

import asyncio
import importlib
import random
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from reconciler.cli import progress
from reconciler.cli.progress import PlainEvents
from reconciler.journal import process
from reconciler.operations import apply as applying
from reconciler.operations import asked, sessions, wiring
from reconciler.operations.wiring import JOURNAL_FILE, Surroundings
from reconciler.providers import http, redaction
from reconciler.sim.app import Table, build
from reconciler.sim.clock import LoopClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.control import Simulation
from reconciler.sim.gate import Gate
from reconciler.sim.requests_log import RequestsLog
from reconciler.sim.world import read_worlds
from tests.campaign.books import MemoryBook, MemoryPages, RealBook, lines_of
from tests.campaign.road import HANGS, HERE, Life, Road, Sent
from tests.campaign.told import declared_of
from tests.campaign.worlds import ENVIRON, manifests_of, words_of, world_of, world_text
from tests.rig.stage import DAWN, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconciler.journal.journal import Book
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.sim.routes import Route
    from tests.campaign.asked import Asked
    from tests.campaign.books import Line
    from tests.campaign.story import Entries, Story
    from tests.campaign.worlds import Words


class Events(PlainEvents):
    """What the command line prints while a run runs, and the values behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[tuple[str, Call, Outcomes]] = []
        self.found: list[tuple[OpenIntent, Outcome]] = []

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Write it down."""
        self.ended.append((step_id, call, outcomes))
        super().step_ended(step_id, call, outcomes)

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Write it down."""
        self.found.append((intent, outcome))
        super().adopted(intent, outcome)


class Unguarded(Table):
    """The simulator's routes, for everybody: signatures are checked on the whole road."""

    def __init__(self) -> None:
        super().__init__()
        # Most paths of a story were there in the one before.
        self._known = lru_cache(maxsize=20_000)(self._opened)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Give the route of a request, open to all."""
        return self._known(method, path)

    def _opened(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        found = super().find(method, path)
        return None if found is None else (replace(found[0], signed=False), found[1])


@cache
def _unguarded() -> Unguarded:
    return Unguarded()


GROUPING_EVERY = 3
"""Every so many short seeds one writes its journal in groups; on the whole road all do."""
PROCESS = "process of run {}"
ADDRESSES = importlib.import_module("httpx._urls")
_spelt = lru_cache(redaction.spellings)
_parsed = lru_cache(maxsize=20_000)(ADDRESSES.urlparse)
"""Most addresses of a story were there in the one before: their parts aren't what it is about."""


@dataclass
class Scene:
    """Everything that lasts as long as a story."""

    story: Story
    folder: Path
    cloud: Cloud
    words: Words
    road: Road = field(init=False)
    pages: MemoryPages = field(init=False)
    entries: Entries = field(init=False)
    printed: list[str] = field(default_factory=list)
    jobs_known: int = 0
    lives: list[Life] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pages = MemoryPages(lambda: self.house_now().timestamp())
        self.road = Road(self.story.provider, self._app(), self._recorded)
        self.road.latency = bool(self.story.latency_s)
        self.road.hangs = any(rule.fault in HANGS for rule in self.story.rules)
        self.road.echoes = self.story.echoes
        self.road.lying_word = self.story.lying_word
        self.entries = self.story.entries

    def house_now(self) -> datetime:
        """Give what our clock says."""
        return utc_now() + timedelta(seconds=HERE.get().skew_s)

    def around(self) -> Surroundings:
        """Give what the house is told of its machine."""
        return Surroundings(
            environ=ENVIRON, folder=self.folder, transport=self.road, utc_now=self.house_now
        )

    def lines(self) -> list[Line]:
        """Give what is durable of the journal."""
        if self.story.whole:
            return lines_of(self.folder / JOURNAL_FILE)
        return self.pages.lines()

    def say(self, text: str, *, err: bool = False) -> None:
        """Take in what is printed, wherever to."""
        del err
        self.printed.append(text)

    def begin(self, run: int, left: int | None = None) -> Life:
        """Let a new process live in this context, with so many moments left."""
        skews_s = self.story.skews_s
        life = Life(left, run=run, skew_s=skews_s[min(run, len(skews_s) - 1)])
        HERE.set(life)
        self.lives.append(life)
        return life

    def gone(self, name: str) -> bool:
        """Tell whether the process of that name is no more."""
        return name in {PROCESS.format(life.run) for life in self.lives if life.dead}

    def write(self, entries: Entries) -> str:
        """Write the manifests; give their path."""
        self.entries = entries
        path = self.folder / "manifests.yaml"
        if self.story.whole:
            path.write_text(manifests_of(self.story, entries), encoding="utf-8")
        return str(path)

    def _app(self) -> Any:  # noqa: ANN401 - an ASGI application; each framework has its own type
        if self.story.whole:
            return build((self.cloud,), on_request=self._decided, utc_now=utc_now)
        return replace(
            _doorway(),
            simulation=Simulation(clouds=(self.cloud,), log=RequestsLog(), on_change=None),
            gate=Gate((self.cloud,), utc_now),
            table=_unguarded(),
            on_request=self._decided,
        )

    def _decided(self, row: Mapping[str, object]) -> None:
        """Take in what the cloud decided about a request, and what it had under way by then."""
        sent = self.road.arrived(row)
        sent.at_s = self.cloud.at_s
        sent.status = cast("int | None", row["status"])
        sent.rule = str(row["rule"] or "")
        if sent.rule:
            sent.kind, _, sent.fault = sent.rule.rpartition(" -> ")[2].partition(" ")
        jobs = list(self.cloud.jobs.values())
        new, old = jobs[self.jobs_known :], jobs[: self.jobs_known]
        self.jobs_known = len(jobs)
        if not sent.asked:
            return
        plain = sent.kind != "answer" and sent.status is not None and sent.status < 300
        sent.accepted = bool(new) or (sent.asked[0].verb == "update" and plain)
        sent.elsewhere = any(map(self._elsewhere, sent.asked))
        names = {name for asked in sent.asked for name in (asked.server_id, asked.volume_id)}
        busy = {
            n for job in old for p in job.leaves if not p.done for n in (p.server_id, p.volume_id)
        }
        sent.overlaps += tuple(sorted(n for n in busy if n in names and n is not None))

    def _elsewhere(self, asked: Asked) -> bool:
        volume = self.cloud.volumes.get(asked.volume_id)
        if asked.verb != "attach" or volume is None or volume.row.multiattach:
            return False
        return bool(volume.holders.keys() - {asked.server_id})

    def _recorded(self, sent: Sent) -> bool:
        """Tell whether an open intent of the journal covers a request that is about to leave."""
        wanted = set(sent.asked)
        return any(wanted <= set(line.asked) and not line.verdicts for line in self.lines())


@cache
def _doorway() -> Any:  # noqa: ANN401 - the simulator keeps its type to itself
    world = read_worlds("provider: huawei-ecs\nprojectId: p\n", "empty.world.yaml")
    return build([Cloud(one, LoopClock()) for one in world]).router.default


def scene_of(story: Story, folder: Path) -> Scene:
    """Give the scene of a story at its beginning."""
    world = world_of(story)
    if story.whole:
        (world,) = read_worlds(world_text(Cloud(world, LoopClock())), "story.world.yaml")
    return Scene(story=story, folder=folder, cloud=Cloud(world, LoopClock()), words=words_of(story))


@contextmanager
def staged(scene: Scene) -> Iterator[None]:
    """Put a scene in the places where the house finds clock, chance, journal and cloud."""
    dice = random.Random(f"chance {scene.story.seed}")
    numbers = random.Random(f"names {scene.story.seed}")
    known = SimpleNamespace(uuid4=lambda: uuid.UUID(int=numbers.getrandbits(128)))
    with ExitStack() as stack:
        swap = _swapping(stack)
        swap(sessions, "random", SimpleNamespace(random=dice.random))
        swap(applying, "uuid", known)
        swap(progress, "say", scene.say)
        swap(progress, "time", SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time()))
        real = wiring.book
        if scene.story.whole:
            swap(wiring, "book", lambda *a, **k: _watched(real(*a, **k)))
            swap(process, "fingerprint", lambda: PROCESS.format(HERE.get().run))
            swap(process, "gone", scene.gone)
        else:
            # Nobody checks a signature there, and no proxy, no repository is near.
            swap(http, "signed", lambda request, _: request)
            swap(http, "proxy_secrets", lambda: ())
            swap(redaction, "spellings", _spelt)
            swap(applying, "made_from", lambda *_, **__: None)
            swap(ADDRESSES, "urlparse", _parsed)
            swap(asked, "load", lambda *_, **__: declared_of(scene.story, scene.entries))
            groups = scene.story.seed % GROUPING_EVERY == 0
            swap(wiring, "book", lambda *_, **__: MemoryBook(scene.pages, groups=groups))
        yield


def _watched(book: Book | None) -> RealBook | None:
    return None if book is None else RealBook(book)


def _swapping(stack: ExitStack) -> Callable[[object, str, object], None]:
    def swap(where: object, name: str, value: object) -> None:
        stack.callback(setattr, where, name, getattr(where, name))
        setattr(where, name, value)

    return swap


__all__ = ["DAWN", "Events", "Scene", "scene_of", "staged"]
