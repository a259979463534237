"""The API gateway: who may ask, and the answers it gives in its own name.

Source: the gateway's error codes (APIGW.0101, 0201, 0301, 0308) and the lock of an access
key after more than five failures in a row. Unverified: which failures count (here a
wrong signature only), and that a success sets the count back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.sim.dice import Dice
from reconciler.sim.exchange import Answer, Heard, answer
from reconciler.sim.signature import Authorization, genuine, read_authorization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.sim.cloud import Cloud
    from reconciler.sim.records import User

ALWAYS = ("simulator", "simulator-secret")
"""The access key and the secret key that every world takes."""

LARGEST_SKEW = timedelta(minutes=15)
LOCK_TIME = timedelta(minutes=5)
FAILURES_ALLOWED = 5
TOKEN_TIME = timedelta(hours=24)


@dataclass(slots=True)
class _Failures:
    count: int = 0
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    project_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Passed:
    """Who a request came from: the projects that it may speak about."""

    projects: frozenset[str]


@dataclass(slots=True)
class Gate:
    """Keys, tokens and locks of all the worlds that one address serves."""

    clouds: tuple[Cloud, ...]
    utc_now: Callable[[], datetime]
    _failures: dict[str, _Failures] = field(default_factory=dict)
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _dice: Dice = field(default_factory=lambda: Dice("gate"))

    def request_id(self) -> str:
        """Give the next `X-Request-Id`."""
        return self._dice.token()

    def admit(self, heard: Heard) -> Passed | Answer:
        """Who asks, or the 401 that refuses."""
        token = heard.header("x-auth-token")
        if token is not None:
            return self._by_token(token)
        claimed = read_authorization(heard.header("authorization") or "")
        if claimed is None:
            return self.refuse("x-auth-token not found")
        secrets = self._secrets(claimed.access_key)
        if not secrets:
            return self.refuse(f"Get secretKey failed,ak:{claimed.access_key},err:ak not exist")
        return self._by_key(heard, claimed, secrets)

    def _by_key(
        self, heard: Heard, claimed: Authorization, secrets: Sequence[tuple[str, str]]
    ) -> Passed | Answer:
        now = self.utc_now()
        failures = self._failures.setdefault(claimed.access_key, _Failures())
        if failures.locked_until is not None and now < failures.locked_until:
            return self.refuse("AK access failed to reach the limit,forbidden")
        if not _fresh(heard.header("x-sdk-date"), now):
            return self.refuse("calc ak sk signature fail:signature expired")
        # The worlds that know the key expect the same secret as a rule; it is tried once.
        known = {secret for _, secret in secrets}
        right = {secret for secret in known if genuine(heard, claimed, secret)}
        if not right:
            return self._failed(failures, now)
        failures.count = 0
        return Passed(frozenset(project for project, secret in secrets if secret in right))

    def token(self, user: User, project_id: str) -> tuple[str, datetime]:
        """Give a new token for a project, and when it ends."""
        expires_at = self.utc_now() + TOKEN_TIME
        text = f"MIIsim{user.name}{self._dice.token()}"
        self._tokens[text] = _Token(project_id, expires_at)
        return text, expires_at

    def refuse(self, said: str) -> Answer:
        """Give the gateway's 401 with one of its texts."""
        text = f"Incorrect IAM authentication information: {said}"
        return self.gateway(401, "APIGW.0301", text)

    def gateway(
        self, status: int, code: str, text: str, headers: dict[str, str] | None = None
    ) -> Answer:
        """Give an answer of the gateway itself."""
        body = {"error_msg": text, "error_code": code, "request_id": self.request_id()}
        return answer(status, body, headers)

    def _by_token(self, text: str) -> Passed | Answer:
        token = self._tokens.get(text)
        if token is None:
            return self.refuse("decrypt token fail")
        if self.utc_now() >= token.expires_at:
            return self.refuse(f"token expires, expires_at: {token.expires_at.isoformat()}")
        return Passed(frozenset((token.project_id,)))

    def _failed(self, failures: _Failures, now: datetime) -> Answer:
        failures.count += 1
        if failures.count > FAILURES_ALLOWED:
            failures.count = 0
            failures.locked_until = now + LOCK_TIME
        return self.refuse("verify aksk signature fail")

    def _secrets(self, access_key: str) -> Sequence[tuple[str, str]]:
        """Give the projects that know the access key, each with the secret it expects."""
        if access_key == ALWAYS[0]:
            return [(cloud.world.project_id, ALWAYS[1]) for cloud in self.clouds]
        return [
            (cloud.world.project_id, secret)
            for cloud in self.clouds
            if (secret := cloud.world.keys.get(access_key)) is not None
        ]


def _fresh(date: str | None, now: datetime) -> bool:
    if date is None or not date.endswith("Z"):
        return False
    try:
        signed_at = datetime.strptime(f"{date[:-1]}+0000", "%Y%m%dT%H%M%S%z")
    except ValueError:
        return False
    return abs(signed_at - now) <= LARGEST_SKEW
