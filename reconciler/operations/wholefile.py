"""Files that are written whole or not at all, and only where a file is or nothing is."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

OWNER = 0o600
"""Only its owner may read it."""
KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISLNK, "it is a symbolic link, which would be replaced"),
    (stat.S_ISFIFO, "it is a pipe, which would be replaced"),
    (stat.S_ISSOCK, "it is a socket, which would be replaced"),
    (stat.S_ISCHR, "it is a device, which would be replaced"),
    (stat.S_ISBLK, "it is a device, which would be replaced"),
)


def check_writable(path: Path) -> None:
    """Raise OSError for what is there and is no file: it would be gone for everybody."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    for of_kind, why in KINDS:
        if of_kind(mode):
            raise OSError(errno.EINVAL, why, str(path))


def write_whole(path: Path, content: bytes, mode: int = OWNER) -> None:
    """Put a file in the place of the last one; nothing is left behind. Raises OSError."""
    check_writable(path)
    # The name begins with a dot and ends otherwise: who collects `*.prom` takes no half of one.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
