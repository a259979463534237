"""The manifests of a story as values: what reading its text gives, for a tenth of the cost."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.manifest import Loaded, load
from reconciler.model.declared import Entry, Listed, Ref, Side
from reconciler.model.finding import Place
from tests.campaign.story import Entries
from tests.campaign.worlds import SCOPE, manifests_of, ref

if TYPE_CHECKING:
    from reconciler.model.declared import Declared
    from tests.campaign.story import Story

PLACE = Place(file="story.yaml", line=1, column=1, text="a story")


def declared_of(story: Story, entries: Entries) -> Loaded:
    """Give what the manifests of a story say."""
    bare = _bare(story.provider, json.dumps(dict(story.limits)), _Key(story))
    servers = [
        Entry(
            side=Side.SERVER,
            owner=_ref(story, server),
            listed=tuple(
                Listed(ref=_ref(story, volume), delete_on_termination=flag)
                for volume, flag in row.listed.items()
            ),
            absent=tuple(_ref(story, volume) for volume in row.absent),
            keeps_others=row.keeps_others,
            document="rows",
        )
        for server, row in entries.servers.items()
    ]
    volumes = [
        Entry(
            side=Side.VOLUME,
            owner=_ref(story, volume),
            listed=tuple(Listed(ref=_ref(story, server)) for server in servers_of),
            document="rows",
        )
        for volume, servers_of in entries.volumes.items()
    ]
    declared = replace(bare, entries={SCOPE: (*servers, *volumes)})
    return Loaded(declared=declared, findings=())


def _ref(story: Story, key: str) -> Ref:
    return Ref(text=ref(story, key), place=PLACE)


class _Key:
    """A story that is equal to every other one, so that only what is beside it is remembered."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key)

    def __hash__(self) -> int:
        return 0


@cache
def _bare(provider: str, limits: str, key: _Key) -> Declared:
    """Give scope and policy of a provider, read from text once."""
    del provider, limits  # They are what makes it another one.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bare.yaml"
        path.write_text(manifests_of(key.story, Entries()), encoding="utf-8")
        read = load((str(path),))
    assert read.declared is not None, read.findings
    scope = replace(read.declared.scopes[SCOPE], place=PLACE)
    return replace(read.declared, scopes={SCOPE: scope})
