"""How Workspace is told who asks: as every service of Huawei Cloud, by its own codes' meanings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.http import HttpProvider
from reconciler.providers.huawei_iam import open_huawei
from reconciler.providers.huawei_workspace.conversations import HuaweiWorkspace
from reconciler.providers.huawei_workspace.errors import FAULTS
from reconciler.providers.huawei_workspace.site import Site

if TYPE_CHECKING:
    from reconciler.providers.http import Line
    from reconciler.providers.spec import Opened, Opening


async def opened(name: str, opening: Opening) -> Opened:
    """Give the opened scope. Raises FindingsError, ProviderError."""

    def made(project: str, line: Line) -> HttpProvider:
        address = opening.endpoints["workspace"]
        site = Site(scope=opening.scope, workspace=address, project=project)
        return HttpProvider(HuaweiWorkspace(site), line)

    return await open_huawei(opening, FAULTS, (name, "workspace"), made)
