"""Stories that are turned towards one danger, which luck alone would hardly draw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.sim.rules import Rule
from tests.campaign.story import Entries, Row
from tests.rig.plot import vendor_of

if TYPE_CHECKING:
    import random

    from tests.campaign.story import Story


UNFINISHED_S = 600.0
"""Longer than the next run's patience with a call of a dead one."""

NEVER = 1_000_000
"""After so many moments no run dies: none has as many."""


def endangered(dice: random.Random, story: Story) -> Story:
    """Give the story, one in eight of them turned towards a danger."""
    if story.shared and dice.random() < 0.15:
        return crowded(dice, story)
    turned = dice.random()
    return unfinished(dice, story) if turned < 0.03 else blinded(story) if turned < 0.05 else story


def unfinished(dice: random.Random, story: Story) -> Story:
    """Give the story with a run that dies while its calls go on, beyond the next run's patience.

    Where no view shows motion, half of `stepTimeout` is the proof that nothing goes on.
    """
    if not story.can.shows_motion:
        return story
    vendor = vendor_of(story.provider)
    slow = (
        Rule(match=match, when="always", amount=1.0, kind="job", fault="slow", seconds=UNFINISHED_S)
        for match in (vendor.attach, vendor.detach)
    )
    return replace(
        story,
        rules=tuple(slow),
        limits={**story.limits, "stepTimeout": 20},
        dies=(dice.randint(8, 30), NEVER),
        rests=False,
        before=None,
        job_s=min(story.job_s, 2.0),
        sigma=0.0,
    )


def blinded(story: Story) -> Story:
    """Give the story with listings that lose rows again and again."""
    vendor = vendor_of(story.provider)
    rules = (
        Rule(match=match, when="probability", amount=0.4, kind="listing", fault="drop-page")
        for match in vendor.listings
    )
    return replace(story, rules=tuple(rules), before=None)


def crowded(dice: random.Random, story: Story) -> Story:
    """Give the story with everybody after one volume, and a job of which a part fails."""
    volume, comes = story.shared[0], dice.random() < 0.5
    attached = {pair: flag for pair, flag in story.attached.items() if pair[1] != volume}
    if not comes:
        attached |= {(server, volume): False for server in story.servers}
    vendor = vendor_of(story.provider)
    rule = Rule(
        match=vendor.attach if comes else vendor.detach,
        when="nth",
        amount=1.0,
        kind="job",
        fault="partial",
        servers=(vendor.identity(dice.choice(story.servers)),),
        times=1,
        effect="applied" if dice.random() < 0.2 else "none",
    )
    return replace(
        story,
        attached=attached,
        entries=_for_all(story, story.entries, volume, comes=comes),
        before=None,
        rules=(rule, *story.rules[:1]),
    )


def _for_all(story: Story, entries: Entries, volume: str, *, comes: bool) -> Entries:
    rows = {}
    for server, row in entries.servers.items():
        listed = {name: flag for name, flag in row.listed.items() if name != volume}
        more = {volume: None} if comes else {}
        absent = tuple(name for name in row.absent if name != volume)
        rows[server] = Row(listed=listed | more, absent=absent)
    servers = story.servers if comes else ()
    return Entries(servers=rows, volumes={**entries.volumes, volume: servers})
