"""The JSON of ECS, EVS and IAM as documented; members that nobody here reads are left out.

Types are read leniently: the same member is a string in one sample and a number in another
(`bootIndex`, `size`, `delete_on_termination`). What can't be read is absent, never guessed.

Source: ECS and EVS API references, "ListServersDetails", "ListVolumes", "ShowJob",
"ListServerBlockDevices"; IAM "KeystoneListProjects"; huaweicloudsdkecs/-evs 3.1.219, models.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

TRUE_WORDS = frozenset({"true", "1"})
FALSE_WORDS = frozenset({"false", "0"})


def _text(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _flag(value: object) -> bool | None:
    word = str(value).strip().lower()
    if word in TRUE_WORDS:
        return True
    return False if word in FALSE_WORDS else None


def _whole(value: object) -> int | None:
    word = _text(value)
    return int(word) if isinstance(word, str) and word.isdecimal() and word.isascii() else None


def _pairs(value: object) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(key): str(_text(of_key)) for key, of_key in value.items()}
    if not isinstance(value, list):
        return {}
    # Servers list their tags as `key=value`; a tag may have an empty value or none.
    split = (str(each).partition("=") for each in value)
    return {key: told for key, _, told in split}


def _rows(value: object) -> object:
    return [] if value is None else value


Text = Annotated[str, BeforeValidator(_text)]
"""Empty where the cloud sends nothing or null."""
_ID_FORM = "[A-Za-z0-9][A-Za-z0-9._:~+=@-]{0,254}"
"""Ids become parts of paths and of lists in queries: `..`, a blank, a quote or a comma there would
ask for something else. Ours; the documents show UUIDs and 32 hexadecimal digits."""
Id = Annotated[str, BeforeValidator(_text), Field(pattern=f"^{_ID_FORM}$")]
"""A row without its id can't be told from another one: the whole answer is then in doubt."""
OptionalId = Annotated[str, BeforeValidator(_text), Field(pattern=f"^({_ID_FORM})?$")]
"""Empty where the cloud sends nothing or null."""
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Whole = Annotated[int | None, BeforeValidator(_whole)]
Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]


class Wire(BaseModel):
    """What all of them have in common: unknown members are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class WireVolumeOnServer(Wire):
    """One element of a server's `os-extended-volumes:volumes_attached`."""

    id: OptionalId = ""
    device: Text = ""
    boot_index: Text = Field("", alias="bootIndex")
    delete_on_termination: Flag = None


class WireServer(Wire):
    """One element of `servers`; an unknown id comes back as `id` and `fault` alone."""

    id: Id
    name: Text = ""
    status: Text = ""
    locked: Flag = None
    fault: object = None
    transition: Text = Field("", alias="OS-EXT-STS:task_state")
    zone: Text = Field("", alias="OS-EXT-AZ:availability_zone")
    root_device: Text = Field("", alias="OS-EXT-SRV-ATTR:root_device_name")
    metadata: Pairs = {}
    tags: Pairs = {}
    volumes: Annotated[list[WireVolumeOnServer], BeforeValidator(_rows)] = Field(
        [], alias="os-extended-volumes:volumes_attached"
    )


class WireServers(Wire):
    """The body of `cloudservers/detail`."""

    count: Whole = None
    servers: list[WireServer]


class WireAttachment(Wire):
    """One element of a volume's `attachments`; its `id` is the volume's, so it isn't read."""

    server_id: OptionalId = ""
    device: Text = ""


class WireVolume(Wire):
    """One element of `volumes`."""

    id: Id
    name: Text = ""
    status: Text = ""
    size: Whole = None
    multiattach: Flag = None
    bootable: Flag = None
    zone: Text = Field("", alias="availability_zone")
    metadata: Pairs = {}
    tags: Pairs = {}
    attachments: Annotated[list[WireAttachment], BeforeValidator(_rows)] = []


class WireVolumes(Wire):
    """The body of `cloudvolumes/detail`."""

    count: Whole = None
    volumes: list[WireVolume]


class WireFreeSlots(Wire):
    """`attachableQuantity`: how many more disks the server takes now."""

    free_scsi: Whole = None
    free_blk: Whole = None
    free_disk: Whole = None


class WireBlockDevices(Wire):
    """The body of `block_device`."""

    free: WireFreeSlots | None = Field(None, alias="attachableQuantity")


class WireAccepted(Wire):
    """The body of an accepted change."""

    job_id: Text = ""


class WireSubJobEntities(Wire):
    """What a sub-job is about."""

    server_id: Text = ""
    errorcode_message: Text = ""


class WireSubJob(Wire):
    """One element of a job's `sub_jobs`."""

    status: Text = ""
    error_code: Text = ""
    fail_reason: Text = ""
    entities: WireSubJobEntities | None = None


class WireJobEntities(Wire):
    """What a job is about; other members depend on the kind of job."""

    sub_jobs: Annotated[list[WireSubJob], BeforeValidator(_rows)] = []


class WireJob(Wire):
    """The body of `jobs/{job_id}`; `code` and `message` only when the question itself failed."""

    status: Text = ""
    error_code: Text = ""
    fail_reason: Text = ""
    entities: WireJobEntities | None = None


class WireProject(Wire):
    """One element of IAM's `projects`."""

    id: Id
    name: Text = ""


class WireProjects(Wire):
    """The body of IAM's `projects`."""

    projects: list[WireProject]


class WireToken(Wire):
    """IAM's `token`; the token itself comes in a header."""

    expires_at: Text = ""


class WireLogin(Wire):
    """The body of IAM's `auth/tokens`."""

    token: WireToken
