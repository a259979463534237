"""What each cloud can do, as its provider claims it; nothing is asked of any cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.call import Verb
from reconciler.model.capabilities import BatchBy, SetBy
from reconciler.providers import discover

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from reconciler.model.capabilities import Capabilities
    from reconciler.providers.spec import Edition, ProviderSpec
    from reconciler.report.document import Document

SET = {
    SetBy.NEVER: "never",
    SetBy.AFTERWARDS: "in place",
    SetBy.WITH_ATTACH: "with the attach, in place",
}


def provider_rows(today: date) -> list[Document]:
    """Give one row a provider, sorted by name; values are text for people, editions as told."""
    return [_row(spec, today) for _, spec in sorted(discover().items())]


def _row(spec: ProviderSpec, today: date) -> Document:
    can = spec.can
    return {
        "provider": spec.name,
        "attach": "yes" if can.attach else "no",
        "detach": "keeps the volume" if can.detach_keeps_data else "deletes the volume",
        "batch": ", ".join(_batches(can)) or "none",
        "views": " and ".join(view.value for view in can.views),
        "completion": "job, then looking" if can.has_jobs else "looking",
        "guest must let go": "yes" if can.guest_must_release else "not asked",
        "deleteOnTermination": SET[can.delete_on_termination],
        "API version": ", ".join(_edition(one, today) for one in spec.editions) or "not asked for",
    }


def _batches(can: Capabilities) -> Iterator[str]:
    for verb in Verb:
        batch = can.batch.get(verb)
        if batch is None:
            continue
        by_volume = batch.by is BatchBy.VOLUME
        unit = "servers of one volume" if by_volume else "volumes of one server"
        what = "shareable " if batch.shareable_only else ""
        yield f"{verb.value}: {batch.maximum} {unit.replace('volume', f'{what}volume')}"


def _edition(edition: Edition, today: date) -> str:
    until = edition.supported_until
    if until is None:
        return f"{edition.name} (no end published)"
    return f"{edition.name} ({'ended' if until < today else 'until'} {until.isoformat()})"
