"""Huawei Cloud Workspace: desktops and their data disks, which can only be deleted for good.

What is imported here is what facts need: httpx and pydantic are imported when it is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.attachment import View
from reconciler.model.call import Verb
from reconciler.model.capabilities import Batch, BatchBy, Capabilities
from reconciler.providers.spec import Need, Permission, ProviderSpec

if TYPE_CHECKING:
    from reconciler.providers.spec import Opened, Opening

NAME = "huawei-workspace"
BATCH_MAX = 10
"""Disks of one desktop in one call. Source: "DeleteDesktopVolumes", `volume_ids`."""


async def open_provider(opening: Opening) -> Opened:
    """Give the opened scope; costs a request when the project has to be looked up.

    Raises FindingsError when the region has no project or several, ProviderError when asking
    for it failed.
    """
    from reconciler.providers.huawei_workspace.auth import opened  # noqa: PLC0415 - see above

    return await opened(NAME, opening)


SPEC = ProviderSpec(
    name=NAME,
    open=open_provider,
    can=Capabilities(
        attach=False,
        detach_keeps_data=False,
        batch={Verb.DESTROY: Batch(by=BatchBy.SERVER, maximum=BATCH_MAX)},
        views=(View.COMPUTE,),
        has_jobs=True,
        max_concurrency=4,
        step_deadline_s=1200.0,
        job_s=60.0,
    ),
    apis={
        "workspace": "https://workspace.{region}.{cloud}",
        "iam": "https://iam.{region}.{cloud}",
    },
    cloud="myhuaweicloud.com",
    domains=("myhuaweicloud.com", "myhuaweicloud.eu"),
    variables={
        "accessKey": ("HW_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
        "secretKey": ("HW_SECRET_KEY", "HUAWEICLOUD_SDK_SK"),
        "securityToken": ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    },
    needed=("accessKey", "secretKey"),
    permissions=(
        Permission(Need.LOOK, "GET /v2/{project_id}/desktops/detail"),
        Permission(Need.LOOK, "GET /v2/{project_id}/desktops/{desktop_id}"),
        Permission(Need.LOOK, "GET /v2/{project_id}/workspace-jobs/{job_id}"),
        Permission(Need.FIND_PROJECT, "GET /v3/projects"),
        Permission(
            Need.DESTROY,
            "POST /v2/{project_id}/desktops/{desktop_id}/volumes/batch-delete",
            ("workspace:volumes:delete",),
        ),
    ),
    login=("user", "password", "domain"),
)
