"""A row's brief world and manifests, written out: ids, boot volumes, documents."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from reconciler.model.declared import Side as Owner
from reconciler.model.memory import Memory, Protected, Remembers
from reconciler.model.policy import Policy
from reconciler.model.record import NamedAttachment
from reconciler.providers import discover
from tests.rig.plot import vendor_of
from tests.scenarios.row import texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.scenarios.row import Row, Side

GROUPS = ("free", "shared")
"""Words of `live` that are no servers: volumes on no server, volumes that can be shared."""
ASIDE = re.compile(r"<([^<>\n]+)>")
APPLIED = re.compile(
    r"(?P<s>.+?)(?: \(then (?P<s_id>.+?)\))?/(?P<v>.+?)(?: \(then (?P<v_id>.+?)\))?"
)
LONGEST_LABEL = 13
UUID_4 = b"\x40\x00\x80"
"""The bytes in the middle of a UUID that say its version and variant."""
SPECS = discover()
SCOPED = {"allowDestroy", "allowStatusReset"}
"""Keys that only a policy with `scopes` may have."""


def id_of(label: str) -> str:
    """Give the id of a server or volume: shaped like the clouds' own, and sorted like its label."""
    told = label.encode()
    assert len(told) <= LONGEST_LABEL, f"`{label}` is longer than {LONGEST_LABEL} characters"
    told = told.ljust(LONGEST_LABEL, b"\0")
    return str(uuid.UUID(bytes=told[:6] + UUID_4 + told[6:]))


def project_of(side: Side) -> str:
    """Give the project of a scope."""
    return hashlib.sha256(side.name.encode()).hexdigest()[:32]


def with_ids(text: str) -> str:
    """Give a text with the ids of what stands in `<...>`."""
    return ASIDE.sub(lambda found: id_of(found[1]), text)


def servers_of(side: Side) -> dict[str, tuple[str, ...]]:
    """Give each server of a world with the volumes that are on it, by their labels."""
    return {label: texts(told) for label, told in side.live.items() if label not in GROUPS}


def labels_of(side: Side) -> dict[str, str]:
    """Give the label of each id in a world, boot volumes included."""
    servers = servers_of(side)
    boots = (f"{server}-boot" for server in servers)
    return {id_of(label): label for label in (*_volumes(side), *servers, *boots)}


def world_text(side: Side, rules: tuple[Mapping[str, object], ...]) -> str:
    """Give the world file of a scope; JSON is YAML."""
    servers = servers_of(side)
    boots = [{"id": id_of(f"{label}-boot"), "name": f"{label}-boot"} for label in servers]
    document = {
        "provider": side.cloud,
        "projectId": project_of(side),
        "region": f"of-{side.name}",
        "keys": [{"accessKey": f"key-of-{side.name}", "secretKey": f"secret-of-{side.name}"}],
        "jobSeconds": 4,
        "servers": [_server(label, side) for label in servers],
        "volumes": [*(_volume(label, side) for label in _volumes(side)), *boots],
        "attachments": list(_attachments(side)),
        "faults": {"seed": "7", "rules": [dict(rule) for rule in rules]},
    }
    return json.dumps(document)


def manifests_text(row: Row, *, later: bool = False) -> str:
    """Give the manifests of a row; those of `later` are written after its plan was saved."""
    if row.manifests:
        return with_ids(row.manifests)
    return "---\n".join(part for side in row.sides for part in _documents(row, side, later=later))


def applied_rows(side: Side) -> frozenset[NamedAttachment] | None:
    """Give what the last apply owned: the names then, and the ids that they meant."""
    if side.applied is None:
        return None
    found = [APPLIED.fullmatch(text) for text in side.applied]
    return frozenset(
        NamedAttachment(
            server=one["s"],
            volume=one["v"],
            server_id=id_of(one["s_id"] or one["s"]),
            volume_id=id_of(one["v_id"] or one["v"]),
        )
        for one in found
        if one is not None
    )


