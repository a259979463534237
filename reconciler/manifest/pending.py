"""What is wrong in a document being parsed; places are made once it is known what to hide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifest.notes import MAX_FINDINGS

if TYPE_CHECKING:
    from typing import TypeAlias

    import yaml
    from yaml._yaml import Mark as FastMark

    from reconciler.manifest.notes import Notes
    from reconciler.manifest.source import Source

    Mark: TypeAlias = yaml.error.Mark | FastMark
    At: TypeAlias = tuple[int, int]

SYNTAX_HINTS = (
    ("cannot start any token", "indent with spaces, and put quotes around a special character"),
    ("mapping values are not allowed", "put quotes around a value that holds `: `, or indent it"),
    ("expected ':'", "write `:` and a space after the key"),
    ("block mapping", "give all keys of one mapping the same indentation"),
    ("block collection", "give all lines of one list the same indentation, each with its `- `"),
    ("flow node", "write the value that is missing here, and close what is open"),
    ("flow sequence", "close the list with `]`, with a comma between two values"),
    ("flow mapping", "close the mapping with `}`, with a comma between two keys"),
    ("quoted scalar", "close the quotes"),
)

CONFLICT_HINT = "keep what is right, and take out the lines `<<<<<<<`, `=======` and `>>>>>>>`"


class EnoughError(Exception):
    """Ends the reading of a file: it nests too deep, or too much is wrong in it."""


def known(mark: Mark | None) -> Mark:
    """Give the mark: the parsers set one on every event, only the stubs leave it open."""
    assert mark is not None
    return mark


def at(mark: Mark) -> At:
    """Give the mark's line and column, counted from 1."""
    return mark.line + 1, mark.column + 1


@dataclass(frozen=True, slots=True)
class _Wrong:
    code: str
    words: tuple[str, ...]
    at: At
    also: At | None


class Pending:
    """The findings of one document until it ends; `flush` hands them on with their places."""

    def __init__(self, source: Source, notes: Notes) -> None:
        self._source = source
        self._notes = notes
        self._found: list[_Wrong] = []

    def add(
        self,
        code: str,
        words: tuple[str, ...],
        place: At,
        also: At | None = None,
    ) -> None:
        """Keep a finding; `words` are its summary and hint. Raises EnoughError when full."""
        self._found.append(_Wrong(code, words, place, also))
        if len(self._found) > MAX_FINDINGS:
            raise EnoughError

    def add_syntax(self, error: yaml.YAMLError, first_line: int) -> None:
        """Keep what the parser said, with a next step."""
        problem = getattr(error, "problem", None) or "it can't be read"
        context = getattr(error, "context", None) or ""
        said = f"{context} {problem}"
        hint = next((hint for sign, hint in SYNTAX_HINTS if sign in said), None)
        noticed: Mark | None = getattr(error, "problem_mark", None)
        began: Mark | None = getattr(error, "context_mark", None)
        place = at(noticed) if noticed else (first_line, 1)
        also = at(began) if began else None
        if also and self._source.blank(place[0]):
            # The end of the file is where it was noticed; where it began is what helps.
            place, also = also, None
        conflict = self._source.conflict(first_line, place[0])
        if conflict is not None:
            line, mark = conflict
            words = (f"a merge isn't finished: `{mark}` is here", CONFLICT_HINT)
            self._found.append(_Wrong("yaml-syntax", words, (line, 1), None))
            return
        place = self._source.written_before(place)
        also = None if also == place else also
        summary = f"this is not YAML: {', '.join(filter(None, (context, problem)))}"
        words = (summary, hint or "correct this line, or the one right before it")
        self._found.append(_Wrong("yaml-syntax", words, place, also))

    def flush(self) -> None:
        """Hand on all that was kept."""
        for wrong in self._found:
            also = () if wrong.also is None else (self._source.place(*wrong.also),)
            summary, hint = wrong.words
            self._notes.error(wrong.code, summary, hint, self._source.place(*wrong.at), also)
        self._found = []
