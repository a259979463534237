"""Stops a run from knocking with a key that was denied.

1. A secret that no cloud has accepted yet goes with one request alone; the others wait for its
   answer.
2. Once an access key or a user is denied, no request of the run leaves with it any more, from
   whichever scope: each of them fails with the answer of the one that was denied.
3. What is in flight when a key ends in the middle of a run has left already and can't be called
   back; nothing follows it.
4. Whether a request without an answer counts as a failure there, nobody can tell: a secret that
   was never accepted isn't tried more than `MOST_UNHEARD` times without an answer.
5. Nothing is remembered beyond the run: the next one tries once.

Source: API Gateway, "Error Codes", APIGW.0301: more than 5 failures in a row lock an access key
for 5 minutes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from reconciler.errors import ProviderError
from reconciler.providers.failures import NotSentError, denied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    Denial: TypeAlias = Callable[[httpx.Request, httpx.Response], ProviderError | None]
    """What an answer that denies the credentials raises; None for every other answer."""

MOST_UNHEARD = 4


class Fuse:
    """What a run knows of one access key or user."""

    def __init__(self) -> None:
        self._denied: ProviderError | None = None
        self._accepted: set[str] = set()
        """By secret: one access key may stand in two scopes, and be misspelt in one of them."""
        self._first = asyncio.Lock()
        self._unheard = 0

    def whole(self) -> bool:
        """Tell whether nothing was denied so far."""
        return self._denied is None

    async def guard(
        self,
        secret: str,
        attempt: Callable[[], Awaitable[httpx.Response | None]],
        denial: Callable[[httpx.Response], ProviderError | None],
    ) -> httpx.Response:
        """Give the answer to an attempt, made alone while the secret was never accepted.

        An attempt gives None when it saw the fuse blown before it left. Raises DeniedError
        instead of an attempt once there was a denial.
        """
        self._check()
        if secret not in self._accepted:
            async with self._first:
                self._check()
                if secret not in self._accepted:
                    return self._judged(secret, await self._alone(attempt), denial)
        return self._judged(secret, await attempt(), denial)

    async def _alone(
        self, attempt: Callable[[], Awaitable[httpx.Response | None]]
    ) -> httpx.Response | None:
        try:
            return await attempt()
        except NotSentError:
            raise
        except ProviderError as error:
            self._unheard += 1
            if self._unheard >= MOST_UNHEARD:
                self._denied = error
            raise

    def _check(self) -> None:
        if self._denied is not None:
            raise denied(self._denied) from self._denied

    def _judged(
        self,
        secret: str,
        response: httpx.Response | None,
        denial: Callable[[httpx.Response], ProviderError | None],
    ) -> httpx.Response:
        if response is None:
            self._check()
        assert response is not None, "only a blown fuse holds an attempt back"
        self._denied = self._denied or denial(response)
        if response.is_success:
            self._accepted.add(secret)
        return response


class Breaker:
    """The fuses of a run, one for each access key or user, shared by all its scopes."""

    def __init__(self) -> None:
        self._fuses: dict[str, Fuse] = {}

    def fuse(self, account: str) -> Fuse:
        """Give the fuse of an account; the same one for the same account."""
        return self._fuses.setdefault(account, Fuse())
