"""A child process that a test that fails doesn't leave behind."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class Child(subprocess.Popen[str]):
    """A process for a `with` block; one that fails kills it, or it would wait for it for ever."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, value, trace)
