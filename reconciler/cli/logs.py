"""The log on stderr: one line a message, with nothing in it that a terminal would act on."""

from __future__ import annotations

import logging

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
