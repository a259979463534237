"""What a service writes into its log: constant messages, and scope, run and step as keys."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from reconciler.model.outcome import Verdict

if TYPE_CHECKING:
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcomes
    from reconciler.model.watching import Tick, Watched

logger = logging.getLogger("reconciler.watch")

LEVELS = {
    Verdict.DONE: logging.INFO,
    Verdict.REFUSED: logging.WARNING,
    Verdict.FAILED: logging.ERROR,
    Verdict.UNKNOWN: logging.ERROR,
}


class Log:
    """WatchListener (see `ports`) that logs."""

    def changed(self, now: Watched) -> None:
        """Log what is in force, and what isn't."""
        keys: dict[str, object] = {"scopes": [scope.name for scope in now.scopes]}
        if now.manifests.commit is not None:
            keys["commit"] = now.manifests.commit
        logger.info("the service stops" if now.stopping else "manifests in force", extra=keys)
        for finding in now.manifests.findings:
            told = {"code": finding.code, "summary": finding.summary, "place": str(finding.place)}
            logger.error("newer manifests are refused", extra=told)

    def tick_began(self, scope: str, at_s: float) -> None:
        """Log that a look began."""
        logger.debug("look began", extra={"scope": scope, "at_s": at_s})

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Log a call before it is made."""
        told = {"scope": scope, "run": run, "step": step_id, "verb": call.verb.value}
        logger.info("call", extra=told | {"attachments": [str(key) for key in call.keys]})

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Log what became of each attachment of a call."""
        told = {"scope": scope, "run": run, "step": step_id, "verb": call.verb.value}
        for key, outcome in sorted(outcomes.items()):
            more = {"attachment": str(key), "verdict": outcome.verdict.value}
            more |= {"code": outcome.code, "said": outcome.message, "request": outcome.request_id}
            logger.log(LEVELS[outcome.verdict], "outcome", extra=told | more)

    def ticked(self, tick: Tick) -> None:
        """Log what a look saw."""
        told: dict[str, object] = {"scope": tick.scope, "took_s": round(tick.took_s, 3)}
        if tick.run is not None:
            told["run"] = tick.run
        for finding in tick.findings:
            more = {"code": finding.code, "summary": finding.summary}
            logger.warning("finding", extra=told | more)
        if not tick.looked:
            logger.error("could not look", extra=told)
            return
        told |= {"counts": dict(tick.counts), "requests": tick.requests}
        told |= {"appeared": len(tick.appeared), "gone": len(tick.gone)}
        logger.info("looked", extra=told)
