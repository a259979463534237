"""Whatever is written and said: no disk is lost that nobody agreed to lose.

A disk may go when a policy that names its scope allows it, and somebody named this very disk: by
its id, by a name that only one of the destroys bears, or typed when asked. Judged by what left,
by what the cloud holds, and by the worlds and words that were drawn; never by our plan.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.finding import FindingsError
from reconciler.model.plan import Action
from reconciler.operations import planfile
from reconciler.operations.apply import Consent, apply_manifests
from reconciler.operations.plans import plan_manifests
from reconciler.operations.sessions import Request
from reconciler.planning.guards import changes
from reconciler.providers import discover
from reconciler.sim.cloud import DESTROYED
from tests.rig.plot import UNLIMITED, Plot, vendor_of
from tests.rig.stage import YES, boots, stage
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import httpx
    import pytest

    from reconciler.operations.plans import Planned
    from tests.rig.plot import Rule, Vendor
    from tests.rig.stage import Stage

    Names = Mapping[str, str]
    """Of disks, by id."""
    Rows = Mapping[str, Mapping[str, list[str] | str]]

DELETING = tuple(name for name, spec in discover().items() if not spec.can.detach_keeps_data)
NAMES = ("old", "data")
"""Few, so that several disks share one."""
DELETE = re.compile(r"POST /v2/[^/]+/desktops/[^/]+/volumes/batch-delete")
"""The one request that deletes, as the documents have it."""
WAYS = ("auto-approve", "saved plan", "asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One cloud of a story: its disks, and what is written about it."""

    name: str
    plot: Plot
    names: Names
    on: Mapping[str, str]
    """The names of the desktops that disks are on, by the disk's id."""
    allows: bool | None
    """What a policy that names this scope says; None: none names it."""
    servers: Rows
    volumes: Rows

    def meant(self, names: Names) -> set[str]:
        """Give the disks that are there and that a line under `absent:` means."""
        lines = [(s, text) for s, row in self.servers.items() for text in row.get("absent", ())]
        lines += [(s, text) for text, row in self.volumes.items() for s in row.get("absent", ())]
        found: set[str] = set()
        for desktop, text in lines:
            here = [one for one, at in self.on.items() if at == desktop]
            bearers = [one for one in here if text in {one, names[one]}]
            found |= set(bearers) if len(bearers) == 1 else set()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Clouds, and what is said at the command line."""

    vendor: Vendor
    provider: str
    scopes: tuple[Scope, ...]
    acknowledged: frozenset[str]
    """`--ack-destroy`."""
    way: str
    tight: bool
    """Whether the usual limits hold."""
    everywhere: bool
    """Whether a policy allows it that names no scope."""
    renames: str
    """How disks change their names after the plan was shown."""
    dice: Random
    """By which a person types names."""

    @property
    def names(self) -> Names:
        """The names of all disks at the start."""
        return {one: name for scope in self.scopes for one, name in scope.names.items()}


@dataclass(slots=True)
class Ended:
    """What became of a story."""

    gone: set[str] = field(default_factory=set)
    asked_for: set[str] = field(default_factory=set)
    """The disks that requests named which left, and might delete."""
    typed: set[str] = field(default_factory=set)
    void: bool = False
    """True where a person was asked and didn't approve."""
    wrong: list[str] = field(default_factory=list)


def story_of(random: Random) -> Story:
    """Draw a story."""
    provider = random.choice(DELETING)
    vendor = vendor_of(provider)
    rules: list[Rule] = []
    if random.random() < 0.2:
        fault, effect = random.choice(["reset", "html", 500]), random.choice(["applied", "none"])
        rules = [{"match": vendor.write, "nth": 1, "answer": fault, "effect": effect}]
    names = ("desks", "more")[: random.randint(1, 2)]
    scopes = tuple(_scope(random, vendor, name, tuple(rules)) for name in names)
    ids, called = random.choice([(True, False), (False, True), (True, True)])
    words = [one for scope in scopes for one in scope.names if ids]
    words += [name for scope in scopes for name in scope.names.values() if called]
    share = random.choice([0.1, 0.4, 0.8, 0.95])
    said = {word for word in words if random.random() < share}
    return Story(
        vendor=vendor,
        provider=provider,
        scopes=scopes,
        acknowledged=frozenset({*said, random.choice(["nothing", "desks-d", "s0", "OLD"])}),
        way=random.choice([*WAYS, "asked"]),
        tight=random.random() < 0.15,
        everywhere=random.random() < 0.03,
        renames=random.choice(["never", "never", "turned round", "all alike"]),
        dice=random,
    )


