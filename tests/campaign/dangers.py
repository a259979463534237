"""Stories in which one volume comes to all servers, or leaves all: batches that fail in part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.sim.rules import Rule
from tests.campaign.story import Entries, Row
from tests.rig.plot import vendor_of

if TYPE_CHECKING:
    import random

    from tests.campaign.story import Story


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
