"""The two IAM calls that a client of ECS and EVS needs: projects, and tokens.

Source: IAM API reference. A project's name is its region. Only password tokens are
simulated; the users are those of the world files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sim.exchange import RefusalError, answer
from reconciler.sim.routes import Route

if TYPE_CHECKING:
    from reconciler.sim.cloud import Cloud
    from reconciler.sim.exchange import Answer
    from reconciler.sim.records import User
    from reconciler.sim.routes import Ask


def _projects(ask: Ask) -> Answer:
    wanted = ask.query.get("name")
    rows = [
        {
            "id": cloud.world.project_id,
            "name": cloud.world.region,
            "domain_id": "simulator",
            "parent_id": "simulator",
            "enabled": True,
            "is_domain": False,
            "description": "",
        }
        for cloud in ask.clouds
        if wanted in (None, cloud.world.region)
    ]
    links = {"self": f"{ask.origin}/v3/projects", "previous": None, "next": None}
    return answer(200, {"projects": rows, "links": links})


def _tokens(ask: Ask) -> Answer:
    said = _inner(ask.heard.document(), "auth")
    user = _inner(_inner(_inner(said, "identity"), "password"), "user")
    project = _inner(_inner(said, "scope"), "project")
    for cloud in ask.clouds:
        known = _known(cloud, user)
        if known is not None and _meant(cloud, project):
            return _token(ask, cloud, known)
    body = {
        "code": 401,
        "message": "The username or password is wrong.",
        "title": "Unauthorized",
    }
    raise RefusalError(answer(401, {"error": body}))


def _token(ask: Ask, cloud: Cloud, user: User) -> Answer:
    world = cloud.world
    text, expires_at = ask.gate.token(user, world.project_id)
    body = {
        "expires_at": f"{expires_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        "methods": ["password"],
        "project": {"id": world.project_id, "name": world.region},
        "user": {"name": user.name, "domain": {"name": user.domain}},
    }
    return answer(201, {"token": body}, {"X-Subject-Token": text})


def _inner(document: dict[str, object], key: str) -> dict[str, object]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _known(cloud: Cloud, said: dict[str, object]) -> User | None:
    claimed = (said.get("name"), said.get("password"), _inner(said, "domain").get("name"))
    matching = (u for u in cloud.world.users if (u.name, u.password, u.domain) == claimed)
    return next(matching, None)


def _meant(cloud: Cloud, project: dict[str, object]) -> bool:
    if "id" in project:
        return project["id"] == cloud.world.project_id
    return project.get("name") == cloud.world.region


API = (
    Route(method="GET", path="/v3/projects", handler=_projects),
    Route(method="POST", path="/v3/auth/tokens", handler=_tokens, signed=False),
)
