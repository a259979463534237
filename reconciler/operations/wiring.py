"""The only reader of credentials, stores, endpoints and simulators: turns declared into open.

1. A secret goes to the vendor's domains, to loopback, or to what RECONCILER_ENDPOINTS lists.
2. Explicit references win over the vendors' own variables; what is missing is named.
3. A secret that no request could carry is refused before anything leaves, and never repeated.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from reconciler.hooks.definitions import VARIABLE, commands
from reconciler.hooks.processes import Processes
from reconciler.model.finding import Finding, FindingsError
from reconciler.operations.asked import Surroundings
from reconciler.providers.redaction import Redaction
from reconciler.providers.spec import Opening, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.journal.journal import Book
    from reconciler.model.declared import DeclaredScope, SecretRef
    from reconciler.model.finding import Place
    from reconciler.ports import GuestHooks, Pace
    from reconciler.providers.breaker import Breaker
    from reconciler.providers.spec import ProviderSpec

__all__ = ["JOURNAL_FILE", "Surroundings", "book", "check_keys", "guest_hooks", "opening"]
JOURNAL_FILE = "journal.db"
SIMULATOR_SECRETS = {
    "accessKey": Secret("simulator"),
    "secretKey": Secret("simulator-secret"),
}
"""The pair that every embedded world takes without being told."""
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
OF_SOME = ("projectId", "cloud", "environment", "accountId", "serviceVersion")
"""The keys of a Scope that mean something to some providers only."""
LONGEST_SECRET = 64 * 1024
"""Characters; a token has a few thousand."""
IN_BODIES = {"user", "password", "domain"}
"""Credentials that travel in a body: any printable text. The others are parts of headers."""


def guest_hooks(around: Surroundings, secrets: Iterable[Secret]) -> GuestHooks:
    """Give what runs hooks; none of these secrets gets into what they say."""
    if around.hooks is not None:
        return around.hooks
    database = around.environ.get("RECONCILER_DATABASE_URL", "")
    hidden = {*(secret.value for secret in secrets), database, _password(database)} - {""}
    redaction = Redaction(sorted(hidden))
    defined = commands(around.environ.get(VARIABLE))
    return Processes(defined, around.environ, redaction.hidden_text)


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def book(around: Surroundings, *, writing: bool) -> Book | None:
    """Open the journal; for a reader None when there is none yet. Raises JournalError."""
    url = around.environ.get("RECONCILER_DATABASE_URL")

    def now_s() -> float:
        return around.utc_now().timestamp()

    path = around.folder / JOURNAL_FILE
    if not url and not writing and not path.exists():
        return None
    # A quarter of the time of a small plan, which as a rule has no journal where it is made.
    from reconciler.journal import journal  # noqa: PLC0415

    if url:
        return journal.open_database(url, now_s, make=writing)
    return journal.open_book(path, now_s) if writing else journal.read_book(path, now_s)


def opening(
    scope: DeclaredScope,
    spec: ProviderSpec,
    pace: Pace,
    around: Surroundings,
    address: str | None,
    breaker: Breaker,
) -> Opening:
    """Give what the provider needs; `address` is where the scope's embedded cloud listens.

    Raises FindingsError for an endpoint that may not have our credentials, and for missing ones.
    """
    return Opening(
        scope=scope.name,
        region=scope.region,
        project_id=scope.project_id or _default_project(scope, spec, around),
        environment=scope.environment,
        account_id=scope.account_id,
        api_edition=scope.api_edition,
        pace=pace,
        utc_now=around.utc_now,
        endpoints=_endpoints(scope, spec, around, address),
        secrets=_secrets(scope, spec, around),
        breaker=breaker,
        max_concurrency=scope.limits.max_concurrency or spec.can.max_concurrency,
        transport=around.transport,
        traffic=around.traffic,
    )


def check_keys(scope: DeclaredScope, spec: ProviderSpec) -> None:
    """Raise FindingsError for keys that mean nothing to the provider, and for missing ones."""
    foreign = [key for key in OF_SOME if key in scope.keys and key not in spec.takes]
    apis = [api for api in scope.endpoints if api and api not in spec.apis]
    endpoint = scope.endpoint_place or scope.place
    missing = [key for key in spec.wants if key not in scope.keys and not scope.simulated]
    found = [
        *(_foreign(scope, f"`{key}`", scope.keys[key], sorted(spec.takes)) for key in foreign),
        *(_foreign(scope, f"the API `{api}`", endpoint, sorted(spec.apis)) for api in apis),
        *(_missing(scope, key) for key in missing),
    ]
    if found:
        raise FindingsError(*found)


def _foreign(scope: DeclaredScope, what: str, place: Place, known: list[str]) -> Finding:
    named = ", ".join(f"`{one}`" for one in known)
    return Finding(
        code="key-not-for-provider",
        summary=f"{what} means nothing to `{scope.provider}`",
        hint=f"take it out; this provider knows {named}",
        place=place,
        scope=scope.name,
    )


def _missing(scope: DeclaredScope, key: str) -> Finding:
    return Finding(
        code="missing-key",
        summary=f"`{scope.provider}` needs `{key}`",
        hint=f"add `{key}:` under `spec` of the scope",
        place=scope.place,
        scope=scope.name,
    )


def _default_project(scope: DeclaredScope, spec: ProviderSpec, around: Surroundings) -> str | None:
    """Give HW_PROJECT_ID where it is meant for this scope: a project belongs to one region."""
    region = around.environ.get("HW_REGION_NAME")
    other_region = bool(region) and region != scope.region
    if scope.simulated or other_region or "projectId" not in spec.takes:
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
        api: scope.endpoints.get(api)
        or every
        or default.format(region=scope.region, cloud=cloud, environment=scope.environment)
        for api, default in spec.apis.items()
    }
    allowed = (*spec.domains, *listed(around.environ.get("RECONCILER_ENDPOINTS", "")))
    for url in made.values():
        if not _may_have_secrets(url, allowed):
            raise FindingsError(_stranger(scope, url))
    return {api: url.rstrip("/") for api, url in made.items()}


def listed(text: str) -> tuple[str, ...]:
    """Give what a variable such as RECONCILER_ENDPOINTS lists."""
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
    given = {key: _read(key, ref, scope, around) for key, ref in scope.credentials.items()}
    if scope.simulated and not given:
        return SIMULATOR_SECRETS
    # What comes from the surroundings belongs together, and to nothing that a manifest names.
    if not scope.credentials:
        given = dict(_of_surroundings(scope, spec, around))
    needed = spec.login if any(key in given for key in spec.login) else spec.needed
    missing = [key for key in needed if key not in given]
    if missing:
        named = [f"`{spec.variables[key][0]}`" for key in missing if key in spec.variables]
        variables = f"set {', '.join(named)}, or " if named and not scope.credentials else ""
        raise _unusable(
            scope,
            f"no {' and no '.join(missing)} for scope `{scope.name}`",
            f"{variables}name variables or files under `spec.credentials`",
            scope.place,
        )
    return given


def _of_surroundings(
    scope: DeclaredScope, spec: ProviderSpec, around: Surroundings
) -> Iterator[tuple[str, Secret]]:
    for key, names in spec.variables.items():
        name = next((name for name in names if around.environ.get(name)), None)
        if name is not None:
            value, what = around.environ[name], f"the variable `{name}`"
            yield key, _checked(key, value, what, scope, scope.place)


def _read(key: str, ref: SecretRef, scope: DeclaredScope, around: Surroundings) -> Secret:
    value, what = referred(ref.env, ref.file, around)
    return _checked(key, value, what, scope, ref.place)


def referred(env: str | None, file: str | None, around: Surroundings) -> tuple[str, str]:
    """Give what a variable or a file holds, empty where it isn't there, and what to call it."""
    if env is not None:
        return around.environ.get(env, ""), f"the variable `{env}`"
    assert file is not None, "exactly one of the two is set"
    return _content(Path(file)), f"the file `{file}`"


def _content(path: Path) -> str:
    """Give the text of a file; empty for what can't be read, isn't text, or never ends."""
    try:
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8") as file:
            return file.read(LONGEST_SECRET + 1)
    except (OSError, UnicodeDecodeError):
        return ""


def _checked(key: str, text: str, what: str, scope: DeclaredScope, place: Place) -> Secret:
    value = text.strip()
    if not value:
        hint = "set it, or take the reference out to use the vendor's own variables"
        raise _unusable(scope, f"{what} has no secret in it", hint, place)
    carried = value.isprintable() if key in IN_BODIES else value.isascii() and value.isprintable()
    if len(value) > LONGEST_SECRET or not carried or (key not in IN_BODIES and " " in value):
        hint = "look for several lines, blanks, or a file that holds more than the secret"
        raise _unusable(scope, f"{what} holds what no {key} can be", hint, place)
    return Secret(value)


def _unusable(scope: DeclaredScope, summary: str, hint: str, place: Place) -> FindingsError:
    return FindingsError(
        Finding(
            code="missing-credentials", summary=summary, hint=hint, place=place, scope=scope.name
        )
    )
