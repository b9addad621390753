"""What every source gives: rows, and in place of a row that cannot be read its place and the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.redact import hide_phones

_COLUMNS_SHOWN = 20
_LONGEST_COLUMN_SHOWN = 60


class SourceError(InforuInputError):
    """A source cannot be read, as a whole or from some place on. It says where, and shows no row."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """Stands in place of a row that cannot be read.

    :ivar source: Which file it is of, such as ``people.csv``.
    :ivar line: Where the row begins, from 1.
    :ivar reason: Why it cannot be read, without what is in it.
    :ivar unit: What `line` counts; ``row`` where a file has no lines.
    """

    source: str
    line: int
    reason: str
    unit: str = "line"

    @property
    def name(self) -> str:
        """The row's place, such as ``people.csv line 17``."""
        return f"{self.source} {self.unit} {self.line}"


Row: TypeAlias = Mapping[str, Any] | BadRow


class StreamedRows(Iterable[Any]):
    """Rows that are read as they are asked for, once.

    It tells the rows of our sources from a generator of anything else.

    :param name: What they are read from. It is all that the repr shows.
    :param rows: The rows. What they are read from is opened with the first one, and closed after the last.
    """

    def __init__(self, name: str, rows: Generator[Any, None, None]) -> None:
        self.name = name
        self._rows = rows
        self._is_begun = False

    def __iter__(self) -> Iterator[Any]:
        """Read the rows.

        :raises SourceError: They were read before. Or what they are read from cannot be read, or not any
            further.
        """
        if self._is_begun:
            raise SourceError(
                f"the rows of {self.name} were read before, and can be read once: nothing was sent. Open "
                "the source anew, or make a list of its rows"
            )
        self._is_begun = True
        return self._rows

    def close(self) -> None:
        """Close what they are read from, wherever the reading has come to."""
        self._rows.close()

    def __repr__(self) -> str:
        """Return where the rows are from."""
        return f"<rows of {self.name}>"


class AnyOf(tuple[str, ...]):
    """Names of columns of which one is enough."""

    __slots__ = ()


def check_header(source: str, header: Sequence[str]) -> None:
    """Check that every column has a name of its own.

    :param source: What the columns are of, for the error.
    :param header: Their names.
    :raises SourceError: There are none; one has no name; two have the same.
    """
    if not header:
        raise SourceError(f"{source} has no columns: nothing was sent")
    for place, column in enumerate(header, start=1):
        if not column.strip():
            raise SourceError(
                f"{source}: column {place} has no name. Name it, or leave it out. Nothing was sent"
            )
    twice = [column for column, count in Counter(header).items() if count > 1]
    if twice:
        raise SourceError(
            f"{source}: there is more than one column {_shown(twice)}. Give each a name of its own. "
            "Nothing was sent"
        )


def check_columns(source: str, header: Sequence[str], wanted: Iterable[str], hint: str = "") -> None:
    """Check that the columns which a send needs are there: one error, not one for each row.

    :param source: What the columns are of, for the error.
    :param header: Their names.
    :param wanted: The names that must be among them; of `AnyOf` one.
    :param hint: What else may be wrong, as a sentence.
    :raises SourceError: One is not there. It names the columns that are, unless they look like a person.
    """
    missing = [column for column in dict.fromkeys(wanted) if column not in header]
    if not missing or (isinstance(wanted, AnyOf) and len(missing) < len(set(wanted))):
        return
    if any(hide_phones(column) != column for column in header):
        there = "The first row holds a number such as a phone, where the names of the columns belong"
    else:
        there = f"The columns are {_shown(header)}"
    lacking = _shown(missing, " or " if isinstance(wanted, AnyOf) else ", ")
    raise SourceError(
        f"{source} has no column {lacking}. {there}. {hint + ' ' if hint else ''}Nothing was sent"
    )


def _shown(columns: Sequence[str], separator: str = ", ") -> str:
    names = separator.join(
        repr(hide_phones(column[:_LONGEST_COLUMN_SHOWN])) for column in columns[:_COLUMNS_SHOWN]
    )
    more = len(columns) - _COLUMNS_SHOWN
    return f"{names} and {more} more" if more > 0 else names
