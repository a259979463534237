"""How ECS is told who asks: as every service of Huawei Cloud, by the meanings of its own codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.huawei_ecs.conversations import HuaweiEcs
from reconciler.providers.huawei_ecs.errors import FAULTS
from reconciler.providers.huawei_ecs.resetting import ResettingProvider
from reconciler.providers.huawei_ecs.site import Site
from reconciler.providers.huawei_iam import open_huawei

if TYPE_CHECKING:
    from reconciler.providers.http import Line
    from reconciler.providers.spec import Opened, Opening


async def opened(name: str, opening: Opening) -> Opened:
    """Give the opened scope. Raises FindingsError, ProviderError."""

    def made(project: str, line: Line) -> ResettingProvider:
        ecs, evs = opening.endpoints["ecs"], opening.endpoints["evs"]
        site = Site(scope=opening.scope, ecs=ecs, evs=evs, project=project)
        return ResettingProvider(HuaweiEcs(site), line)

    return await open_huawei(opening, FAULTS, (name, "ecs"), made)
