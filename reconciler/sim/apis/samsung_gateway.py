"""Who may ask Samsung's Virtual Server, and which version of its API is meant.

Source: the SDK's signature generator and the vendor's header table. The text that is signed is
method, whole address, milliseconds, access key, account id and kind of client, with nothing
between them; the address is what stood on the wire.

Unverified, because nothing is published: a skew of 15 minutes at most; a missing header among
the four is answered like all of them missing (404, as was observed); an unknown access key is
a 401 like a wrong signature; without `Scp-Api-Version` the newest version answers; versions
answer after their support has ended.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.sim.exchange import Answer, Heard, answer
from reconciler.sim.gate import ALWAYS, Gate, Passed

if TYPE_CHECKING:
    from reconciler.sim.cloud import Cloud

PROVIDER = "samsung-virtualserver"
KIND = "Openapi"
LARGEST_SKEW = timedelta(minutes=15)
PROOFS = ("scp-accesskey", "scp-signature", "scp-timestamp", "scp-clienttype")
ENDS: dict[str, date | None] = {
    "1.3": None,
    "1.2": date(2026, 8, 31),
    "1.1": date(2026, 5, 31),
    "1.0": date(2025, 12, 31),
}
"""The versions of the API, newest first, and until when support is promised."""
_DIGITS = 15
"""Of a time in milliseconds, at most: a longer number is no date."""


def admit(gate: Gate, heard: Heard) -> Passed | Answer:
    """Who asks, or the answer that refuses: 404, 401 or 406."""
    access, signature, at, kind = (heard.header(name) for name in PROOFS)
    if not (access and signature and at and kind):
        return gateway(gate, heard, 404, "Not Found")
    known = [
        (cloud.world.project_id, secret)
        for cloud in gate.clouds
        if (secret := _secret(cloud, access)) is not None
    ]
    fresh = _fresh(at, gate.utc_now()) and kind == KIND
    right = {secret for _, secret in known if fresh and genuine(heard, access, secret)}
    if not right:
        return gateway(gate, heard, 401, "Unauthorized")
    if not _offered(heard):
        text = f"API version {heard.header('scp-api-version')} is not supported."
        return fault(gate, 406, "NoSuchVersion", text)
    return Passed(frozenset(project for project, secret in known if secret in right))


def caller(heard: Heard) -> str:
    """Give the access key that a request claims."""
    return heard.header("scp-accesskey") or ""


def genuine(heard: Heard, access: str, secret: str) -> bool:
    """Whether the signature is the one that the secret key gives for this request."""
    rest = (heard.header("scp-timestamp") or "", access, heard.header("scp-accountid") or "", KIND)
    said = (heard.header("scp-signature") or "").encode()
    # A server doesn't hear how it was addressed: TLS may have ended before it.
    return any(
        hmac.compare_digest(_signature(secret, (heard.method, url, *rest)), said)
        for url in _addresses(heard)
    )


def lost(gate: Gate, heard: Heard) -> Answer:
    """Give the answer to a path that no call has; its form is unverified."""
    return gateway(gate, heard, 404, "Not Found")


def gateway(gate: Gate, heard: Heard, status: int, error: str) -> Answer:
    """Give an answer of the gateway itself."""
    body = {
        "timestamp": gate.utc_now().isoformat(timespec="milliseconds"),
        "path": heard.path,
        "status": status,
        "error": error,
        "requestId": gate.request_id()[:8],
    }
    return answer(status, body)


TITLES = {
    400: "Bad Request",
    404: "Not Found",
    406: "Not Acceptable",
    409: "Conflict",
}


def fault(gate: Gate, status: int, code: str, detail: str) -> Answer:
    """Give an error in the form of the service itself."""
    request_id = f"req-{gate.request_id()}"
    row = {
        "status": status,
        "title": TITLES[status],
        "code": code,
        "detail": detail,
        "request_id": request_id,
        "global_request_id": request_id,
        "links": [],
        "related_resources": [],
        "response": None,
    }
    return answer(status, {"errors": [row]})


def versions(today: date, origin: str) -> dict[str, object]:
    """Give what the discovery answers on a day: below 90 days of support are deprecated."""
    rows = []
    for number, (name, ends) in enumerate(ENDS.items()):
        short = ends is not None and ends - today < timedelta(days=90)
        status = "DEPRECATED" if short else "SUPPORTED"
        rows.append(
            {
                "id": f"v{name}",
                "links": [{"href": f"{origin}/v1", "rel": "self"}],
                "not_before": "" if ends is None else ends.isoformat(),
                "status": "CURRENT" if number == 0 else status,
            }
        )
    return {"versions": rows}


def _secret(cloud: Cloud, access: str) -> str | None:
    if cloud.world.provider != PROVIDER:
        return None
    return ALWAYS[1] if access == ALWAYS[0] else cloud.world.keys.get(access)


def _addresses(heard: Heard) -> tuple[str, ...]:
    query = f"?{heard.query_string.decode('latin-1')}" if heard.query_string else ""
    rest = f"{heard.header('host') or ''}{heard.raw_path.decode('latin-1')}{query}"
    return (f"https://{rest}", f"http://{rest}")


def _signature(secret: str, parts: tuple[str, ...]) -> bytes:
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for part in parts:
        mac.update(part.encode())
    return base64.standard_b64encode(mac.digest())


def _fresh(at: str, now: datetime) -> bool:
    if not (at.isascii() and at.isdecimal() and len(at) <= _DIGITS):
        return False
    sent = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        sent += timedelta(milliseconds=int(at))
    except OverflowError:
        return False
    return abs(sent - now) <= LARGEST_SKEW


def _offered(heard: Heard) -> bool:
    said = heard.header("scp-api-version")
    return said is None or said in {f"virtualserver {name}" for name in ENDS}
