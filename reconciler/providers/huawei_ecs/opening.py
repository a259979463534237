"""How a scope of Huawei Cloud is opened: its line, its project, its identity."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.record import Identity
from reconciler.providers.http import SlotCountingProvider, open_line
from reconciler.providers.huawei_ecs.auth import proof_of
from reconciler.providers.huawei_ecs.conversations import HuaweiEcs, find_project
from reconciler.providers.huawei_ecs.errors import throttled
from reconciler.providers.huawei_ecs.site import Site
from reconciler.providers.spec import Opened

if TYPE_CHECKING:
    from reconciler.providers.spec import Opening


async def opened(name: str, opening: Opening) -> Opened:
    """Give the opened scope; costs a request when the project has to be looked up.

    By user and password it costs another one for the token, made when the first request needs it.
    """
    endpoints = opening.endpoints
    project = opening.project_id
    line = open_line(opening, proof_of(opening, project), throttled)
    async with AsyncExitStack() as unless_opened:
        unless_opened.push_async_callback(line.client.aclose)
        if project is None:
            asking = find_project(endpoints["iam"], opening.region, opening.scope)
            project = await line.hold(asking)
            # Signatures name the project from now on; a token is that project's already.
            if "user" not in opening.secrets:
                line = replace(line, proof=proof_of(opening, project))
        unless_opened.pop_all()
    site = Site(scope=opening.scope, ecs=endpoints["ecs"], evs=endpoints["evs"], project=project)
    identity = Identity(
        provider=name, endpoint=endpoints["ecs"], project=project, region=opening.region
    )
    return Opened(provider=SlotCountingProvider(HuaweiEcs(site), line), identity=identity)
