"""The JSON of Acme Blocks; members that nobody here reads are left out."""

from __future__ import annotations

from reconciler.providers.lenient import Flag, Id, OptionalId, Text, Whole, Wire


class WireMachine(Wire):
    """One element of `machines`; `blocks` are the ids of what is on it, its root too."""

    id: Id
    name: Text = ""
    state: Text = ""
    root: OptionalId = ""
    blocks: list[Id]


class WireMachines(Wire):
    """The body of `/v2/machines`."""

    machines: list[WireMachine]


class WireBlock(Wire):
    """One element of `blocks`."""

    id: Id
    name: Text = ""
    gib: Whole = None
    shared: Flag = None
    moving: Flag = None


class WireBlocks(Wire):
    """The body of `/v2/blocks`."""

    blocks: list[WireBlock]


class WireProblem(Wire):
    """Why a request wasn't done."""

    problem: Text = ""
    text: Text = ""
