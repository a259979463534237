"""World files: read into a `World`, and written from a cloud so that it can go on.

The keys are those of the documented format. Beside them, all optional:

* world: `region`, `seed`, `users: [{name, password, domain}]`; written by a dump:
  `elapsedSeconds` (the cloud's seconds), `drawn` (draws made), `jobs`
* server: `locked`, `frozen`, `flavor`, `taskState`, `freeSlots`
* volume: `status`, `tags`, `metadata`, `bootable`
* attachment: `deleteOnTermination`, `attachmentId`, `attachedAt` (the cloud's seconds)
* job: `id`, `verb`, `volume`, `server`, `device`, `deleteOnTermination`, `beganAt`, `dueAt`,
  `applies`, `ends`, `shows`, `done`, `parts` (a batch's jobs of one attachment each)
* what a provider's `WORLD` adds to its servers and volumes
* a fault rule: `matched`, `fired`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from reconciler.sim import apis
from reconciler.sim.dump import cloud_text
from reconciler.sim.fields import Fields, WorldError, documents, fault_at, rows
from reconciler.sim.names import Names
from reconciler.sim.records import (
    AttachmentRow,
    Job,
    JobTime,
    ServerRow,
    User,
    VolumeRow,
    World,
    WorldKeys,
)
from reconciler.sim.rules import RuleSet, rules_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sim.cloud import Cloud

__all__ = ["World", "WorldError", "dump_world", "read_worlds"]

_WORLD = [
    "provider",
    "projectId",
    "region",
    "seed",
    "keys",
    "users",
    "jobSeconds",
    "latencySeconds",
    "servers",
    "volumes",
    "attachments",
    "faults",
    "jobs",
    "elapsedSeconds",
    "drawn",
]
_SERVER = [
    "id",
    "name",
    "status",
    "az",
    "bootVolume",
    "tags",
    "locked",
    "frozen",
    "flavor",
    "taskState",
    "freeSlots",
]
_VOLUME = [
    "id",
    "name",
    "sizeGib",
    "az",
    "multiattach",
    "type",
    "status",
    "tags",
    "metadata",
    "bootable",
]
_ATTACHMENT = [
    "server",
    "volume",
    "device",
    "seenBy",
    "deleteOnTermination",
    "attachmentId",
    "attachedAt",
]
_JOB = [
    "id",
    "verb",
    "volume",
    "server",
    "device",
    "deleteOnTermination",
    "beganAt",
    "dueAt",
    "applies",
    "ends",
    "shows",
    "done",
    "parts",
]


def read_worlds(text: str, name: str) -> tuple[World, ...]:
    """Give the worlds of a file, one a document; raises `WorldError` with `name:line:`."""
    worlds = tuple(_world(node, name) for node in documents(text, name))
    if not worlds:
        raise WorldError(f"{name}:1: no world; write at least `provider:` and `projectId:`")
    seen: set[str] = set()
    for world in worlds:
        if world.project_id in seen:
            text = f"two worlds have the projectId `{world.project_id}`; change one"
            raise WorldError(f"{name}:1: {text}")
        seen.add(world.project_id)
    return worlds


def dump_world(cloud: Cloud) -> str:
    """Give a world file that reads back to the same cloud, changes in flight included."""
    return cloud_text(cloud)


def _world(node: yaml.Node, name: str) -> World:
    fields = Fields(node, name, "a world", _WORLD)
    keys = _keys_of(fields)
    names = Names(
        servers=[_server(row, name, keys.server) for row in _rows(fields, "servers")],
        volumes=[_volume(row, name, keys.volume) for row in _rows(fields, "volumes")],
        name=name,
    )
    attachments = _attachments(fields, names)
    return World(
        provider=keys.provider,
        project_id=fields.text("projectId"),
        region=fields.text("region", "ap-southeast-3"),
        seed=fields.text("seed", "0"),
        keys=_keys(fields),
        users=_users(fields),
        job_time=_job_time(fields),
        latency_s=fields.number("latencySeconds", 0.0),
        servers=tuple(names.servers.values()),
        volumes=tuple(names.volumes.values()),
        attachments=attachments,
        jobs=tuple(_job(row, names) for row in _rows(fields, "jobs")),
        rules=rules_of(fields.nodes["faults"], name) if fields.given("faults") else RuleSet(),
        elapsed_s=fields.number("elapsedSeconds", 0.0),
        drawn=fields.whole("drawn", 0),
    )


def _rows(fields: Fields, key: str) -> list[yaml.Node]:
    return rows(fields.nodes[key], fields.name, key) if key in fields.nodes else []


def _texts(fields: Fields, key: str) -> Mapping[str, str]:
    if not fields.given(key):
        return {}
    inner = Fields(fields.nodes[key], fields.name, f"`{key}`")
    return {word: inner.text(word, "") for word in inner.nodes}


def _keys(fields: Fields) -> Mapping[str, str]:
    found = {}
    for row in _rows(fields, "keys"):
        key = Fields(row, fields.name, "a key", ("accessKey", "secretKey"))
        found[key.text("accessKey")] = key.text("secretKey")
    return found


def _users(fields: Fields) -> tuple[User, ...]:
    read = [
        Fields(row, fields.name, "a user", ("name", "password", "domain"))
        for row in _rows(fields, "users")
    ]
    return tuple(
        User(name=row.text("name"), password=row.text("password"), domain=row.text("domain"))
        for row in read
    )


def _job_time(fields: Fields) -> JobTime:
    node = fields.nodes.get("jobSeconds")
    if isinstance(node, yaml.MappingNode):
        inner = Fields(node, fields.name, "`jobSeconds`", ("median", "sigma"))
        return JobTime(median_s=inner.number("median"), sigma=inner.number("sigma", 0.0))
    return JobTime(median_s=fields.number("jobSeconds", 2.0))


def _keys_of(fields: Fields) -> WorldKeys:
    known = apis.worlds()
    provider = fields.text("provider")
    if provider not in known:
        named = ", ".join(f"`{one}`" for one in known)
        raise fields.fault("provider", f"`{provider}` is not known; write one of {named}")
    return known[provider]


def _server(node: yaml.Node, name: str, own: tuple[str, ...]) -> tuple[yaml.Node, ServerRow]:
    fields = Fields(node, name, "a server", (*_SERVER, *own))
    server_id = fields.identity("id")
    return node, ServerRow(
        id=server_id,
        name=fields.text("name", server_id),
        status=fields.text("status", "ACTIVE"),
        az=fields.text("az", "az1"),
        boot_volume=fields.identity("bootVolume") if fields.given("bootVolume") else None,
        tags=_texts(fields, "tags"),
        locked=fields.flag("locked", default=False),
        frozen=fields.flag("frozen", default=False),
        flavor=fields.text("flavor", "s6.large.2"),
        motion=fields.optional("taskState"),
        free_slots=fields.whole("freeSlots") if fields.given("freeSlots") else None,
        facts={key: fields.text(key) for key in own if fields.given(key)},
    )


def _volume(node: yaml.Node, name: str, own: tuple[str, ...]) -> tuple[yaml.Node, VolumeRow]:
    fields = Fields(node, name, "a volume", (*_VOLUME, *own))
    volume_id = fields.identity("id")
    return node, VolumeRow(
        id=volume_id,
        name=fields.text("name", volume_id),
        size_gib=fields.whole("sizeGib", 10),
        az=fields.text("az", "az1"),
        multiattach=fields.flag("multiattach", default=False),
        type=fields.text("type", "SSD"),
        status=fields.optional("status"),
        bootable=fields.flag("bootable", default=False),
        tags=_texts(fields, "tags"),
        metadata=_texts(fields, "metadata"),
        facts={key: fields.text(key) for key in own if fields.given(key)},
    )


def _attachments(fields: Fields, names: Names) -> tuple[AttachmentRow, ...]:
    found: dict[tuple[str, str], AttachmentRow] = {}
    for node in _rows(fields, "attachments"):
        row = _attachment(node, names)
        if (row.server_id, row.volume_id) in found:
            pair = f"`{row.volume_id}` on `{row.server_id}`"
            raise fault_at(node, fields.name, f"{pair} is written twice; keep one")
        found[row.server_id, row.volume_id] = row
    return tuple(found.values())


def _attachment(node: yaml.Node, names: Names) -> AttachmentRow:
    fields = Fields(node, names.name, "an attachment", _ATTACHMENT)
    seen_by = fields.choice("seenBy", ("both", "storage", "compute"), "both")
    kept = fields.given("deleteOnTermination")
    return AttachmentRow(
        # Storage also lists disks of servers that this account may not see, so there an
        # unknown server is an id as it stands.
        server_id=names.server(fields, "server", visible=seen_by != "storage"),
        volume_id=names.volume(fields, "volume"),
        device=fields.optional("device"),
        seen_by=seen_by,
        delete_on_termination=fields.flag("deleteOnTermination", default=False) if kept else None,
        attachment_id=fields.optional("attachmentId"),
        attached_s=_signed(fields, "attachedAt"),
    )


def _signed(fields: Fields, key: str) -> float:
    try:
        return float(fields.text(key, "0"))
    except ValueError as error:
        raise fields.fault(key, f"`{key}` is not a number of seconds; correct it") from error


def _job(node: yaml.Node, names: Names) -> Job:
    fields = Fields(node, names.name, "a job", _JOB)
    given = fields.given("server")
    return Job(
        id=fields.text("id"),
        verb=fields.choice("verb", ("attach", "detach", "destroy")),
        volume_id=names.volume(fields, "volume"),
        server_id=names.server(fields, "server", visible=True) if given else None,
        device=fields.optional("device"),
        delete_on_termination=fields.flag("deleteOnTermination", default=False),
        began_s=fields.number("beganAt"),
        due_s=fields.number("dueAt"),
        applies=fields.flag("applies", default=True),
        ends=fields.choice("ends", ("SUCCESS", "FAIL"), "SUCCESS"),
        shows=fields.choice("shows", ("plain", "gone", "init-first"), "plain"),
        done=fields.flag("done", default=False),
        parts=tuple(_job(row, names) for row in _rows(fields, "parts")),
    )
