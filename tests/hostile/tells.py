"""Lies about lists and their rows: which answers they change, and to what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.hostile.liar import Said, changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.hostile.liar import Json, Tell


def paged(tell: Tell) -> Tell:
    """Lie in listings only: a look by id is told the truth."""
    return lambda said: tell(said) if "offset=" in said.query else said


def looked(tell: Tell) -> Tell:
    """Lie in looks by id only: a listing is told the truth."""
    return lambda said: said if "offset=" in said.query else tell(said)


def doubled(member: str) -> Tell:
    """Let a member stand twice in its object, first with another value."""

    def tell(said: Said) -> Said:
        found = re.compile(rb'("%s":\s*)("[^"]*"|\d+)' % member.encode())
        said.body = found.sub(rb'\1"another",\1\2', said.body)
        return said

    return tell


def sized(word: str) -> Tell:
    """Let every volume have this size, whether or not it is JSON."""

    def tell(said: Said) -> Said:
        said.body = re.sub(rb'("size":\s*)\d+', rb"\g<1>" + word.encode(), said.body)
        return said

    return tell


def encoded(word: bytes) -> Tell:
    """Say that the body is encoded; it isn't."""

    def tell(said: Said) -> Said:
        said.headers.append((b"content-encoding", word))
        return said

    return tell


def rows_of(said: Json) -> list[Json]:
    """Give the rows of a list, of either kind."""
    found = said.get("volumes", said.get("servers"))
    assert isinstance(found, list)
    return found


def counted(by: int) -> Tell:
    """Let the count be off."""
    return changed(lambda said: said.update(count=said["count"] + by))


def uncounting(said: Json) -> None:
    """Leave the count out."""
    del said["count"]


def cutting(said: Json) -> None:
    """Leave out all rows but the first."""
    del rows_of(said)[1:]


def doubling(said: Json) -> None:
    """Show the first row twice."""
    rows_of(said).append(rows_of(said)[0])


def replacing(said: Json) -> None:
    """Show the first row twice and lose the last one."""
    # A row is shown twice and another one is lost: the number of rows is as counted.
    rows_of(said)[-1] = rows_of(said)[0]


def reversing(said: Json) -> None:
    """Show the last row first."""
    rows_of(said).reverse()


def losing(volume_id: str) -> Callable[[Json], None]:
    """Lose a volume between pages, while another one is made: the count stays what it was."""

    def change(said: Json) -> None:
        for row in rows_of(said):
            if row["id"] == volume_id:
                row |= {"id": "new-1", "name": "new", "status": "available", "attachments": []}

    return change


def freeing(volume_id: str) -> Callable[[Json], None]:
    """Show the past, in which nobody had the volume."""

    def change(said: Json) -> None:
        for row in rows_of(said):
            if row["id"] == volume_id:
                row |= {"status": "available", "attachments": []}
            attached = row.get("os-extended-volumes:volumes_attached", [])
            attached[:] = [disk for disk in attached if disk["id"] != volume_id]

    return change


def holding(said: Json) -> None:
    """Show the past, in which web-1 had `three`."""
    for row in rows_of(said):
        if row["id"] == "v-3":
            row |= {"status": "in-use", "attachments": [{"server_id": "s-1", "device": "/dev/vdz"}]}
        if row["id"] == "s-1":
            row["os-extended-volumes:volumes_attached"].append({"id": "v-3", "device": "/dev/vdz"})