def _scope(random: Random, vendor: Vendor, name: str, rules: tuple[Rule, ...]) -> Scope:
    desktops = tuple(f"s{n}" for n in range(random.randint(1, 3)))
    disks = tuple(f"{name}-d{n}" for n in range(random.randint(2, 6)))
    places = [random.choice(desktops) for _ in disks]
    ids = [vendor.identity(disk) for disk in disks]
    names = {one: random.choice([*NAMES, *[f"only-{one}"] * 5]) for one in ids}
    on = dict(zip(ids, places, strict=True))
    volumes: dict[str, Mapping[str, list[str] | str]] = {}
    for one in ids:
        if random.random() < 0.05:
            at = random.choice(desktops)
            volumes[one] = random.choice([{"servers": [at]}, {"absent": [at], "others": "keep"}])
    return Scope(
        name=name,
        plot=Plot(
            servers=desktops,
            volumes=disks,
            attached=tuple(zip(places, disks, strict=True)),
            region=name,
            rules=rules,
        ),
        names=names,
        on=on,
        allows=random.choice([*[True] * 8, False, None]),
        servers={s: _row(random, s, names, on) for s in desktops if random.random() < 0.9},
        volumes=volumes,
    )


def _row(
    random: Random, desktop: str, names: Names, on: Mapping[str, str]
) -> Mapping[str, list[str] | str]:
    """Draw an entry: what it lists and what it wants gone, by id or by name."""
    gone = [one for one in names if on[one] == desktop and random.random() < 0.7]
    stays = [one for one in names if on[one] == desktop and one not in gone]
    if random.random() < 0.1:
        gone.append(random.choice([*names]))

    def written(ids: list[str]) -> list[str]:
        return sorted({random.choice([one, names[one]]) for one in ids})

    keep: dict[str, list[str] | str] = {"absent": written(gone), "others": "keep"}
    owned: dict[str, list[str] | str] = {"absent": written(gone), "volumes": written(stays)}
    return random.choice([keep, keep, keep, owned, {**owned, **keep}, {"volumes": []}])


