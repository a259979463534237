"""Failures of which it is certain that the request had no effect.

A request that fails is one of three: not sent (`NotSentError`, `DeniedError`), refused (the cloud
answered so), or ambiguous (any other `ProviderError`). Only the first two may be told as "nothing
happened".
"""

from __future__ import annotations

from reconciler.errors import ProviderError


class NotSentError(ProviderError):
    """The request never left, or came back unheard because its token had ended."""


class DeniedError(ProviderError):
    """The request never left: its credentials were denied, and the message is that answer's."""


def denied(first: ProviderError) -> DeniedError:
    """Give the error of a request that stays here because of the first answer that denied."""
    return DeniedError(str(first), code=first.code, request_id=first.request_id)
