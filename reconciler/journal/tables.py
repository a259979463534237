"""The tables. Intents, handles and verdicts are only ever added to; applied rows are replaced."""

from __future__ import annotations

from sqlalchemy import (
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

SCHEMA_VERSION = 1
"""Written into a new journal; a journal with a higher one was made by a newer version."""

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", String(500), nullable=False),
    Column("run", String(64), nullable=False),
    Column("step", String(300), nullable=False),
    Column("label", Text, nullable=False),
    Column("verb", String(16), nullable=False),
    Column("call", Text, nullable=False),
    Column("attachments", Integer, nullable=False),
    Column("at_s", Float, nullable=False),
    Index("intents_by_identity", "identity", "id"),
)

handles = Table(
    "handles",
    metadata,
    Column("intent", Integer, ForeignKey("intents.id"), primary_key=True),
    Column("handle", String(200), nullable=False),
    Column("at_s", Float, nullable=False),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("intent", Integer, ForeignKey("intents.id"), nullable=False),
    Column("server_id", String(200), nullable=False),
    Column("volume_id", String(200), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("code", String(100), nullable=False),
    Column("message", Text, nullable=False),
    Column("request_id", String(200), nullable=False),
    Column("took_s", Float),
    Column("at_s", Float, nullable=False),
    Index("verdicts_by_intent", "intent"),
)
"""Unknown is written too, and settles nothing: a later row of the same attachment does."""

applied = Table(
    "applied",
    metadata,
    Column("identity", String(500), nullable=False),
    Column("server_id", String(200), nullable=False),
    Column("volume_id", String(200), nullable=False),
    Column("server", Text, nullable=False),
    Column("volume", Text, nullable=False),
    UniqueConstraint("identity", "server_id", "volume_id"),
)

applies = Table(
    "applies",
    metadata,
    Column("identity", String(500), primary_key=True),
    Column("run", String(64), nullable=False),
    Column("at_s", Float, nullable=False),
)
