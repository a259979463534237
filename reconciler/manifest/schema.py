"""The shape of every kind, where text enters; a pydantic value never leaves this room.

Fields are read from nodes by `scalars`, and unknown keys are refused.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from reconciler.manifest import scalars
from reconciler.manifest.nodes import TextNode
from reconciler.manifest.notes import RefusalError
from reconciler.model.notice import PLACEHOLDERS, unknown_placeholders

SIMULATOR = "simulator"


def _endpoint(node: object) -> object:
    """One address for all APIs is the same as a mapping with an empty key."""
    if isinstance(node, list):
        says = "must be an address, or a mapping by API, not a list"
        raise RefusalError("wrong-type", says, "write one address, or `{ecs: ..., evs: ...}`")
    if not isinstance(node, TextNode):
        return node
    word = scalars.text_unshown(node)
    return {"": word if word == SIMULATOR else scalars.address(node)}


def _address(node: object) -> str:
    """Give an address; one for all APIs was read already."""
    return node if isinstance(node, str) else scalars.address(node)


def _secret(node: object) -> object:
    """Refuse a credential itself before anything could repeat it."""
    if not isinstance(node, TextNode):
        return node
    scalars.written(node)
    says = "must name a variable or a file, never hold the credential itself"
    raise RefusalError("credential-plain", says, "write `{env: NAME}` or `{file: PATH}`")


def _message(node: object) -> str:
    """Give the body of a message: JSON in whose texts known placeholders stand."""
    text = scalars.anything(node)
    known = ", ".join(f"`{{{name}}}`" for name in sorted(PLACEHOLDERS))
    try:
        unknown = unknown_placeholders(text)
    except (ValueError, RecursionError):
        hint = f"quote it as YAML; inside its texts may stand {known}"
        raise RefusalError("wrong-value", "must be JSON", hint) from None
    if unknown:
        says = f"holds `{{{unknown[0]}}}`, which nothing fills"
        raise RefusalError("wrong-value", says, f"write one of {known}")
    return text


def _one_of(first: object, second: object, names: tuple[str, str]) -> None:
    """Refuses both and none of two keys."""
    if (first is None) == (second is None):
        said = "both" if first is not None else "none"
        says = f"must hold exactly one of `{names[0]}` and `{names[1]}`, not {said}"
        raise RefusalError("exactly-one", says, f"write `{names[0]}` or `{names[1]}`")


AnyText = Annotated[str, BeforeValidator(scalars.anything)]
Text = Annotated[str, BeforeValidator(scalars.text)]
UnshownText = Annotated[str, BeforeValidator(scalars.text_unshown)]
Name = Annotated[str, BeforeValidator(scalars.name)]
Flag = Annotated[bool, BeforeValidator(scalars.flag)]
Count = Annotated[int, BeforeValidator(scalars.whole(0))]
AtLeastOne = Annotated[int, BeforeValidator(scalars.whole(1))]
Share = Annotated[float, BeforeValidator(scalars.share)]
Rate = Annotated[float, BeforeValidator(scalars.rate)]
Seconds = Annotated[float, BeforeValidator(scalars.seconds)]
Day = Annotated[date, BeforeValidator(scalars.day)]
Cron = Annotated[str, BeforeValidator(scalars.cron)]
Zone = Annotated[str, BeforeValidator(scalars.zone)]
Region = Annotated[str, BeforeValidator(scalars.region)]
Domain = Annotated[str, BeforeValidator(scalars.domain)]
Variable = Annotated[str, BeforeValidator(scalars.variable)]
Address = Annotated[str, BeforeValidator(_address)]


class Closed(BaseModel):
    """Refuses keys that it doesn't know; YAML's camelCase, our snake_case."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Metadata(Closed):
    """What names a document; labels and annotations are other tools' and mean nothing here."""

    name: Name
    labels: dict[str, AnyText] = Field(default_factory=dict)
    annotations: dict[str, AnyText] = Field(default_factory=dict)


class Envelope(Closed):
    """What every document has; `apiVersion` and `kind` were looked at before."""

    api_version: Text
    kind: Text
    metadata: Metadata
    spec: Any


class Secret(Closed):
    """Exactly one of a variable and a file."""

    env: Variable | None = None
    file: UnshownText | None = None

    @model_validator(mode="after")
    def _one(self) -> Secret:
        _one_of(self.env, self.file, ("env", "file"))
        return self


SecretField = Annotated[Secret, BeforeValidator(_secret)]


