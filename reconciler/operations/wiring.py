"""The only reader of credentials, stores, endpoints and simulators: turns declared into open.

1. A secret goes to the vendor's domains, to loopback, or to what RECONCILER_ENDPOINTS lists.
2. Explicit references win over the vendors' own variables; what is missing is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.errors import JournalError
from reconciler.journal.journal import open_book
from reconciler.model.finding import Finding, FindingsError
from reconciler.providers.spec import Opening, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.journal.journal import Book
    from reconciler.model.declared import DeclaredScope, SecretRef
    from reconciler.ports import EmbeddedCloud, Pace
    from reconciler.providers.spec import ProviderSpec, Transport

JOURNAL_FILE = "journal.db"
SIMULATOR_SECRETS = {
    "accessKey": Secret("simulator"),
    "secretKey": Secret("simulator-secret"),
}
"""The pair that every embedded world takes without being told."""
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def _utc_now() -> datetime:
    return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the machine gives: its environment, a folder, and what only the top can build."""

    environ: Mapping[str, str]
    folder: Path
    """Where journal and simulator files live."""
    embedded: EmbeddedCloud | None = None
    transport: Transport | None = None
    """None: real sockets. The in-process simulator of tests and rehearsals goes here."""
    utc_now: Callable[[], datetime] = _utc_now


def book(around: Surroundings, *, writing: bool) -> Book | None:
    """Open the journal; for a reader None when there is none yet. Raises JournalError."""
    if around.environ.get("RECONCILER_DATABASE_URL"):
        raise JournalError(
            "RECONCILER_DATABASE_URL is not supported yet: unset it to use the journal in "
            f"{around.folder}"
        )
    path = around.folder / JOURNAL_FILE
    if not writing and not path.exists():
        return None
    try:
        return open_book(path, lambda: around.utc_now().timestamp())
    except OSError as error:
        raise JournalError(f"the journal {path} can't be opened: {error.strerror}") from error


def opening(
    scope: DeclaredScope, spec: ProviderSpec, pace: Pace, around: Surroundings, address: str | None
) -> Opening:
    """Give what the provider needs; `address` is where the scope's embedded cloud listens.

    Raises FindingsError for an endpoint that may not have our credentials, and for missing ones.
    """
    return Opening(
        scope=scope.name,
        region=scope.region,
        project_id=scope.project_id or _default_project(scope, around),
        pace=pace,
        utc_now=around.utc_now,
        endpoints=_endpoints(scope, spec, around, address),
        secrets=_secrets(scope, spec, around),
        max_concurrency=scope.limits.max_concurrency or spec.can.max_concurrency,
        transport=around.transport,
    )


def _default_project(scope: DeclaredScope, around: Surroundings) -> str | None:
    """Give HW_PROJECT_ID where it is meant for this scope: a project belongs to one region."""
    region = around.environ.get("HW_REGION_NAME")
    if scope.simulated or (region and region != scope.region):
        return None
    return around.environ.get("HW_PROJECT_ID") or None


def _endpoints(
    scope: DeclaredScope, spec: ProviderSpec, around: Surroundings, address: str | None
) -> Mapping[str, str]:
    if address is not None:
        return dict.fromkeys(spec.apis, address)
    cloud = scope.cloud or spec.cloud
    every = scope.endpoints.get("")
    made = {
        api: scope.endpoints.get(api) or every or default.format(region=scope.region, cloud=cloud)
        for api, default in spec.apis.items()
    }
    allowed = (*spec.domains, *_listed(around.environ.get("RECONCILER_ENDPOINTS", "")))
    for url in made.values():
        if not _may_have_secrets(url, allowed):
            raise FindingsError(_stranger(scope, url))
    return {api: url.rstrip("/") for api, url in made.items()}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace(",", " ").split() if part.strip())


def _may_have_secrets(url: str, allowed: tuple[str, ...]) -> bool:
    """Tell whether credentials may go there; a listed address must match scheme, host and port."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if host in LOOPBACK or url.rstrip("/") in {entry.rstrip("/") for entry in allowed}:
        return True
    domains = [entry.lower() for entry in allowed if "://" not in entry]
    return parts.scheme == "https" and any(
        host == domain or host.endswith("." + domain) for domain in domains
    )


def _stranger(scope: DeclaredScope, url: str) -> Finding:
    return Finding(
        code="endpoint-not-allowed",
        summary=f"credentials may not be sent to `{url}`",
        hint="use the vendor's own domain over https, loopback, or list the address in "
        "RECONCILER_ENDPOINTS on this machine",
        place=scope.endpoint_place or scope.place,
        scope=scope.name,
    )


def _secrets(
    scope: DeclaredScope, spec: ProviderSpec, around: Surroundings
) -> Mapping[str, Secret]:
    given = {key: _read(ref, scope, around) for key, ref in scope.credentials.items()}
    if scope.simulated:
        return given or SIMULATOR_SECRETS
    for key, names in spec.variables.items():
        told = (around.environ.get(name) for name in names)
        found = next((value for value in told if value), None)
        # A token of the surroundings belongs to the key pair of the surroundings, and to no other.
        if found and key not in given and not scope.credentials:
            given[key] = Secret(found)
    missing = [key for key in spec.needed if key not in given]
    if missing:
        variables = ", ".join(f"`{spec.variables[key][0]}`" for key in missing)
        raise FindingsError(
            Finding(
                code="missing-credentials",
                summary=f"no {' and no '.join(missing)} for scope `{scope.name}`",
                hint=f"set {variables}, or name variables or files under `spec.credentials`",
                place=scope.place,
                scope=scope.name,
            )
        )
    return given


def _read(ref: SecretRef, scope: DeclaredScope, around: Surroundings) -> Secret:
    if ref.env is not None:
        value, what = around.environ.get(ref.env, ""), f"the variable `{ref.env}`"
    else:
        assert ref.file is not None
        what = f"the file `{ref.file}`"
        try:
            value = Path(ref.file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            value = ""
    if not value:
        raise FindingsError(
            Finding(
                code="missing-credentials",
                summary=f"{what} has no secret in it",
                hint="set it, or take the reference out to use the vendor's own variables",
                place=ref.place,
                scope=scope.name,
            )
        )
    return Secret(value)
