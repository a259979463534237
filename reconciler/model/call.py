"""One request that changes a cloud, maybe a batch. Speakers: planning, execution, providers."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.attachment import AttachmentKey


class Verb(enum.Enum):
    """What one call asks of a cloud."""

    ATTACH = "attach"
    DETACH = "detach"
    UPDATE = "update"
    DESTROY = "destroy"
    """Detach where detaching deletes the volume for good."""
    RESET = "reset"
    """Take a stale attachment out of the storage view alone; never planned, only `repair` asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked; more than one key only where the cloud can batch this verb.

    `keys` is sorted. `devices` and `delete_on_termination` say what is asked of the keys;
    a key without an entry leaves it to the cloud.
    """

    verb: Verb
    keys: tuple[AttachmentKey, ...]
    devices: Mapping[AttachmentKey, str] = field(default_factory=dict)
    delete_on_termination: bool | None = None
    forced: bool = False
    """Detaches of one key only: taken away although the guest may not have let go."""
    had: Mapping[AttachmentKey, bool] = field(default_factory=dict, compare=False)
    """What `deleteOnTermination` was before, for whoever takes it back; absent where none told."""
    names: Mapping[AttachmentKey, tuple[str, str]] = field(default_factory=dict, compare=False)
    """Of a destroy: what people call the server and the volume, for who meets the name again."""
