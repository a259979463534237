"""From text as written to one value each, or a `RefusalError` with the words.

1. A value is never guessed: booleans are `true` and `false`, numbers are plain decimals.
2. What stands in quotes is text and stays text.
3. `~`, `null` and nothing are no value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

from reconciler.manifest.nodes import TextNode, called
from reconciler.manifest.notes import RefusalError
from reconciler.manifest.words import instead_of, listing, quoted

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
CREDENTIAL_PREFIXES = ("HW_", "HUAWEICLOUD_", "SCP_", "RECONCILER_CRED_")
NAME_CHARACTERS = 253
"""As long as a DNS name, which is what Kubernetes allows for `metadata.name`."""
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_REGION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_LOOPBACK = re.compile(r"localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1")


def written(node: object) -> TextNode:
    """Give the scalar itself; refuses a list, a mapping and what has no value."""
    if not isinstance(node, TextNode):
        raise RefusalError("wrong-type", f"must be text, not {called(node)}", "write one value")
    if node.void:
        raise RefusalError("no-value", "has no value", "write a value, or take it out")
    return node


def anything(node: object) -> str:
    """Any text, several lines and none included."""
    return written(node).text


def text(node: object) -> str:
    """One line of text, neither empty nor with a blank at an end."""
    value = written(node).text
    if not value:
        raise RefusalError("wrong-value", "is empty", "write a value, or take it out")
    if not value.isprintable() and {*"\n\r\t"} & {*value}:
        says = f"must be one line without tabs, not {quoted(value)}"
        raise RefusalError("wrong-value", says, "write it on one line, with spaces")
    if value[0].isspace() or value[-1].isspace():
        says = f"begins or ends with a blank: {quoted(value)}"
        raise RefusalError("wrong-value", says, "take the blank out of the quotes")
    return value


def flag(node: object) -> bool:
    """Give `true` or `false`, exactly and without quotes."""
    value = written(node)
    if value.plain and value.text in {"true", "false"}:
        return value.text == "true"
    if value.text in {"true", "false"}:
        says = f"must be a boolean, not the text {quoted(value.text)} in quotes"
        raise RefusalError("wrong-value", says, "take the quotes away")
    says = f"must be `true` or `false`, not {quoted(value.text)}"
    raise RefusalError("wrong-value", says, "write `true` or `false`")


@dataclass(frozen=True, slots=True)
class Whole:
    """A reader of a whole number that is at least `least`."""

    least: int

    def __call__(self, node: object) -> int:
        """Give the number."""
        value = _number(node, _WHOLE, f"a whole number, {self.least} or more,")
        if int(value) < self.least:
            says = f"must be {self.least} or more, not {quoted(value)}"
            raise RefusalError("wrong-value", says, f"write {self.least} or more")
        return int(value)


def whole(least: int) -> Whole:
    """Give a reader of a whole number that is at least `least`."""
    return Whole(least)


def share(node: object) -> float:
    """Give a part of the whole, from 0 to 1."""
    value = float(_number(node, _DECIMAL, "a decimal number from 0 to 1,"))
    if value > 1:
        says = f"must be from 0 to 1, not {quoted(written(node).text)}"
        raise RefusalError("wrong-value", says, "write a share such as `0.3`")
    return value


def rate(node: object) -> float:
    """How many a second: a number above 0."""
    value = float(_number(node, _DECIMAL, "a decimal number above 0,"))
    if value == 0:
        raise RefusalError("wrong-value", "must be above 0, not `0`", "write a number above 0")
    return value


def _number(node: object, syntax: re.Pattern[str], wanted: str) -> str:
    value = written(node)
    if not value.plain and syntax.fullmatch(value.text):
        says = f"must be {wanted} not the text {quoted(value.text)} in quotes"
        raise RefusalError("wrong-value", says, "take the quotes away")
    if not syntax.fullmatch(value.text):
        says = f"must be {wanted} not {quoted(value.text)}"
        raise RefusalError("wrong-value", says, "write plain decimal digits, at most nine")
    return value.text


def seconds(node: object) -> float:
    """Give a duration such as `30s`, `5m`, `6h` or `90d`, in seconds."""
    value = text(node)
    found = _DURATION.fullmatch(value)
    if found is None:
        says = f"must be a duration, not {quoted(value)}"
        hint = "write a number above 0 with its unit: `30s`, `5m`, `6h` or `90d`"
        raise RefusalError("wrong-value", says, hint)
    return float(int(found[1]) * SECONDS[found[2]])


@dataclass(frozen=True, slots=True)
class Choice:
    """A reader of one word of a closed set."""

    known: tuple[str, ...]

    def __call__(self, node: object) -> str:
        """Give the word."""
        value = text(node)
        if value in self.known:
            return value
        says = f"must be {listing(self.known, 'or')}, not {quoted(value)}"
        hint = instead_of(value, self.known, otherwise=f"write {listing(self.known, 'or')}")
        raise RefusalError("wrong-value", says, hint)


def choice(*known: str) -> Choice:
    """Give a reader of one word of a closed set."""
    return Choice(known)


def name(node: object) -> str:
    """Give a document's name: fit for a file name and for `SCOPE:SERVER/VOLUME`."""
    value = text(node)
    if len(value) > NAME_CHARACTERS:
        says = f"has {len(value)} characters, {NAME_CHARACTERS} are allowed"
        raise RefusalError("invalid-name", says, "shorten it")
    if not _NAME.fullmatch(value):
        says = f"is not a name: {quoted(value)}"
        hint = "use letters, digits, `-`, `_` and `.`, and begin with a letter or digit"
        raise RefusalError("invalid-name", says, hint)
    return value


