"""The calls of a run -> the entries that take it back; pure.

1. What counts is the net of a run: where a volume was put back, nothing is left to undo.
2. An entry owns nothing but what it names: each says `others: keep`.
3. A call whose end nobody knows isn't undone, and a destroy can't be.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Verb
from reconciler.model.declared import Entry, Listed, Ref, Side
from reconciler.model.finding import Place
from reconciler.model.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.history import PastCall

SHOWN = 8
"""How much of a run's id a person needs."""


@dataclass(slots=True)
class Net:
    """What a run did to one attachment, all its calls together."""

    before: bool
    """Whether it was attached when the run began."""
    after: bool
    flag: bool | None = None
    """`deleteOnTermination` as it was before; None where nobody told, or it wasn't attached."""
    touched: bool = False
    """True where the flag may be another one now."""
    line: int = 0
    """Which call of the run it was, from 1."""
    label: str = ""

    @property
    def undoable(self) -> bool:
        """True where something is left that can be taken back."""
        return self.before != self.after or (self.after and self.touched and self.flag is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run did to the attachments of one scope."""

    nets: Mapping[AttachmentKey, Net] = field(default_factory=dict)
    """What can be taken back, sorted."""
    destroyed: tuple[AttachmentKey, ...] = ()
    reset: tuple[AttachmentKey, ...] = ()
    """Whose stale record in storage was taken away."""
    unknown: tuple[AttachmentKey, ...] = ()
    """What a call may have changed or not."""


def done_by(calls: Iterable[PastCall], run: str, scope: str) -> Done:
    """Give the net of the calls that a run sent; those that it adopted are another run's."""
    nets: dict[AttachmentKey, Net] = {}
    ended: dict[str, set[AttachmentKey]] = {Verb.DESTROY.value: set(), Verb.RESET.value: set()}
    unknown: set[AttachmentKey] = set()
    sent = [call for call in calls if call.run == run]
    for number, call in enumerate(sent, start=1):
        for server_id, volume_id in call.attachments:
            key = AttachmentKey(scope, server_id, volume_id)
            verdict = _verdict(call, (server_id, volume_id))
            if verdict == Verdict.UNKNOWN.value:
                unknown.add(key)
            elif verdict == Verdict.DONE.value and call.verb in ended:
                ended[call.verb].add(key)
            elif verdict == Verdict.DONE.value:
                _add(nets, key, call, number)
    known = {key: net for key, net in sorted(nets.items()) if key not in unknown and net.undoable}
    return Done(
        nets=known,
        destroyed=tuple(sorted(ended[Verb.DESTROY.value])),
        reset=tuple(sorted(ended[Verb.RESET.value])),
        unknown=tuple(sorted(unknown)),
    )


def _verdict(call: PastCall, pair: tuple[str, str]) -> str:
    """Give the last word about one attachment of a call, whoever wrote it."""
    said = [one.verdict for one in call.verdicts if (one.server_id, one.volume_id) == pair]
    return said[-1] if said else Verdict.UNKNOWN.value


def _add(nets: dict[AttachmentKey, Net], key: AttachmentKey, call: PastCall, number: int) -> None:
    attached = {Verb.ATTACH.value: False, Verb.DETACH.value: True, Verb.UPDATE.value: True}
    if call.verb not in attached:
        return  # A status reset changes no attachment.
    was = attached[call.verb]
    net = nets.setdefault(key, Net(before=was, after=was, line=number, label=call.label))
    if net.flag is None and not net.touched and net.before:
        net.flag = call.had.get((key.server_id, key.volume_id))
    net.touched |= net.before
    net.after = call.verb != Verb.DETACH.value


def entries_of(done: Done, run: str) -> tuple[Entry, ...]:
    """Give the entries that take it back, one a server, sorted by its id."""
    by_server: dict[str, list[tuple[AttachmentKey, Net]]] = defaultdict(list)
    for key, net in done.nets.items():
        by_server[key.server_id].append((key, net))
    return tuple(
        Entry(
            side=Side.SERVER,
            owner=Ref(text=server_id, place=place_of(nets[0][1], run)),
            listed=tuple(
                Listed(ref=_ref(key, net, run), delete_on_termination=net.flag)
                for key, net in nets
                if net.before
            ),
            absent=tuple(_ref(key, net, run) for key, net in nets if not net.before),
            keeps_others=True,
            document=run,
        )
        for server_id, nets in sorted(by_server.items())
    )


def _ref(key: AttachmentKey, net: Net, run: str) -> Ref:
    return Ref(text=key.volume_id, place=place_of(net, run))


def place_of(net: Net, run: str) -> Place:
    """Give the call of the run as the place that a line comes from: no file has it."""
    words = f"call {net.line} of run {run[:SHOWN]} ({net.label})"
    return Place(file=words, line=0, column=0)
