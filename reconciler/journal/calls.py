"""A call as a line of the journal keeps it."""

from __future__ import annotations

import json

from reconciler.errors import JournalError
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb


def written(call: Call) -> str:
    """Give a call as a line keeps it: its scope is what a run calls it, its cloud is the line's."""
    return json.dumps(
        {
            "keys": [[key.server_id, key.volume_id] for key in call.keys],
            "devices": [[k.server_id, k.volume_id, d] for k, d in sorted(call.devices.items())],
            "deleteOnTermination": call.delete_on_termination,
            "had": [[k.server_id, k.volume_id, flag] for k, flag in sorted(call.had.items())],
            "forced": call.forced,
            "names": [[k.server_id, k.volume_id, *told] for k, told in sorted(call.names.items())],
        }
    )


def read(verb: str, text: str, scope: str) -> Call:
    """Give the call of a line, in a scope. Raises JournalError."""
    try:
        told = json.loads(text)
        return Call(
            verb=Verb(verb),
            keys=tuple(AttachmentKey(scope, server, volume) for server, volume in told["keys"]),
            devices={AttachmentKey(scope, s, v): device for s, v, device in told["devices"]},
            delete_on_termination=told["deleteOnTermination"],
            forced=told.get("forced") is True,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"a line of the journal can't be read: {text[:200]}") from error
