"""Marks by which other controllers' volumes and servers can be told; pure.

What nobody owns is taken away under `unmanaged: detach` alone, and never where a mark is. A mark
too many leaves something where it is; one too few takes a disk from a cluster: in doubt, a mark.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHER_CONTROLLER = re.compile(r"kubernetes\.io|(?<![a-z])(csi|cce)(?![a-z])", re.IGNORECASE)
"""Keys of metadata and tags that a CSI driver or CCE leaves, on volumes and on nodes; unverified.

`csi` and `cce` count as words only: `scsi` and `access` hold them too."""
CLAIMED = re.compile(r"pvc-|kubernetes-dynamic-|cce-", re.IGNORECASE)
"""How the names of volumes begin that Kubernetes' provisioners, old and new, and CCE make;
unverified: the prefix is an option of theirs."""


def owner_marks(name: str, keys: Iterable[str] = ()) -> tuple[str, ...]:
    """Give the name and the keys that another controller seems to have written, sorted."""
    found = {key for key in keys if _marked(key)}
    if CLAIMED.match(name):
        found.add(name)
    return tuple(sorted(found)) if found else ()


@lru_cache(maxsize=1024)
def _marked(key: str) -> bool:
    # The same few keys stand on every row of a listing.
    return OTHER_CONTROLLER.search(key) is not None
