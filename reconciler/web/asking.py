"""What a request may ask, parsed: a wrong question is told in words, never a traceback."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

SECONDS = {"m": 60, "h": 3600, "d": 86400}
SINCE = re.compile(r"[1-9][0-9]{0,3}[mhd]")
NUMBER = re.compile(r"[1-9][0-9]{0,3}")
VERSION = re.compile(r"[0-9]{1,18}")
RUN = re.compile(r"[0-9A-Za-z_-]{4,64}")
LONGEST_TEXT = 200
MOST_ROWS = 1000


class WrongQuestionError(Exception):
    """The request can't be answered as it is; its words say why, its status how badly."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


def since_s(request: Request, default: str) -> float:
    """Give how long ago `since` is, such as `24h` or `30d`, in seconds."""
    text = request.query_params.get("since", default)
    if not SINCE.fullmatch(text):
        raise WrongQuestionError("`since` is a number and its unit: 30m, 24h, 7d")
    return float(int(text[:-1]) * SECONDS[text[-1]])


def limit(request: Request, default: int) -> int:
    """Give how many rows are wanted at most."""
    text = request.query_params.get("limit", str(default))
    if not NUMBER.fullmatch(text) or int(text) > MOST_ROWS:
        raise WrongQuestionError(f"`limit` is a number from 1 to {MOST_ROWS}")
    return int(text)


def page_number(request: Request) -> int:
    """Give which page is wanted, counted from 1."""
    text = request.query_params.get("page", "1")
    if not NUMBER.fullmatch(text):
        raise WrongQuestionError("`page` is a number from 1")
    return int(text)


def version(request: Request) -> int:
    """Give what a page that waits for news was made of; -1: it doesn't say."""
    text = request.query_params.get("known", "")
    return int(text) if VERSION.fullmatch(text) else -1


def text(request: Request, name: str) -> str:
    """Give a text, empty where it isn't there."""
    found = request.query_params.get(name, "")
    if len(found) > LONGEST_TEXT:
        raise WrongQuestionError(f"`{name}` has at most {LONGEST_TEXT} characters")
    return found


def run_prefix(request: Request) -> str:
    """Give the run that the path names, or the beginning of its id."""
    found = str(request.path_params["run"])
    if not RUN.fullmatch(found):
        raise WrongQuestionError("there is no such run", 404)
    return found


def when(seconds: float) -> str:
    """Give a moment in UTC, as people and machines read it."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
