"""What is stuck in one scope: which view says what, and the least destructive next step; pure.

One attachment has one diagnosis, the first of these that holds:

1. `unsettled`: a call of ours has no known end.
2. `in-motion`: the cloud is at work on the volume, and no call of ours is.
3. `detach-failed`: storage says that a detach ended in error.
4. `storage-only`: storage shows it, its readable server doesn't.
5. `foreign`: storage shows it on a server that somebody else can see: told, and not stuck.
6. `server-unseen`: storage shows it on a server that nobody can see.
7. `compute-only`: its server shows it, storage doesn't.
8. `attached-twice`: two servers have a volume that can't be shared.
9. `job-failed`: the last call was to detach it and failed, and it is still there: its guest was
   busy, as a rule.
10. `after-attach`: all is well, but the hook after its attach never ended well, and is owed.

Source: EVS API reference, "EVS Disk Status": no call unsticks `attaching` or `detaching`, and EVS
also lists disks of ModelArts, of bare metal and of servers that this account may not see.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey, Phase, View, Witness
from reconciler.model.call import Verb
from reconciler.model.outcome import Verdict
from reconciler.planning.ground import Seen, Wish
from reconciler.planning.guests import owed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.attachment import Observed
    from reconciler.model.history import LastCall
    from reconciler.model.hook import Errand
    from reconciler.model.plan import Name
    from reconciler.model.record import OpenIntent
    from reconciler.planning.ground import Ground

TICKET = "open a ticket with these ids: no documented call puts it right"
RELEASE = (
    "unmount it in the guest, then plan again; if it fails again, open a ticket with the request id"
)
FAILED_DETACH = (Verb.DETACH.value, Verdict.FAILED.value)
LATE_MIN = 10
"""Minutes after which motion is no longer believed: clients give a change that long."""


class Ailment(enum.Enum):
    """What is wrong with an attachment; the value is its code."""

    UNSETTLED = "unsettled"
    IN_MOTION = "in-motion"
    DETACH_FAILED = "detach-failed"
    STORAGE_ONLY = "storage-only"
    FOREIGN = "foreign"
    SERVER_UNSEEN = "server-unseen"
    COMPUTE_ONLY = "compute-only"
    ATTACHED_TWICE = "attached-twice"
    JOB_FAILED = "job-failed"
    HOOK_OWED = "after-attach"


class NextStep(enum.Enum):
    """What to do about it, the least destructive first."""

    LEAVE = "leave it"
    WAIT = "wait"
    PLAN = "plan again"
    REPAIR = "repair"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one scope beside its ground."""

    witnesses: Mapping[AttachmentKey, Witness] = field(default_factory=dict)
    """What servers answered that were asked themselves; absent where none was asked."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Server id -> another declared scope that lists it."""
    open_calls: tuple[OpenIntent, ...] = ()
    last: Mapping[AttachmentKey, LastCall] = field(default_factory=dict)
    """The last call about each attachment, of whatever run; absent where none ever was."""
    resets: bool = False
    """True where the provider has a status reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One attachment, what is wrong with it, and what to do."""

    ailment: Ailment
    key: AttachmentKey
    """Without a server id where a volume moves and no view says to which server."""
    name: Name
    summary: str
    step: NextStep
    hint: str
    observed: Observed | None = None
    """None where no view shows it."""
    witness: Witness | None = None
    """None where its server wasn't asked."""
    call: OpenIntent | None = None
    """The call of ours that has no known end."""
    last: LastCall | None = None
    """The last call about it that is known of, for a ticket; None where there was none."""

    @property
    def stuck(self) -> bool:
        """False for what only has to be explained."""
        return self.ailment is not Ailment.FOREIGN


def diagnose(on: Ground, beside: Evidence) -> tuple[Diagnosis, ...]:
    """Give what is stuck, sorted by attachment; empty where everything is at rest and agreed.

    `on` must be complete: a row that a listing lost looks like one that is stuck.
    """
    assert on.live.complete, "an incomplete listing says nothing"
    ours = {key for call in beside.open_calls for key in call.call.keys}
    busy = {key.volume_id for key in ours}
    shown = {key.volume_id for key in on.live.observed}
    unplaced = on.moving - shown - busy
    keys = {
        *on.live.observed,
        *ours,
        *(AttachmentKey(on.live.scope, "", volume_id) for volume_id in unplaced),
    }
    owing = {errand.key: errand for errand in owed(on)}
    cases = (
        _Case(key=key, on=on, beside=beside, busy=key.volume_id in busy, owing=owing.get(key))
        for key in keys
    )
    found = [made for case in cases if (made := case.diagnosed()) is not None]
    return tuple(sorted(found, key=lambda made: made.key))


