"""A run as bars: when each call left, and when what became of it was known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.history import PastCall
    from reconciler.report.document import Document
    from reconciler.report.history import DetailedRun

UNKNOWN = "unknown"
WEIGHT = (UNKNOWN, "failed", "refused", "done")
"""The heaviest verdict of a call is what its bar shows."""
MOST_BARS = 200


def timeline(parts: Sequence[DetailedRun], now_s: float) -> list[Document]:
    """Give a bar for each call a run made itself, in the order they left; seconds after its begin.

    One without a verdict lasts until now. `left` and `width` are per mille of the whole.
    """
    own = [call for part in parts for call in part.calls if call.run == part.run.id]
    own.sort(key=lambda call: (call.at_s, call.intent_id))
    if not own:
        return []
    began_s = min(part.run.began_s for part in parts)
    ends = {call.intent_id: max(call.at_s, _end(call, now_s)) for call in own}
    whole_s = max(max(ends.values()) - began_s, 0.1)
    return [
        {
            "label": call.label,
            "verb": call.verb,
            "began_after_s": round(max(0.0, call.at_s - began_s), 1),
            "took_s": round(ends[call.intent_id] - call.at_s, 1),
            "verdict": _verdict(call),
            "left": _share(call.at_s - began_s, whole_s),
            "width": max(4, _share(ends[call.intent_id] - call.at_s, whole_s)),
        }
        for call in own[:MOST_BARS]
    ]


def _end(call: PastCall, now_s: float) -> float:
    return max((verdict.at_s for verdict in call.verdicts), default=now_s)


def _verdict(call: PastCall) -> str | None:
    """Give the heaviest of the last verdicts of its attachments; None: nobody knows yet."""
    last = {(one.server_id, one.volume_id): one.verdict for one in call.verdicts}
    words = set(last.values())
    return next((word for word in WEIGHT if word in words), None)


def _share(part_s: float, whole_s: float) -> int:
    return round(1000 * min(1.0, max(0.0, part_s / whole_s)))
