"""The steps from each layout of a journal to the next; what a step does never changes.

1. A step is written out in SQL: `tables` says what the newest layout is, and goes on from there.
2. Each step is a transaction with the number that it leads to: one that was cut off is made again,
   and whoever opened the journal meanwhile finds it made.
3. Nothing is taken away, and nothing that is there is written over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text, update

from reconciler.journal import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

NUMBERED = {"sqlite": "INTEGER NOT NULL PRIMARY KEY", "postgresql": "SERIAL PRIMARY KEY"}
"""How each engine counts the rows of a table; `{id}` in a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What leads from the layout before to this one."""

    version: int
    statements: tuple[str, ...]
    columns: Mapping[str, tuple[tuple[str, str], ...]]
    """By table, columns with their types; one that is there is left as it is."""

    def make(self, connection: Connection) -> None:
        """Make it, within the caller's transaction."""
        engine = connection.dialect.name
        if engine == "postgresql":
            # An index over years of calls takes longer than a line may.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in self.statements:
            connection.execute(text(statement.replace("{id}", NUMBERED[engine])))
        for table, added in self.columns.items():
            there = {column["name"] for column in inspect(connection).get_columns(table)}
            for name, kind in added:
                if name not in there:
                    connection.execute(text(f'ALTER TABLE {table} ADD COLUMN "{name}" {kind}'))
        connection.execute(update(tables.schema_version).values(version=self.version))


WATCHING = (
    """CREATE TABLE IF NOT EXISTS hooks (id {id}, identity TEXT NOT NULL,
    run VARCHAR(64) NOT NULL, occasion VARCHAR(32) NOT NULL, hook TEXT NOT NULL,
    label TEXT NOT NULL, server_id TEXT NOT NULL, volume_id TEXT NOT NULL, at_s FLOAT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS hooks_by_run ON hooks (run)",
    """CREATE TABLE IF NOT EXISTS hook_ends (hook INTEGER NOT NULL PRIMARY KEY
    REFERENCES hooks (id), verdict VARCHAR(16) NOT NULL, message TEXT NOT NULL,
    output TEXT NOT NULL, took_s FLOAT NOT NULL, at_s FLOAT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS owned_rows (identity TEXT NOT NULL, side VARCHAR(16) NOT NULL,
    owner_id TEXT NOT NULL, UNIQUE (identity, side, owner_id))""",
    """CREATE TABLE IF NOT EXISTS ticks (id {id}, scope TEXT NOT NULL, began_s FLOAT NOT NULL,
    took_s FLOAT NOT NULL, looked INTEGER NOT NULL, remembered INTEGER NOT NULL,
    counts TEXT NOT NULL, findings TEXT NOT NULL, run VARCHAR(64), "commit" VARCHAR(64),
    requests INTEGER NOT NULL, next_s FLOAT)""",
    "CREATE INDEX IF NOT EXISTS ticks_by_scope ON ticks (scope, began_s)",
    "CREATE INDEX IF NOT EXISTS ticks_by_began ON ticks (began_s)",
    """CREATE TABLE IF NOT EXISTS differences (id {id}, identity TEXT NOT NULL,
    scope TEXT NOT NULL, answer VARCHAR(16) NOT NULL, kind VARCHAR(16) NOT NULL,
    server_id TEXT NOT NULL, volume_id TEXT NOT NULL, server TEXT NOT NULL, volume TEXT NOT NULL,
    found_server_id TEXT NOT NULL, found_server TEXT NOT NULL, first_s FLOAT NOT NULL,
    last_s FLOAT NOT NULL, gone_s FLOAT, run VARCHAR(64), told INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS differences_by_identity ON differences (identity, gone_s)",
    "CREATE INDEX IF NOT EXISTS differences_by_last ON differences (last_s)",
    """CREATE TABLE IF NOT EXISTS corrections (id {id}, identity TEXT NOT NULL,
    scope TEXT NOT NULL, run VARCHAR(64) NOT NULL, action VARCHAR(16) NOT NULL,
    server_id TEXT NOT NULL, volume_id TEXT NOT NULL, server TEXT NOT NULL, volume TEXT NOT NULL,
    verdict VARCHAR(16) NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,
    request_id TEXT NOT NULL, facts VARCHAR(64) NOT NULL, at_s FLOAT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS corrections_by_identity ON corrections (identity, at_s)",
    "CREATE INDEX IF NOT EXISTS corrections_by_at ON corrections (at_s)",
    """CREATE TABLE IF NOT EXISTS breakers (identity TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL, standing VARCHAR(16) NOT NULL, failures INTEGER NOT NULL,
    since_s FLOAT NOT NULL, until_s FLOAT)""",
    """CREATE TABLE IF NOT EXISTS notices (webhook TEXT NOT NULL, condition TEXT NOT NULL,
    topic VARCHAR(16) NOT NULL, scope TEXT, words TEXT NOT NULL, since_s FLOAT NOT NULL,
    UNIQUE (webhook, condition))""",
)

STEPS = (
    # Journals of layout 1 differ: some of these tables were made where one was opened, some not.
    Step(
        version=2,
        statements=(*WATCHING, "CREATE INDEX IF NOT EXISTS intents_by_run ON intents (run)"),
        columns={"runs": (("dirty", "BOOLEAN"),)},
    ),
    Step(
        version=3,
        statements=(),
        columns={"applies": (("bare", "TEXT"),), "runs": (("owner", "TEXT"),)},
    ),
)
"""In their order, each one higher than the one before; the last one is the layout of `tables`."""


def lacking(connection: Connection) -> tuple[str, ...]:
    """Give the tables and columns of the newest layout that aren't there, sorted."""
    found, missing = inspect(connection), []
    for table in tables.metadata.sorted_tables:
        if not found.has_table(table.name):
            missing.append(table.name)
            continue
        there = {column["name"] for column in found.get_columns(table.name)}
        missing += [f"{table.name}.{name}" for name in {*table.columns.keys()} - there]
    return tuple(sorted(missing))
