"""The tables. Intents, handles and verdicts are only ever added to; applied rows are replaced.

What a cloud or a manifest says is Text: SQLite forgives a longer String, PostgreSQL doesn't.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 3
"""The layout that is written here. A journal with a higher one was made by a newer version; one
with a lower one is brought forward by `migrations`."""

metadata = MetaData()


schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, nullable=False),
    Column("book", String(32), nullable=False),
)
"""One row; `book` tells this journal from every other one."""

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("run", String(64), nullable=False),
    Column("step", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("verb", String(16), nullable=False),
    Column("call", Text, nullable=False),
    Column("attachments", Integer, nullable=False),
    Column("at_s", Float, nullable=False),
    Index("intents_by_identity", "identity", "id"),
    Index("intents_by_run", "run"),
)

handles = Table(
    "handles",
    metadata,
    Column("intent", Integer, ForeignKey("intents.id"), primary_key=True),
    Column("handle", Text, nullable=False),
    Column("at_s", Float, nullable=False),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("line", Integer, primary_key=True),
    Column("intent", Integer, ForeignKey("intents.id"), nullable=False),
    Column("server_id", Text, nullable=False),
    Column("volume_id", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("took_s", Float),
    Column("at_s", Float, nullable=False),
    Column("run", String(64)),
    Index("verdicts_by_intent", "intent"),
    Index("verdicts_by_run", "run"),
)
"""Unknown is written too, and settles nothing: a later row of the same attachment does. `run` is
who wrote it: where that isn't the intent's own run, it was adopted."""

applied = Table(
    "applied",
    metadata,
    Column("identity", Text, nullable=False),
    Column("server_id", Text, nullable=False),
    Column("volume_id", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("volume", Text, nullable=False),
    UniqueConstraint("identity", "server_id", "volume_id"),
)

applies = Table(
    "applies",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("run", String(64), nullable=False),
    Column("at_s", Float, nullable=False),
    Column("policy", Text, nullable=False),
    Column("protected", Text, nullable=False),
    Column("documents", Text, nullable=False),
    Column("bare", Text),
)
"""One row an identity: that something was applied, and by which policy, protected rows, documents
and names of rows with nothing on them; the next plan is held against them."""

leases = Table(
    "leases",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("operation", String(64), nullable=False),
    Column("run", String(64), nullable=False),
    Column("since_s", Float, nullable=False),
    Column("expires_s", Float, nullable=False),
    Column("beat", Integer, nullable=False),
    Column("token", String(32), nullable=False),
)
"""Who may change a cloud now. `beat` tells whether the owner lives; `expires_s` is for people."""

runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("verb", String(64), nullable=False),
    Column("began_s", Float, nullable=False),
    Column("ended_s", Float),
    Column("ending", String(64)),
    Column("counts", Text),
    Column("requests", Integer),
    Column("commit", String(64)),
    Column("dirty", Boolean),
    Column("owner", Text),
    Index("runs_by_began", "began_s"),
)
"""A row a cloud of a run that adopted or changed something; without an end it didn't live to it.
`commit` is the one that its manifests stood at, `dirty` that they weren't as it has them; None
where nobody told. `owner` is user, host and process, for people; None in runs of before."""

hooks = Table(
    "hooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("run", String(64), nullable=False),
    Column("occasion", String(32), nullable=False),
    Column("hook", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("server_id", Text, nullable=False),
    Column("volume_id", Text, nullable=False),
    Column("at_s", Float, nullable=False),
    Index("hooks_by_run", "run"),
)

hook_ends = Table(
    "hook_ends",
    metadata,
    Column("hook", Integer, ForeignKey("hooks.id"), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("took_s", Float, nullable=False),
    Column("at_s", Float, nullable=False),
)
"""A hook without an end: its run didn't live to it."""
owned_rows = Table(
    "owned_rows",
    metadata,
    Column("identity", Text, nullable=False),
    Column("side", String(16), nullable=False),
    Column("owner_id", Text, nullable=False),
    UniqueConstraint("identity", "side", "owner_id"),
)
"""The rows that the last apply owned: only on those an addition is drift."""

ticks = Table(
    "ticks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("began_s", Float, nullable=False),
    Column("took_s", Float, nullable=False),
    Column("looked", Integer, nullable=False),
    Column("remembered", Integer, nullable=False),
    Column("counts", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("run", String(64)),
    Column("commit", String(64)),
    Column("requests", Integer, nullable=False),
    Column("next_s", Float),
    Index("ticks_by_scope", "scope", "began_s"),
    Index("ticks_by_began", "began_s"),
)

differences = Table(
    "differences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("answer", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("server_id", Text, nullable=False),
    Column("volume_id", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("volume", Text, nullable=False),
    Column("found_server_id", Text, nullable=False),
    Column("found_server", Text, nullable=False),
    Column("first_s", Float, nullable=False),
    Column("last_s", Float, nullable=False),
    Column("gone_s", Float),
    Column("run", String(64)),
    Column("told", Integer, nullable=False),
    Index("differences_by_identity", "identity", "gone_s"),
    Index("differences_by_last", "last_s"),
)
"""What a service saw differ, a row from its first look to the one that didn't see it any more.
`told`: 0 until listeners heard that it is there, 1 then, and 2 once they heard that it is gone."""

corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("run", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("server_id", Text, nullable=False),
    Column("volume_id", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("volume", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("facts", String(64), nullable=False),
    Column("at_s", Float, nullable=False),
    Index("corrections_by_identity", "identity", "at_s"),
    Index("corrections_by_at", "at_s"),
)
"""What a service changed by itself. `facts` is the fingerprint of the change and what it stood on:
one that failed isn't tried again on the same facts."""

breakers = Table(
    "breakers",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("standing", String(16), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("since_s", Float, nullable=False),
    Column("until_s", Float),
)

notices = Table(
    "notices",
    metadata,
    Column("webhook", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("topic", String(16), nullable=False),
    Column("scope", Text),
    Column("words", Text, nullable=False),
    Column("since_s", Float, nullable=False),
    UniqueConstraint("webhook", "condition"),
)
"""What a webhook was told of and not yet that it is over."""
