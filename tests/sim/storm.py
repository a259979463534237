"""A storm: generated requests against simulators over a socket, every answer checked.

    python -m tests.sim.storm --requests 10000 [--seed N]

Each provider's world gets its share of them. The requests come from the simulator's own OpenAPI
document, some as it says, some not, some as no document would have them. Most are signed as that
API wants it, so that they pass the gateway, and about as many name what the world has; what they
change stays changed. The last line counts the server errors; the status is 1 when there is one,
or an answer that the document doesn't have.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode

import httpx
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reconciler.sim import apis
from tests.sim import asking, hostile, samsung_asking, test_modelarts, test_workspace
from tests.sim.hostile import BODIES, HEADERS, IDS, QUERIES, escaped, sign_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.sim.asking import Asker

# What the generator gives has no types here.
Case: TypeAlias = Any

CHUNK = 500
"""Requests of one generator run; a longer run remembers too much of itself."""

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
PLAIN_SHARE = 0.4
SIGNED_SHARE = 0.9
MEANT = 501
"""Ecs.0603, documented; the document's schema of this status takes no other code."""


@dataclass(frozen=True, kw_only=True)
class Front:
    """How one provider's world is asked."""

    world: str
    ids: Mapping[str, Sequence[str]]
    """What the words of its paths may be, beside jobs; frequent ones several times."""
    bodies: Mapping[str, Sequence[Mapping[str, object]]]
    """By operation, what a good client sends."""
    sign: Callable[[httpx.Request], None] = sign_bytes
    own: frozenset[str] = frozenset({"authorization", "x-auth-token", "x-sdk-date"})
    """The headers of a signature."""
    always: tuple[tuple[bytes, bytes], ...] = ()
    """What is said with every call, unless something else is."""


def _ids_of(world: str, server: str = "server_id") -> Mapping[str, Sequence[str]]:
    told = yaml.safe_load(world)
    servers = [row["id"] for row in told["servers"]]
    volumes = [row["id"] for row in told["volumes"]]
    return {
        "project_id": [*[told["projectId"]] * 18, told["projectId"].upper(), "another"],
        server: [*servers[:2] * 4, *servers, "nobody"],
        "volume_id": [*volumes[:3] * 3, *volumes, servers[0]],
    }