def memory_of(side: Side) -> Memory | None:
    """Give what the last apply went by: what is said now, where `before` says nothing else."""
    if side.applied is None:
        return None
    policies = side.before.get("policy", side.policies)
    listed = [policies] if isinstance(policies, dict) else cast("list[dict[str, object]]", policies)
    rows = [text.split() for text in texts(side.before.get("protected", ""))]
    documents = texts(side.before.get("documents", f"{side.name}-rows"))
    return Memory(
        of=Remembers.JOURNAL,
        policy=_policy({key: told for policy in listed for key, told in policy.items()}),
        protected=frozenset(
            Protected(side=Owner(kind), name=label, owner_id=id_of(label)) for kind, label in rows
        ),
        documents=frozenset(documents),
    )


def _policy(told: Mapping[str, object]) -> Policy:
    """Give a policy of the numbers and permissions that rows about memory have."""
    known = {
        "max_detach": told.get("maxDetach"),
        "max_detach_share": told.get("maxDetachShare"),
        "max_detach_per_server": told.get("maxDetachPerServer"),
        "allow_destroy": told.get("allowDestroy"),
    }
    return replace(Policy(), **{key: one for key, one in known.items() if one is not None})  # type: ignore[arg-type]  # YAML


def _volumes(side: Side) -> tuple[str, ...]:
    """Give the labels of all volumes, in the order in which they are first named."""
    named = [label for told in servers_of(side).values() for label in told]
    named += [label for group in GROUPS for label in texts(side.live.get(group, ""))]
    named += [label.partition(" on ")[0] for label in side.details if " on " in label]
    return tuple(dict.fromkeys(named))


def _server(label: str, side: Side) -> dict[str, object]:
    made = {"id": id_of(label), "name": label}
    return {**made, "bootVolume": id_of(f"{label}-boot"), **side.details.get(label, {})}


def _volume(label: str, side: Side) -> dict[str, object]:
    shared = label in texts(side.live.get("shared", ""))
    made = {"id": id_of(label), "name": label, "multiattach": shared}
    return {**made, **side.details.get(label, {})}


def _attachments(side: Side) -> Iterator[dict[str, object]]:
    servers = servers_of(side)
    pairs = [(server, volume) for server, told in servers.items() for volume in told]
    apart = [tuple(reversed(label.split(" on "))) for label in side.details if " on " in label]
    for server, volume in dict.fromkeys([*pairs, *apart]):
        more = side.details.get(f"{volume} on {server}", {})
        yield {"server": id_of(server), "volume": id_of(volume), **more}


def _documents(row: Row, side: Side, *, later: bool) -> Iterator[str]:
    vendor = vendor_of(side.cloud)
    spec = {
        "provider": side.cloud,
        "region": f"of-{side.name}",
        "endpoint": "simulator",
        "world": f"{side.name}.world.yaml",
        "credentials": {
            "accessKey": {"env": f"RECONCILER_CRED_{side.name.upper()}_A"},
            "secretKey": {"env": f"RECONCILER_CRED_{side.name.upper()}_S"},
        },
        **vendor.scope,
        **({"projectId": project_of(side)} if "projectId" in SPECS[side.cloud].takes else {}),
        **side.scope,
    }
    yield _document("Scope", side.name, {k: told for k, told in spec.items() if told is not None})
    declared, policies = side.declared, side.policies
    then = row.declared_then if row.fork is None else row.fork
    if later and then is not None:
        declared = then
    if later and row.policy_then is not None:
        policies = (row.policy_then,)
    if declared:
        head = _head("Attachments", f"{side.name}-rows")
        indented = "".join(f"  {line}\n" for line in declared.splitlines())
        yield f"{head}spec:\n  scope: {side.name}\n{with_ids(indented)}"
    for number, policy in enumerate(policies):
        scoped = {"scopes": [side.name]} if SCOPED & policy.keys() and "named" not in policy else {}
        name = policy.get("named") or (f"limits-{number}" if scoped else "default")
        told = {key: value for key, value in policy.items() if key != "named"}
        yield _document("Policy", str(name), {**scoped, **told})


def _head(kind: str, name: str) -> str:
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"


def _document(kind: str, name: str, spec: Mapping[str, object]) -> str:
    return f"{_head(kind, name)}spec: {json.dumps(spec, default=str)}\n"
