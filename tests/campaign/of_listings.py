"""I14 and I15: what a listing that lies, or shows half of the truth, must not lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.worlds import words_of
from tests.rig.plot import vendor_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.living import Lived, Tale
    from tests.campaign.road import Sent

UNCOUNTED = "/v1/servers"
"""The listing that has neither a count nor a last page that tells."""


def i14_an_incomplete_listing_changes_nothing(tale: Tale) -> Iterator[str]:
    """No change follows a listing that showed itself to be cut short.

    From the first change of a run on nothing is planned any more: what is listed then is a look,
    and I3 and I4 hold what comes of it.
    """
    cut_short = vendor_of(tale.story.provider).cut_short
    for run in tale.runs:
        broken: dict[str, str] = {}
        endless: set[str] = set()
        planned = False
        for sent in run.sent:
            planned |= bool(sent.asked)
            if sent.listing and sent.heard is not None and not planned:
                fault = sent.fault if sent.kind == "listing" else ""
                shows = fault in cut_short.get(sent.rule.partition(" -> ")[0], ())
                # Nothing counts these rows: what the other view names is looked at by id instead.
                shows = shows and not sent.path.endswith(UNCOUNTED)
                # Behind a listing that claims more than it has there are no rows to drop.
                shows = shows and not (fault == "drop-page" and sent.path in endless)
                endless |= {sent.path} if fault == "endless" else set()
                broken[sent.path] = fault if shows else ""
            if sent.asked and any(broken.values()):
                yield f"run {run.number}: {sent.asked} after {broken}"


def i15_what_only_storage_shows_stays(tale: Tale) -> Iterator[str]:
    """No disk that only storage shows is detached, or attached elsewhere."""
    ghosts = {pair[1] for pair in tale.story.ghosts}
    words = words_of(tale.story)
    for run in tale.runs:
        assert run.after is not None
        for pair in tale.story.ghosts:
            if run.after.views.get(pair) != "storage":
                yield f"run {run.number}: {pair} isn't as it was"
        for sent in writes(run):
            if any(words.known.get(a.volume_id) in ghosts for a in sent.asked):
                yield f"run {run.number}: {sent.asked} is about what only storage shows"


def writes(run: Lived) -> Iterator[Sent]:
    """Give the requests of a run that asked for a change."""
    return (sent for sent in run.sent if sent.asked)
