"""A starter repository: the files that `reconciler init` writes, kept as they are written.

`any/` goes into each of them, beside it the folder of the CI that was chosen.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

KINDS = ("github", "gitlab", "none")
"""The CI systems that there are templates for; `none` has none."""


def files(kind: str) -> Mapping[str, str]:
    """Give text by path, sorted; paths have slashes."""
    folders = ("any",) if kind == "none" else ("any", kind)
    here = resources.files(__name__)
    found = (pair for folder in folders for pair in _below(here.joinpath(folder), ""))
    return dict(sorted(found))


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _below(one, f"{path}{one.name}/")
        else:
            yield f"{path}{one.name}", one.read_text(encoding="utf-8")
