"""A cloud of a package of its own: a partition of the ECS and EVS interfaces at another domain.

It has its own name, domain, variables and limits; the conversations are those of the partition that
it is like. One that speaks otherwise gives `open` its own `Provider` (`reconciler/ports.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.providers.huawei_ecs import SPEC as LIKE

if TYPE_CHECKING:
    from reconciler.providers.spec import Opened, Opening

NAME = "acme-blocks"


async def open_acme(opening: Opening) -> Opened:
    """Give the opened scope; costs what opening the partition costs that it is like."""
    opened = await LIKE.open(opening)
    return replace(opened, identity=replace(opened.identity, provider=NAME))


SPEC = replace(
    LIKE,
    name=NAME,
    open=open_acme,
    can=replace(LIKE.can, max_concurrency=8),
    cloud="cloud.acme.example",
    domains=("cloud.acme.example",),
    variables={"accessKey": ("ACME_ACCESS_KEY",), "secretKey": ("ACME_SECRET_KEY",)},
    login=(),
)
