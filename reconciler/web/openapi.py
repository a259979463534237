"""The JSON endpoints as an OpenAPI document: one table, from which they are described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.version import __version__
from reconciler.web.asking import LONGEST_TEXT, MOST_ROWS, RUN, SINCE

if TYPE_CHECKING:
    from reconciler.report.document import Document

Schema = dict[str, object]
ANYTHING: Schema = {"type": "object"}
TEXT: Schema = {"type": "string", "maxLength": LONGEST_TEXT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One parameter."""

    name: str
    where: str
    schema: Schema
    needed: bool = False


def _pattern(text: str) -> Schema:
    return {"type": "string", "pattern": f"^{text}$"}


SCOPE = Asked(name="scope", where="query", schema=TEXT)
SINCE_WHEN = Asked(name="since", where="query", schema=_pattern(SINCE.pattern))
HOW_MANY = Asked(
    name="limit", where="query", schema={"type": "integer", "minimum": 1, "maximum": MOST_ROWS}
)
IN_PATH = Asked(name="scope", where="path", schema=TEXT, needed=True)
RUN_IN_PATH = Asked(name="run", where="path", schema=_pattern(RUN.pattern), needed=True)
TEXT_ASKED = Asked(name="q", where="query", schema=TEXT)
KEY = tuple(
    Asked(name=name, where="query", schema=TEXT, needed=True)
    for name in ("scope", "server", "volume")
)
ENDPOINTS: dict[str, tuple[str, tuple[Asked, ...]]] = {
    "/api/watched": ("the whole service: scopes, and what differs now", ()),
    "/api/scopes/{scope}": ("one scope with its servers and attachments", (IN_PATH,)),
    "/api/difference": ("one difference, with the YAML that accepts or adopts it", KEY),
    "/api/differences": ("what differs now, and what did since then", (SCOPE, SINCE_WHEN)),
    "/api/corrections": ("what was corrected since then", (SCOPE, SINCE_WHEN)),
    "/api/ticks": ("ticks since then, newest first", (SCOPE, SINCE_WHEN, HOW_MANY)),
    "/api/runs": ("runs since then, newest first", (SINCE_WHEN,)),
    "/api/runs/{run}": ("one run, its calls, and how far it is", (RUN_IN_PATH,)),
    "/api/search": ("attachments and scopes that bear a text", (TEXT_ASKED,)),
}
"""Path -> what it gives, and what it may be asked. All of them are GET."""
WRONG: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}
STATUSES = {
    "400": "the question is wrong",
    "401": "a token is needed",
    "404": "there is no such thing",
    "503": "the journal can't be read now",
}


def document() -> Document:
    """Give the description; the same bytes for the same version."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "reconciler", "version": __version__},
        "paths": {path: {"get": _call(*row)} for path, row in ENDPOINTS.items()},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _call(gives: str, asked: tuple[Asked, ...]) -> Document:
    def answer(words: str, schema: Schema) -> Document:
        return {"description": words, "content": {"application/json": {"schema": schema}}}

    return {
        "summary": gives,
        "parameters": [
            {"name": one.name, "in": one.where, "required": one.needed, "schema": one.schema}
            for one in asked
        ],
        "responses": {
            "200": answer(gives, ANYTHING),
            **{status: answer(words, WRONG) for status, words in STATUSES.items()},
        },
    }
