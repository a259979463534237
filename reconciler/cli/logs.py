"""The log on stderr: one line a message, with nothing in it that a terminal would act on.

A service logs keys beside its messages (`scope`, `run`, `step`), as text or as JSON objects.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from reconciler.report.escape import plain

LINE = logging.Formatter("%(levelname)s: %(message)s")


def log_plainly(level: str) -> None:
    """Log to stderr from this level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(LINE)
    handler.addFilter(made_plain)
    logging.basicConfig(level=level.upper(), handlers=[handler])


def made_plain(record: logging.LogRecord) -> bool:
    """Let a record pass, with its words, which may quote a cloud, as plain text."""
    record.msg, record.args = plain(record.getMessage()), None
    if record.exc_info:
        traced = LINE.formatException(record.exc_info).splitlines()
        # Set in, so that no line of foreign words looks like one of the log's own.
        record.exc_text = "\n".join(f"    {plain(line)}" for line in traced)
    return True


OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; the rest are the keys that were given."""


class JsonLines(logging.Formatter):
    """One JSON object a record: `time`, `level`, `logger`, `message`, then the keys given."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; foreign text stays inside its string."""
        told = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_keys(record),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


class TextLines(logging.Formatter):
    """A line of text a record, with the keys that were given behind its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without anything that a terminal would obey."""
        told = (f" {key}={plain(str(value))}" for key, value in _keys(record).items())
        return f"{LINE.format(record)}{''.join(told)}"


def _keys(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in OWN}


def log_as(form: str) -> None:
    """Write records with their keys from now on, as `json` or as `text`."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines() if form == "json" else TextLines())
