"""Journals as earlier versions left them: their tables as they were then, and a row of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.journal.keeping import MINE

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERED = {"sqlite": "INTEGER NOT NULL PRIMARY KEY", "postgresql": "SERIAL PRIMARY KEY"}
FIRST = (
    "CREATE TABLE schema_version (version INTEGER NOT NULL, book VARCHAR(32) NOT NULL)",
    """CREATE TABLE intents (id {id}, identity TEXT NOT NULL, run VARCHAR(64) NOT NULL,
    step TEXT NOT NULL, label TEXT NOT NULL, verb VARCHAR(16) NOT NULL, call TEXT NOT NULL,
    attachments INTEGER NOT NULL, at_s FLOAT NOT NULL)""",
    "CREATE INDEX intents_by_identity ON intents (identity, id)",
    """CREATE TABLE handles (intent INTEGER NOT NULL PRIMARY KEY REFERENCES intents (id),
    handle TEXT NOT NULL, at_s FLOAT NOT NULL)""",
    """CREATE TABLE verdicts (line {id}, intent INTEGER NOT NULL REFERENCES intents (id),
    server_id TEXT NOT NULL, volume_id TEXT NOT NULL, verdict VARCHAR(16) NOT NULL,
    code TEXT NOT NULL, message TEXT NOT NULL, request_id TEXT NOT NULL, took_s FLOAT,
    at_s FLOAT NOT NULL, run VARCHAR(64))""",
    "CREATE INDEX verdicts_by_intent ON verdicts (intent)",
    "CREATE INDEX verdicts_by_run ON verdicts (run)",
    """CREATE TABLE applied (identity TEXT NOT NULL, server_id TEXT NOT NULL,
    volume_id TEXT NOT NULL, server TEXT NOT NULL, volume TEXT NOT NULL,
    UNIQUE (identity, server_id, volume_id))""",
    """CREATE TABLE applies (identity TEXT NOT NULL PRIMARY KEY, run VARCHAR(64) NOT NULL,
    at_s FLOAT NOT NULL, policy TEXT NOT NULL, protected TEXT NOT NULL, documents TEXT NOT NULL)""",
    """CREATE TABLE leases (identity TEXT NOT NULL PRIMARY KEY, scope TEXT NOT NULL,
    owner TEXT NOT NULL, process TEXT NOT NULL, operation VARCHAR(64) NOT NULL,
    run VARCHAR(64) NOT NULL, since_s FLOAT NOT NULL, expires_s FLOAT NOT NULL,
    beat INTEGER NOT NULL, token VARCHAR(32) NOT NULL)""",
    """CREATE TABLE runs (id VARCHAR(64) NOT NULL, identity TEXT NOT NULL, scope TEXT NOT NULL,
    verb VARCHAR(64) NOT NULL, began_s FLOAT NOT NULL, ended_s FLOAT, ending VARCHAR(64),
    counts TEXT, requests INTEGER, "commit" VARCHAR(64), PRIMARY KEY (id, identity))""",
    "CREATE INDEX runs_by_began ON runs (began_s)",
)
KEYS = '{"keys": [["s1", "v1"]], "devices": [], "deleteOnTermination": false, "had": []}'
POLICY = (
    '{"allowDestroy": false, "allowStatusReset": false, "maxDetach": 3, "maxDetachPerServer": 2, '
    '"maxDetachShare": 0.1, "whenRunning": null, "windows": []}'
)
KEPT = (
    "INSERT INTO schema_version VALUES (1, 'book-of-then')",
    """INSERT INTO intents (identity, run, step, label, verb, call, attachments, at_s) VALUES
    ('{mine}', 'run-1', 'step-1', 'web/disk', 'attach', '{keys}', 1, 50.0),
    ('{mine}', 'run-1', 'step-2', 'web/disk', 'attach', '{keys}', 1, 60.0)""",
    "INSERT INTO handles VALUES (1, 'job-1', 50.5), (2, 'job-2', 60.5)",
    """INSERT INTO verdicts (intent, server_id, volume_id, verdict, code, message, request_id,
    took_s, at_s, run) VALUES (1, 's1', 'v1', 'done', '', '', 'r-1', 7.0, 57.0, 'run-1')""",
    "INSERT INTO applied VALUES ('{mine}', 's1', 'v1', 'web', 'disk')",
    "INSERT INTO applies VALUES ('{mine}', 'run-1', 58.0, '{policy}', '[]', '[\"shop\"]')",
    """INSERT INTO runs VALUES
    ('run-1', '{mine}', 'prod', 'apply', 49.0, NULL, NULL, NULL, NULL, '4711')""",
)
"""A run that died in its second call, and what it had applied before."""


def first(engine: str) -> tuple[str, ...]:
    """Give the statements that make a journal of layout 1, as its first users have it."""
    words = {"id": NUMBERED[engine], "mine": str(MINE), "keys": KEYS, "policy": POLICY}
    return tuple(_filled(one, words) for one in (*FIRST, *KEPT))


def _filled(statement: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        statement = statement.replace(f"{{{name}}}", word)
    return statement
