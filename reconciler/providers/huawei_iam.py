"""How a scope of Huawei Cloud is opened: its line, its project, its identity.

Source: IAM API reference, "KeystoneListProjects".
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, FindingsError
from reconciler.model.record import Identity
from reconciler.providers.http import open_line
from reconciler.providers.huawei_auth import proof_of
from reconciler.providers.lenient import Id, Text, Wire
from reconciler.providers.requests import get
from reconciler.providers.spec import Opened
from reconciler.providers.talk import ask, clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.ports import Provider
    from reconciler.providers.http import Line
    from reconciler.providers.huawei_faults import Faults
    from reconciler.providers.spec import Opening
    from reconciler.providers.talk import Conversation


class WireProject(Wire):
    """One element of IAM's `projects`."""

    id: Id
    name: Text = ""


class WireProjects(Wire):
    """The body of IAM's `projects`."""

    projects: list[WireProject]


async def open_huawei(
    opening: Opening, faults: Faults, names: tuple[str, str], made: Callable[[str, Line], Provider]
) -> Opened:
    """Give the opened scope; costs a request when the project has to be looked up.

    By user and password it costs another one for the token, made when the first request needs it.
    `names` are those of the provider and of the API whose address is its identity; `made` gives
    the provider of a project. Raises FindingsError, ProviderError.
    """
    provider, api = names
    project = opening.project_id
    line = open_line(opening, proof_of(opening, project, faults), faults.throttled)
    async with AsyncExitStack() as unless_opened:
        unless_opened.push_async_callback(line.ways.aclose)
        if project is None:
            iam, region = opening.endpoints["iam"], opening.region
            asking = find_project(iam, region, opening.scope, faults)
            project = await line.hold(asking)
            # Signatures name the project from now on; a token is that project's already.
            if "user" not in opening.secrets:
                line = replace(line, proof=proof_of(opening, project, faults))
        unless_opened.pop_all()
    identity = Identity(
        provider=provider,
        endpoint=opening.endpoints[api],
        project=project,
        region=opening.region,
    )
    return Opened(provider=made(project, line), identity=identity)


def find_project(iam: str, region: str, scope: str, faults: Faults) -> Conversation[str]:
    """Give the id of the project that a region has. Raises FindingsError unless there is one."""
    request = get(f"{iam}/v3/projects", name=region)
    response = yield from ask(request)
    projects = faults.read(WireProjects, request, response).projects
    ids = sorted({project.id for project in projects})
    if len(ids) == 1:
        return ids[0]
    named = ", ".join(f"`{clean(project_id)}`" for project_id in ids[:10])
    several = f"`{region}` has {len(ids)} projects: {named}"
    raise FindingsError(
        Finding(
            code="project-ambiguous" if ids else "project-not-found",
            summary=several if ids else f"no project of `{region}` is visible to this access key",
            hint="set `projectId` to the project that holds the servers"
            if ids
            else "check `region`, or set `projectId`, which also needs no permission to list them",
            scope=scope,
        )
    )