def _sign_samsung(request: httpx.Request) -> None:
    """Sign a request as the vendor's table of headers says, over the address as it goes out."""
    access, secret = samsung_asking.ALWAYS
    at = str(time.time_ns() // 1_000_000)
    path = request.url.raw_path.decode("latin-1")
    said = f"{request.method}http://{request.headers['host']}{path}{at}{access}Openapi"
    mac = hmac.new(secret.encode(), said.encode(), "sha256").digest()
    request.headers["Scp-Accesskey"] = access
    request.headers["Scp-Signature"] = base64.b64encode(mac).decode()
    request.headers["Scp-Timestamp"] = at
    request.headers["Scp-ClientType"] = "Openapi"


def _samsung() -> Front:
    flags = (True, False)
    return Front(
        world=samsung_asking.WORLD,
        ids=_ids_of(samsung_asking.WORLD),
        bodies={
            "attachVolume": [
                {"server_id": server, "delete_on_termination": flag}
                for server in ("s-1", "s-2", "s-3", "s-4")
                for flag in (*flags, None)
            ],
            "updateAttachment": [
                {"volume_id": volume, "delete_on_termination": flag}
                for volume in ("v-1", "v-3", "v-6")
                for flag in flags
            ],
        },
        sign=_sign_samsung,
        own=frozenset({"scp-accesskey", "scp-signature", "scp-timestamp", "scp-clienttype"}),
    )


def _workspace() -> Front:
    disks = test_workspace.DISKS
    named = [*([disk] for disk in (*disks, "w-2", "root-1")), disks[:2], disks[:10]]
    return Front(
        world=test_workspace.WORLD,
        ids=_ids_of(test_workspace.WORLD, server="desktop_id"),
        bodies={"deleteDesktopVolumes": [{"volume_ids": some} for some in named]},
        always=((b"content-type", b"application/json"),),
    )


def fronts() -> Mapping[str, Front]:
    """Give every provider's, by its name."""
    train = _ids_of(test_modelarts.WORLD)
    attach = [{"volume_id": volume} for volume in train["volume_id"]]
    return {
        "huawei-ecs": Front(
            world=asking.WORLD, ids=hostile.known_ids(), bodies=hostile.REAL_BODIES
        ),
        "huawei-modelarts": Front(
            world=test_modelarts.WORLD, ids=train, bodies={"attachDevServerVolume": attach}
        ),
        "huawei-workspace": _workspace(),
        "samsung-virtualserver": _samsung(),
    }


@dataclass(frozen=True, kw_only=True)
class Twist:
    """What one request has in the place of what was generated; the indices wrap around."""

    index: int
    ids: str = "real"
    body: str = "real"
    query: str = "none"
    header: tuple[str, bytes] | None = None
    signed: bool = True
    advance_s: float = 0.0


def twist(dice: Random) -> Twist:
    """Give the next twist: two in five are requests that a good client could send."""
    index, advance_s = dice.randrange(1_000_000), dice.choice([0.0, 0.0, 0.5, 2.5])
    if dice.random() < PLAIN_SHARE:
        return Twist(index=index, advance_s=advance_s)
    return Twist(
        index=index,
        ids=dice.choice(["real"] * 6 + ["generated"] * 2 + ["hostile"]),
        body=dice.choice(["generated"] * 4 + ["real", "hostile"]),
        query=dice.choice(["generated"] * 4 + ["none", "hostile"]),
        header=dice.choice([*HEADERS, *[None] * 5 * len(HEADERS)]),
        signed=dice.random() < SIGNED_SHARE,
        advance_s=advance_s,
    )


@dataclass
class Seen:
    """What was asked, and what was wrong with the answers."""

    sent: int = 0
    errors: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    reached: Counter[tuple[str, int]] = field(default_factory=Counter)
    jobs: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    """What is wrong with an answer, and the first request that showed it."""


@dataclass
class Storm:
    """One simulator under requests."""

    front: Front
    ours: Asker
    client: httpx.Client
    dice: Random
    seen: Seen
    jobs: list[str] = field(default_factory=list)

    def blow(self, requests: int, first_seed: int) -> None:
        """Send so many requests."""
        until = self.seen.sent + requests
        while self.seen.sent < until:
            chunk = min(CHUNK, until - self.seen.sent)
            seed(first_seed)(_run(self, chunk))()
            first_seed += 1

    def ask(self, case: Case) -> None:
        """Send one request and judge its answer."""
        drawn = twist(self.dice)
        self.ours.advance(drawn.advance_s)
        request = self._request(case, drawn)
        reply = self.client.send(request)
        reply.read()
        seen = self.seen
        seen.sent += 1
        seen.statuses[reply.status_code] += 1
        seen.reached[case.operation.label, reply.status_code] += 1
        if reply.status_code >= 500 and reply.status_code != MEANT:
            seen.errors += 1
        if (job := _job_in(reply)) is not None:
            self.jobs.append(job)
        checks = CHECKS if reply.status_code == MEANT else [not_a_server_error, *CHECKS]
        try:
            case.validate_response(reply, checks=checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                told = f"{case.operation.label} {reply.status_code}: {failure}"
                seen.wrong.setdefault(told.partition("\n")[0], _told(request, reply, failure))

    def _request(self, case: Case, drawn: Twist) -> httpx.Request:
        path = case.path
        jobs = [*self.jobs, "none"]
        known = {**self.front.ids, "job_id": jobs, "operation_id": jobs}
        for turn, (name, generated) in enumerate(case.path_parameters.items()):
            spread = drawn.index // 7**turn
            choices = {"real": known[name], "hostile": [*known[name], *IDS]}.get(drawn.ids)
            word = str(generated) if choices is None else choices[spread % len(choices)]
            if not word and path.endswith("{" + name + "}"):
                word = "-"  # Without its last word it would be another call: the list.
            path = path.replace("{" + name + "}", escaped(word))
        url = str(self.client.base_url).rstrip("/") + path
        if query := _query(case, drawn):
            url = f"{url}?{query}"
        headers = [(_raw(key), _raw(text)) for key, text in case.headers.items()]
        headers += [] if drawn.header is None else [(drawn.header[0].encode(), drawn.header[1])]
        said = {name.lower() for name, _ in headers}
        headers += [pair for pair in self.front.always if pair[0] not in said]
        if drawn.signed:
            own = {name.encode() for name in self.front.own}
            headers = [pair for pair in headers if pair[0].lower() not in own]
        content = _body(case, drawn, self.front)
        request = httpx.Request(case.method, url, headers=headers, content=content)
        if drawn.signed:
            self.front.sign(request)
        return request


def _run(storm: Storm, requests: int) -> Callable[[], None]:
    document = storm.ours.good("GET", "/_sim/openapi")
    schema = schemathesis.openapi.from_dict(document)
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    operations = [found.ok() for found in schema.get_all_operations()]
    cases = st.one_of(
        [one.as_strategy(generation_mode=mode) for one in operations for mode in modes]
    )

    @settings(
        max_examples=requests,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def run(case: Case) -> None:
        storm.ask(case)

    generated: Callable[[], None] = run
    return generated


def _query(case: Case, drawn: Twist) -> str:
    if drawn.query == "none":
        return ""
    if drawn.query == "hostile":
        return QUERIES[drawn.index % len(QUERIES)]
    return urlencode(
        case.query or {}, doseq=True, quote_via=quote, encoding="utf-8", errors="surrogatepass"
    )


def _job_in(reply: httpx.Response) -> str | None:
    """Give the job that an answer to a change tells of."""
    if reply.status_code != 200 or reply.request.method not in {"POST", "DELETE"}:
        return None
    told = reply.json() if reply.content else None
    keys = ("job_id", "operation_id")
    return next((told[k] for k in keys if k in told), None) if isinstance(told, dict) else None


def _body(case: Case, drawn: Twist, front: Front) -> bytes:
    real = front.bodies.get(case.operation.definition.raw.get("operationId"), ())
    if drawn.body == "hostile":
        return BODIES[drawn.index % len(BODIES)]
    if drawn.body == "real" and real:
        return json.dumps(real[drawn.index % len(real)]).encode()
    if isinstance(case.body, schemathesis.core.NotSet):
        return b""
    return case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()


def _raw(text: object) -> bytes:
    """Give what a header can carry of a text."""
    kept = "".join(sign for sign in str(text) if sign == "\t" or " " <= sign != "\x7f")
    return kept.strip().encode("latin-1", "replace")


def _told(request: httpx.Request, reply: httpx.Response, failure: object) -> str:
    asked = f"{request.method} {request.url.raw_path!r} {request.content[:300]!r}"
    return f"{failure}\n  {asked}\n  -> {reply.status_code} {reply.content[:300]!r}"


def blown(requests: int, first_seed: int) -> Seen:
    """Give what a storm of so many requests saw, every provider's share together."""
    seen, known = Seen(), fronts()
    assert known.keys() == apis.worlds().keys(), "every provider's world gets its share"
    for number, (_, front) in enumerate(sorted(known.items())):
        share = requests // len(known) + (number < requests % len(known))
        with asking.over_a_socket(front.world) as (ours, client):
            storm = Storm(front, ours, client, Random(first_seed + number), seen)
            storm.blow(share, first_seed)
            seen.jobs += storm.jobs
    return seen


def lines(seen: Seen) -> Iterator[str]:
    """Give the report, a line each."""
    yield from (f"wrong: {told}" for told in seen.wrong.values())
    for (label, status), count in sorted(seen.reached.items()):
        yield f"{count:6} {status} {label}"
    yield f"{len(seen.jobs)} jobs, {len(seen.wrong)} kinds of mistake"
    yield ", ".join(f"{status}: {count}" for status, count in sorted(seen.statuses.items()))
    yield f"{seen.sent} requests, {seen.errors} server errors"


def main() -> int:
    """Blow a storm as the arguments say; 1 when an answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.storm")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    seen = blown(said.requests, said.seed)
    print("\n".join(lines(seen)))
    return 1 if seen.errors or seen.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
