"""Documents that the schema refuses, each with the property that the message must name."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from tests.manifest.writing import HEAD


@dataclass(frozen=True)
class Broken:
    """One document, where it is wrong as JSONPath says it, and a word of the message."""

    why: str
    text: str
    path: str
    word: str


def _spec(kind: str, body: str) -> str:
    return HEAD[kind] + textwrap.indent(textwrap.dedent(body).strip("\n"), "  ") + "\n"


def scope(why: str, body: str, path: str, word: str) -> Broken:
    """Give a Scope with this body beside provider and region."""
    text = _spec("Scope", "provider: huawei-ecs\nregion: ap-southeast-3\n" + textwrap.dedent(body))
    return Broken(why, text, path, word)


def rows(why: str, body: str, path: str, word: str) -> Broken:
    """Give an Attachments document with this body."""
    return Broken(why, _spec("Attachments", "scope: shop\n" + textwrap.dedent(body)), path, word)


def policy(why: str, body: str, path: str, word: str) -> Broken:
    """Give a Policy with this body."""
    return Broken(why, _spec("Policy", body), path, word)


WHOLE = _spec("Policy", "maxDetach: 1")
BROKEN = (
    Broken("no kind", WHOLE.replace("kind: Policy\n", ""), "$", "'kind'"),
    Broken("a kind misspelt", WHOLE.replace("Policy", "Polisy"), "$.kind", "'Polisy'"),
    Broken("another tool's", WHOLE.replace("/v1", "/v2"), "$.apiVersion", "'reconciler/v1'"),
    Broken("no name", WHOLE.replace("name: default", ""), "$.metadata", "'name'"),
    Broken("no fit name", WHOLE.replace("default", "-x"), "$.metadata.name", "'-x'"),
    Broken("a key beside spec", WHOLE + "status: {}\n", "$", "'status'"),
    Broken("a spec that is text", WHOLE.replace("\n  maxDetach: 1", " x"), "$.spec", "'object'"),
    Broken("no provider", _spec("Scope", "region: ap-southeast-3"), "$.spec", "'provider'"),
    scope("a key misspelt", "projectID: x", "$.spec", "'projectID'"),
    scope("no such environment", "environment: x", "$.spec.environment", "'x'"),
    scope("the simulator without a world", "endpoint: simulator", "$.spec", "'world'"),
    scope("a world without the simulator", "world: a.world.yaml", "$.spec.world", "not be valid"),
    scope("an endpoint that is none", "endpoint: ecs.example", "$.spec.endpoint", "ecs.example"),
    scope(
        "a credential in the file",
        "credentials: {accessKey: AKIDEXAMPLE}",
        "$.spec.credentials.accessKey",
        "'object'",
    ),
    scope(
        "another variable",
        "credentials: {accessKey: {env: PATH}}",
        "$.spec.credentials.accessKey.env",
        "'PATH'",
    ),
    scope(
        "a variable and a file",
        "credentials: {accessKey: {env: HW_A, file: a}}",
        "$.spec.credentials.accessKey",
        "too many properties",
    ),
    scope(
        "a duration without unit", "limits: {stepTimeout: 10}", "$.spec.limits.stepTimeout", "10"
    ),
    scope("nobody at once", "limits: {maxConcurrency: 0}", "$.spec.limits.maxConcurrency", "0"),
    policy("a share above one", "maxDetachShare: 1.5", "$.spec.maxDetachShare", "1.5"),
    policy("a boolean in quotes", 'allowStatusReset: "true"', "$.spec.allowStatusReset", "boolean"),
    policy("a destroy for everybody", "allowDestroy: true", "$.spec", "'scopes'"),
    policy("no scopes", "scopes: []", "$.spec.scopes", "[]"),
    policy(
        "a window that allows and denies",
        'windows: [{allow: "0 1 * * *", deny: "0 1 * * *", duration: 1h}]',
        "$.spec.windows[0].allow",
        "not be valid",
    ),
    policy(
        "drift without an end",
        "accept: [{scope: a, server: b, volume: c, reason: d}]",
        "$.spec.accept[0]",
        "'until'",
    ),
    policy(
        "no such word",
        "guestRelease: {whenRunning: maybe}",
        "$.spec.guestRelease.whenRunning",
        "'maybe'",
    ),
    Broken("a schedule that never comes", _spec("Schedule", "correct: true"), "$.spec", "'every'"),
    Broken("no scope", _spec("Attachments", "servers: {}"), "$.spec", "'scope'"),
    rows("a section misspelt", "server: {}", "$.spec", "'server'"),
    rows("an entry without its list", "servers: {a: {}}", "$.spec.servers.a", "'volumes'"),
    rows("a list that is text", "servers: {a: {volumes: b}}", "$.spec.servers.a.volumes", "'b'"),
    rows(
        "another word for others",
        "servers: {a: {volumes: [], others: drop}}",
        "$.spec.servers.a.others",
        "'drop'",
    ),
    rows(
        "a device that is none",
        "servers: {a: {volumes: [{volume: b, device: vdb}]}}",
        "$.spec.servers.a.volumes[0].device",
        "'vdb'",
    ),
    rows(
        "a selector of volumes",
        "servers: {a: {volumes: {names: b}}}",
        "$.spec.servers.a.volumes",
        "'array'",
    ),
    rows(
        "a selector without anything",
        "volumes: {a: {servers: {allowEmpty: true}}}",
        "$.spec.volumes.a.servers",
        "'tags'",
    ),
    rows(
        "a blank at the end of a name",
        'volumes: {a: {servers: ["b "]}}',
        "$.spec.volumes.a.servers[0]",
        "'b '",
    ),
)
