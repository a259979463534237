"""Huawei Cloud ModelArts Lite Server: attachments of EVS volumes to supernode servers.

What is imported here is what facts need: httpx and pydantic are imported when it is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.attachment import View
from reconciler.model.capabilities import Capabilities, SetBy
from reconciler.providers.spec import Need, Permission, ProviderSpec

if TYPE_CHECKING:
    from reconciler.providers.spec import Opened, Opening

NAME = "huawei-modelarts"


async def open_provider(opening: Opening) -> Opened:
    """Give the opened scope; costs a request when the project has to be looked up.

    Raises FindingsError when the region has no project or several, ProviderError when asking
    for it failed.
    """
    from reconciler.providers.huawei_modelarts.auth import opened  # noqa: PLC0415 - see above

    return await opened(NAME, opening)


SPEC = ProviderSpec(
    name=NAME,
    open=open_provider,
    can=Capabilities(
        attach=True,
        detach_keeps_data=True,
        views=(View.COMPUTE,),
        has_jobs=True,
        delete_on_termination=SetBy.NEVER,
        max_servers_per_volume=1,
        max_concurrency=8,
        step_deadline_s=1200.0,
        job_s=20.0,
    ),
    apis={
        "modelarts": "https://modelarts.{region}.{cloud}",
        "iam": "https://iam.{region}.{cloud}",
    },
    cloud="myhuaweicloud.com",
    # The SDK gives ap-southeast-1 an address below `.cn`, whether or not that is intended.
    domains=("myhuaweicloud.com", "myhuaweicloud.cn"),
    variables={
        "accessKey": ("HW_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
        "secretKey": ("HW_SECRET_KEY", "HUAWEICLOUD_SDK_SK"),
        "securityToken": ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    },
    needed=("accessKey", "secretKey"),
    permissions=(
        Permission(
            Need.LOOK, "GET /v1/{project_id}/dev-servers", ("modelarts:devserver:listByUser",)
        ),
        Permission(
            Need.LOOK, "GET /v1/{project_id}/dev-servers/{id}", ("modelarts:devserver:get",)
        ),
        Permission(Need.LOOK, "GET /v1/{project_id}/dev-servers/{id}/operation/{operation_id}"),
        Permission(Need.FIND_PROJECT, "GET /v3/projects"),
        Permission(Need.ATTACH, "POST /v1/{project_id}/dev-servers/{id}/attachvolume"),
        Permission(
            Need.DETACH, "DELETE /v1/{project_id}/dev-servers/{id}/detachvolume/{volume_id}"
        ),
    ),
    login=("user", "password", "domain"),
)