def suspects(on: Ground) -> tuple[AttachmentKey, ...]:
    """Give what has to be looked at once more, by id, before it is called stuck; sorted."""
    found = (key for key in on.live.observed if _suspicious(key, on))
    return tuple(sorted(found))


def unexplained(on: Ground, elsewhere: Mapping[str, str]) -> tuple[AttachmentKey, ...]:
    """Give what only storage shows and no declared scope explains: worth asking the server."""
    odd = {Seen.STORAGE_ONLY, Seen.FOREIGN}
    found = (key for key in on.live.observed if on.seen(key) in odd)
    return tuple(sorted(key for key in found if key.server_id not in elsewhere))


def _suspicious(key: AttachmentKey, on: Ground) -> bool:
    return on.seen(key) is not Seen.AGREED or on.in_motion(key) or _failed(on, key)


def _failed(on: Ground, key: AttachmentKey) -> bool:
    observed = on.live.observed.get(key)
    return observed is not None and any(
        sighting.phase is Phase.FAILED for sighting in observed.sightings.values()
    )


def _holders(on: Ground, volume_id: str) -> list[str]:
    """Give the names of the servers that have a volume by their own view."""
    seen = on.holders.of(volume_id)
    return [on.name(one.key).server for one in seen if View.COMPUTE in one.sightings]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One attachment with everything that speaks about it."""

    key: AttachmentKey
    on: Ground
    beside: Evidence
    busy: bool
    """True when a call of ours about its volume has no known end."""
    owing: Errand | None
    """The hook after its attach that is owed; None: none is."""

    def diagnosed(self) -> Diagnosis | None:
        """Give what is wrong; None where nothing is, or where another row says it."""
        calls = (one for one in self.beside.open_calls if self.key in one.call.keys)
        call = next(calls, None)
        if call is not None:
            return self._unsettled(call)
        if self.busy:
            return None  # The row of the open call tells of this volume.
        if self.on.in_motion(self.key):
            return self._in_motion()
        if _failed(self.on, self.key):
            said = f"storage says that a detach of {self._volume} failed"
            return self._made(Ailment.DETACH_FAILED, said, NextStep.TICKET, TICKET)
        by_view: Mapping[Seen, Callable[[], Diagnosis]] = {
            Seen.STORAGE_ONLY: self._storage_only,
            Seen.FOREIGN: self._out_of_sight,
            Seen.COMPUTE_ONLY: self._compute_only,
        }
        odd = by_view.get(self.on.seen(self.key))
        return odd() if odd is not None else self._agreed()

    @property
    def _volume(self) -> str:
        return f"`{self.on.name(self.key).volume}`"

    @property
    def _there(self) -> str:
        return f"{self._volume} on `{self.on.name(self.key).server}`"

    def _unsettled(self, call: OpenIntent) -> Diagnosis:
        said = f"a call of ours to {call.call.verb.value} {self._there} has no known end"
        if self.on.in_motion(self.key) and call.age_s >= LATE_MIN * 60:
            hint = f"{TICKET}; once its status was reset, `reconciler apply` closes the call"
            return self._made(Ailment.UNSETTLED, said, NextStep.TICKET, hint, call=call)
        hint = "`reconciler apply` finds out first what became of it, and issues nothing again"
        return self._made(Ailment.UNSETTLED, said, NextStep.PLAN, hint, call=call)

    def _in_motion(self) -> Diagnosis:
        volume = self.on.live.volumes.get(self.key.volume_id)
        word = volume.status_text if volume is not None and volume.status_text else "in motion"
        said = f"{self._volume} is `{word}`, and no call of ours is at work on it"
        hint = f"look again later; if it is the same in {LATE_MIN} minutes, {TICKET}"
        return self._made(Ailment.IN_MOTION, said, NextStep.WAIT, hint)

    def _storage_only(self) -> Diagnosis:
        said = f"storage shows {self._there}, and the server can be read and doesn't show it"
        if self.beside.witnesses.get(self.key) is Witness.PRESENT:
            hint = "the server says itself that it has it: a listing lags, look again in a minute"
            return self._made(Ailment.STORAGE_ONLY, said, NextStep.WAIT, hint)
        return self._repairable(Ailment.STORAGE_ONLY, said, "")

    def _out_of_sight(self) -> Diagnosis:
        scope = self.beside.elsewhere.get(self.key.server_id)
        said = f"storage shows {self._there}, a server that this scope doesn't list"
        if scope is not None:
            hint = f"scope `{scope}` lists that server: what is on it is decided there"
            return self._made(Ailment.FOREIGN, said, NextStep.LEAVE, hint)
        answer = self.beside.witnesses.get(self.key)
        if answer is Witness.PRESENT:
            hint = "the server says that it has it: another enterprise project may own it"
            return self._made(Ailment.FOREIGN, said, NextStep.LEAVE, hint)
        if answer is Witness.SERVER_GONE:
            gone = f"storage shows {self._there}, and there is no such server (404)"
            more = ", which wants the server's id typed too, and no other scope that lists it"
            return self._repairable(Ailment.SERVER_UNSEEN, gone, more)
        hint = "ModelArts, bare metal or another enterprise project may have it: look there first"
        return self._made(Ailment.SERVER_UNSEEN, said, NextStep.LEAVE, hint)

    def _repairable(self, ailment: Ailment, said: str, more: str) -> Diagnosis:
        observed = self.on.live.observed[self.key]
        named = observed.sightings[View.STORAGE].attachment_id is not None
        if self.on.boot(self.key) or not (named and self.beside.resets):
            return self._made(ailment, said, NextStep.TICKET, TICKET)
        first = "" if self.on.policy.allow_status_reset else "set `allowStatusReset: true`, then "
        hint = f"{first}run `reconciler repair {self.key}`{more}"
        return self._made(ailment, said, NextStep.REPAIR, hint)

    def _compute_only(self) -> Diagnosis:
        said = f"the server shows {self._there}, and storage doesn't"
        if self.key.volume_id not in self.on.live.volumes:
            hint = "storage doesn't list the volume at all: check that it may be read"
            return self._made(Ailment.COMPUTE_ONLY, said, NextStep.WAIT, hint)
        if self.on.wish(self.key) is Wish.UNWANTED and not self.on.boot(self.key):
            hint = "the manifests don't want it there: the next plan detaches it from the server"
            return self._made(Ailment.COMPUTE_ONLY, said, NextStep.PLAN, hint)
        hint = f"storage may give the volume to somebody else: {TICKET}"
        return self._made(Ailment.COMPUTE_ONLY, said, NextStep.TICKET, hint)

    def _agreed(self) -> Diagnosis | None:
        servers = _holders(self.on, self.key.volume_id)
        volume = self.on.live.volumes.get(self.key.volume_id)
        if volume is not None and not volume.shareable and len(servers) > 1:
            said = f"{self._volume} can't be shared, and {len(servers)} servers have it: "
            hint = f"stop writing on all but one of them, then {TICKET}"
            listed = ", ".join(f"`{name}`" for name in servers)
            return self._made(Ailment.ATTACHED_TWICE, said + listed, NextStep.TICKET, hint)
        last = self.beside.last.get(self.key)
        detached = last is not None and (last.verb, last.verdict) == FAILED_DETACH
        if last is None or not detached or self.on.wish(self.key) is not Wish.UNWANTED:
            return self._owed() if self.owing is not None else None
        said = f"{self._there} was to be detached, and its last call failed: {last.message}"
        return self._made(Ailment.JOB_FAILED, said, NextStep.PLAN, RELEASE)

    def _owed(self) -> Diagnosis:
        assert self.owing is not None
        hook, why = self.owing.hook.name, self.on.circumstances.owed[self.key]
        said = f"{self._there} is attached, and hook `{hook}` {why}"
        hint = "mend the hook: `reconciler apply` runs it again, until it ends well"
        return self._made(Ailment.HOOK_OWED, said, NextStep.PLAN, hint)

    def _made(
        self,
        ailment: Ailment,
        summary: str,
        step: NextStep,
        hint: str,
        *,
        call: OpenIntent | None = None,
    ) -> Diagnosis:
        return Diagnosis(
            ailment=ailment,
            key=self.key,
            name=self.on.name(self.key),
            summary=summary,
            step=step,
            hint=hint,
            observed=self.on.live.observed.get(self.key),
            witness=self.beside.witnesses.get(self.key),
            call=call,
            last=self.beside.last.get(self.key),
        )
