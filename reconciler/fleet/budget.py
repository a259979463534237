"""What all workers together ask of one account: the database hands out the moments of requests.

1. An account is who pays: one provider, with one pair of credentials. Its limit is the smallest
   `requestsPerSecond` that any of its scopes writes; where none does, nobody is asked.
2. A request takes the account's next free moment in one statement, by the database's clock: no
   worker needs to know how many others there are, and an idle one keeps nothing from a busy one.
3. Moments are a little further apart than the limit says: what a machine under load sends late
   must not meet what was sent in time.
4. Without the database nobody can tell, and nothing is asked.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg_pool import ConnectionPool

from reconciler.fleet.database import PATIENCE, worded
from reconciler.model.endpoint import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from reconciler.model.declared import Declared, DeclaredScope

LATE_S = 0.15
"""How late a request may leave without a second having more than the limit."""
TAKEN = """
INSERT INTO fleet_budgets AS kept (account, next_at)
VALUES (%(account)s, clock_timestamp() + %(apart_s)s * interval '1 second')
ON CONFLICT (account) DO UPDATE SET next_at =
    greatest(kept.next_at, clock_timestamp()) + %(apart_s)s * interval '1 second'
RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - %(apart_s)s
"""
CONNECTIONS = 2
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom requests are counted for."""

    name: str
    requests_per_s: float

    @property
    def apart_s(self) -> float:
        """Seconds between two requests."""
        return (1.0 + LATE_S) / self.requests_per_s


def accounts(declared: Declared) -> Mapping[str, Account]:
    """Give the account of each scope; absent where nobody wrote a limit for it."""
    smallest: dict[str, float] = {}
    for scope in declared.scopes.values():
        limit = scope.limits.requests_per_s
        if limit is not None:
            name = _name(scope)
            smallest[name] = min(limit, smallest.get(name, limit))
    return {
        scope.name: Account(name=_name(scope), requests_per_s=smallest[_name(scope)])
        for scope in declared.scopes.values()
        if _name(scope) in smallest
    }


def _name(scope: DeclaredScope) -> str:
    """Give what tells an account from others: references to secrets, never secrets."""
    refs = sorted((key, ref.env, ref.file) for key, ref in scope.credentials.items())
    where = sorted((api, canonical(url)) for api, url in scope.endpoints.items())
    told = [scope.provider, scope.account_id, refs, where]
    return json.dumps([*told, scope.name] if scope.simulated else told)


class SharedBudget:
    """Budget (see `ports`) of one worker, used by all its threads."""

    def __init__(self, url: str) -> None:
        self.accounts: Mapping[str, Account] = {}
        """By scope; replaced when the manifests change."""
        self._url = url
        self._pool = ConnectionPool(
            url,
            kwargs={**PATIENCE, "autocommit": True, "prepare_threshold": None},
            min_size=0,
            max_size=CONNECTIONS,
            timeout=PATIENCE_S,
            check=ConnectionPool.check_connection,
            open=False,
        )

    def __enter__(self) -> Self:
        self._pool.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.close()

    async def turn(self, scope: str) -> None:
        """Wait for the next free moment of the scope's account; nothing where it has no limit."""
        account = self.accounts.get(scope)
        if account is not None:
            # On the look's own thread: nobody else waits for this statement.
            await asyncio.sleep(self._wait_s(account))

    def _wait_s(self, account: Account) -> float:
        with worded(self._url), self._pool.connection() as connection:
            told = {"account": account.name, "apart_s": account.apart_s}
            row = connection.execute(TAKEN, told).fetchone()
        assert row is not None, "the statement returns a row"
        return max(0.0, float(row[0]))
