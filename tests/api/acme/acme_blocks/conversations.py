"""What is said to Acme Blocks, and what the answers mean; pure, like every conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.call import Call, Verb
from reconciler.model.live import Live, Server, ServerStatus, Volume, VolumeStatus
from reconciler.model.outcome import Answer, JobState, Progress, Receipt
from reconciler.providers.requests import change, delete, get
from reconciler.providers.talk import ask

from . import errors
from .wire import WireBlocks, WireMachines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.providers.talk import Conversation

    from .wire import WireBlock, WireMachine

ACCEPTED = 202
DOWN = "down"
STATES = {"up": ServerStatus.READY, DOWN: ServerStatus.READY, "restarting": ServerStatus.MOVING}


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeBlocks:
    """The conversations of one scope; `address` has no trailing slash."""

    scope: str
    address: str

    def list_live(self) -> Conversation[Live]:
        """Give everything in the scope: two requests, one after the other.

        Machines first: a block that arrives in between is shown free and moving, never lost.
        """
        request = get(f"{self.address}/v2/machines")
        machines = errors.read(WireMachines, request, (yield from ask(request)))
        request = get(f"{self.address}/v2/blocks")
        blocks = errors.read(WireBlocks, request, (yield from ask(request)))
        return _live(self.scope, machines.machines, blocks.blocks)

    def observe(self, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
        """Give these attachments, by the same two requests: there are no others."""
        del keys
        return (yield from self.list_live())

    def submit(self, call: Call) -> Conversation[Receipt]:
        """Ask for a change with one request."""
        (key,) = call.keys
        url = f"{self.address}/v2/machines/{key.server_id}/blocks/{key.volume_id}"
        match call.verb:
            case Verb.ATTACH:
                request = change("PUT", url, {})
            case Verb.DETACH:
                request = delete(url)
            case Verb.UPDATE | Verb.DESTROY | Verb.RESET:
                raise AssertionError("nothing of this cloud is updated, destroyed or reset")
            case _:
                assert_never(call.verb)
        response = yield from ask(request)
        if response.status_code == ACCEPTED:
            return Receipt(answer=Answer.ACCEPTED)
        return errors.refusal(response)

    def track(self, handle: str) -> Conversation[Progress]:
        """Know of no job: this cloud has none, and no receipt of it names one."""
        del handle
        yield from ()
        return Progress(state=JobState.GONE)


def _live(scope: str, machines: Sequence[WireMachine], blocks: Sequence[WireBlock]) -> Live:
    roots = {machine.root for machine in machines}
    moving = {block.id for block in blocks if block.moving}
    observed: dict[AttachmentKey, Observed] = {}
    for machine in sorted(machines, key=lambda one: one.id):
        for block_id in sorted(machine.blocks):
            key = AttachmentKey(scope, machine.id, block_id)
            phase = Phase.DETACHING if block_id in moving else Phase.ATTACHED
            sighting = Sighting(phase=phase, boot=block_id == machine.root)
            observed[key] = Observed(key=key, sightings={View.COMPUTE: sighting})
    return Live(
        scope=scope,
        views=(View.COMPUTE,),
        servers={
            one.id: Server(
                server_id=one.id,
                name=one.name,
                status=STATES.get(one.state, ServerStatus.REFUSING),
                status_text=one.state,
                running=one.state != DOWN,
            )
            for one in sorted(machines, key=lambda one: one.id)
        },
        volumes={
            one.id: Volume(
                volume_id=one.id,
                name=one.name,
                size_gib=one.gib,
                status=VolumeStatus.MOVING if one.moving else VolumeStatus.READY,
                shareable=one.shared is True,
                boot=one.id in roots,
            )
            for one in sorted(blocks, key=lambda one: one.id)
        },
        observed=observed,
    )
