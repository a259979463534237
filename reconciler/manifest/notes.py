"""The findings of one load, gathered while everything else goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable


class RefusalError(ValueError):
    """What is wrong with one value: `says` follows the value's name in the summary."""

    def __init__(self, code: str, says: str, hint: str) -> None:
        super().__init__(says)
        self.code = code
        self.says = says
        self.hint = hint


MAX_FINDINGS = 1000
"""Nobody reads on after a screen of them, and a hostile file must not fill the memory."""


@dataclass(slots=True)
class Notes:
    """Collects findings; `complete` is False once a document's content stayed unknown."""

    findings: list[Finding] = field(default_factory=list)
    complete: bool = True

    def error(
        self,
        code: str,
        summary: str,
        hint: str,
        place: Place,
        also: Iterable[Place] = (),
    ) -> None:
        """Note what a person has to put right; after `MAX_FINDINGS`, only that there is more."""
        if self.full:
            return
        if len(self.findings) == MAX_FINDINGS:
            code, summary = "too-many-findings", f"there are more than {MAX_FINDINGS:,} findings"
            hint, also = "correct those above and look again", ()
        self.findings.append(
            Finding(code=code, summary=summary, hint=hint, place=place, also=tuple(also)),
        )

    def remark(self, severity: Severity, code: str, words: tuple[str, str], place: Place) -> None:
        """Note what doesn't stop anything; `words` are the summary and the hint."""
        self.findings.append(
            Finding(code=code, summary=words[0], hint=words[1], severity=severity, place=place),
        )

    @property
    def full(self) -> bool:
        """True when it is pointless to look for more."""
        return len(self.findings) > MAX_FINDINGS

    @property
    def failed(self) -> bool:
        """True when anything that was noted is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def ordered(self) -> tuple[Finding, ...]:
        """All findings by place, then code, then words; the same one twice counts once."""
        return tuple(sorted(dict.fromkeys(self.findings), key=_order))


def _order(finding: Finding) -> tuple[str, int, int, str, str]:
    place = finding.place or Place(file="", line=0, column=0)
    return (place.file, place.line, place.column, finding.code, finding.summary)
