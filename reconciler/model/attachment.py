"""What an attachment is and what each view says of it. Speakers: providers, planning.

Of what there is at least one for each attachment (`Sighting`, `Observed`, here; `Volume`, `Place`,
`Ref`, `Listed`, `Entry` elsewhere) is a `msgspec.Struct`: frozen, made in 0.1 µs instead of the 0.9
of a frozen dataclass, and not searched for circles. `msgspec.structs.replace` changes a copy.
"""

from __future__ import annotations

import enum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class AttachmentKey(NamedTuple):
    """The identity of an attachment: one volume on one server in one scope, by the cloud's ids.

    A tuple and no dataclass, against the habit: it is the key of every index and every sort, and
    a tuple is hashed and compared four times as fast.
    """

    scope: str
    server_id: str
    volume_id: str

    def __str__(self) -> str:
        return f"{self.scope}:{self.server_id}/{self.volume_id}"


_BOOT = attrgetter("boot")


class View(enum.Enum):
    """Who says that an attachment exists: the server's side or the volume's side."""

    COMPUTE = "compute"
    STORAGE = "storage"

    __hash__ = object.__hash__
    """That of `Enum` is written in Python, and each sighting is kept under a view."""


class Phase(enum.Enum):
    """Where a live attachment is in its life, as one view reports it."""

    ATTACHED = "attached"
    ATTACHING = "attaching"
    DETACHING = "detaching"
    FAILED = "failed"

    __hash__ = object.__hash__
    """As that of `View`."""


class Witness(enum.Enum):
    """What a server itself answers when it is asked for one volume."""

    PRESENT = "it has the volume"
    ABSENT = "it doesn't have the volume"
    SERVER_GONE = "there is no such server"
    UNCLEAR = "its answer doesn't tell"


class Sighting(Struct, frozen=True, gc=False):
    """One attachment in one view."""

    phase: Phase
    device: str | None = None
    """The device name that the cloud tells; a hint, the guest may use another one."""
    delete_on_termination: bool | None = None
    """Whether the volume goes when its server is deleted; None where this view can't tell."""
    boot: bool = False
    """True when this view says that the server boots from it."""
    attachment_id: str | None = None
    """The cloud's own id of the attachment; None where this view tells none."""


class Observed(Struct, frozen=True, gc=False):
    """One attachment as seen in one look: a sighting for each view that shows it, at least one."""

    key: AttachmentKey
    sightings: Mapping[View, Sighting]

    @property
    def boot(self) -> bool:
        """True when any view says that the server boots from this volume."""
        return any(map(_BOOT, self.sightings.values()))

    @property
    def device(self) -> str | None:
        """The device, by compute before storage; None when neither tells."""
        return next((s.device for s in self._compute_first() if s.device is not None), None)

    @property
    def delete_on_termination(self) -> bool | None:
        """Whether the volume goes with its server; None when no view tells."""
        told = (s.delete_on_termination for s in self._compute_first())
        return next((answer for answer in told if answer is not None), None)

    def _compute_first(self) -> tuple[Sighting, ...]:
        return tuple(self.sightings[view] for view in View if view in self.sightings)


class Attachment(Struct, frozen=True, gc=False):
    """A volume on a server with the attributes that may differ; None means left as it is."""

    key: AttachmentKey
    device: str | None = None
    delete_on_termination: bool | None = None