def manifests(story: Story) -> str:
    """Give what is written: scopes, rows, and policies that name scopes or none."""
    limits = {} if story.tight else UNLIMITED
    general = {**limits, **({"allowDestroy": True} if story.everywhere else {})}
    documents: list[tuple[str, str, Mapping[str, object]]] = [("Policy", "default", general)]
    for scope in story.scopes:
        where = {"region": scope.name, "endpoint": "simulator", "world": "unread.world.yaml"}
        rows = {"scope": scope.name, "servers": scope.servers, "volumes": scope.volumes}
        documents += [
            ("Scope", scope.name, {"provider": story.provider, **where, **story.vendor.scope}),
            ("Attachments", scope.name, {key: told for key, told in rows.items() if told}),
        ]
    for allows in (True, False):
        named = [scope.name for scope in story.scopes if scope.allows is allows]
        policy = ("Policy", f"says-{allows}", {"scopes": named, "allowDestroy": allows})
        documents += [policy] if named else []
    return "---\n".join(
        json.dumps({"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}}
                   | {"spec": spec}) + "\n"
        for kind, name, spec in documents
        if spec
    )  # fmt: skip


def name_disks(on: Stage, names: Names) -> None:
    """Let the clouds' disks bear these names, as somebody at the console may at any time."""
    for cloud in on.clouds:
        for one in names.keys() & cloud.volumes.keys():
            volume = cloud.volumes[one]
            volume.row = replace(volume.row, name=names[one])


def renamed(story: Story) -> Names:
    """Give the names that the disks have in the end."""
    names = story.names
    words = [*names.values()]
    after = {"turned round": [*words[1:], words[0]], "all alike": words[:1] * len(words)}
    return dict(zip(names, after.get(story.renames, words), strict=True))


async def lived(story: Story, folder: Path) -> Ended:
    """Live a story: the whole road, in front of simulated clouds."""
    ended = Ended()
    on = stage(folder, *(story.vendor.world(scope.plot) for scope in story.scopes))
    name_disks(on, story.names)
    on.transport.watchers.append(_listener(ended))
    (folder / "all.yaml").write_text(manifests(story), encoding="utf-8")
    paths = (str(folder / "all.yaml"),)
    request = Request(files=paths, destroys=story.acknowledged, first_apply=True)
    try:
        consent = await _consent(story, request, on, ended)
        await apply_manifests(request, on.around, consent, on.events)
    except FindingsError:
        pass  # Refused as a whole: the witness tells whether that is so.
    await asyncio.sleep(60)
    _judge(story, on, ended)
    return ended


def _listener(ended: Ended) -> Callable[[httpx.Request], None]:
    def heard(request: httpx.Request) -> None:
        if request.method in {"GET", "HEAD"}:
            return
        said = f"{request.method} {request.url.path}"
        if not DELETE.fullmatch(said):
            ended.wrong.append(f"sent: {said}")
            return
        ended.asked_for |= set(json.loads(request.content)["volume_ids"])

    return heard


async def _consent(story: Story, request: Request, on: Stage, ended: Ended) -> Consent:
    if story.way == "auto-approve":
        return YES
    if story.way == "saved plan":
        planned = await plan_manifests(request, on.around)
        path = on.folder / "plan.json"
        planfile.save(path, planned.whole, request, planned.clouds)
        name_disks(on, renamed(story))
        return replace(YES, approved=planfile.read(path).approved)

    def ask(planned: Planned) -> frozenset[str] | None:
        # As the command line does, every name is asked for that wasn't said; other callers of
        # this port may take less for an answer.
        insists = story.renames != "never" or story.dice.random() < 0.5
        for change in (change for scope in planned.scopes for change in scope.plan.permitted):
            known = {change.key.volume_id, change.name.volume} & story.acknowledged
            if change.action is Action.DESTROY and not known:
                right = story.dice.random() < 0.9
                ended.typed |= {change.key.volume_id} if right else set()
                ended.void |= insists and not right
        name_disks(on, renamed(story))
        return None if ended.void else frozenset(ended.typed)

    return Consent(ask=ask, show=lambda _: None)


def _judge(story: Story, on: Stage, ended: Ended) -> None:
    """Write down whatever happened that nobody agreed to."""
    agreed = consented(story, ended)
    for cloud in on.clouds:
        cloud.tick()
        rows = {one: row for one, row in cloud.volumes.items() if not one.endswith("-boot")}
        ended.gone |= {one for one, row in rows.items() if row.status == DESTROYED}
        lost = {one for one, row in rows.items() if not row.holders} - ended.gone
        ended.wrong += [f"off its desktop: {one}" for one in sorted(lost)]
        if boots(cloud) != set(cloud.servers):
            ended.wrong.append("a system disk is gone")
    ended.wrong += [f"destroyed: {one}" for one in sorted(ended.gone - agreed)]
    ended.wrong += [f"asked for: {one}" for one in sorted(ended.asked_for - agreed)]
    if any(not DELETE.fullmatch(f"{r['method']} {r['path']}") for r in on.witness.writes):
        ended.wrong.append("the cloud heard another change")


def consented(story: Story, ended: Ended) -> set[str]:
    """Give the disks that may go: allowed, and named when the plan was shown or looked at last."""
    after = story.names if story.way == "auto-approve" else renamed(story)
    moments = (story.names, after) if story.way == "asked" else (after,)
    allowed = {one for s in story.scopes if s.allows is True for one in s.meant(story.names)}
    allowed &= {one for scope in story.scopes for one in scope.meant(after)}
    named = set(ended.typed).union(*(_named(story, names) for names in moments))
    return set() if ended.void else named & allowed


def _named(story: Story, names: Names) -> set[str]:
    meant = {one for scope in story.scopes for one in scope.meant(names)}
    bearers = Counter(names[one] for one in meant)
    words = {word for word in story.acknowledged if bearers[word] <= 1}
    return {one for one in meant if {one, names[one]} & words}


def seeded(seed: int, folder: Path) -> tuple[Story, Ended]:
    """Live the story of a seed."""
    folder.mkdir()
    story = story_of(Random(seed))
    return story, run(lived(story, folder))


@settings(deadline=None, database=None, max_examples=60)
@given(st.randoms(use_true_random=False))
def test_nothing_is_destroyed_that_nobody_agreed_to_lose(
    tmp_path_factory: pytest.TempPathFactory, random: Random
) -> None:
    ended = run(lived(story_of(random), tmp_path_factory.mktemp("story")))
    assert ended.wrong == []


def test_the_stories_reach_what_they_are_meant_to(tmp_path: Path) -> None:
    """Count what native seeds reach, so that the property doesn't hold of nothing."""
    seen: Counter[str] = Counter()
    for seed in range(25):
        story, ended = seeded(seed, tmp_path / str(seed))
        assert ended.wrong == []
        meant = {one for scope in story.scopes for one in scope.meant(story.names)}
        seen[story.way] += bool(ended.gone)
        seen["by id"] += bool(ended.gone & story.acknowledged)
        seen["by name"] += bool(ended.gone - ended.typed - story.acknowledged)
        seen["typed"] += bool(ended.gone & ended.typed - story.acknowledged)
        seen["kept"] += bool(meant - ended.gone)
        seen["some of several"] += bool(ended.gone) and bool(meant - ended.gone)
    told = (*WAYS, "by id", "by name", "typed", "kept", "some of several")
    assert min(seen[one] for one in told) > 1, seen


def test_without_its_guard_the_property_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tuple(guard for guard in changes.GUARDS if guard.__name__ != "_destroy")
    assert len(kept) == len(changes.GUARDS) - 1
    monkeypatch.setattr(changes, "GUARDS", kept)
    stories = (seeded(seed, tmp_path / str(seed)) for seed in range(20))
    assert any("destroyed" in wrong for _, ended in stories for wrong in ended.wrong)
