"""The open scope of ECS and EVS, with what only `repair`, `doctor` and a preflight ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.http import AskingProvider

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.model.attachment import AttachmentKey, Witness
    from reconciler.model.call import Call
    from reconciler.model.outcome import Receipt
    from reconciler.providers.http import Line
    from reconciler.providers.huawei_ecs.conversations import HuaweiEcs


class ResettingProvider(AskingProvider):
    """A Provider, StatusReset, Preflight and Reckoning; it inherits for its parent's reason."""

    def __init__(self, says: HuaweiEcs, line: Line) -> None:
        super().__init__(says, line)
        self._resets = says

    def takes(self, keys: Collection[AttachmentKey]) -> int:
        """Give how many requests observing these takes; asks nothing."""
        return self._resets.takes(keys)

    async def witness(self, key: AttachmentKey) -> Witness:
        """Ask the server itself whether it has the volume. Raises ProviderError."""
        return await self._line.hold(self._resets.witness(key))

    async def reset(self, key: AttachmentKey, attachment_id: str) -> Receipt:
        """Ask storage to forget one attachment; what broke after the request left is UNKNOWN."""
        return await self.written(self._resets.reset(key, attachment_id))

    async def rehearse(self, call: Call) -> Receipt:
        """Ask whether an attach would pass; what broke after the request left is UNKNOWN."""
        return await self.written(self._resets.rehearse(call))
