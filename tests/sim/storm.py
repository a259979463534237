"""A storm: generated requests against a simulator over a socket, every answer checked.

    python -m tests.sim.storm --requests 10000 [--seed N]

The requests come from the simulator's own OpenAPI document, some as it says, some not, some
as no document would have them. Most are signed, so that they pass the gateway, and about as
many name what the world has; what they change stays changed. The last line counts the
server errors; the status is 1 when there is one, or an answer that the document doesn't have.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.sim.asking import WORLD, over_a_socket
from tests.sim.hostile import (
    BODIES,
    HEADERS,
    IDS,
    QUERIES,
    REAL_BODIES,
    escaped,
    known_ids,
    sign_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
class Storm:
    """One simulator under requests: what it was asked, and what was wrong with the answers."""

    ours: Asker
    client: httpx.Client
    dice: Random
    sent: int = 0
    errors: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    reached: Counter[tuple[str, int]] = field(default_factory=Counter)
    jobs: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    """What is wrong with an answer, and the first request that showed it."""

    def blow(self, requests: int, first_seed: int) -> None:
        """Send so many requests."""
        while self.sent < requests:
            chunk = min(CHUNK, requests - self.sent)
            seed(first_seed)(_run(self, chunk))()
            first_seed += 1

    def ask(self, case: Case) -> None:
        """Send one request and judge its answer."""
        drawn = twist(self.dice)
        self.ours.advance(drawn.advance_s)
        request = self._request(case, drawn)
        reply = self.client.send(request)
        reply.read()
        self.sent += 1
        self.statuses[reply.status_code] += 1
        self.reached[case.operation.label, reply.status_code] += 1
        if reply.status_code >= 500 and reply.status_code != MEANT:
            self.errors += 1
        if reply.status_code == 200 and b'"job_id":"' in reply.content[:20]:
            self.jobs.append(reply.json()["job_id"])
        checks = CHECKS if reply.status_code == MEANT else [not_a_server_error, *CHECKS]
        try:
            case.validate_response(reply, checks=checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                told = f"{case.operation.label} {reply.status_code}: {failure}"
                self.wrong.setdefault(told.partition("\n")[0], _told(request, reply, failure))

    def _request(self, case: Case, drawn: Twist) -> httpx.Request:
        path = case.path
        known = {**known_ids(), "job_id": [*self.jobs, "none"]}
        for turn, (name, generated) in enumerate(case.path_parameters.items()):
            spread = drawn.index // 7**turn
            choices = {"real": known[name], "hostile": [*known[name], *IDS]}.get(drawn.ids)
            word = str(generated) if choices is None else choices[spread % len(choices)]
            path = path.replace("{" + name + "}", escaped(word))
        url = str(self.client.base_url).rstrip("/") + path
        if query := _query(case, drawn):
            url = f"{url}?{query}"
        headers = [(_raw(key), _raw(text)) for key, text in case.headers.items()]
        headers += [] if drawn.header is None else [(drawn.header[0].encode(), drawn.header[1])]
        if drawn.signed:
            own = (b"authorization", b"x-auth-token", b"x-sdk-date")
            headers = [pair for pair in headers if pair[0].lower() not in own]
        request = httpx.Request(case.method, url, headers=headers, content=_body(case, drawn))
        if drawn.signed:
            sign_bytes(request)
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


def _body(case: Case, drawn: Twist) -> bytes:
    real = REAL_BODIES.get(case.operation.definition.raw.get("operationId"), ())
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


def blown(requests: int, first_seed: int) -> Storm:
    """Give the storm of so many requests, after it."""
    with over_a_socket(WORLD) as (ours, client):
        storm = Storm(ours, client, Random(first_seed))
        storm.blow(requests, first_seed)
        return storm


def lines(storm: Storm) -> Iterable[str]:
    """Give the report, a line each."""
    yield from (f"wrong: {told}" for told in storm.wrong.values())
    for (label, status), count in sorted(storm.reached.items()):
        yield f"{count:6} {status} {label}"
    yield f"{storm.sent} requests, {len(storm.jobs)} jobs, {len(storm.wrong)} kinds of mistake"
    yield ", ".join(f"{status}: {count}" for status, count in sorted(storm.statuses.items()))
    yield f"{storm.errors} server errors"


def main() -> int:
    """Blow a storm as the arguments say; 1 when an answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.storm")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    storm = blown(said.requests, said.seed)
    print("\n".join(lines(storm)))
    return 1 if storm.errors or storm.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
