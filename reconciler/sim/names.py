"""Names and ids of a world file: what a reference to a server or a volume means."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from reconciler.sim.fields import Fields, fault_at
from reconciler.sim.records import ServerRow, VolumeRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import yaml

_Row = TypeVar("_Row", ServerRow, VolumeRow)


class Names:
    """The servers and volumes of one world by id, and what a word refers to.

    A boot volume that no row lists is made here: bootable, in its server's zone.
    """

    def __init__(
        self,
        *,
        servers: Iterable[tuple[yaml.Node, ServerRow]],
        volumes: Iterable[tuple[yaml.Node, VolumeRow]],
        name: str,
    ) -> None:
        self.name = name
        self.servers = _by_id(servers, name)
        self.volumes = _by_id(volumes, name)
        self._server_names = _by_name(self.servers)
        self._volume_names = _by_name(self.volumes)
        for server in list(self.servers.values()):
            if server.boot_volume is not None:
                self._boot(server, server.boot_volume)

    def _boot(self, server: ServerRow, word: str) -> None:
        found = self._volume_names.get(word, [])
        volume_id = word if word in self.volumes or len(found) != 1 else found[0]
        self.servers[server.id] = replace(server, boot_volume=volume_id)
        known = self.volumes.get(volume_id)
        if known is None:
            name = f"{server.name}-boot"
            known = VolumeRow(id=volume_id, name=name, size_gib=40, az=server.az)
        self.volumes[volume_id] = replace(known, bootable=True)

    def server(self, fields: Fields, key: str, *, visible: bool) -> str:
        """Give the id of the server that the field names; unless `visible`, an unknown id too."""
        word = fields.text(key)
        if word in self.servers:
            return word
        if not visible and word not in self._server_names:
            return word
        return _one(fields, key, self._server_names)

    def volume(self, fields: Fields, key: str) -> str:
        """Give the id of the volume that the field names."""
        word = fields.text(key)
        return word if word in self.volumes else _one(fields, key, self._volume_names)


def _by_id(found: Iterable[tuple[yaml.Node, _Row]], name: str) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    for node, row in found:
        if row.id in rows:
            raise fault_at(node, name, f"the id `{row.id}` is given twice; change one")
        rows[row.id] = row
    return rows


def _by_name(rows: Mapping[str, ServerRow] | Mapping[str, VolumeRow]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for row in rows.values():
        names.setdefault(row.name, []).append(row.id)
    return names


def _one(fields: Fields, key: str, names: Mapping[str, list[str]]) -> str:
    word = fields.text(key)
    found = names.get(word, [])
    if not found:
        raise fields.fault(key, f"no {key} has the id or name `{word}`; add it under `{key}s`")
    if len(found) > 1:
        ids = ", ".join(f"`{one}`" for one in found)
        raise fields.fault(key, f"the name `{word}` means {ids}; write the id")
    return found[0]