class Credentials(Closed):
    """Where the credentials are read from: a pair of keys, or a user who asks for a token."""

    access_key: SecretField | None = None
    secret_key: SecretField | None = None
    security_token: SecretField | None = None
    user: SecretField | None = None
    password: SecretField | None = None
    domain: SecretField | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Credentials:
        login = (self.user, self.password, self.domain)
        if not any(login):
            return self
        if self.access_key or self.secret_key or self.security_token:
            says = "must name an access key or a user, not both"
            hint = "keep `accessKey` and `secretKey`, or `user`, `password` and `domain`"
            raise RefusalError("credentials-mixed", says, hint)
        if not all(login):
            says = "must name `user`, `password` and `domain`, all three"
            hint = "add what is missing; `domain` is the name of the account that the user is in"
            raise RefusalError("credentials-incomplete", says, hint)
        return self


class Pace(Closed):
    """`limits` of a scope."""

    requests_per_second: Rate | None = None
    max_concurrency: AtLeastOne | None = None
    step_timeout: Seconds | None = None


class ScopeSpec(Closed):
    """`spec` of a Scope."""

    provider: Text
    region: Region
    project_id: Text | None = None
    cloud: Domain | None = None
    environment: Annotated[str, BeforeValidator(scalars.choice("s", "g", "e"))] | None = None
    account_id: Text | None = None
    endpoint: Annotated[dict[str, Address], BeforeValidator(_endpoint)] | None = None
    world: Text | None = None
    api_edition: Text | None = Field(default=None, alias="serviceVersion")
    unmanaged: Annotated[
        str,
        BeforeValidator(scalars.choice("ignore", "report", "detach")),
    ] = "report"
    credentials: Credentials = Field(default_factory=Credentials)
    limits: Pace = Field(default_factory=Pace)


class GuestRelease(Closed):
    """What makes sure that the guest let go."""

    hook: Text | None = None
    timeout: Seconds | None = None
    when_running: (
        Annotated[str, BeforeValidator(scalars.choice("require", "warn", "ignore"))] | None
    ) = None

    @model_validator(mode="after")
    def _timed(self) -> GuestRelease:
        if self.timeout is not None and self.hook is None:
            says = "must name the `hook` that its `timeout` is for"
            raise RefusalError("hook-missing", says, "add `hook: NAME`, or take `timeout` out")
        return self


class AfterAttach(Closed):
    """What runs once a volume is attached."""

    hook: Text
    timeout: Seconds | None = None


class Window(Closed):
    """When changes may, or may not, be made."""

    allow: Cron | None = None
    deny: Cron | None = None
    duration: Seconds
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _one(self) -> Window:
        _one_of(self.allow, self.deny, ("allow", "deny"))
        return self


class Accepted(Closed):
    """Known drift, until the end of a day."""

    scope: Text
    server: Text
    volume: Text
    until: Day
    reason: Text


class PolicySpec(Closed):
    """`spec` of a Policy."""

    scopes: list[Text] | None = Field(default=None, min_length=1)
    max_detach: Count | None = None
    max_detach_share: Share | None = None
    max_detach_per_server: Count | None = None
    allow_destroy: Flag | None = None
    allow_status_reset: Flag | None = None
    force_detach: Annotated[str, BeforeValidator(scalars.choice("never", "ask"))] | None = None
    guest_release: GuestRelease | None = None
    after_attach: AfterAttach | None = None
    windows: list[Window] | None = None
    accept: list[Accepted] | None = None


class Repository(Closed):
    """Where a schedule reads its manifests."""

    git: UnshownText
    branch: Text | None = None
    path: Text | None = None
    signed: Flag | None = None


class Webhook(Closed):
    """One address that is told."""

    url_from: SecretField
    format: Annotated[str, BeforeValidator(scalars.choice("json", "slack"))] = "json"
    key_from: SecretField | None = None
    body: Annotated[str, BeforeValidator(_message)] | None = None


class Notice(Closed):
    """One way to tell people."""

    webhook: Webhook


class ScheduleSpec(Closed):
    """`spec` of a Schedule."""

    scopes: list[Text] | None = Field(default=None, min_length=1)
    every: Seconds | None = None
    cron: Cron | None = None
    timezone: Zone = "UTC"
    correct: Flag | None = None
    heal: Annotated[str, BeforeValidator(scalars.choice("applied", "manifests"))] | None = None
    max_detach_per_day: Count | None = None
    source: Repository | None = None
    notify: list[Notice] | None = None
    retention: Seconds | None = None

    @model_validator(mode="after")
    def _one(self) -> ScheduleSpec:
        _one_of(self.every, self.cron, ("every", "cron"))
        return self
