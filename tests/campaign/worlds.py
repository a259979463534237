"""A story's world, as the simulator's own values, and the story's words for what is in it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sim.dump import cloud_text
from reconciler.sim.records import (
    AttachmentRow,
    JobTime,
    ServerRow,
    VolumeRow,
    World,
)
from reconciler.sim.rules import RuleSet
from tests.campaign.drawing import specs
from tests.rig.plot import UNLIMITED, vendor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sim.cloud import Cloud
    from tests.campaign.story import Entries, Pair, Row, Story

ACCESS = "AKIDCANARY77Q3ZK"
SECRET = "canary/Zk3+9sQ7=TpW2vX8-never-shown"
CREDENTIALS = {"accessKey": "RECONCILER_CRED_A", "secretKey": "RECONCILER_CRED_S"}
ENVIRON = {"RECONCILER_CRED_A": ACCESS, "RECONCILER_CRED_S": SECRET}
SCOPE = "prod"


def project_of(provider: str) -> str:
    """Give the project of every world of a provider."""
    return hashlib.sha256(provider.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Words:
    """The story's word for each id of its cloud."""

    known: Mapping[str, str]

    def pair(self, server_id: str, volume_id: str) -> Pair:
        """Give an attachment in the story's words."""
        return self.known.get(server_id, server_id), self.known.get(volume_id, volume_id)


def words_of(story: Story) -> Words:
    """Give the words for every id that the story's cloud knows."""
    identity = vendor_of(story.provider).identity
    boots = [boot_of(server) for server in story.servers]
    every = (*story.servers, *story.volumes, *story.shared, *boots)
    return Words({identity(key): key for key in every})


def boot_of(server: str) -> str:
    """Give the word for a server's boot volume."""
    return f"{server}-boot"


def world_of(story: Story) -> World:
    """Give the world that a story begins with."""
    identity = vendor_of(story.provider).identity
    rows = [(pair, flag, "both") for pair, flag in story.attached.items()]
    rows += [(pair, False, "storage") for pair in story.ghosts]
    boots = tuple(boot_of(server) for server in story.servers)
    return World(
        provider=story.provider,
        project_id=project_of(story.provider),
        region="r1",
        seed=str(story.seed),
        keys={ACCESS: SECRET},
        job_time=JobTime(median_s=story.job_s, sigma=story.sigma),
        latency_s=story.latency_s,
        servers=tuple(
            ServerRow(
                id=identity(server), name=story.name(server), boot_volume=identity(boot_of(server))
            )
            for server in story.servers
        ),
        volumes=tuple(
            VolumeRow(id=identity(v), name=story.name(v), multiattach=story.sharing(v))
            for v in (*story.volumes, *story.shared, *boots)
        ),
        attachments=tuple(
            AttachmentRow(
                server_id=identity(pair[0]),
                volume_id=identity(pair[1]),
                seen_by=seen_by,
                delete_on_termination=flag,
            )
            for pair, flag, seen_by in rows
        ),
        rules=RuleSet(),
    )


def manifests_of(story: Story, entries: Entries) -> str:
    """Give the manifests of a story; JSON is YAML."""
    vendor = vendor_of(story.provider)
    takes = {"projectId": project_of(story.provider)}
    spec = {
        "provider": story.provider,
        "region": "r1",
        "endpoint": "simulator",
        "world": "unread.world.yaml",
        "limits": _limits(story),
        "credentials": {key: {"env": name} for key, name in CREDENTIALS.items()},
        **{k: v for k, v in takes.items() if k in specs()[story.provider].takes},
        **vendor.scope,
    }
    rows = {
        "scope": SCOPE,
        "servers": {ref(story, s): _row(story, row) for s, row in entries.servers.items()},
        "volumes": {
            ref(story, v): {"servers": [ref(story, s) for s in servers]}
            for v, servers in entries.volumes.items()
        },
    }
    policy = {"scopes": [SCOPE], **vendor.policy, **UNLIMITED}
    told = (("Scope", SCOPE, spec), ("Attachments", "rows", rows), ("Policy", "limits", policy))
    return "---\n".join(_document(kind, name, filled) for kind, name, filled in told)


def ref(story: Story, key: str) -> str:
    """Give how the manifests write a server or volume: by id where its name is hostile."""
    vendor = vendor_of(story.provider)
    if key in story.names:
        return vendor.identity(key)
    return key if key in story.servers else vendor.ref(key)


def _limits(story: Story) -> dict[str, object]:
    limits = dict(story.limits)
    if "stepTimeout" in limits:
        limits["stepTimeout"] = f"{limits['stepTimeout']}s"
    return limits


def _row(story: Story, row: Row) -> dict[str, object]:
    listed: list[object] = [
        ref(story, v) if flag is None else {"volume": ref(story, v), "deleteOnTermination": flag}
        for v, flag in row.listed.items()
    ]
    told: dict[str, object] = {"volumes": listed}
    if row.absent:
        told["absent"] = [ref(story, volume) for volume in row.absent]
    if row.keeps_others:
        told["others"] = "keep"
    return told


def _document(kind: str, name: str, spec: Mapping[str, object]) -> str:
    shape = {
        "apiVersion": "reconciler/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {key: value for key, value in spec.items() if value != {}},
    }
    return json.dumps(shape) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a cloud holds in a moment, in the story's words; boot volumes are left out."""

    views: Mapping[Pair, str]
    """By attachment, who shows it: `both`, `compute`, `storage`."""
    flags: Mapping[Pair, bool]
    """Whether it goes with its server, for those that compute shows."""
    volumes: frozenset[str]
    """Those that aren't destroyed."""
    boots: bool
    """Whether every server has its boot volume, in both views."""


def truth_of(cloud: Cloud, words: Words, *, projected: bool = False) -> Truth:
    """Give what a cloud holds now; `projected`: once all that is under way has ended."""
    compute = {
        (s, v): disk.delete_on_termination
        for s, server in cloud.servers.items()
        for v, disk in server.disks.items()
    }
    storage = {(s, v) for v, volume in cloud.volumes.items() for s in volume.holders}
    gone = {v for v, row in cloud.volumes.items() if row.status == "deleted"}
    for job in cloud.jobs.values() if projected else ():
        for part in job.leaves:
            pair = (str(part.server_id), part.volume_id)
            if part.done or not part.applies:
                continue
            if part.verb == "attach":
                compute.setdefault(pair, part.delete_on_termination)
                storage.add(pair)
                continue
            compute.pop(pair, None)
            storage.discard(pair)
            gone |= {part.volume_id} if part.verb == "destroy" else set()
    views = {pair: "both" if pair in storage else "compute" for pair in compute}
    views |= dict.fromkeys(storage - compute.keys(), "storage")
    named = {words.pair(*pair): view for pair, view in views.items()}
    boots = {s: boot_of(s) for s in (words.known[s] for s in cloud.servers)}
    return Truth(
        views={p: view for p, view in sorted(named.items()) if p[1] not in boots.values()},
        flags={words.pair(*pair): flag for pair, flag in compute.items()},
        volumes=frozenset(words.known[v] for v in cloud.volumes if v not in gone),
        boots=all(named.get(pair) == "both" for pair in boots.items()),
    )


def world_text(cloud: Cloud) -> str:
    """Give a cloud as a world file, which the whole road reads."""
    return cloud_text(cloud)
