"""A Scope document: one account x region x product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifest.nodes import MapNode, Pair
from reconciler.manifest.schema import SIMULATOR, Credentials, ScopeSpec
from reconciler.manifest.validate import spelled, validate
from reconciler.model.declared import DeclaredScope, Limits, Ref, SecretRef, Unmanaged

if TYPE_CHECKING:
    from reconciler.manifest.reading import Reading


def scope(reading: Reading, name: Ref | None, pair: Pair) -> DeclaredScope | None:
    """Give the scope as declared; None when it, or its name, was refused."""
    spec = validate(reading, ScopeSpec, pair, "spec")
    simulated = _simulated(reading, pair)
    if spec is None or name is None or simulated is None:
        return None
    assert isinstance(pair.value, MapNode)
    pairs = pair.value.pairs
    endpoint = pairs.get("endpoint")
    world = str(reading.source.path.parent / spec.world) if spec.world else None
    return DeclaredScope(
        name=name.text,
        place=name.place,
        provider=spec.provider,
        region=spec.region,
        project_id=spec.project_id,
        environment=spec.environment,
        account_id=spec.account_id,
        api_edition=spec.api_edition,
        keys={key: reading.place(written.value) for key, written in pairs.items()},
        cloud=spec.cloud,
        endpoints={} if simulated else spec.endpoint or {},
        endpoint_place=None if endpoint is None else reading.place(endpoint.value),
        simulated=simulated,
        world=world,
        unmanaged=Unmanaged(spec.unmanaged),
        credentials=_credentials(reading, spec.credentials, pairs.get("credentials")),
        limits=Limits(
            requests_per_s=spec.limits.requests_per_second,
            max_concurrency=spec.limits.max_concurrency,
            step_timeout_s=spec.limits.step_timeout,
        ),
    )


def _simulated(reading: Reading, pair: Pair) -> bool | None:
    """Whether the embedded cloud is meant; None when `endpoint` and `world` don't fit."""
    if not isinstance(pair.value, MapNode):
        return None
    pairs = pair.value.pairs
    endpoint, world = pairs.get("endpoint"), pairs.get("world")
    simulated = endpoint is not None and spelled(endpoint.value) == SIMULATOR
    if simulated and endpoint is not None and world is None:
        hint = "add `world:` with the path of a world file, relative to this file"
        reading.missing_key("world", "endpoint: simulator", reading.place(endpoint.key), hint)
        return None
    if world is not None and not simulated:
        summary = "`world` is for the simulator only, and `endpoint` is not `simulator`"
        hint = "write `endpoint: simulator`, or take `world` out"
        reading.notes.error("world-without-simulator", summary, hint, reading.place(world.key))
        return None
    return simulated


def _credentials(
    reading: Reading,
    written: Credentials,
    pair: Pair | None,
) -> dict[str, SecretRef]:
    if pair is None:
        return {}
    assert isinstance(pair.value, MapNode)
    by_key = {
        "accessKey": written.access_key,
        "secretKey": written.secret_key,
        "securityToken": written.security_token,
        "user": written.user,
        "password": written.password,
        "domain": written.domain,
    }
    return {
        key: SecretRef(
            place=reading.place(pair.value.pairs[key].value),
            env=secret.env,
            file=secret.file,
        )
        for key, secret in by_key.items()
        if secret is not None
    }