def region(node: object) -> str:
    """Give a region's name, fit for a part of a host name."""
    return _shaped(node, _REGION, "letters, digits and `-`", "a region such as `ap-southeast-3`")


def domain(node: object) -> str:
    """Give a domain in lower case, without scheme, port or path."""
    return _shaped(node, _DOMAIN, "a domain", "a domain such as `myhuaweicloud.eu`")


def day(node: object) -> date:
    """Give a calendar day written as `2026-12-01`."""
    value = _shaped(node, _DAY, "a day", "a day such as `2026-12-01`")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        says = f"is no day of the calendar: {quoted(value)}"
        raise RefusalError("wrong-value", says, "write a day such as `2026-12-01`") from error


def cron(node: object) -> str:
    """Give a cron expression of five fields that comes at least once."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - few manifests have windows

    value = text(node)
    try:
        next(CronSim(value, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        says = f"must be a cron expression that comes to pass, not {quoted(value)}"
        raise RefusalError("wrong-value", says, "write one such as `0 22 * * 1-5`") from error
    return value


def zone(node: object) -> str:
    """Give a time zone by its name in the tz database."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few manifests have windows

    value = text(node)
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError) as error:
        says = f"must be the name of a time zone, not {quoted(value)}"
        raise RefusalError("wrong-value", says, "write a name such as `Asia/Seoul`") from error
    return value


def _shaped(node: object, shape: re.Pattern[str], wanted: str, example: str) -> str:
    value = text(node)
    if shape.fullmatch(value):
        return value
    says = f"must be {wanted}, not {quoted(value)}"
    raise RefusalError("wrong-value", says, f"write {example}")


def device(node: object) -> str:
    """Give a device's path in the guest."""
    value = text(node)
    if value.startswith("/dev/") and len(value) > len("/dev/"):
        return value
    says = f"must begin with `/dev/`, not {quoted(value)}"
    raise RefusalError("wrong-value", says, "write a device such as `/dev/vdb`")


def variable(node: object) -> str:
    """Give a credential's variable by name; a refusal never repeats it."""
    value = text_unshown(node)
    if _VARIABLE.fullmatch(value) and value.startswith(CREDENTIAL_PREFIXES):
        return value
    says = f"must name a variable that begins with {listing(CREDENTIAL_PREFIXES, 'or')}"
    hint = "rename the variable, for example to `RECONCILER_CRED_` and what it holds"
    raise RefusalError("credential-variable", says, hint)


def text_unshown(node: object) -> str:
    """One line of text that no message repeats."""
    try:
        return text(node)
    except RefusalError as error:
        if error.code != "wrong-value":
            raise
        says = "must be one line of text without blanks around it"
        raise RefusalError(error.code, says, "correct it") from None


def address(node: object) -> str:
    """Give an absolute https address, or http on loopback; a refusal never repeats it."""
    value = text_unshown(node)
    wrong = _wrong_with(value)
    if wrong is None:
        return value
    hint = "write an address such as `https://ecs.example.com`, or `simulator` for the embedded one"
    raise RefusalError("endpoint-address", wrong, hint)


def _wrong_with(value: str) -> str | None:
    if not value.isascii() or " " in value or "\\" in value:
        return "holds a character that no address has"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    absolute = parts.scheme in {"http", "https"} and host and port != 0
    plain = parts.scheme == "http"
    rules = (
        (absolute, "must be an absolute `https` address"),
        ("@" not in parts.netloc, "must not hold a user or a password"),
        (not {"?", "#"} & set(value), "must not hold a query or a fragment"),
        (not plain or _LOOPBACK.fullmatch(host or ""), "must be `https`, or on loopback"),
    )
    return next((says for held, says in rules if not held), None)
